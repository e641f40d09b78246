from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from prediction_examples import prediction_cohort, prediction_table

import seizures
from seizures.errors import SeizuresError, SettingsError, TooFewSeizuresError
from seizures.evaluation.summary import read_summary, summarise, write_summary
from seizures.evaluation.wording import verdict
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=300, seed=5)


def test_ids_decide_no_bit_of_the_metrics():
    patients, labels, probabilities = prediction_cohort(num_patients=12)
    probabilities[:, 4:8] = probabilities[:, 8:12]  # two patients are alike in everything
    labels[4:8] = labels[8:12]
    wanted = summarise(prediction_table(patients, labels, probabilities), SETTINGS)
    shuffled = np.random.default_rng(1).permutation(len(labels))
    names = {f"P{place}": f"X{(place * 7 + 3) % 12:02d}" for place in range(12)}
    renamed = prediction_table(
        [names[patients[place]] for place in shuffled], labels[shuffled], probabilities[:, shuffled]
    )
    assert json.dumps(summarise(renamed, SETTINGS)) == json.dumps(wanted)


def test_patients_whose_seizures_agree_make_a_wider_interval():
    # 8 patients with 8 seizures each: all right for six of them, all wrong for two.
    patients = np.repeat([f"P{place}" for place in range(8)], 8)
    labels = np.tile([0, 1], 32)
    right = np.repeat([1, 1, 1, 1, 1, 1, 0, 0], 8)
    probabilities = np.where(right == labels, 0.9, 0.1)[None]
    clustered = summarise(prediction_table(list(patients), labels, probabilities), SETTINGS)["metrics"]["accuracy"]
    alone = [f"Q{place:02d}" for place in range(64)]
    single = summarise(prediction_table(alone, labels, probabilities), SETTINGS)["metrics"]["accuracy"]
    assert clustered["mean"] == single["mean"] == 0.75
    assert clustered["high"] - clustered["low"] > 2 * (single["high"] - single["low"])


def test_summary_does_not_depend_on_the_order_of_the_rows():
    table = prediction_table(*prediction_cohort())
    shuffled = table.sample(frac=1, random_state=1)
    assert summarise(shuffled, SETTINGS) == summarise(table, SETTINGS)


def test_mean_over_seeds_and_counts():
    patients, labels = ["A", "A", "B", "B"], [0, 1, 0, 1]
    summary = summarise(prediction_table(patients, labels, [[0.1, 0.9, 0.2, 0.8], [0.6, 0.9, 0.2, 0.3]]), SETTINGS)
    assert summary["metrics"]["accuracy"]["per_seed"] == [1.0, 0.5]
    assert summary["metrics"]["accuracy"]["mean"] == 0.75
    assert summary["counts"]["mean"] == {"TP": 1.5, "TN": 1.5, "FP": 0.5, "FN": 0.5}
    assert summary["counts"]["per_seed"][1] == {"seed": 1, "repeat": 0, "TP": 1, "TN": 1, "FP": 1, "FN": 1}
    assert (summary["num_patients"], summary["num_seizures"], summary["seeds"]) == (2, 4, [0, 1])
    assert summary["num_seizures_right_in_every_seed"] == 2
    assert "patient" in summary["protocol"].lower()


def test_metrics_json_is_json_with_null_for_what_is_undefined(tmp_path):
    summary = summarise(prediction_table(["A", "B"], [0, 0], [[0.1, 0.2]]), SETTINGS)
    path = tmp_path / "metrics.json"
    write_summary(path, summary)

    def refuse(constant):
        raise AssertionError(constant)

    parsed = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert parsed["metrics"]["recall"]["mean"] is None
    assert parsed["metrics"]["recall"]["low"] is None
    assert read_summary(path) == summary


def test_a_class_of_one_patient_carries_no_interval_and_why_is_said():
    table = prediction_table(["A", "B", "C"], [1, 0, 0], [[0.9, 0.1, 0.6]])
    summary = summarise(table, SETTINGS)
    area = summary["metrics"]["roc_auc"]
    assert (area["mean"], area["low"], area["high"]) == (1.0, None, None)
    assert area["why_no_interval"] == "one class rests on one patient"
    assert (
        "No interval for Balanced accuracy, MCC, ROC AUC, Average precision: one class rests on one patient."
        in summary["notes"]
    )
    assert (summary["metrics"]["recall"]["num_patients"], summary["metrics"]["recall"]["num_seizures"]) == (1, 1)
    assert (summary["metrics"]["specificity"]["num_patients"], summary["metrics"]["accuracy"]["num_seizures"]) == (2, 3)


def test_one_patient_has_no_interval():
    summary = summarise(prediction_table(["A", "A"], [0, 1], [[0.1, 0.9]]), SETTINGS)
    assert summary["metrics"]["accuracy"]["mean"] == 1
    assert summary["metrics"]["accuracy"]["low"] is None
    assert summary["chance"]["accuracy_interval_excludes_chance"] is None
    assert any("one patient" in note for note in summary["notes"])
    assert "cannot be told from chance" in verdict(summary)


