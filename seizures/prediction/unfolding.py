"""The answer as a seizure unfolds: what the classifier says of what had been seen until t, second by second.

At t the classifier gets the middles of the n segments of the beginning [onset, t], and nothing from after t: a snippet
that stands in for a damaged one lies before t too. The first answer is at the first whole second at which the beginning
is long enough for n segments; the last one is that of the whole seizure.

Letters in shapes: V views, T times, K seeds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from seizures.classification.sampling import minimum_frames
from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.classification.training_loop import middle_logits
from seizures.errors import TooShortError
from seizures.features.snippets import count_snippets
from seizures.prediction.calibrator import Calibration
from seizures.settings import TrainingSettings

FloatArray = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Unfolding:
    """The answers for the beginnings of one seizure.

    Attributes:
        seconds: float64 (T,) since the onset, rising.
        probabilities: float64 (K, V, T) of the positive label, before calibration; NaN where a view has no answer yet.
            A view that has ended keeps its last answer.
        views: V names.
    """

    seconds: FloatArray
    probabilities: FloatArray
    views: tuple[str, ...]

    @property
    def by_seed(self) -> FloatArray:
        """The mean over the views that have an answer, (K, T)."""
        found: FloatArray = np.nanmean(self.probabilities, axis=1)
        return found


def unfold(
    bank: SequenceBank, classifiers: Sequence[nn.Module], settings: TrainingSettings, step_seconds: float = 1.0
) -> Unfolding:
    """Ask classifiers about every beginning of one seizure.

    Args:
        bank: the views of one seizure.
        classifiers: one a seed.
        settings: how they were trained.
        step_seconds: between the times.

    Raises:
        TooShortError: no view is long enough.
    """
    fewest = minimum_frames(bank.frames_per_snippet, settings.num_segments)
    long_enough = bank.num_frames >= fewest
    if not long_enough.any():
        found, wanted = bank.num_frames.max() / bank.frame_rate_hz, fewest / bank.frame_rate_hz
        raise TooShortError(f"lasts {found:.1f} s, and the classifier needs at least {wanted:.1f} s")
    seconds = _times(int(bank.num_frames[long_enough].max()), fewest, bank, step_seconds)
    beginnings, places = _beginnings(bank, seconds, fewest)
    probabilities = np.full((len(classifiers), len(bank), len(seconds)), np.nan)
    sampler = SequenceSampler(beginnings, settings.num_segments)
    for number, classifier in enumerate(classifiers):
        logits = middle_logits(sampler, beginnings, classifier, settings.batch_size)
        probabilities[number][places] = logits.double().softmax(dim=1)[:, 1].numpy()
    has_answer = ~np.isnan(probabilities[0]).all(axis=0)
    return Unfolding(seconds[has_answer], probabilities[:, :, has_answer], bank.views)


def settled_seconds(
    seconds: FloatArray, probability: FloatArray, low: FloatArray, high: FloatArray, no_call: tuple[float, float]
) -> float | None:
    """Return the first moment from which, to the end, the call stays the same; None where there is no call at the end.

    The probability stays outside the no-call zone on one side, and every seed on its side of 1/2.

    Args:
        seconds: (T,) since the onset.
        probability: (T,) of the positive label.
        low: (T,) that of the lowest seed.
        high: (T,) that of the highest seed.
        no_call: strictly between these the classifier abstains.
    """
    above = (probability >= max(no_call[1], 0.5)) & (low >= 0.5)
    below = (probability <= no_call[0]) & (probability < 0.5) & (high < 0.5)
    side = above.astype(np.int64) - below.astype(np.int64)
    if not len(side) or side[-1] == 0:
        return None
    others = np.flatnonzero(side != side[-1])
    return float(seconds[others[-1] + 1 if len(others) else 0])


def follow(found: Unfolding, calibration: Calibration, no_call: tuple[float, float]) -> Mapping[str, Any]:
    """Return the course of the ensemble's calibrated answer as plain values, and when it settles."""
    by_seed = found.by_seed
    probability, seeds = calibration.apply(by_seed.mean(axis=0)), calibration.apply(by_seed)
    low, high = seeds.min(axis=0), seeds.max(axis=0)
    return {
        "seconds": found.seconds.tolist(),
        "probability": probability.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "settled_seconds": settled_seconds(found.seconds, probability, low, high, no_call),
    }


def _times(num_frames: int, fewest: int, bank: SequenceBank, step_seconds: float) -> FloatArray:
    end = num_frames / bank.frame_rate_hz
    first = math.ceil(_frames_for(fewest, bank) / bank.frame_rate_hz / step_seconds - 1e-9)
    steps = np.arange(first, math.ceil(end / step_seconds - 1e-9), dtype=np.float64) * step_seconds
    return np.append(steps[steps < end - 1e-9], end)


def _frames_for(fewest: int, bank: SequenceBank) -> int:
    """Return the fewest frames whose whole snippets span at least `fewest`."""
    return fewest + (-(fewest - bank.frames_per_snippet)) % bank.stride_frames


def _beginnings(
    bank: SequenceBank, seconds: FloatArray, fewest: int
) -> tuple[SequenceBank, tuple[npt.NDArray[Any], ...]]:
    """Return a bank with a view for every beginning that has an answer, and their places among (V, T)."""
    length, stride = bank.frames_per_snippet, bank.stride_frames
    seen = np.floor(seconds * bank.frame_rate_hz + 1e-6).astype(np.int64)
    num_rows = np.minimum(
        np.array([count_snippets(int(frames), length, stride) for frames in seen]), bank.num_rows[:, None]
    )
    num_frames = np.maximum(num_rows - 1, 0) * stride + length
    num_valid = np.concatenate([[0], np.cumsum(bank.valid)])
    first = bank.first_row[:, None]
    has_valid = num_valid[first + num_rows] > num_valid[first]
    places = np.nonzero((num_frames >= fewest) & (num_rows > 0) & has_valid)
    view = places[0]
    chosen = bank.select(view)
    return dataclasses.replace(chosen, num_rows=num_rows[places], num_frames=num_frames[places]), places
