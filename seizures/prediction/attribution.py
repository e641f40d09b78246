"""What moved an answer: integrated gradients over the snippets, and what happens without the most telling ones.

The answer is a function of all snippets of all views. Integrated gradients (Sundararajan, Taly and Yan 2017) share its
difference from the answer for a baseline, the mean feature of the training seizures in every place, among the snippets:
the gradient of the calibrated log-odds along the straight line from the baseline to the seizure, times the way, summed
over the features of a snippet. The shares must add up to the difference (completeness), which is checked each time.

This says what moved the answer, and not why the seizure is what it is.

Letters in shapes: V views, N segments, D features, Q points or pieces of the line.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from seizures.errors import SeizuresError
from seizures.prediction.calibrator import sigmoid
from seizures.prediction.ensemble import Classifier
from seizures.prediction.middles import Middles

NUM_PIECES, MOST_PIECES = 16, 4096
BATCH_PIECES = 32
TOLERANCE = 0.002  # of the difference; what is promised is 0.01
LEAST_DIFFERENCE = 0.05  # log-odds; of a smaller one, the tolerance is that of this
SHARE_DELETED = 0.25
NUM_RANDOM = 200


class IncompleteError(SeizuresError):
    """The shares of the snippets do not add up to what they explain; the answer itself stands."""


@dataclasses.dataclass(frozen=True)
class Attribution:
    """How much each snippet moved the answer, in log-odds of the positive label.

    Attributes:
        values: by view, (N,) floats; their sum is `log_odds - baseline_log_odds`.
        log_odds: of the answer.
        baseline_log_odds: of the baseline.
    """

    values: Mapping[str, tuple[float, ...]]
    log_odds: float
    baseline_log_odds: float

    @property
    def baseline_probability(self) -> float:
        """P of the positive label for the baseline."""
        return float(sigmoid(self.baseline_log_odds))


@dataclasses.dataclass(frozen=True)
class Deletion:
    """By how much P moves where a quarter of the segments gives way to the baseline.

    Attributes:
        top: with the quarter that speaks most for the answer.
        random: with quarters drawn at random, rising.
    """

    top: float
    random: tuple[float, ...]

    @property
    def random_mean(self) -> float:
        """The mean over the random quarters."""
        return sum(self.random) / len(self.random)

    @property
    def share_below(self) -> float:
        """The share of random quarters that move P by less than `top`."""
        return sum(one < self.top for one in self.random) / len(self.random)


class _LogOdds(torch.nn.Module):
    """The calibrated log-odds of the ensemble, in float64: (Q, V, N, D) to (Q,)."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self._networks = torch.nn.ModuleList(copy.deepcopy(one).double().eval() for one in classifier.networks)
        self._calibration = classifier.calibration

    def forward(self, sequences: torch.Tensor) -> torch.Tensor:
        flat = sequences.flatten(0, 1)
        by_network = [network(flat).softmax(dim=1)[:, 1].view(sequences.shape[:2]) for network in self._networks]
        probability = torch.stack(by_network).mean(dim=(0, 2)).clamp(1e-7, 1 - 1e-7)
        log_odds = probability.log() - (-probability).log1p()
        return self._calibration.slope * log_odds + self._calibration.intercept


def attribute(classifier: Classifier, middles: Middles) -> Attribution:
    """Share the answer among the middle snippets of each view, float32 (N, D).

    The line is cut into pieces; in each, the shares must add up to what the answer changes there. The pieces in which
    they do not are halved until the whole is right: a recurrent network changes its mind within a small part of the
    line, and steps of one size would miss that, or be very many.

    Raises:
        IncompleteError: the shares do not add up, however small the pieces are.
    """
    views = sorted(middles)
    end = torch.stack([middles[view] for view in views]).double()
    start = classifier.baseline.double().expand_as(end)
    line = _Line(_LogOdds(classifier), start, end)
    first, last = (float(one) for one in line.values(torch.tensor([0.0, 1.0], dtype=torch.float64)))
    allowed = TOLERANCE * max(abs(last - first), LEAST_DIFFERENCE)
    waiting = torch.linspace(0, 1, NUM_PIECES + 1, dtype=torch.float64).unfold(0, 2, 1)  # (pieces, 2)
    total, error, num_pieces = torch.zeros(end.shape[:2], dtype=torch.float64), 0.0, 0
    while len(waiting):
        num_pieces += len(waiting)
        shares, errors = line.shares(waiting)
        # A piece may be wrong by its part of what is left, and no more than what all others leave.
        is_right = errors <= torch.clamp(allowed * (waiting[:, 1] - waiting[:, 0]), min=allowed / MOST_PIECES)
        if num_pieces >= MOST_PIECES:
            is_right[:] = True
        total += shares[is_right].sum(dim=0)
        error += float(errors[is_right].sum())
        left = waiting[~is_right]
        middle = left.mean(dim=1)
        waiting = torch.cat([torch.stack([left[:, 0], middle], dim=1), torch.stack([middle, left[:, 1]], dim=1)])
    if abs(float(total.sum()) - (last - first)) > 5 * allowed:
        raise IncompleteError(
            f"the shares of the snippets add up to {float(total.sum()):.4f}, and not to {last - first:.4f}, the "
            "difference that they explain"
        )
    values = {view: tuple(map(float, row)) for view, row in zip(views, total.numpy(), strict=True)}
    return Attribution(values, last, first)


