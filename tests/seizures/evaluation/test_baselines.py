"""A result beside its baselines: scores, paired differences, and one sentence for the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prediction_examples import prediction_table

from seizures.evaluation.baselines import (
    baseline_sentence,
    read_baselines,
    score_baselines,
    write_baselines,
)
from seizures.evaluation.summary import summarise
from seizures.evaluation.wording import verdict
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=200)
PATIENTS = [f"P{number // 2:02d}" for number in range(40)]
LABELS = np.arange(40) % 2


def baselines(**wrong: int) -> pd.DataFrame:
    """Return baselines of which each is wrong about the first seizures."""
    tables = []
    for name, number in wrong.items():
        chances = np.where(LABELS == 1, 0.8, 0.2)
        chances[:number] = 1 - chances[:number]
        table = prediction_table(PATIENTS, LABELS, [chances]).drop(columns=["seed", "predicted", "correct"])
        tables.append(table.drop(columns="probability_by_large").assign(baseline=name))
    return pd.concat(tables)


def network(wrong: int) -> pd.DataFrame:
    chances = np.where(LABELS == 1, 0.9, 0.1)
    chances[:wrong] = 1 - chances[:wrong]
    return prediction_table(PATIENTS, LABELS, [chances])


def beside(wrong: int, remarks: dict[str, str] | None = None, **others: int) -> dict[str, object]:
    return score_baselines(network(wrong), baselines(**others), SETTINGS, positive_label="TCS", remarks=remarks or {})


def test_each_baseline_has_its_scores_and_the_paired_difference() -> None:
    found = beside(2, majority=20, duration=10)
    names = [one["name"] for one in found["baselines"]]
    assert names == ["majority", "duration", "movement", "duration_and_movement"]
    duration = found["baselines"][1]
    assert duration["metrics"]["accuracy"]["mean"] == pytest.approx(30 / 40)
    assert duration["difference"]["accuracy"]["difference"] == pytest.approx(8 / 40)
    assert duration["difference"]["accuracy"]["p_value"] == 2 / 2**4  # four patients differ
    assert duration["difference"]["roc_auc"]["low"] <= duration["difference"]["roc_auc"]["difference"]
    assert (found["best_baseline"], found["adds_to_baselines"]) == (
        "duration",
        False,
    )  # an interval from five patients who differ holds 0
    assert found["baselines"][2]["metrics"] is None
    majority = found["baselines"][0]
    assert majority["metrics"]["accuracy"]["mean"] == pytest.approx(1 / 2)
    assert set(majority["metrics"]["roc_auc"].values()) == {None}  # a number a fold ranks nothing
    assert set(majority["difference"]["roc_auc"].values()) == {None}


def test_the_verdict_says_whether_the_network_adds_to_the_best() -> None:
    summary = summarise(network(2), SETTINGS)
    adds = {**summary, **beside(2, majority=20, duration=18)}
    assert adds["adds_to_baselines"] is True
    assert "Duration alone gets 55 %; the network adds 40 points (" in verdict(adds)
    same = {**summary, **beside(2, majority=20, duration=3)}
    assert verdict(same).endswith("Duration alone gets 92 %; the network is not shown to add to it.")
    worse = {**summary, **beside(12, majority=20, duration=0)}
    assert worse["adds_to_baselines"] is False
    simulated = {**summarise(network(2), SETTINGS, is_simulated=True), **beside(2, majority=20, duration=3)}
    assert verdict(simulated).endswith("it says nothing about seizures or patients.")
    assert verdict(summary) == verdict({**summary, "baselines": [], "best_baseline": None})


def test_a_tie_goes_to_the_simplest_and_what_is_missing_says_why() -> None:
    found = beside(2, {"movement": "Not computed: 40 of 40 seizures lack it"}, majority=10, duration=10)
    assert found["best_baseline"] == "majority"
    assert found["baselines"][2]["remark"].startswith("Not computed")
    one_patient = network(2).assign(patient_id="P")
    one_patient["seizure_id"] = [f"{number:02d}" for number in range(40)]
    others = baselines(majority=20).assign(patient_id="P", seizure_id=[f"{number:02d}" for number in range(40)])
    alone = score_baselines(one_patient, others, SETTINGS, positive_label="TCS", remarks={})
    assert alone["adds_to_baselines"] is None
    assert "without an interval" in baseline_sentence(alone)


def test_several_dealings_are_averaged() -> None:
    twice = pd.concat([baselines(duration=10), baselines(duration=20).assign(repeat=1)])
    found = score_baselines(network(2), twice, SETTINGS, positive_label="TCS", remarks={})
    assert found["baselines"][1]["metrics"]["accuracy"]["mean"] == pytest.approx((30 + 20) / 80)


def test_the_file_names_its_column_after_the_label(tmp_path: Path) -> None:
    table = baselines(majority=20, duration=10)[
        ["baseline", "patient_id", "seizure_id", "label", "fold", "repeat", "probability"]
    ].reset_index(drop=True)
    write_baselines(tmp_path / "baselines.csv", table, "FALL")
    assert (tmp_path / "baselines.csv").read_text().splitlines()[0].endswith("fold,repeat,probability_fall")
    pd.testing.assert_frame_equal(read_baselines(tmp_path / "baselines.csv", "FALL"), table, check_dtype=False)
