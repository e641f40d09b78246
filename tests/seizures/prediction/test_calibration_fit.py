"""The calibration that is handed over: the best of its kind, chosen and judged on other patients, whatever the ids."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from seizures.errors import LeakError, TooFewSeizuresError
from seizures.prediction import calibration_fit
from seizures.prediction.calibration_fit import (
    calibrate_held_out,
    compare_methods,
    cross_fit,
    fit_calibration,
    log_losses,
    patient_groups,
    why_not_fitted,
)
from seizures.prediction.calibrator import Calibration, logit, sigmoid


def cohort(num_patients=40, num_each=4, slope=1.0, intercept=0.0, seed=0):
    """Return patients, labels, and probabilities whose true calibration is sigmoid(slope * logit + intercept)."""
    rng = np.random.default_rng(seed)
    patients = [f"P{place:03d}" for place in range(num_patients) for _ in range(num_each)]
    logits = rng.normal(0, 1.5, len(patients))
    labels = (rng.random(len(patients)) < sigmoid(slope * logits + intercept)).astype(np.int64)
    return patients, labels, sigmoid(logits)


@st.composite
def cohorts(draw):
    number = draw(st.integers(2, 24))
    patients = draw(st.lists(st.sampled_from("ABCDEFG"), min_size=number, max_size=number))
    labels = draw(st.lists(st.integers(0, 1), min_size=number, max_size=number))
    shares = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
    return patients, np.array(labels), np.array(draw(st.lists(shares, min_size=number, max_size=number)))


@pytest.mark.parametrize(
    ("slope", "intercept", "method"), [(1.0, 0.0, "none"), (2.5, 0.0, "temperature"), (1.0, 1.5, "platt")]
)
def test_the_method_and_its_numbers_are_those_that_the_labels_were_drawn_with(slope, intercept, method) -> None:
    found = fit_calibration(*cohort(400, 4, slope, intercept, seed=7))
    assert found.method == method
    assert found.slope == pytest.approx(slope, abs=0.25)
    assert found.intercept == pytest.approx(intercept, abs=0.25)


def test_a_fit_is_the_minimum_that_another_optimiser_finds() -> None:
    patients, labels, probabilities = cohort(30, 4, 0.5, 1.5, seed=3)
    found = fit_calibration(patients, labels, probabilities)
    assert found.method == "platt"
    num_positive, num_negative = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (num_positive + 1) / (num_positive + 2), 1 / (num_negative + 2))

    def loss(weights):
        values = weights[0] * logit(probabilities) + weights[1]
        return (np.logaddexp(0, values) - targets * values).sum()

    best = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000})
    assert [found.slope, found.intercept] == pytest.approx(list(best.x), abs=1e-5)


def test_labels_that_the_probabilities_separate_give_finite_numbers() -> None:
    patients = [f"P{place}" for place in range(12) for _ in range(3)]
    labels = np.arange(36) % 2
    found = fit_calibration(patients, labels, np.where(labels == 1, 0.6, 0.4))
    assert found.method in ("temperature", "platt")
    assert 1 < found.slope < 20
    # Never surer than the next seizure of 18 like these allows.
    assert found.apply([0.6])[0] == pytest.approx(19 / 20, abs=1e-6)
    assert found.apply([0.4])[0] == pytest.approx(1 / 20, abs=1e-6)


def test_a_correction_never_turns_the_order_round() -> None:
    patients, labels, probabilities = cohort(60, 4, -1.5, 0.0, seed=1)
    found = fit_calibration(patients, labels, probabilities)
    assert found.slope >= 0
    assert np.ptp(found.apply([0.1, 0.9])) < 0.01


def test_a_richer_method_must_be_clearly_better() -> None:
    patients, labels, probabilities = cohort(20, 3, 1.1, 0.0, seed=2)
    candidates = compare_methods(patients, labels, probabilities)
    assert [one.method for one in candidates] == ["none", "temperature", "platt"]
    assert candidates[0].gain is None
    chosen = "none"
    for one in candidates[1:]:
        assert one.gain is not None
        assert one.standard_error is not None
        chosen = one.method if one.gain > one.standard_error else chosen
    assert fit_calibration(patients, labels, probabilities).method == chosen
    # Probabilities that are all alike gain nothing by any method: the simplest is kept.
    assert fit_calibration(patients, np.arange(60) % 2, np.full(60, 0.5)).method == "none"


def test_the_standard_error_is_that_of_patients_not_of_seizures() -> None:
    patients, labels, probabilities = cohort(40, 1, 2.0, 0.5, seed=4)
    copies = np.repeat(labels, 5), np.repeat(probabilities, 5)
    of_patients = compare_methods(np.repeat(patients, 5).tolist(), *copies)[1].standard_error
    of_seizures = compare_methods([f"P{place}" for place in range(200)], *copies)[1].standard_error
    assert of_patients is not None
    assert of_seizures is not None
    assert of_patients > 5**0.5 * of_seizures  # five copies tell no more than one


@given(case=cohorts(), seed=st.integers(0, 99))
def test_neither_ids_nor_the_order_of_rows_change_a_bit(case, seed) -> None:
    patients, labels, probabilities = case
    order = np.random.default_rng(seed).permutation(len(patients))
    names = {name: f"z{place}" for place, name in enumerate(sorted(set(patients), reverse=True))}
    other = [names[patients[place]] for place in order], labels[order], probabilities[order]
    assert fit_calibration(*case) == fit_calibration(*other)
    assert np.array_equal(cross_fit(*case)[order], cross_fit(*other))


@given(case=cohorts(), num_groups=st.integers(1, 12))
def test_groups_hold_whole_patients_and_none_is_empty(case, num_groups) -> None:
    patients = case[0]
    groups = patient_groups(*case, num_groups)
    assert len({(patient, group) for patient, group in zip(patients, groups, strict=True)}) == len(set(patients))
    assert set(groups) == set(range(int(groups.max()) + 1))
    assert groups.max() < min(num_groups, len(set(patients)))


def test_groups_share_the_labels() -> None:
    patients, labels, probabilities = cohort(40, 4)
    groups = patient_groups(patients, labels, probabilities)
    counts = np.bincount(groups, labels)
    assert len(counts) == 10
    assert counts.max() - counts.min() <= 3


@given(case=cohorts())
def test_every_answer_is_a_probability(case) -> None:
    corrected = cross_fit(*case)
    assert ((corrected >= 0) & (corrected <= 1)).all()
    found = fit_calibration(*case)
    assert found.slope >= 0
    if why_not_fitted(case[0], case[1]):
        assert found == Calibration()


def test_why_there_is_none() -> None:
    assert why_not_fitted(["A", "B"], [1, 1]) == "all seizures have one label"
    assert why_not_fitted(["A", "A", "B", "C"], [0, 0, 1, 1]) == "one label rests on one patient"
    assert why_not_fitted(["A", "B", "A", "B"], [0, 0, 1, 1]) == ""
    with pytest.raises(TooFewSeizuresError):
        fit_calibration([], [], [])
    for wrong in (([1, 2], [0.5, 0.5]), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, math.nan]), ([0], [0.5])):
        with pytest.raises(ValueError, match=r"expected labels|patients"):
            fit_calibration(["A", "B"], *wrong)


def test_each_patient_is_corrected_by_the_others_alone() -> None:
    patients, labels, probabilities = cohort(20, 3, 2.0, 1.0, seed=6)
    whole = cross_fit(patients, labels, probabilities, np.repeat(np.arange(20), 3))
    for place in range(0, 60, 3):
        turned = labels.copy()
        turned[place : place + 3] = 1 - turned[place : place + 3]
        again = cross_fit(patients, turned, probabilities, np.repeat(np.arange(20), 3))
        # A patient's own labels decide nothing about their own probabilities, and something about the others'.
        assert np.array_equal(again[place : place + 3], whole[place : place + 3])
        assert not np.array_equal(again, whole)


def test_a_patient_on_both_sides_is_refused() -> None:
    patients, labels, probabilities = cohort(10, 2)
    with pytest.raises(LeakError, match=r"10 patients would be judged by a calibration that was fitted on them"):
        cross_fit(patients, labels, probabilities, np.arange(20) % 2)
    is_first = np.arange(20) < 3
    with pytest.raises(LeakError, match=r"^1 patient would"):
        calibrate_held_out(patients, labels, probabilities, is_first, ~is_first)


def test_what_is_fitted_on_whom_it_scores_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the mistake: the calibration looks better than it is on every cohort, and it is refused."""

    def fitted_on_all(patients, labels, probabilities, fitted_on, scored):
        return calibrate_held_out(patients, labels, probabilities, np.ones_like(fitted_on), scored)

    gains = []
    for seed in range(20):
        patients, labels, probabilities = cohort(12, 3, 1.6, 0.8, seed)
        honest = cross_fit(patients, labels, probabilities)
        flattering = fit_calibration(patients, labels, probabilities).apply(probabilities)
        gains.append((log_losses(labels, honest) - log_losses(labels, flattering)).mean())
    assert min(gains) >= 0
    assert np.mean(gains) > 0.02
    monkeypatch.setattr(calibration_fit, "calibrate_held_out", fitted_on_all)
    with pytest.raises(LeakError):
        cross_fit(patients, labels, probabilities)
