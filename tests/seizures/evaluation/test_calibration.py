from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seizures.evaluation.calibration import brier_score, calibrate, pooled_reliability, reliability_curve
from seizures.evaluation.intervals import Cohort
from seizures.evaluation.predictions import pool_predictions, prediction_matrix, predictions_for


def cohort_of(table: pd.DataFrame) -> Cohort:
    found = prediction_matrix(table)
    return Cohort(found.patients, found.labels, found.probabilities, 0.95)


def test_brier_and_reliability_worked_by_hand() -> None:
    labels, probabilities = [0, 0, 1, 1], [0.1, 0.3, 0.3, 0.9]
    assert brier_score(labels, probabilities) == pytest.approx((0.01 + 0.09 + 0.49 + 0.01) / 4)
    curve = reliability_curve(labels, probabilities, num_bins=5)
    expected = pd.DataFrame({
        "low": [0.0, 0.2, 0.8], "high": [0.2, 0.4, 1.0], "mean_probability": [0.1, 0.3, 0.9],
        "share_positive": [0.0, 0.5, 1.0], "num_seizures": [1, 2, 1],
    })  # fmt: skip
    pd.testing.assert_frame_equal(curve, expected, check_exact=False)


@pytest.mark.parametrize("edge", [0.0, 0.2, 0.5, 1.0])
def test_what_falls_on_an_edge_is_counted_where_scikit_learn_puts_it(edge: float) -> None:
    curve = reliability_curve([0, 1, 1], [edge, edge, 0.55], num_bins=10)
    assert curve["num_seizures"].sum() == 3
    assert (curve["low"] - 1e-9 <= curve["mean_probability"]).all()
    assert (curve["mean_probability"] <= curve["high"] + 1e-9).all()


def test_predictions_of_several_seeds() -> None:
    tables = [
        predictions_for(list("AABB"), list("1234"), ["large"] * 4, [0, 1, 0, 1], values, 0, seed)
        for seed, values in enumerate(([0.1, 0.9, 0.2, 0.8], [0.3, 0.7, 0.4, 0.6]))
    ]
    found = calibrate(cohort_of(pool_predictions(tables)))
    assert found["brier"] == pytest.approx(np.mean([(0.01 + 0.01 + 0.04 + 0.04) / 4, (0.09 + 0.09 + 0.16 + 0.16) / 4]))
    assert found["brier_of_base_rate"] == 0.25
    assert 0 < found["low"] < found["brier"] < found["high"] < 1  # two patients tell little
    assert found["line"]["slope"] is None  # the labels are separated
    assert pooled_reliability(pool_predictions(tables))["num_seizures"].sum() == 8


def test_one_patient_carries_no_interval() -> None:
    table = predictions_for(["A", "A"], ["1", "2"], ["large"] * 2, [0, 1], [0.1, 0.8], 0, 0)
    assert calibrate(cohort_of(table))["low"] is None
