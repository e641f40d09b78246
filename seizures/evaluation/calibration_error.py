"""The calibration error: how far probabilities typically are from what happens, with an interval over patients.

Seizures are sorted by their probability into bins of equal numbers. The error is the root of the mean over seizures of
the squared difference, in their bin, of the share of the positive label from the mean probability. As it stands that
is above 0 for perfect probabilities too, the more so the fewer seizures; so the variance of each difference between
patients is taken off (the debiased estimator of Kumar, Liang and Ma 2019, with patients for their independent
examples). What is left may be below 0: then no error can be told from chance, and it is 0.

The interval is by inversion: the sum of squares, over its scale, is taken for a noncentral chi-squared, with the
degrees of freedom that match its mean and its variance (Satterthwaite 1946), and the interval holds every error under
which a sum like this one is not unusual. A bootstrap fails here: resamples of probabilities without an error have one,
and none has errors that the cohort does not show. docs/statistics.md has its coverage.

Letters used here: N seizures, G patients, B bins.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import ncx2

from seizures.evaluation.intervals import ONE_PATIENT, Interval
from seizures.evaluation.metrics import FloatArray, IntArray

MOST_BINS, LEAST_SEIZURES, LEAST_PATIENTS = 10, 10, 3  # of all, and in a bin


@dataclasses.dataclass(frozen=True)
class CalibrationError:
    """The error, and its interval: None at both ends where there is one patient."""

    value: float
    interval: Interval
    num_bins: int


def equal_count_bins(patients: IntArray, probabilities: FloatArray) -> IntArray:
    """Return the bin of each seizure, (N,), from 0 for the lowest probabilities.

    A bin is closed when it holds a tenth of the seizures, at least ten of them, and three patients; equal probabilities
    are never parted. What is left at the end joins the last bin.
    """
    size = max(LEAST_SEIZURES, math.ceil(len(probabilities) / MOST_BINS))
    order = np.argsort(probabilities, kind="stable")
    values, first, number = probabilities[order], 0, 0
    bins = np.zeros(len(order), dtype=np.int64)
    for end in range(1, len(order) + 1):
        if end < len(order) and values[end] == values[end - 1]:
            continue
        if end - first < size or len(np.unique(patients[order[first:end]])) < LEAST_PATIENTS:
            continue
        bins[order[first:end]] = number
        first, number = end, number + 1
    bins[order[first:]] = max(number - 1, 0)
    return bins


def calibration_error(
    patients: Sequence[str], labels: IntArray, probabilities: FloatArray, confidence_level: float
) -> CalibrationError:
    """Return the debiased root mean squared calibration error of probabilities, (N,), in probability: 0 is perfect."""
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    bins = equal_count_bins(patient, probabilities)
    sizes = np.bincount(bins).astype(np.float64)  # (B,)
    weights = sizes / len(bins)
    residuals = labels - probabilities
    gaps = np.bincount(bins, residuals) / sizes  # (B,)
    variance = _variance_between_patients(patient, bins, (residuals - gaps[bins]) / sizes[bins])
    observed = float(weights @ gaps**2)
    value = math.sqrt(max(observed - float(weights @ np.diag(variance)), 0.0))
    if len(names) < 2:
        return CalibrationError(value, ONE_PATIENT, len(sizes))
    # A bin in which all are right is not known without error: at least as uncertain as its seizures and one more of
    # each label would be, each for itself.
    positive = (np.bincount(bins, labels) + 1) / (sizes + 2)
    variance += np.diag(np.maximum(positive * (1 - positive) / sizes - np.diag(variance), 0.0))
    low, high = _ends(observed, weights[:, None] * variance, confidence_level)
    return CalibrationError(value, Interval(min(low, value), max(high, value)), len(sizes))


def _variance_between_patients(patient: IntArray, bins: IntArray, influences: FloatArray) -> FloatArray:
    """Return the covariance matrix, (B, B), of the bins' gaps: of whole patients, who may be in several bins."""
    of_patient = np.zeros((int(patient.max()) + 1, int(bins.max()) + 1))
    is_in = of_patient.copy()
    np.add.at(of_patient, (patient, bins), influences)
    is_in[patient, bins] = 1.0
    in_bin = is_in.sum(axis=0)
    of_patient *= np.sqrt(in_bin / np.maximum(in_bin - 1, 1))
    variance: FloatArray = of_patient.T @ of_patient
    return variance


def _ends(observed: float, weighted: FloatArray, confidence_level: float) -> tuple[float, float]:
    """Return the errors between which a weighted sum of squares like this one is not unusual.

    Args:
        observed: the sum, with the variance still in it.
        weighted: (B, B) the covariance of the gaps, each row times the weight of its bin.
        confidence_level: between 0 and 1.
    """
    mean, half_variance = float(np.trace(weighted)), float((weighted * weighted.T).sum())
    scale, freedom, tail = half_variance / mean, mean**2 / half_variance, (1 - confidence_level) / 2
    low = _noncentrality(observed / scale, freedom, 1 - tail)
    high = _noncentrality(max(observed / scale, freedom), freedom, tail)  # a lucky sum does not narrow it
    return min(math.sqrt(low * scale), 1.0), min(math.sqrt(high * scale), 1.0)


def _noncentrality(statistic: float, freedom: float, wanted: float) -> float:
    """Return the noncentrality at which a chi-squared is below `statistic` with the probability `wanted`, or 0."""
    if ncx2.cdf(statistic, freedom, 0) <= wanted:
        return 0.0
    top = statistic + 1.0
    while ncx2.cdf(statistic, freedom, top) > wanted:
        top *= 2
    return float(brentq(lambda shift: ncx2.cdf(statistic, freedom, shift) - wanted, 0.0, top, xtol=1e-9))
