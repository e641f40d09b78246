"""AUC within folds against pairs counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from seizures.evaluation.within_folds import NO_FOLD, auc_within_folds


def by_hand(labels: np.ndarray, probabilities: np.ndarray, folds: np.ndarray) -> float:
    means = []
    for row, of in zip(probabilities, folds, strict=True):
        won = pairs = 0.0
        for one, other in itertools.product(range(len(labels)), repeat=2):
            if labels[one] == 1 and labels[other] == 0 and of[one] == of[other]:
                pairs += 1
                won += 1.0 if row[one] > row[other] else 0.5 if row[one] == row[other] else 0.0
        means.append(won / pairs)
    return float(np.mean(means))


@pytest.mark.parametrize("seed", range(5))
def test_pairs_of_one_fold_are_counted_and_no_others(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(30) % 2)
    patients = [f"P{number // 3}" for number in range(30)]
    folds = np.stack([rng.integers(0, 4, 10).repeat(3) for _ in range(2)])
    probabilities = rng.random((2, 30)).round(1)
    value, interval = auc_within_folds(patients, labels, probabilities, folds, 0.95)
    assert value == pytest.approx(by_hand(labels, probabilities, folds))
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low < value < interval.high <= 1


def test_with_one_fold_it_is_the_pooled_auc_and_levels_that_differ_between_folds_do_not_lower_it() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(40) % 2
    patients = [f"P{number // 4}" for number in range(40)]
    probabilities = (0.3 * labels + rng.random(40) * 0.5)[None, :]
    one_fold = np.zeros((1, 40), dtype=np.int64)
    assert auc_within_folds(patients, labels, probabilities, one_fold, 0.95)[0] == pytest.approx(
        roc_auc_score(labels, probabilities[0])
    )
    folds = (np.arange(40) // 20)[None, :]
    shifted = probabilities / 4 + folds * 0.5
    value, _ = auc_within_folds(patients, labels, shifted, folds, 0.95)
    assert value == pytest.approx(auc_within_folds(patients, labels, probabilities, folds, 0.95)[0])
    assert value > roc_auc_score(labels, shifted[0])


def test_what_cannot_be_told_says_why() -> None:
    labels, chances = np.array([1, 1, 0, 0]), np.array([[0.9, 0.8, 0.1, 0.2]])
    apart = np.array([[0, 0, 1, 1]])
    assert auc_within_folds(list("ABCD"), labels, chances, apart, 0.95) == (None, NO_FOLD)
    together = np.zeros((1, 4), dtype=np.int64)
    value, interval = auc_within_folds(["A"] * 4, labels, chances, together, 0.95)
    assert (value, interval.low, interval.why_none) == (1, None, "all seizures are of one patient")
    value, interval = auc_within_folds(list("AABC"), labels, chances, together, 0.95)
    assert (value, interval.why_none) == (1, "one class rests on one patient")
    assert auc_within_folds(list("AB"), np.ones(2, dtype=np.int64), chances[:, :2], together[:, :2], 0.95)[0] is None
    value, interval = auc_within_folds(list("ABCD"), labels, chances, together, 0.95)
    assert value == 1
    assert interval.low is not None
    assert interval.low < 0.9
