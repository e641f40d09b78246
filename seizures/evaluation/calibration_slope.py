"""Calibration slope and intercept (Cox 1958), with an interval that exists where the two labels are separated, too.

Few seizures are often separated by their probabilities, and then no slope fits best: the steeper, the better. Wald's
interval, the jackknife and the bootstrap do not exist there. This one holds every slope that a score test which heeds
patients (Boos 1992) does not reject. docs/statistics.md has its coverage.

Letters used here: N seizures, B slopes tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm

from seizures.evaluation.metrics import FloatArray, IntArray

SLOPES = np.geomspace(0.02, 60, 120)
_SUREST = 1e-6  # a probability of 0 or 1 has no logit
_HALVINGS = 60


class CalibrationLine(NamedTuple):
    """How log odds of the labels follow the logits of the probabilities; 1 and 0 are perfect.

    The slope is None where the probabilities separate the labels, or are all the same. An end of its interval is None
    where the slopes that fit go on beyond `SLOPES`, on that side; both are where there is no interval.
    """

    slope: float | None
    low: float | None
    high: float | None
    intercept: float | None  # at a slope of 1: above 0, the probabilities are too low
    has_interval: bool


NO_LINE = CalibrationLine(None, None, None, None, has_interval=False)


def calibration_line(
    patients: Sequence[str], labels: IntArray, probabilities: FloatArray, confidence_level: float
) -> CalibrationLine:
    """Fit the line of calibration, and find the slopes that seizures of so few patients leave open.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (N,), of one classifier, or means over seeds.
        confidence_level: between 0 and 1.

    Returns:
        `NO_LINE` where there is one label only.

    """
    if labels.all() or not labels.any():
        return NO_LINE
    logits = _logits(probabilities)
    intercept = float(_intercepts(logits, labels, np.ones(1))[0])
    _, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    if patient.max() == 0:
        return CalibrationLine(best_slope(labels, probabilities), None, None, intercept, has_interval=False)
    kept = _not_rejected(patient, labels, logits, confidence_level)
    low = high = None  # each end is the first slope that is rejected
    if len(kept) and kept[0] > 0:
        low = float(SLOPES[kept[0] - 1])
    if len(kept) and kept[-1] < len(SLOPES) - 1:
        high = float(SLOPES[kept[-1] + 1])
    return CalibrationLine(best_slope(labels, probabilities), low, high, intercept, has_interval=bool(len(kept)))


def _logits(probabilities: FloatArray) -> FloatArray:
    logits: FloatArray = logit(np.clip(probabilities, _SUREST, 1 - _SUREST))
    return logits


def _not_rejected(patient: IntArray, labels: IntArray, logits: FloatArray, confidence_level: float) -> IntArray:
    """Return the places of the `SLOPES` that the score test does not reject.

    Its variance is that between patients, and never less than that of independent seizures.
    """
    intercepts = _intercepts(logits, labels, SLOPES)
    fitted = expit(intercepts[:, None] + SLOPES[:, None] * logits)
    weights = fitted * (1 - fitted)
    total = weights.sum(axis=1, keepdims=True)
    mean = np.divide(weights @ logits[:, None], total, out=np.full_like(total, logits.mean()), where=total > 0)
    scores, number = (labels - fitted) * (logits - mean), int(patient.max()) + 1
    order = np.argsort(patient, kind="stable")
    by_patient = np.add.reduceat(scores[:, order], np.searchsorted(patient[order], np.arange(number)), axis=1)
    between = ((by_patient - by_patient.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) * number / (number - 1)
    variance = np.maximum(between, (weights * (logits - mean) ** 2).sum(axis=1))
    is_kept = np.abs(by_patient.sum(axis=1)) <= norm.ppf((1 + confidence_level) / 2) * np.sqrt(variance)
    return np.flatnonzero(is_kept)


def _intercepts(logits: FloatArray, labels: IntArray, slopes: FloatArray) -> FloatArray:
    """Return the intercept that fits best at each slope, (B,): there the expected labels sum up to the real ones."""
    most = 40 + slopes * np.abs(logits).max()
    low, high = -most, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_above = expit(middle[:, None] + slopes[:, None] * logits).sum(axis=1) > labels.sum()
        low, high = np.where(is_above, low, middle), np.where(is_above, middle, high)
    found: FloatArray = (low + high) / 2
    return found


def best_slope(labels: IntArray, probabilities: FloatArray) -> float | None:
    """Return the slope of the logistic regression of the labels, (N,), on the logits of the probabilities, (N,).

    None where the probabilities separate the labels, or are all the same.
    """
    logits = _logits(probabilities)
    positive, negative = logits[labels == 1], logits[labels == 0]
    if positive.min() >= negative.max() or positive.max() <= negative.min():
        return None
    signs = np.where(labels == 1, 1.0, -1.0)

    def loss(line: FloatArray) -> tuple[float, FloatArray]:
        margins = signs * (line[0] + line[1] * logits)
        pull = -signs * expit(-margins)
        return float(np.logaddexp(0, -margins).sum()), np.array([pull.sum(), pull @ logits])

    found = minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS", options={"gtol": 1e-8})
    return float(found.x[1]) if math.isfinite(found.x[1]) else None
