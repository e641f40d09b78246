"""What training minimises, and by what an epoch is chosen: ours, in which the classes weigh the same, or the paper's.

Letters in shapes: B sequences, of two classes, 0 the negative one (FOS) and 1 the positive one (TCS).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from seizures.errors import TooFewSeizuresError


@dataclass(frozen=True)
class Loss:
    """A loss that is a weighted mean over sequences, with the weights that a training set gave it.

    Attributes:
        name: `weighted` or `paper`.
        class_weights: float32 (2,); what a sequence of each class weighs in the mean. All 1 for `paper`.
        positive_weight: of `paper`, by how much the one-hot 1 of either column counts more than a 0.

    """

    name: str
    class_weights: torch.Tensor
    positive_weight: torch.Tensor

    def mean(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss of logits (B, 2) and labels (B,), a scalar."""
        if self.name == "paper":
            return paper_loss(logits, labels, self.positive_weight)
        return weighted_loss(logits, labels, self.class_weights)

    def weight(self, labels: torch.Tensor) -> float:
        """Return what these labels weigh together: the mean of several batches is weighted by it."""
        return float(self.class_weights[labels].sum())


def make_loss(name: str, training_labels: npt.ArrayLike) -> Loss:
    """Return the loss for a training set with these labels, (V,) of 0 and 1.

    Raises:
        TooFewSeizuresError: a class has no sequence.

    """
    weights = class_weights(training_labels)
    labels = np.asarray(training_labels, dtype=np.int64)
    if name == "paper":
        return Loss(name, torch.ones(2), torch.tensor(len(labels) / int(labels.sum()), dtype=torch.float32))
    return Loss(name, weights, torch.ones(()))


def class_weights(labels: npt.ArrayLike, num_classes: int = 2) -> torch.Tensor:
    """Return the weights of the classes in the loss, float32 (num_classes,): a class weighs N_first / N_class.

    With FOS first, FOS weighs 1 and TCS N_FOS / N_TCS, counted in sequences of the training set (paper, section 3.3).

    Raises:
        TooFewSeizuresError: a class has no sequence.

    """
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=num_classes)
    if not counts.all():
        found = ", ".join(map(str, counts))
        raise TooFewSeizuresError(f"training takes sequences of every label; found {found} sequences a label")
    return torch.from_numpy(counts[0] / counts).float()


def weighted_loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean cross-entropy, as torch's CrossEntropyLoss(weight), of logits (B, 2), labels (B,)."""
    return F.cross_entropy(logits, labels, weight=weights)


def paper_loss(logits: torch.Tensor, labels: torch.Tensor, positive_weight: torch.Tensor) -> torch.Tensor:
    """Return the authors' loss of logits (B, 2) and labels (B,), a scalar (docs/protocols.md).

    The two logits are two columns of independent sigmoids against the one-hot label: the mean binary cross-entropy
    over all 2 B elements, in which the one-hot 1 of both columns counts `positive_weight` times. That weight, training
    views over training views with a TCS, therefore does not balance the classes.
    """
    one_hot = F.one_hot(labels, num_classes=2).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, one_hot, pos_weight=positive_weight)
