from __future__ import annotations

import pandas as pd

from seizures.evaluation.predictions import predictions_for
from seizures.evaluation.subgroups import scores_by_subgroup
from seizures.manifest.identity import SeizureId
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=100)


def scores() -> pd.DataFrame:
    """Three patients with 3, 1 and 1 seizures; each in two views, but B+1 in one; the small view is wrong on A+1."""
    patients, seizures = list("AAAAAABCC"), list("112233111")
    views = ["large", "small"] * 3 + ["large"] + ["large", "small"]
    labels = [0, 0, 1, 1, 0, 0, 1, 0, 0]
    probabilities = [0.1, 0.6, 0.9, 0.9, 0.1, 0.1, 0.2, 0.1, 0.1]
    table = predictions_for(patients, seizures, views, labels, probabilities, 0, 0)
    durations = {("A", "1"): 20.0, ("A", "2"): 30.0, ("A", "3"): 300.0, ("C", "1"): 29.9}
    return scores_by_subgroup(table, durations, SETTINGS).set_index(["split", "group"])


def test_each_part_has_its_own_counts_and_scores() -> None:
    found = scores()
    assert found.loc[("all", "all"), "accuracy"] == 4 / 5
    large, small = found.loc[("view", "large")], found.loc[("view", "small")]
    assert (large["num_seizures"], large["accuracy"], large["FN"]) == (5, 4 / 5, 1)
    assert (small["num_seizures"], small["accuracy"], small["FP"]) == (4, 3 / 4, 1)
    durations = found.loc["duration", "num_seizures"].to_dict()
    assert durations == {"under 30 s": 2, "30 to 60 s": 1, "120 s or more": 1, "unknown": 1}
    numbers = found.loc["seizures per patient", "num_seizures"].to_dict()
    assert numbers == {"1": 2, "3 to 4": 3}


def test_what_a_part_cannot_carry_is_empty() -> None:
    found = scores()
    assert pd.isna(found.loc[("duration", "under 30 s"), "recall"])  # there is no TCS
    assert pd.isna(found.loc[("duration", "unknown"), "accuracy_low"])  # there is one patient
    assert found.loc[("seizures per patient", "1"), "recall"] == 0


def columns_scored(texts: dict[str, str]) -> pd.DataFrame:
    """Score patients A to P, each with one FOS that is called right, by a column with a text for some of them."""
    patients = list("ABCDEFGHIJKLMNOP")
    count = len(patients)
    table = predictions_for(patients, ["1"] * count, ["large"] * count, [0] * count, [0.1] * count, 0, 0)
    values = {SeizureId(patient, "1"): text for patient, text in texts.items()}
    found = scores_by_subgroup(table, {}, SETTINGS, columns={"site": values})
    return found[found["split"] == "site"].set_index("group")


def test_a_column_has_a_row_for_each_value_and_one_for_those_that_state_none() -> None:
    found = columns_scored({"A": "south", "B": "north", "C": "south", "D": ""})
    assert found["num_patients"].to_dict() == {"north": 1, "south": 2, "not stated": 13}
    assert list(found["num_seizures"]) == [1, 2, 13]
    assert found.loc["north", "no_interval"] == "no TCS; one patient, so no interval"
    assert found.loc["not stated", "no_interval"] == "no TCS"
    assert pd.isna(found.loc["north", "accuracy_low"])


def test_a_column_of_more_than_twelve_values_is_told_and_not_scored() -> None:
    twelve = columns_scored({patient: f"site {patient}" for patient in "ABCDEFGHIJKL"})
    assert len(twelve) == 13  # and those that state none
    assert twelve["accuracy"].notna().all()
    found = columns_scored({patient: f"site {patient}" for patient in "ABCDEFGHIJKLM"})
    assert list(found.index) == ["too many values"]
    row = found.iloc[0]
    assert (row["num_patients"], row["num_seizures"]) == (16, 16)
    assert pd.isna(row["accuracy"])
    assert row["no_interval"] == "more than 12 values: not scored"


def test_a_column_named_as_a_split_that_is_always_there_is_kept_apart() -> None:
    table = predictions_for(["A", "B"], ["1", "1"], ["large"] * 2, [0, 1], [0.1, 0.9], 0, 0)
    found = scores_by_subgroup(table, {}, SETTINGS, columns={"duration": {SeizureId("A", "1"): "long"}})
    assert list(found.loc[found["split"] == "column duration", "group"]) == ["long", "not stated"]
