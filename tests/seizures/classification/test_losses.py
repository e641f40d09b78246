"""The two losses against formulas written out here."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from seizures.classification.losses import make_loss, paper_loss
from seizures.errors import TooFewSeizuresError

LOGITS = [[0.3, -1.2], [2.0, 0.5], [-0.7, 0.1], [0.0, 3.0], [1.5, -2.5]]
LABELS = [0, 1, 1, 1, 0]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def papers_formula(logits: list[list[float]], labels: list[int], weight: float) -> float:
    """Two columns of sigmoids against the one-hot label; a 1 weighs `weight`, in both columns; the mean of all."""
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        for column, logit in enumerate(row):
            chance = sigmoid(logit)
            total -= weight * math.log(chance) if column == label else math.log(1 - chance)
    return total / (2 * len(labels))


def test_the_papers_loss_is_its_formula() -> None:
    weight = len(LABELS) / sum(LABELS)  # training views over training views with a TCS
    expected = papers_formula(LOGITS, LABELS, weight)
    loss = make_loss("paper", LABELS)
    found = loss.mean(torch.tensor(LOGITS, dtype=torch.float64), torch.tensor(LABELS))
    assert float(found) == pytest.approx(expected, abs=1e-6)
    assert float(loss.positive_weight) == pytest.approx(5 / 3)
    # Every sequence counts the same in the mean over batches.
    assert loss.weight(torch.tensor(LABELS)) == 5
    in_float = paper_loss(torch.tensor(LOGITS), torch.tensor(LABELS), loss.positive_weight)
    assert float(in_float) == pytest.approx(expected, abs=1e-6)


def test_under_the_papers_loss_a_classifier_that_knows_nothing_is_not_at_a_half() -> None:
    """The weight does not balance: with 42 % TCS, constant logits end at a P(TCS) of 0.344."""
    labels = torch.tensor([1] * 42 + [0] * 58)
    loss = make_loss("paper", labels.numpy())

    def of(logits: np.ndarray) -> float:
        return float(loss.mean(torch.from_numpy(logits).float().repeat(100, 1), labels))

    best = minimize(of, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9}).x
    assert 1 / (1 + math.exp(best[0] - best[1])) == pytest.approx(0.344, abs=2e-3)
    ours = make_loss("weighted", labels.numpy())
    balanced = minimize(
        lambda logits: float(ours.mean(torch.from_numpy(logits).float().repeat(100, 1), labels)),
        np.ones(2),
        method="Nelder-Mead",
    ).x
    assert balanced[0] == pytest.approx(balanced[1], abs=1e-3)


def test_our_loss_is_the_cross_entropy_in_which_the_classes_weigh_the_same() -> None:
    loss = make_loss("weighted", LABELS)
    weights = [1.0, 2 / 3]
    total = sum(weights[label] for label in LABELS)
    log_chance = [row[label] - math.log(sum(map(math.exp, row))) for row, label in zip(LOGITS, LABELS, strict=True)]
    expected = -sum(weights[label] * value for label, value in zip(LABELS, log_chance, strict=True)) / total
    assert float(loss.mean(torch.tensor(LOGITS), torch.tensor(LABELS))) == pytest.approx(expected, abs=1e-6)
    assert loss.weight(torch.tensor(LABELS)) == pytest.approx(total)


@pytest.mark.parametrize("name", ["weighted", "paper"])
@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_both_need_both_labels(name: str, labels: list[int]) -> None:
    with pytest.raises(TooFewSeizuresError, match="training takes sequences of every label"):
        make_loss(name, labels)
