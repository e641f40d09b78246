"""How the pictures of a film follow each other: where the rate changes, which stay longer, which stamps repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seizures.video.timestamps import NUM_AROUND

_LONG_STEPS = 1.5  # times the usual one: there, a picture is late or was never recorded
_SAME_RATE = 0.2  # by how much steps may differ and still be of one rate
_STEADY_RATE = 0.1
_STEADY_SHARE = 0.75  # of the steps in a stretch of one rate
_CONSTANT_SHARE = 0.9  # of the steps in a film of one rate
_STAMP_SECONDS = 1.5e-3  # to which some containers round
_REPEATED_SECONDS = 1e-4
_MOST_CHANGES = 3  # that are named
_ROWS = 1 << 16  # that are looked at together


@dataclass(frozen=True)
class Pace:
    """What was found; `rate_changes` is in words, the rest counts pictures and seconds."""

    rate_changes: str = ""
    num_long_stays: int = 0
    num_repeated_stamps: int = 0
    longest_stay_seconds: float = 0.0
    longest_stay_at_seconds: float = 0.0
    is_variable_rate: bool = False


def pace_of(starts: Sequence[float], ends: Sequence[float]) -> Pace:
    """Return how pictures follow each other.

    Args:
        starts: when each is seen, not decreasing, seconds.
        ends: until when, as long; before the next start where time is missing.

    """
    begins = np.asarray(starts, np.float64)
    steps, stays = np.diff(begins), np.asarray(ends, np.float64)[:-1] - begins[:-1]
    if len(steps) < 4:
        return Pace()
    width = min(NUM_AROUND, len(steps))
    medians, steady = _around(steps, width)
    last = len(medians) - 1
    places = np.arange(len(steps))
    usual = np.maximum(medians[np.clip(places - width, 0, last)], medians[np.clip(places + 1, 0, last)])
    is_whole = stays > steps - _STAMP_SECONDS  # nothing is missing behind it
    is_long = is_whole & (steps > _LONG_STEPS * usual + _STAMP_SECONDS)
    longest = int(np.argmax(np.where(is_long, stays, 0.0)))
    return Pace(
        _changes(begins, steps, medians, steady),
        int(is_long.sum()),
        int((steps < _REPEATED_SECONDS).sum()),
        float(stays[longest]) if is_long.any() else 0.0,
        float(begins[longest]) if is_long.any() else 0.0,
        bool((np.abs(steps - (middle := np.median(steps))) <= _near(middle)).mean() < _CONSTANT_SHARE),
    )


def _near(usual: NDArray[np.float64] | float) -> NDArray[np.float64] | float:
    """Return by how much a step may differ from the usual one and still be of its rate, seconds."""
    return _STEADY_RATE * usual + _STAMP_SECONDS


def _around(steps: NDArray[np.float64], width: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the median of each `width` successive steps, and whether they are of one rate; (N - width + 1,) each."""
    windows = np.lib.stride_tricks.sliding_window_view(steps, width)
    medians, steady = np.empty(len(windows)), np.empty(len(windows), np.bool_)
    for first in range(0, len(windows), _ROWS):
        rows = windows[first : first + _ROWS]
        medians[first : first + _ROWS] = middle = np.median(rows, axis=1)
        is_near = np.abs(rows - middle[:, None]) <= _near(middle[:, None])
        steady[first : first + _ROWS] = is_near.mean(axis=1) >= _STEADY_SHARE
    return medians, steady & (medians > _REPEATED_SECONDS)


def _changes(
    begins: NDArray[np.float64], steps: NDArray[np.float64], medians: NDArray[np.float64], steady: NDArray[np.bool_]
) -> str:
    """Say where one steady rate follows another."""
    found: list[str] = []
    width, known = len(steps) - len(medians) + 1, 0.0
    for place in np.flatnonzero(steady).tolist():
        usual = float(medians[place])
        if known and abs(usual / known - 1) > _SAME_RATE:
            window = steps[place : place + width]
            at = begins[place + int(np.argmax(np.abs(window - usual) <= _near(usual)))]
            found.append(f"from {1 / known:.4g} to {1 / usual:.4g} Hz at {at:.2f} s")
        if not known or abs(usual / known - 1) > _SAME_RATE:
            known = usual
    more = f" and {len(found) - _MOST_CHANGES} more times" if len(found) > _MOST_CHANGES else ""
    return ", ".join(found[:_MOST_CHANGES]) + more
