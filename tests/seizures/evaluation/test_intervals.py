"""Intervals that hold the truth in small cohorts and near perfect scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bench_coverage import (
    SCORES,
    cover,
    intervals_of,
    large_population,
    scores_of,
    simulate,
    truth_within_folds,
)
from seizures.evaluation import intervals
from seizures.evaluation.intervals import Cohort, Interval, two_class_freedom, wilson
from seizures.evaluation.metrics import METRIC_NAMES, compute_metrics


def test_77_of_77_in_66_patients() -> None:
    """The sensitivity of the paper's matrix: 100 %, and what 66 patients leave open."""
    patients = [f"P{number % 66:02d}" for number in range(77)]
    cohort = Cohort(patients, np.ones(77, np.int64), np.full((1, 77), 0.9), 0.95)
    found = cohort.interval("recall")
    assert (found.low, found.high) == pytest.approx((0.943, 1.0), abs=5e-4)


def test_104_of_106_in_36_patients() -> None:
    patients = [f"P{number % 36:02d}" for number in range(106)]
    probabilities = np.full((1, 106), 0.1)
    probabilities[0, [0, 1]] = 0.9
    found = Cohort(patients, np.zeros(106, np.int64), probabilities, 0.95).interval("specificity")
    assert found.low == pytest.approx(0.897, abs=1e-3)  # as if there were no error: one is never better than none
    assert found.high == pytest.approx(0.996, abs=2e-3)


def test_one_error_gives_no_better_interval_than_none() -> None:
    patients = [f"P{number // 3:02d}" for number in range(60)]
    labels = np.ones(60, np.int64)
    lows = []
    for num_wrong in range(6):
        probabilities = np.full((1, 60), 0.9)
        probabilities[0, :num_wrong] = 0.1
        lows.append(Cohort(patients, labels, probabilities, 0.95).interval("recall").low)
    assert max(lows[1:]) <= lows[0]
    assert lows[5] < lows[0]


@pytest.mark.parametrize("num_seeds", [1, 3])
@pytest.mark.parametrize("num_patients", [3, 8, 15])
def test_no_interval_is_without_width_and_each_holds_its_score(num_patients: int, num_seeds: int) -> None:
    rng = np.random.default_rng([num_patients, num_seeds])
    with np.errstate(invalid="ignore"):
        for _ in range(40):
            cohort = simulate(num_patients, 0.99, num_seeds, rng)
            scores = scores_of(cohort)
            for name, found in intervals_of(cohort):
                if found.low is None or found.high is None:
                    assert found.why_none
                    continue
                assert found.low < found.high, name
                score = scores.get(name, np.nan)  # within folds there is none here; and none where labels are separated
                if not np.isnan(score) and np.isfinite(score):
                    assert found.low - 1e-9 <= score <= found.high + 1e-9, name


@given(st.floats(0, 1), st.floats(1, 500), st.floats(1, 20))
def test_wilson_holds_its_share_and_stays_within_0_and_1(share: float, number: float, t: float) -> None:
    low, high = wilson(share, number, t)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    # Its ends solve (share - end)^2 = t^2 end (1 - end) / number.
    for end in (low, high):
        if 1e-6 < end < 1 - 1e-6:
            assert (share - end) ** 2 == pytest.approx(t * t * end * (1 - end) / number, rel=1e-6)


@pytest.mark.parametrize("name", ["accuracy", "recall", "specificity", "precision"])
def test_the_variance_of_a_proportion_is_that_of_its_derivatives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By how much the score changes when a patient weighs a little more, found numerically."""
    rng = np.random.default_rng(4)
    cohort = simulate(12, 0.85, 1, rng)
    told: list[float] = []
    real = intervals.effective_number

    def listen(share: float, variance: float, cap: float, zero: float) -> float:
        told.append(variance)
        return real(share, variance, cap, zero)

    monkeypatch.setattr(intervals, "effective_number", listen)
    made = Cohort([f"{one:02d}" for one in cohort.patients], cohort.labels, cohort.first, 0.95)
    made.interval(name)
    step, slopes = 1e-6, []
    for patient in range(12):
        values = []
        for more in (-step, step):
            weights = np.where(cohort.patients == patient, 1 + more, 1.0)[None]
            values.append(made._scores(name, weights)[0])
        slopes.append((values[1] - values[0]) / (2 * step))
    number = made.carriers(name).num_patients
    assert told[0] == pytest.approx(number / (number - 1) * np.square(slopes).sum(), rel=1e-5)


def test_scores_rest_on_their_own_class() -> None:
    cohort = Cohort(list("AABCC"), np.array([1, 1, 0, 0, 1]), np.array([[0.9, 0.1, 0.2, 0.8, 0.7]]), 0.95)
    assert {
        name: (cohort.carriers(name).num_patients, cohort.carriers(name).num_seizures) for name in METRIC_NAMES
    } == {
        "accuracy": (3, 5),
        "recall": (2, 3),
        "specificity": (2, 2),
        "precision": (2, 3),
        "f1": (2, 4),
        "balanced_accuracy": (3, 5),
        "mcc": (3, 5),
        "roc_auc": (3, 5),
        "average_precision": (3, 5),
    }


def test_what_cannot_be_known_has_no_interval_and_a_reason() -> None:
    labels, probabilities = np.array([1, 0, 0]), np.array([[0.9, 0.1, 0.2]])
    assert Cohort(list("AAA"), labels, probabilities, 0.95).interval("accuracy") == intervals.ONE_PATIENT
    for name in ("balanced_accuracy", "mcc", "roc_auc", "average_precision"):
        assert Cohort(list("ABC"), labels, probabilities, 0.95).interval(name) == intervals.ONE_PATIENT_OF_A_CLASS
    only = Cohort(list("ABC"), np.zeros(3, np.int64), np.array([[0.1, 0.1, 0.2]]), 0.95)
    assert only.interval("recall") == only.interval("precision") == only.interval("roc_auc") == intervals.NO_SCORE
    assert isinstance(only.interval("accuracy"), Interval)


def test_the_degrees_of_freedom_are_those_of_the_rare_class() -> None:
    assert two_class_freedom(27, 3) == pytest.approx(2.5, abs=0.1)
    assert two_class_freedom(20, 20) == pytest.approx(38)
    assert two_class_freedom(20, 1) == 1


def test_the_simulated_scores_are_scikit_learns() -> None:
    cohort = simulate(30, 0.95, 2, np.random.default_rng(1))
    each = [compute_metrics(cohort.labels, row) for row in cohort.first]
    found = scores_of(cohort)
    for name in METRIC_NAMES:
        assert found[name] == pytest.approx(np.mean([one[name] for one in each]), abs=1e-12)


@pytest.mark.parametrize(("num_patients", "accuracy", "num_seeds"), [(8, 0.99, 1), (15, 0.95, 3), (30, 0.85, 1)])
def test_intervals_hold_the_truth(
    num_patients: int, accuracy: float, num_seeds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small and seeded part of `benchmarks/bench_coverage.py`, whose table is in docs/statistics.md."""
    monkeypatch.setattr("benchmarks.bench_coverage.POPULATION", 30_000)
    with np.errstate(invalid="ignore", divide="ignore"):
        truth = large_population(accuracy, num_seeds)
        truth["roc_auc within folds"] = truth_within_folds(num_patients, accuracy, num_seeds)
        cells = cover(num_patients, accuracy, num_cohorts=150, num_seeds=num_seeds, truth=truth)
    for name in SCORES:
        assert cells[name].coverage > 0.9, name
        assert cells[name].num_cohorts > 30, name
