from __future__ import annotations

import pandas as pd

from seizures.evaluation.predictions import predictions_for
from seizures.evaluation.subgroups import scores_by_subgroup
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
