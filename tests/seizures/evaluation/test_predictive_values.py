"""Likelihood ratios and predictive values against counts worked by hand; their intervals against their definition."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.evaluation.intervals import Cohort
from seizures.evaluation.predictive_values import (
    Share,
    likelihood_ratios,
    predictive_values,
    ratio_interval,
    values_at,
)


def cohort(patients: list[str], labels: list[int], called: list[int]) -> Cohort:
    return Cohort(patients, np.array(labels), np.array([called], dtype=np.float64), 0.95)


def test_bayes_by_hand() -> None:
    """Of 1000 seizures 200 are positive, 180 of these are called so, and 80 of the other 800 are."""
    ratios = likelihood_ratios(Share(0.9, 0.8, 0.95), Share(0.9, 0.85, 0.94))
    assert ratios["positive"].value == pytest.approx(9)
    assert ratios["negative"].value == pytest.approx(0.1 / 0.9)
    found = values_at(ratios, 0.2)
    assert found["positive"].value == pytest.approx(180 / (180 + 80))
    assert found["negative"].value == pytest.approx(720 / (720 + 20))


def test_the_interval_of_a_ratio_is_that_of_donner_and_zou() -> None:
    """Their equation, written as they do; contingencytables' data are not needed where the formula is the claim."""
    first, second = Share(0.8, 0.65, 0.9), Share(0.3, 0.2, 0.42)
    product = 0.8 * 0.3
    low = (product - math.sqrt(product**2 - 0.65 * 0.42 * (1.6 - 0.65) * (0.6 - 0.42))) / (0.42 * (0.6 - 0.42))
    high = (product + math.sqrt(product**2 - 0.9 * 0.2 * (1.6 - 0.9) * (0.6 - 0.2))) / (0.2 * (0.6 - 0.2))
    assert ratio_interval(first, second) == pytest.approx((low, high))
    # Where the denominator is not in doubt, only the numerator varies.
    assert ratio_interval(first, Share(0.5, 0.5, 0.5)) == pytest.approx((1.3, 1.8))
    assert ratio_interval(Share(0.5, 0.5, 0.5), second) == pytest.approx((0.5 / 0.42, 0.5 / 0.2))


@st.composite
def shares(draw: st.DrawFn) -> Share:
    low, value, high = sorted(draw(st.lists(st.floats(0, 1), min_size=3, max_size=3)))
    return Share(value, low, high)


@given(shares(), shares())
def test_the_ends_of_a_ratio_enclose_it_whatever_the_shares(first: Share, second: Share) -> None:
    low, high = ratio_interval(first, second)
    assert 0 <= low <= high
    if second.value > 1e-6:
        ratio = first.value / second.value
        assert low <= ratio * (1 + 1e-6) + 1e-9
        assert high >= ratio * (1 - 1e-6) - 1e-9
    if second.low == 0:
        assert high == math.inf


@given(shares(), shares(), st.floats(0.01, 0.99))
def test_predictive_values_are_shares_and_their_ends_enclose_them(one: Share, other: Share, prevalence: float) -> None:
    ratios = likelihood_ratios(one, other)
    for value in values_at(ratios, prevalence).values():
        assert math.isnan(value.value) or 0 <= value.low <= value.value + 1e-9 <= value.high + 2e-9 <= 1 + 3e-9


def test_the_papers_matrix_has_no_infinity_in_json() -> None:
    """TP 77, FN 0, TN 104, FP 2; each seizure a patient but for the last."""
    labels, called = [1] * 77 + [0] * 106, [1] * 77 + [0] * 104 + [1] * 2
    found = predictive_values(cohort([str(n) for n in range(183)], labels, called), 1.0, 104 / 106, [0.1])
    json.dumps(found, allow_nan=False)
    own, stated = found["predictive_values"]
    assert (own["is_cohorts_own"], stated["is_cohorts_own"]) == (True, False)
    assert own["prevalence"] == pytest.approx(77 / 183)
    assert own["positive"]["value"] == pytest.approx(77 / 79)
    assert own["negative"]["value"] == 1
    assert own["negative"]["low"] < 0.98
    assert stated["positive"]["value"] == pytest.approx(0.1 / (0.1 + 0.9 * 2 / 106))
    assert stated["positive"]["value"] < own["positive"]["value"]
    ratios = found["likelihood_ratios"]
    assert ratios["positive"]["value"] == pytest.approx(53)
    assert ratios["negative"]["value"] == 0
    assert 0 < ratios["negative"]["high"] < 0.06


def test_without_a_false_alarm_the_ratio_has_a_lower_limit_only() -> None:
    labels, called = [1] * 10 + [0] * 10, [1] * 9 + [0] * 11
    found = predictive_values(cohort([str(n) for n in range(20)], labels, called), 0.9, 1.0, [])
    ratio = found["likelihood_ratios"]["positive"]
    assert (ratio["value"], ratio["high"]) == (None, None)
    assert ratio["low"] > 1
    assert ratio["why"].startswith("infinite")
    assert found["predictive_values"][0]["positive"]["value"] == 1
    assert found["predictive_values"][0]["positive"]["low"] < 0.9


def test_one_patient_has_values_and_no_interval() -> None:
    found = predictive_values(cohort(["P"] * 4, [1, 1, 0, 0], [1, 0, 0, 0]), 0.5, 1.0, [0.3])
    own = found["predictive_values"][0]
    assert (own["positive"]["value"], own["positive"]["low"]) == (1, None)
    assert own["negative"]["value"] == pytest.approx(2 / 3)
    assert own["negative"]["why"] == "all seizures are of one patient"


def test_nothing_called_positive_has_no_positive_ratio() -> None:
    found = predictive_values(cohort(list("ABCD"), [1, 1, 0, 0], [0, 0, 0, 0]), 0.0, 1.0, [])
    assert found["likelihood_ratios"]["positive"]["why"] == "0 over 0"
    assert found["predictive_values"][0]["positive"]["value"] is None
    assert found["predictive_values"][0]["negative"]["value"] == pytest.approx(0.5)
    json.dumps(found, allow_nan=False)
