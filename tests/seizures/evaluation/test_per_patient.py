"""The mean over patients against values worked out here."""

from __future__ import annotations

import numpy as np
import pytest

from seizures.evaluation.per_patient import accuracy_per_patient


def test_each_patient_weighs_the_same() -> None:
    patients = ["A"] * 4 + ["B", "C", "C"]
    found = accuracy_per_patient(patients, np.array([1, 1, 1, 0, 1, 0, 0], dtype=np.float64), 0.95)
    assert found["mean"] == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert (found["num_patients"], found["num_all_right"], found["num_none_right"]) == (3, 1, 1)
    assert 0 <= found["low"] < found["mean"] < found["high"] <= 1


def test_with_a_seizure_a_patient_it_is_the_usual_interval_of_a_share() -> None:
    """Wilson with the quantile of Student's t, worked out here; the variance between patients is that of a share."""
    right = np.array([1.0] * 16 + [0.0] * 4)
    found = accuracy_per_patient([str(number) for number in range(20)], right, 0.95)
    t, n, p = 2.093024, 20 * 19 / 20, 0.8  # p (1 - p) / V with V = p (1 - p) / 19
    centre = (p + t * t / (2 * n)) / (1 + t * t / n)
    half = t / (1 + t * t / n) * np.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    assert (found["low"], found["high"]) == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_nobody_wrong_is_not_certainty() -> None:
    found = accuracy_per_patient([str(number // 3) for number in range(24)], np.ones(24), 0.95)
    assert (found["mean"], found["high"]) == (1, 1)
    assert found["low"] == pytest.approx(8 / (8 + 2.364624**2), abs=1e-6)
    worse = accuracy_per_patient([str(number // 3) for number in range(24)], np.array([0.0, *[1.0] * 23]), 0.95)
    assert worse["low"] <= found["low"]


def test_one_patient_has_no_interval() -> None:
    found = accuracy_per_patient(["A", "A"], np.array([1.0, 0.5]), 0.95)
    assert (found["mean"], found["low"], found["why_no_interval"]) == (0.75, None, "all seizures are of one patient")