def test_chance_is_the_majority_label_and_the_interval_must_lie_above_it():
    patients, labels, _ = prediction_cohort(num_patients=12)
    good = summarise(prediction_table(patients, labels, [np.where(labels, 0.9, 0.1)]), SETTINGS)
    assert good["chance"]["level"] == pytest.approx(max(labels.mean(), 1 - labels.mean()))
    assert good["chance"]["accuracy_interval_excludes_chance"] is True
    assert "does better" in verdict(good)
    bad = summarise(prediction_table(patients, labels, [np.where(labels, 0.1, 0.9)]), SETTINGS)
    assert bad["chance"]["accuracy_interval_excludes_chance"] is False
    assert "does worse" in verdict(bad)
    guess = summarise(prediction_table(patients, labels, [np.random.default_rng(0).random(len(labels))]), SETTINGS)
    assert guess["chance"]["accuracy_interval_excludes_chance"] is False
    assert "not shown to do better" in verdict(guess)


def test_tables_that_cannot_be_pooled_are_refused():
    table = prediction_table(["A", "B"], [0, 1], [[0.1, 0.9], [0.2, 0.8]])
    with pytest.raises(SeizuresError, match=r"not every seed predicted B\+01"):
        summarise(table.iloc[:-1], SETTINGS)
    with pytest.raises(SeizuresError, match="twice"):
        summarise(pd.concat([table, table.iloc[:1]]), SETTINGS)
    with pytest.raises(TooFewSeizuresError, match="no seizure"):
        summarise(table.iloc[:0], SETTINGS)
    with pytest.raises(SeizuresError, match="found other"):
        summarise(table.assign(label="other"), SETTINGS)


# --- the door


def test_the_door_scores_what_the_pipeline_scores_whatever_else_is_in_the_table() -> None:
    patients, labels, probabilities = prediction_cohort()
    folds = [int(patient[1:]) % 3 for patient in patients]
    table = prediction_table(patients, labels, probabilities, folds)
    scores = seizures.score_predictions(table, num_bootstraps=300, seed=5)
    assert scores == summarise(table, SETTINGS)
    assert scores["metrics"]["accuracy"]["low"] < scores["metrics"]["accuracy"]["mean"]
    plain = table[["patient_id", "seizure_id", "label", "fold", "seed", "probability"]]
    plain = plain.rename(columns={"probability": "probability_tcs"})
    plain = plain.assign(patient_id=[int(name[1:]) for name in plain["patient_id"]])  # as pandas reads such ids
    assert seizures.score_predictions(plain, num_bootstraps=300, seed=5) == scores


def test_the_door_says_that_patients_are_shared() -> None:
    table = prediction_table(["A", "A", "B", "B"], [0, 1, 0, 1], [[0.1, 0.9, 0.2, 0.8]], folds=[0, 1, 0, 1])
    scores = seizures.score_predictions(table)
    assert scores["protocol_name"] == "shared"
    assert scores["protocol"].startswith("NOT an estimate for new patients")


def test_the_door_takes_other_labels_and_the_column_named_after_them() -> None:
    table = prediction_table(["A", "A", "B", "B"], [0, 1, 0, 1], [[0.1, 0.9, 0.2, 0.8]])
    scores = seizures.score_predictions(table)
    other = table.assign(label=table["label"].map({"FOS": "ADL", "TCS": "FALL"}))
    named = {"positive_label": "FALL", "negative_label": "ADL"}
    for column in ("probability_fall", "probability_tcs", "probability"):
        found = seizures.score_predictions(other.rename(columns={"probability": column}), **named)
        assert found["metrics"] == scores["metrics"]
        assert found["num_seizures_by_label"] == {"ADL": 2, "FALL": 2}
    with pytest.raises(SeizuresError, match="expected a column probability_fall with the probability of FALL"):
        seizures.score_predictions(other.drop(columns="probability"), **named)


def test_the_door_refuses_other_tables_and_settings() -> None:
    table = prediction_table(["A", "B"], [0, 1], [[0.1, 0.9]])
    with pytest.raises(SeizuresError, match="missing columns label, seed; expected patient_id"):
        seizures.score_predictions(table.drop(columns=["label", "seed"]))
    for value in (1.5, float("nan")):
        with pytest.raises(SeizuresError, match=r"probability_tcs is not a number from 0 to 1 for A\+00"):
            seizures.score_predictions(table.assign(probability_tcs=[value, 0.5]))
    with pytest.raises(SettingsError, match="num_bootstraps = 3"):
        seizures.score_predictions(table, num_bootstraps=3)
    with pytest.raises(TypeError, match="resamples"):
        seizures.score_predictions(table, resamples=300)
