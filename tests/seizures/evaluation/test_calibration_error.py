"""The calibration error: unbiased where a plain one is not, and an interval that holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from seizures.evaluation.calibration_error import calibration_error, equal_count_bins
from seizures.prediction.calibrator import logit, sigmoid


def drawn(num_patients, rng, slope=1.0, intercept=0.0, shared=0.0):
    """Return seizures whose probabilities are off by a known correction; `shared`: how alike a patient's outcomes are.

    Outcomes of a patient are alike (a Gaussian copula), and each is still drawn with its own probability.
    """
    sizes = np.clip(rng.geometric(0.35, num_patients), 1, 12)
    patient = np.repeat(np.arange(num_patients), sizes)
    probabilities = sigmoid(rng.normal(0, 1.5, len(patient)))
    true = sigmoid(slope * logit(probabilities) + intercept)
    effect = np.sqrt(shared) * rng.normal(size=num_patients)[patient] + np.sqrt(1 - shared) * rng.normal(size=len(true))
    labels = (norm.cdf(effect) < true).astype(np.int64)
    return [f"{one:04d}" for one in patient], labels, probabilities, true


def true_error(patients, probabilities, true) -> float:
    bins = equal_count_bins(np.array([int(one) for one in patients]), probabilities)
    gaps = np.array([(true - probabilities)[bins == one].mean() for one in range(bins.max() + 1)])
    return float(np.sqrt((np.bincount(bins) / len(bins)) @ gaps**2))


@st.composite
def cohorts(draw):
    number = draw(st.integers(1, 60))
    shares = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
    patients = draw(st.lists(st.integers(0, 9), min_size=number, max_size=number))
    labels = draw(st.lists(st.integers(0, 1), min_size=number, max_size=number))
    return np.array(patients), np.array(labels), np.array(draw(st.lists(shares, min_size=number, max_size=number)))


@given(case=cohorts())
def test_the_interval_holds_the_estimate_and_has_a_width(case) -> None:
    patients, labels, probabilities = case
    found = calibration_error([str(one) for one in patients], labels, probabilities, 0.95)
    assert 0 <= found.value <= 1
    if len(set(patients)) == 1:
        assert found.interval.low is None
        assert found.interval.why_none == "all seizures are of one patient"
        return
    assert found.interval.low is not None
    assert found.interval.high is not None
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1
    assert found.interval.high - found.interval.low > 1e-3 or found.value == 1


@given(case=cohorts(), seed=st.integers(0, 99))
def test_neither_ids_nor_the_order_of_rows_matter(case, seed) -> None:
    patients, labels, probabilities = case
    order = np.random.default_rng(seed).permutation(len(patients))
    one = calibration_error([str(name) for name in patients], labels, probabilities, 0.95)
    other = calibration_error([f"x{9 - name}" for name in patients[order]], labels[order], probabilities[order], 0.95)
    assert one.value == pytest.approx(other.value, abs=1e-7)  # of the root of a rounding error near 0
    assert one.num_bins == other.num_bins
    if one.interval.low is not None:
        assert one.interval.low == pytest.approx(other.interval.low, abs=1e-6)
        assert one.interval.high == pytest.approx(other.interval.high, abs=1e-6)


@given(case=cohorts())
def test_bins_follow_the_probabilities_and_never_part_equal_ones(case) -> None:
    patients, _, probabilities = case
    bins = equal_count_bins(patients, probabilities)
    assert set(bins) == set(range(bins.max() + 1))
    assert not ((probabilities[:, None] <= probabilities[None, :]) & (bins[:, None] > bins[None, :])).any()
    if bins.max() > 0:
        for one in range(bins.max() + 1):
            assert (bins == one).sum() >= 10
            assert len(set(patients[bins == one])) >= 3


@pytest.mark.parametrize(("number", "num_bins"), [(5, 1), (20, 2), (36, 3), (100, 10), (183, 9), (1000, 10)])
def test_bins_are_of_equal_numbers(number, num_bins) -> None:
    bins = equal_count_bins(np.arange(number), np.linspace(0, 1, number))
    assert bins.max() + 1 == num_bins


def test_by_hand() -> None:
    # Ten patients of one seizure at 0.25, ten at 0.75; 4 and 9 of them positive.
    probabilities = np.repeat([0.25, 0.75], 10)
    labels = np.array([1] * 4 + [0] * 6 + [1] * 9 + [0])
    found = calibration_error([str(one) for one in range(20)], labels, probabilities, 0.95)
    assert found.num_bins == 2
    noise = [0.4 * 0.6 / 9, 0.9 * 0.1 / 9]  # the unbiased variances of the two shares (Kumar et al. 2019)
    assert found.value == pytest.approx(np.sqrt((0.15**2 + 0.15**2) / 2 - np.mean(noise)))


def test_copies_of_patients_tell_nothing_new() -> None:
    rng = np.random.default_rng(1)
    patients, labels, probabilities, _ = drawn(40, rng)
    once = calibration_error(patients, labels, probabilities, 0.95)
    twice = calibration_error(patients * 2, np.tile(labels, 2), np.tile(probabilities, 2), 0.95)
    assert twice.interval.high == pytest.approx(once.interval.high, rel=0.25)


def test_probabilities_that_are_true_have_no_error_on_average_and_plain_ones_seem_to() -> None:
    rng = np.random.default_rng(2)
    debiased, plain = [], []
    for _ in range(200):
        patients, labels, probabilities, _ = drawn(30, rng, shared=0.3)
        bins = equal_count_bins(np.array([int(one) for one in patients]), probabilities)
        gaps = np.bincount(bins, labels - probabilities) / np.bincount(bins)
        plain.append(np.sqrt((np.bincount(bins) / len(bins)) @ gaps**2))
        debiased.append(calibration_error(patients, labels, probabilities, 0.95).value)
    assert np.mean(plain) > 0.1
    assert np.mean(debiased) < 0.6 * np.mean(plain)
    assert np.median(debiased) < 0.08


@pytest.mark.parametrize("num_patients", [12, 30, 68])
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, 0.0), (2.5, 0.0), (1.0, 1.0)])
def test_the_interval_covers(num_patients, slope, intercept) -> None:
    rng = np.random.default_rng([num_patients, int(10 * slope)])
    held = []
    for _ in range(80):
        patients, labels, probabilities, true = drawn(num_patients, rng, slope, intercept, shared=0.3)
        found = calibration_error(patients, labels, probabilities, 0.95).interval
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= true_error(patients, probabilities, true) <= found.high)
    assert np.mean(held) >= 0.9
