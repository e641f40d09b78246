"""When a classifier should not call a seizure: the zone of probabilities in which it is right too seldom.

Everything here rests on calibrated probabilities that were never fitted on whom they are about
(`calibration_fit.cross_fit`). How sure a probability p is, is max(p, 1 - p). A threshold of it leaves the zone
(1 - threshold, threshold) without a call; at 0.5 there is no zone. Letters in shapes: N seizures.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seizures.prediction.calibration_fit import calibrate_held_out, cross_fit, patient_groups

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

THRESHOLDS = np.arange(50, 100) / 100
LEAST_PATIENTS = 5  # among the called, for their accuracy to count


@dataclasses.dataclass(frozen=True)
class Zone:
    """Which probabilities are called: those at or above `threshold`, and those at or below 1 - `threshold`.

    `reached` tells whether the calls of the cohort were right often enough; where not, `threshold` is the target
    itself, which takes each probability at its word.
    """

    threshold: float
    reached: bool

    @property
    def no_call(self) -> tuple[float, float]:
        """The ends of the zone: strictly between them nothing is called; both 0.5 where everything is."""
        return _low(self.threshold), self.threshold

    def calls(self, probabilities: npt.ArrayLike) -> BoolArray:
        """Return which calibrated probabilities are called, of the shape that is given."""
        return is_called(probabilities, self.threshold)


def is_called(probabilities: npt.ArrayLike, threshold: float) -> BoolArray:
    """Return which calibrated probabilities do not lie strictly inside (1 - threshold, threshold)."""
    values = np.asarray(probabilities, dtype=np.float64)
    called: BoolArray = (values >= threshold) | (values <= _low(threshold))
    return called


def _low(threshold: float) -> float:
    return round(1 - threshold, 12)  # 0.05 for 0.95, as a person would write it


def is_right(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> BoolArray:
    """Return which calls at 0.5 are of the true label, (N,)."""
    right: BoolArray = (np.asarray(probabilities, dtype=np.float64) >= 0.5) == (np.asarray(labels) == 1)
    return right


def coverage_curve(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> list[dict[str, float | None]]:
    """Return what each threshold would call, and how often that would be right.

    Returns:
        For each of `THRESHOLDS`: `threshold`, `share_called` and `accuracy`, None where nothing is called.
    """
    right = is_right(labels, probabilities)
    rows: list[dict[str, float | None]] = []
    for threshold in THRESHOLDS:
        called = is_called(probabilities, threshold)
        accuracy = float(right[called].mean()) if called.any() else None
        rows.append({"threshold": float(threshold), "share_called": float(called.mean()), "accuracy": accuracy})
    return rows


def least_called(target_accuracy: float) -> int:
    """Return how many seizures must be called for their accuracy to count: as many as pardon one error.

    Of fewer, a single seizure would decide whether the target is reached.
    """
    return math.ceil(round(1 / (1 - target_accuracy), 9))


def choose_zone(
    patients: Sequence[str], labels: npt.ArrayLike, probabilities: npt.ArrayLike, target_accuracy: float
) -> Zone:
    """Return the smallest zone outside of which at least `target_accuracy` of the called seizures are right.

    So that noise does not decide, this must hold at the threshold and at every higher one that still calls
    `least_called` seizures of five patients; the threshold itself must call as many.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (N,), calibrated, of `cross_fit`.
        target_accuracy: above 0.5 and below 1.
    """
    right, least = is_right(labels, probabilities), least_called(target_accuracy)
    names, found = np.asarray(patients, dtype=np.str_), None
    if len(np.unique(labels)) < 2:  # how often calls of the other label are right is not known
        return Zone(target_accuracy, reached=False)
    for threshold in THRESHOLDS[::-1]:
        called = is_called(probabilities, float(threshold))
        if called.sum() < least or len(set(names[called])) < LEAST_PATIENTS:
            continue
        if right[called].sum() < target_accuracy * called.sum() - 1e-9:
            break
        found = float(threshold)
    return Zone(target_accuracy, reached=False) if found is None else Zone(found, reached=True)


@dataclasses.dataclass(frozen=True)
class NestedCalls:
    """What zones call that were chosen without the patients on whom they are tried.

    Attributes:
        called: (N,) whether a seizure is called.
        right: (N,) whether the call is, or would be, of the true label.
        zones: of each group of patients, chosen and calibrated on the others.
    """

    called: BoolArray
    right: BoolArray
    zones: tuple[Zone, ...]


def nested_calls(
    patients: Sequence[str], labels: npt.ArrayLike, probabilities: npt.ArrayLike, target_accuracy: float
) -> NestedCalls:
    """Choose the zone anew for each group of patients, on the others alone, and call the group by it.

    A zone that is chosen and scored on the same seizures flatters itself; this one does not.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (N,), out of fold and not calibrated: the calibration is fitted anew too.
        target_accuracy: above 0.5 and below 1.
    """
    names, truth = np.asarray(patients, dtype=np.str_), np.asarray(labels)
    values = np.asarray(probabilities, dtype=np.float64)
    group = patient_groups(patients, truth, values)
    called, right = np.zeros(len(names), dtype=np.bool_), np.zeros(len(names), dtype=np.bool_)
    zones = []
    for one in np.unique(group):
        held_out, others = group == one, group != one
        if not others.any():
            break  # one patient: nothing to choose on, so nothing is called
        known = cross_fit(list(names[others]), truth[others], values[others])
        zone = choose_zone(list(names[others]), truth[others], known, target_accuracy)
        calibrated = calibrate_held_out(patients, truth, values, others, held_out)
        called[held_out], right[held_out] = zone.calls(calibrated), is_right(truth[held_out], calibrated)
        zones.append(zone)
    return NestedCalls(called, right, tuple(zones))
