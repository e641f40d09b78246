"""What is said beside the scores: too few patients, too few resamples, no better than the more frequent label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seizures.evaluation.metrics import percentile_interval
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.evaluation.summary import summarise
from seizures.evaluation.wording import verdict
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=200)
FEW = "The intervals rest on {} patients; they are wide because these are so few."


def scored(num_patients: int, labels: str, called: str) -> dict[str, Any]:
    """Score patients who all have the same seizures, called the same."""
    patients = [f"P{patient:02d}" for patient in range(num_patients) for _ in labels]
    truth = [int(label) for label in labels] * num_patients
    probabilities = [0.2 + 0.6 * int(call) for call in called] * num_patients
    ids = [f"{number:03d}" for number in range(len(truth))]
    table = predictions_for(patients, ids, ["large"] * len(ids), truth, probabilities, 0, 0)
    return summarise(pool_predictions([table]), SETTINGS)


@pytest.mark.parametrize(("num_patients", "is_said"), [(2, True), (7, True), (19, True), (20, False), (21, False)])
def test_fewer_than_20_patients_are_said_to_be_few(num_patients: int, is_said: bool) -> None:
    notes = scored(num_patients, "001", "000")["notes"]
    assert [note for note in notes if "so few" in note] == ([FEW.format(num_patients)] if is_said else [])


def test_who_answers_as_chance_does_is_not_better_than_chance() -> None:
    summary = scored(8, "001", "000")  # every patient is 2/3 right: as the more frequent label is
    accuracy = summary["metrics"]["accuracy"]
    assert accuracy["low"] < summary["chance"]["level"] == 2 / 3 < accuracy["high"]
    assert summary["chance"]["accuracy_interval_excludes_chance"] is False
    assert summary["chance"]["accuracy_is_below_chance"] is False
    assert "is not shown to do better" in verdict(summary)
    assert scored(30, "001", "001")["chance"]["accuracy_interval_excludes_chance"] is True
    assert scored(30, "001", "100")["chance"]["accuracy_is_below_chance"] is True


@pytest.mark.parametrize(("num_defined", "has_interval"), [(0, False), (1, False), (49, False), (50, True), (51, True)])
def test_an_interval_needs_half_of_the_resamples(num_defined: int, has_interval: bool) -> None:
    resampled = np.full(100, np.nan)
    resampled[:num_defined] = np.arange(num_defined)
    found = percentile_interval(resampled, 0.9)
    assert found.num_undefined == 100 - num_defined
    assert (found.low is not None, found.high is not None) == (has_interval, has_interval)
    if has_interval:
        assert (found.low, found.high) == pytest.approx((0.05 * (num_defined - 1), 0.95 * (num_defined - 1)))
        assert type(found.low) is type(found.high) is float
