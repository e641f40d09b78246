"""The folded scores as a person reads them, from a summary of known counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prediction_examples import prediction_cohort, prediction_table

from seizures.evaluation.summary import summarise
from seizures.report.further_scores import ensemble_rows, ensemble_words, further_rows, spread_rows
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=100, prevalences=(0.1,))


def test_every_score_is_told_with_its_interval_and_meaning() -> None:
    patients, labels, probabilities = prediction_cohort(num_patients=12)
    folds = [int(patient[1:]) % 3 for patient in patients]
    summary = summarise(prediction_table(patients, labels, probabilities, folds), SETTINGS)
    rows = {(row["title"], row["meaning"]): row for row in further_rows(summary)}
    titles = [title for title, _ in rows]
    assert titles == [
        "Positive predictive value", "Negative predictive value", "Positive predictive value",
        "Negative predictive value", "Positive likelihood ratio", "Negative likelihood ratio",
        "ROC AUC within folds", "Accuracy per patient",
    ]  # fmt: skip
    assert all(" to " in row["interval"] for row in rows.values())
    assert any("where 10 % are TCS" in meaning for _, meaning in rows)
    assert any(meaning.endswith("are TCS, as here") for _, meaning in rows)


def test_the_ensemble_has_whole_numbers() -> None:
    patients, labels = list("ABCD"), np.array([1, 0, 1, 0])
    chances = [[0.9, 0.2, 0.4, 0.3], [0.8, 0.1, 0.7, 0.6]]  # means .85 .15 .55 .45: all right
    summary = summarise(prediction_table(patients, labels, chances), SETTINGS)
    assert summary["metrics"]["accuracy"]["mean"] == pytest.approx(0.75)
    assert summary["ensemble"]["counts"] == {"TP": 2, "TN": 2, "FP": 0, "FN": 0}
    assert summary["ensemble"]["metrics"]["accuracy"]["mean"] == 1
    assert "over 2 seeds, as one classifier: 4 of 4 seizures correct" in ensemble_words(summary)
    assert [row["value"] for row in ensemble_rows(summary)] == ["100 %", "100 %", "100 %", "1.00"]


def test_the_spread_is_that_of_the_seeds_within_a_dealing_and_of_the_dealings() -> None:
    patients, labels = list("ABCD"), np.array([1, 0, 1, 0])
    right, wrong = [0.9, 0.1, 0.9, 0.1], [0.9, 0.1, 0.9, 0.9]  # accuracies 1 and 3/4
    first = prediction_table(patients, labels, [right, wrong])
    second = prediction_table(patients, labels, [wrong, wrong]).assign(repeat=1)
    summary = summarise(pd.concat([first, second], ignore_index=True), SETTINGS)
    accuracy = summary["metrics"]["accuracy"]
    assert accuracy["per_repeat"] == pytest.approx([7 / 8, 3 / 4])
    assert accuracy["seeds_standard_deviation"] == pytest.approx(np.sqrt((np.var([1, 0.75], ddof=1) + 0) / 2))
    assert accuracy["repeats_standard_deviation"] == pytest.approx(np.std([7 / 8, 3 / 4], ddof=1))
    row = next(row for row in spread_rows(summary) if row["title"] == "Accuracy")
    assert (row["seeds"], row["repeats"], row["range"]) == ("12.5 points", "8.8 points", "75 % to 88 %")
    once = summarise(first[first["seed"] == 0], SETTINGS)["metrics"]["accuracy"]
    assert (once["seeds_standard_deviation"], once["repeats_standard_deviation"]) == (None, None)


def test_where_there_is_nothing_it_is_said() -> None:
    summary = summarise(prediction_table(["A", "A"], [1, 0], [[0.9, 0.1]]), SETTINGS)
    rows = {row["title"]: row for row in further_rows(summary)}
    assert rows["ROC AUC within folds"]["interval"] == "none: all seizures are of one patient"
    assert rows["Positive likelihood ratio"] == {
        **rows["Positive likelihood ratio"], "value": "no limit", "interval": "none",
    }  # fmt: skip
    one_label = summarise(prediction_table(["A", "B"], [1, 1], [[0.9, 0.1]]), SETTINGS)
    assert [row["title"] for row in further_rows(one_label)] == ["ROC AUC within folds", "Accuracy per patient"]
