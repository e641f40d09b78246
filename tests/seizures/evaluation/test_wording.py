from __future__ import annotations

import numpy as np
from prediction_examples import prediction_cohort, prediction_table

from seizures.evaluation.summary import summarise
from seizures.evaluation.wording import verdict
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=300, seed=5)


def test_a_perfect_score_is_not_sold_as_certainty():
    patients, labels, _ = prediction_cohort()
    summary = summarise(prediction_table(patients, labels, [np.where(labels, 0.9, 0.1)]), SETTINGS)
    assert any("9 patients without an error" in note and "not certainty" in note for note in summary["notes"])
    assert summary["metrics"]["accuracy"]["low"] < 0.7


def test_verdict_says_the_counts_in_plain_words():
    patients, labels, _ = prediction_cohort()
    probabilities = np.where(labels, 0.9, 0.1)
    probabilities[:3] = 1 - probabilities[:3]
    text = verdict(summarise(prediction_table(patients, labels, [probabilities]), SETTINGS))
    assert text.startswith("33 of 36 seizures in 9 patients were classified correctly: 92 %, 95 % interval ")


def test_a_fold_without_a_label_or_with_one_patient_is_said():
    table = prediction_table(["A", "B", "C", "C"], [0, 0, 0, 1], [[0.1, 0.2, 0.3, 0.9]], folds=[0, 0, 1, 1])
    notes = summarise(table, SETTINGS)["notes"]
    assert any("Fold 0 holds out no TCS" in note for note in notes)
    assert any("Fold 1 holds out one patient only" in note for note in notes)
