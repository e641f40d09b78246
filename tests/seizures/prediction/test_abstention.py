"""The zone without a call: the smallest that keeps what is promised, not decided by noise, and tried on others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.prediction import abstention
from seizures.prediction.abstention import (
    THRESHOLDS,
    Zone,
    choose_zone,
    coverage_curve,
    is_called,
    least_called,
    nested_calls,
)
from seizures.prediction.calibration_fit import calibrate_held_out
from seizures.prediction.calibrator import sigmoid


def graded(num_patients=60, num_each=4, seed=0):
    """Return a cohort whose probabilities are true, from sure to unsure."""
    rng = np.random.default_rng(seed)
    patients = [f"P{place:03d}" for place in range(num_patients) for _ in range(num_each)]
    probabilities = sigmoid(rng.normal(0, 2.5, len(patients)))
    return patients, (rng.random(len(patients)) < probabilities).astype(np.int64), probabilities


def test_the_zone_is_open_at_both_ends() -> None:
    assert is_called([0.05, 0.0501, 0.5, 0.9499, 0.95], 0.95).tolist() == [True, False, False, False, True]
    assert is_called([0.0, 0.5, 1.0], 0.5).all()
    assert Zone(0.95, reached=True).no_call == (0.05, 0.95)
    assert Zone(0.5, reached=True).no_call == (0.5, 0.5)


@pytest.mark.parametrize(("target", "number"), [(0.6, 3), (0.75, 4), (0.9, 10), (0.95, 20), (0.99, 100), (0.999, 1000)])
def test_as_many_must_be_called_as_pardon_one_error(target, number) -> None:
    assert least_called(target) == number


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_the_curve_counts_what_a_person_would(seizures) -> None:
    labels, probabilities = np.array([one[0] for one in seizures]), np.array([one[1] for one in seizures])
    rows = coverage_curve(labels, probabilities)
    assert [row["threshold"] for row in rows] == THRESHOLDS.tolist()
    for row in rows:
        high = row["threshold"]
        called = [(label, p) for label, p in seizures if p >= high or p <= round(1 - high, 12)]
        assert row["share_called"] == pytest.approx(len(called) / len(seizures))
        if called:
            assert row["accuracy"] == pytest.approx(
                sum((p >= 0.5) == (label == 1) for label, p in called) / len(called)
            )
        else:
            assert row["accuracy"] is None
    shares = [row["share_called"] for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1


def test_the_smallest_zone_that_keeps_the_promise_is_found() -> None:
    # 40 at 0.9, all right; 40 at 0.7, 3 of 4 right; 40 at 0.6, half right.
    patients = [f"P{place}" for place in range(120)]
    probabilities = np.repeat([0.9, 0.7, 0.6], 40)
    labels = np.concatenate([np.ones(40), np.arange(40) % 4 > 0, np.arange(40) % 2]).astype(int)
    labels[0] = 0
    assert choose_zone(patients, labels, probabilities, 0.95) == Zone(0.71, reached=True)  # 39 of 40
    assert choose_zone(patients, labels, probabilities, 0.85) == Zone(0.61, reached=True)  # 69 of 80
    assert choose_zone(patients, labels, probabilities, 0.70) == Zone(0.5, reached=True)  # 89 of 120: it never abstains
    # 0.98 needs 50 called: 69 of 80 are not enough, so the probability is taken at its word.
    assert choose_zone(patients, labels, probabilities, 0.98) == Zone(0.98, reached=False)


def test_a_lucky_zone_below_a_bad_one_is_not_taken() -> None:
    # Surest 25: 3 wrong. With the next 75, all right, 97 % of the called are right; but the surest are not.
    patients = [f"P{place}" for place in range(100)]
    probabilities = np.repeat([0.9, 0.7], [25, 75])
    labels = np.ones(100, dtype=int)
    labels[:3] = 0
    assert choose_zone(patients, labels, probabilities, 0.95) == Zone(0.95, reached=False)
    # One error fewer among twenty or more surer ones would not have been noise; fewer than twenty do not count.
    assert choose_zone(
        patients[6:], labels[6:] * 0 + np.r_[0, 0, np.ones(92)].astype(int), probabilities[6:], 0.95
    ) == (Zone(0.5, reached=True))


def test_calls_of_a_few_patients_or_of_one_label_do_not_count() -> None:
    labels, probabilities = np.arange(60) % 2, np.where(np.arange(60) % 2, 0.9, 0.1)
    assert choose_zone([f"P{place % 5}" for place in range(60)], labels, probabilities, 0.95).reached
    assert not choose_zone([f"P{place % 4}" for place in range(60)], labels, probabilities, 0.95).reached
    many = [f"P{place}" for place in range(60)]
    assert not choose_zone(many, np.ones(60, dtype=int), np.full(60, 0.9), 0.95).reached
    assert not choose_zone(many[:19], labels[:19], probabilities[:19], 0.95).reached


def test_true_probabilities_are_called_where_they_keep_the_promise() -> None:
    patients, labels, probabilities = graded(400)
    zone = choose_zone(patients, labels, probabilities, 0.9)
    others, truth, values = graded(4000, seed=1)
    called = zone.calls(values)
    assert zone.reached
    assert ((values >= 0.5) == truth)[called].mean() == pytest.approx(0.9, abs=0.03)
    assert 0.4 < called.mean() < 0.9
    assert len(others) == len(called)


def test_a_zone_is_tried_on_whom_it_was_not_chosen_on(monkeypatch: pytest.MonkeyPatch) -> None:
    patients, labels, probabilities = graded(30, 3)
    seen: list[tuple[set[str], set[str]]] = []

    def watched(names, truth, values, fitted_on, scored):
        seen.append((set(np.array(names)[fitted_on]), set(np.array(names)[scored])))
        return calibrate_held_out(names, truth, values, fitted_on, scored)

    chosen_on: list[set[str]] = []

    def chooser(names, *rest):
        chosen_on.append(set(names))
        return choose_zone(names, *rest)

    monkeypatch.setattr(abstention, "calibrate_held_out", watched)
    monkeypatch.setattr(abstention, "choose_zone", chooser)
    found = nested_calls(patients, labels, probabilities, 0.9)
    assert len(found.zones) == len(seen) == len(chosen_on) == 10
    for (fitted_on, scored), of in zip(seen, chosen_on, strict=True):
        assert of == fitted_on
        assert not of & scored
    assert set().union(*(scored for _, scored in seen)) == set(patients)


def test_choosing_and_scoring_on_the_same_seizures_flatters() -> None:
    """Where a promise is hard to keep, the zone looks better on whom it was chosen than on others."""
    same, others = [], []
    for seed in range(30):
        patients, labels, probabilities = graded(10, 3, seed)
        zone = choose_zone(patients, labels, probabilities, 0.9)
        nested = nested_calls(patients, labels, probabilities, 0.9)
        called = zone.calls(probabilities)
        if zone.reached and nested.called.any():
            same.append(((probabilities >= 0.5) == labels)[called].mean())
            others.append(nested.right[nested.called].mean())
    assert len(same) > 10
    assert np.mean(same) > np.mean(others) + 0.02


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 50))
def test_few_seizures_give_an_answer(num_patients, num_each, seed) -> None:
    patients, labels, probabilities = graded(num_patients, num_each, seed)
    found = nested_calls(patients, labels, probabilities, 0.95)
    assert found.called.shape == found.right.shape == labels.shape
    assert not any(zone.reached for zone in found.zones)
    if num_patients == 1:
        assert not found.called.any()
