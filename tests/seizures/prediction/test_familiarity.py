"""Films of another kind are flagged, and nearly all seizures of patients of the same cohort are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import TooFewSeizuresError
from seizures.prediction.familiarity import SHARE_FLAGGED, Familiarity, find_limit, fit_familiarity, hold_out

DIM = 64


def cohort(seed: int, num_patients: int = 40) -> tuple[dict[str, list[np.ndarray]], dict[str, int]]:
    """Two seizures a patient, two views each, in a cloud of few wide directions; patients have places of their own."""
    rng = np.random.default_rng(seed)
    axes = np.random.default_rng(99).normal(size=(5, DIM))
    points, folds = {}, {}
    for patient in range(num_patients):
        home = rng.normal(size=5)
        for seizure in range(2):
            name = f"P{patient}+{seizure}"
            places = home + 0.3 * rng.normal(size=(2, 1, 5))
            points[name] = list((places + 0.3 * rng.normal(size=(2, 8, 5))) @ axes + 0.2 * rng.normal(size=(2, 8, DIM)))
            folds[name] = patient % 5
    return points, folds


def test_the_same_cohort_passes_and_another_kind_does_not() -> None:
    points, folds = cohort(0)
    held_out = hold_out(points, folds)
    familiar = fit_familiarity([one for views in points.values() for one in views])
    assert len(held_out.flagged) <= 2 * SHARE_FLAGGED * 80
    assert held_out.flagged < set(points)
    new, _ = cohort(1)
    flagged = [max(map(familiar.distance, views)) > held_out.limit for views in new.values()]
    assert np.mean(flagged) <= 0.12
    rng = np.random.default_rng(2)
    assert all(familiar.distance(rng.normal(3, 1, (8, DIM))) > held_out.limit for _ in range(20))


def test_the_limit_is_a_fixed_place_among_the_held_out_distances() -> None:
    assert find_limit(range(1, 101)) == 96
    assert find_limit([3, 1, 2]) == 3
    assert find_limit([1.0]) == 1.0


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=200))
def test_at_most_one_in_twenty_of_the_held_out_lies_beyond_the_limit(distances: list[float]) -> None:
    assert sum(one > find_limit(distances) for one in distances) <= SHARE_FLAGGED * (len(distances) + 1)


def test_the_order_of_the_seizures_decides_nothing() -> None:
    points, folds = cohort(3, 12)
    turned = {name: points[name] for name in reversed(points)}
    assert hold_out(points, folds).limit == pytest.approx(hold_out(turned, folds).limit)


def test_a_picture_that_stands_still_is_another_kind_wherever_it_lies() -> None:
    points, folds = cohort(0)
    familiar = fit_familiarity([one for views in points.values() for one in views])
    limit = hold_out(points, folds).limit
    still = familiar.mean[:DIM] + np.zeros((8, DIM))
    assert familiar.distance(still) > limit
    assert np.isfinite(familiar.distance(np.zeros((8, DIM))))


def test_the_distance_is_mahalanobis_under_the_stated_covariance() -> None:
    rng = np.random.default_rng(4)
    directions = np.linalg.qr(rng.normal(size=(12, 12)))[0][:2]
    one = Familiarity(rng.normal(size=12), directions, np.array([4.0, 2.0]), 0.5, 1.0)
    covariance = directions.T @ np.diag([4.0, 2.0]) @ directions + 0.5 * (np.eye(12) - directions.T @ directions)
    snippets = rng.normal(size=(7, 6))
    deviation = np.log(snippets.std(axis=0) + 1e-3 * np.abs(one.mean[:6]).mean())
    away = np.concatenate([snippets.mean(axis=0), deviation]) - one.mean
    assert one.distance(snippets) == pytest.approx(np.sqrt(away @ np.linalg.solve(covariance, away) / 12))


def test_too_few_views_tell_nothing() -> None:
    with pytest.raises(TooFewSeizuresError, match="at least 8 views"):
        fit_familiarity([np.zeros((4, DIM))] * 7)
