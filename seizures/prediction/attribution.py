"""What moved an answer: integrated gradients over the snippets, and what happens without the most telling ones.

The answer is a function of all snippets of all views. Integrated gradients (Sundararajan, Taly and Yan 2017) share its
difference from the answer for a baseline, the mean feature of the training seizures in every place, among the snippets:
the gradient of the calibrated log-odds along the straight line from the baseline to the seizure, times the way, summed
over the features of a snippet. The shares must add up to the difference (completeness), which is checked each time.

This says what moved the answer, and not why the seizure is what it is.

Letters in shapes: V views, N segments, D features, Q points on the line.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from seizures.errors import SoftwareError
from seizures.prediction.calibrator import sigmoid
from seizures.prediction.ensemble import Classifier
from seizures.prediction.middles import Middles

FEWEST_POINTS, MOST_POINTS = 32, 1024
TOLERANCE = 0.002  # of the difference; what is promised is 0.01
SHARE_DELETED = 0.25
NUM_RANDOM = 200


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
        random_mean: the mean over random quarters.
        share_below: the share of random quarters that move P by less than `top`.
    """

    top: float
    random_mean: float
    share_below: float


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

    Raises:
        SoftwareError: the shares do not add up, however many points are taken.
    """
    views = sorted(middles)
    end = torch.stack([middles[view] for view in views]).double()
    start = classifier.baseline.double().expand_as(end)
    log_odds = _LogOdds(classifier)
    with torch.no_grad():
        first, last = (float(log_odds(one[None])[0]) for one in (start, end))
    num_points = FEWEST_POINTS
    while True:
        values = _integrate(log_odds, start, end, num_points)
        error = abs(float(values.sum()) - (last - first))
        if error <= TOLERANCE * max(abs(last - first), 0.05):
            break
        if num_points >= MOST_POINTS:
            raise SoftwareError(
                f"the shares of the snippets add up to {float(values.sum()):.4f}, and not to {last - first:.4f}, the "
                "difference that they explain; please report this"
            )
        num_points *= 2
    shares = {view: tuple(map(float, row)) for view, row in zip(views, values, strict=True)}
    return Attribution(shares, last, first)


def _integrate(log_odds: _LogOdds, start: torch.Tensor, end: torch.Tensor, num_points: int) -> npt.NDArray[np.float64]:
    """Return the integrated gradients summed over the features, (V, N), by Gauss-Legendre quadrature in two halves."""
    nodes, weights = np.polynomial.legendre.leggauss(num_points)
    places, shares = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)
    total = torch.zeros_like(end)
    for at in range(0, num_points, FEWEST_POINTS):
        some = places[at : at + FEWEST_POINTS, None, None, None]
        line = (start + some * (end - start)).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(log_odds(line).sum(), line)
        total += (shares[at : at + FEWEST_POINTS, None, None, None] * gradient).sum(dim=0)
    found: npt.NDArray[np.float64] = (total * (end - start)).sum(dim=2).numpy()
    return found


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
    return Deletion(float(moved[0]), float(moved[1:].mean()), float((moved[1:] < moved[0]).mean()))