class _Line:
    """The straight line from the baseline to a seizure, and the log-odds along it."""

    def __init__(self, log_odds: _LogOdds, start: torch.Tensor, end: torch.Tensor) -> None:
        self._log_odds, self._start, self._way = log_odds, start, end - start
        nodes, weights = np.polynomial.legendre.leggauss(3)
        self._nodes, self._weights = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)

    def values(self, places: torch.Tensor) -> torch.Tensor:
        """Return the log-odds at places (Q,) from 0 to 1: (Q,)."""
        with torch.no_grad():
            parts = [self._log_odds(self._at(some)) for some in torch.split(places, 3 * BATCH_PIECES)]
        return torch.cat(parts)

    def shares(self, pieces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the shares within pieces (Q, 2): (Q, V, N), and by how much their sums miss the change, (Q,)."""
        found = []
        for some in torch.split(pieces, BATCH_PIECES):
            lengths = some[:, 1] - some[:, 0]
            places = (some[:, :1] + lengths[:, None] * self._nodes).flatten()
            points = self._at(places).requires_grad_(True)
            (gradient,) = torch.autograd.grad(self._log_odds(points).sum(), points)
            by_place = (gradient * self._way).sum(dim=3).view(len(some), len(self._nodes), *self._way.shape[:2])
            found.append(torch.einsum("qgvn,g,q->qvn", by_place, self._weights, lengths))
        shares = torch.cat(found)
        ends = self.values(pieces.flatten()).view(-1, 2)
        return shares, (shares.sum(dim=(1, 2)) - (ends[:, 1] - ends[:, 0])).abs()

    def _at(self, places: torch.Tensor) -> torch.Tensor:
        return self._start + places[:, None, None, None] * self._way


def delete_segments(classifier: Classifier, middles: Middles, attribution: Attribution, seed: int = 0) -> Deletion:
    """Replace the quarter of the segments that speaks most for the answer by the baseline, and random quarters.

    Args:
        classifier: that gave the answer.
        middles: of the seizure.
        attribution: of the same.
        seed: of the random quarters.
    """
    views = sorted(middles)
    sequences = torch.stack([middles[view] for view in views])
    values = np.array([attribution.values[view] for view in views])
    count = math.ceil(SHARE_DELETED * values.size)
    direction = 1 if attribution.log_odds >= 0 else -1
    rng = np.random.default_rng(seed)
    chosen = [np.argsort(-direction * values.ravel(), kind="stable")[:count]]
    chosen += [rng.choice(values.size, count, replace=False) for _ in range(NUM_RANDOM)]
    flags = np.zeros((len(chosen), values.size), dtype=np.bool_)
    for row, places in zip(flags, chosen, strict=True):
        row[places] = True
    gone = torch.from_numpy(flags.reshape(-1, *values.shape))[..., None]
    changed = torch.where(gone, classifier.baseline, sequences)
    raw = classifier.raw(changed.flatten(0, 1)).reshape(len(classifier.networks), len(chosen), len(views))
    now = classifier.calibration.apply(raw.mean(axis=(0, 2)))
    moved = np.abs(now - sigmoid(attribution.log_odds))
    return Deletion(float(moved[0]), tuple(sorted(map(float, moved[1:]))))


def attention_of(classifier: Classifier, middles: Middles) -> dict[str, list[float]]:
    """Return the weights that an aggregation with attention gives the snippets of each view, (N,), mean over the seeds.

    They sum to 1 in a view. Empty for an aggregation without attention (`shares`).
    """
    shares: list[Any] = [getattr(network, "shares", None) for network in classifier.networks]
    if None in shares:
        return {}
    with torch.inference_mode():
        found = {
            view: torch.stack([share(values[None])[0] for share in shares]).mean(dim=0)
            for view, values in middles.items()
        }
    return {view: values.tolist() for view, values in found.items()}
