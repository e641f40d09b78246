"""Net benefit against its definition, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seizures.evaluation.decision_curve import THRESHOLDS, decision_curve, net_benefit
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=200)
LABELS = np.array([1, 1, 0, 0, 0])
CHANCES = np.array([0.9, 0.4, 0.6, 0.2, 0.1])


def test_net_benefit_by_hand() -> None:
    found = net_benefit(LABELS, CHANCES, np.ones((1, 5)), np.array([0.5, 0.2, 0.95]))
    assert found[0] == pytest.approx([1 / 5 - 1 / 5 * 1, 2 / 5 - 2 / 5 * 0.25, 0])
    twice_the_first = net_benefit(LABELS, CHANCES, np.array([[2.0, 1, 1, 1, 1]]), np.array([0.5]))
    assert twice_the_first[0] == pytest.approx([2 / 6 - 1 / 6])


def test_the_curve_lies_with_calling_all_where_the_threshold_is_below_every_probability() -> None:
    curve = decision_curve(list("ABCDE"), LABELS, CHANCES, SETTINGS)
    assert curve["threshold"].tolist() == THRESHOLDS.tolist()
    assert curve["net_benefit"][0] == pytest.approx(curve["call_all"][0])
    assert curve["call_all"].tolist() == pytest.approx([2 / 5 - 3 / 5 * t / (1 - t) for t in THRESHOLDS])
    assert (curve["low"] <= curve["net_benefit"]).all()
    assert (curve["net_benefit"] <= curve["high"]).all()
    again = decision_curve(list("ABCDE"), LABELS, CHANCES, SETTINGS)
    assert curve.equals(again)


def test_a_perfect_classifier_has_the_share_of_the_positives_at_every_threshold() -> None:
    curve = decision_curve(list("ABCDE"), LABELS, LABELS.astype(np.float64), SETTINGS)
    assert curve["net_benefit"].tolist() == pytest.approx([0.4] * len(THRESHOLDS))


def test_one_patient_has_no_band() -> None:
    assert decision_curve(["A"] * 5, LABELS, CHANCES, SETTINGS)["low"].isna().all()
