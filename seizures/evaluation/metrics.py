"""Scores from counts and ranks, for one sample or thousands of resamples at once, and the bootstrap over patients.

Letters used here: N seizures, K seeds, R resamples, P patients. Label 1 is the positive class (TCS).
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DECISION_THRESHOLD = 0.5
METRIC_TITLES = {
    "accuracy": "Accuracy",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "mcc": "MCC",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
}
METRIC_NAMES = tuple(METRIC_TITLES)
COUNT_NAMES = ("TP", "TN", "FP", "FN")
MIN_SHARE_DEFINED = 0.5


@dataclasses.dataclass(frozen=True)
class Interval:
    """Percentile interval of one score; the bounds are None where the score is undefined in too many resamples."""

    low: float | None
    high: float | None
    num_undefined: int


def decide(probabilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return True where P(TCS) is at or above 0.5, of any shape."""
    return np.asarray(probabilities, dtype=np.float64) >= DECISION_THRESHOLD


def compute_metrics(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> dict[str, float | int | None]:
    """Compute every metric of one set of predictions; one that is undefined for these counts is None, never 0.

    Precision needs a predicted TCS; recall and F1 a TCS; specificity a FOS; the scores below it both classes. Matthews'
    correlation (MCC, from -1 to 1) is 0 where all are called the same.

    Args:
        labels: (N,) 1 for TCS, 0 for FOS.
        probabilities: (N,) P(TCS).

    Returns:
        `METRIC_NAMES` to a float or None, and TP, TN, FP, FN to whole numbers.
    """
    truth = np.asarray(labels, dtype=np.int64) == 1
    scores = np.asarray(probabilities, dtype=np.float64)
    called = decide(scores)
    tp, tn = int((truth & called).sum()), int((~truth & ~called).sum())
    fp, fn = int((~truth & called).sum()), int((truth & ~called).sum())
    both = bool(truth.any()) and not bool(truth.all())
    return {
        "accuracy": _share(tp + tn, len(truth)),
        "f1": _share(2 * tp, 2 * tp + fp + fn) if tp + fn else None,
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, tp + fn),
        "specificity": _share(tn, tn + fp),
        "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2 if both else None,
        "mcc": float(matthews_corrcoef(truth, called)) if both else None,
        "roc_auc": float(roc_auc_score(truth, scores)) if both else None,
        "average_precision": float(average_precision_score(truth, scores)) if both else None,
        "TP": tp,
        "TN": tn,
        "FP": fp,
        "FN": fn,
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def resample_patients(patient_ids: Sequence[str], num_resamples: int, rng: np.random.Generator) -> FloatArray:
    """Draw P patients with replacement, R times, each patient with all of their seizures.

    Args:
        patient_ids: patient of each seizure, N long.
        num_resamples: R.
        rng: source of the draws; patients are drawn by their place in the sorted list of ids, so that the order of
            the seizures does not matter.

    Returns:
        (R, N): how many times each seizure is in each resample.
    """
    patients, patient_of_seizure = np.unique(np.asarray(patient_ids, dtype=np.str_), return_inverse=True)
    num_patients = len(patients)
    drawn = rng.integers(0, num_patients, size=(num_resamples, num_patients))
    rows = np.repeat(np.arange(num_resamples), num_patients)
    times = np.bincount(rows * num_patients + drawn.ravel(), minlength=num_resamples * num_patients)
    weights: FloatArray = times.reshape(num_resamples, num_patients)[:, patient_of_seizure].astype(np.float64)
    return weights


def order_of_content(patients: Sequence[str], values: FloatArray) -> tuple[list[str], IntArray]:
    """Order seizures without their ids: patients by the values of all of their seizures, seizures by their own.

    Patients with identical values cannot be distinguished, and their order changes nothing.

    Args:
        patients: patient of each seizure, N long.
        values: (M, N), all that will be computed with.

    Returns:
        The patients as numbers, sorted, N long; and the seizures in that order, (N,).
    """
    content = [tuple(column) for column in values.T.tolist()]
    of_patient: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for patient, own in sorted(zip(patients, content, strict=True), key=lambda item: item[1]):
        of_patient[patient].append(own)
    ranked = {patient: place for place, patient in enumerate(sorted(of_patient, key=of_patient.__getitem__))}
    order = sorted(range(len(content)), key=lambda seizure: (ranked[patients[seizure]], content[seizure]))
    return [f"{ranked[patients[seizure]]:08d}" for seizure in order], np.array(order, dtype=np.int64)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is 0."""
    nothing = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    ratio: FloatArray = np.divide(numerator, denominator, out=nothing, where=denominator > 0)
    return ratio


def weighted_roc_auc(labels: IntArray, probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the area under the ROC curve of each resample: the share of (TCS, FOS) pairs in the right order.

    A tie counts a half (Mann-Whitney). NaN where a resample has one class only.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,).
        weights: (R, N).

    Returns:
        (R,).
    """
    positive = labels == 1
    differences = probabilities[positive][:, None] - probabilities[~positive][None, :]
    right_order = np.heaviside(differences, 0.5)
    weights_positive, weights_negative = weights[:, positive], weights[:, ~positive]
    won = ((weights_positive @ right_order) * weights_negative).sum(axis=1)
    return _ratio(won, weights_positive.sum(axis=1) * weights_negative.sum(axis=1))


def roc_curves(labels: IntArray, probabilities: FloatArray, weights: FloatArray, grid: FloatArray) -> FloatArray:
    """Return the sensitivity of each resample at each false positive rate of `grid`, by the usual straight segments.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,).
        weights: (R, N).
        grid: (G,) false positive rates, rising from 0 to 1.

    Returns:
        (R, G), NaN where a resample has one class only.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked, weights = probabilities[order], weights[:, order]
    positive = (labels[order] == 1).astype(np.float64)
    ends_of_ties = np.unique(np.searchsorted(-ranked, -ranked, side="right") - 1)
    true_positive = np.cumsum(weights * positive, axis=1)
    false_positive = np.cumsum(weights * (1 - positive), axis=1)
    curves = np.full((len(weights), len(grid)), np.nan)
    for row, (tp, fp) in enumerate(zip(true_positive, false_positive, strict=True)):
        if tp[-1] and fp[-1]:
            rate, sensitivity = fp[ends_of_ties] / fp[-1], tp[ends_of_ties] / tp[-1]
            curves[row] = np.interp(grid, np.append(0.0, rate), np.append(0.0, sensitivity))
    return curves


def weighted_average_precision(labels: IntArray, probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the average precision of each resample: the mean, over its TCS, of the precision at their threshold.

    Seizures with the same probability share one threshold, as in scikit-learn. NaN where a resample has one class only
    (with TCS only it is 1 whatever the classifier says).

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,).
        weights: (R, N).

    Returns:
        (R,).
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked, positive, weights = probabilities[order], (labels[order] == 1).astype(np.float64), weights[:, order]
    last_of_tie = np.searchsorted(-ranked, -ranked, side="right") - 1
    num_above = np.cumsum(weights, axis=1)[:, last_of_tie]
    num_positive_above = np.cumsum(weights * positive, axis=1)[:, last_of_tie]
    precision = np.divide(num_positive_above, num_above, out=np.zeros_like(num_above), where=num_above > 0)
    num_positive = (weights * positive).sum(axis=1)
    scores = _ratio((weights * positive * precision).sum(axis=1), num_positive)
    scores[weights.sum(axis=1) == num_positive] = np.nan
    return scores


def weighted_metrics(labels: IntArray, probabilities: FloatArray, weights: FloatArray) -> dict[str, FloatArray]:
    """Compute every score of every resample and seed.

    A score that is undefined for its counts is NaN: precision without a predicted TCS, recall and F1 without a TCS,
    specificity without a FOS, the scores after it with one class only. F1 is 2 TP / (2 TP + FP + FN).

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (K, N), P(TCS) by each seed.
        weights: (R, N), how many times each seizure is in each resample.

    Returns:
        `METRIC_NAMES` to (R, K).
    """
    predicted = decide(probabilities)
    positive = labels == 1
    tp, fp, fn, tn = (
        weights @ mask.T.astype(np.float64)
        for mask in (predicted & positive, predicted & ~positive, ~predicted & positive, ~predicted & ~positive)
    )
    f1 = _ratio(2 * tp, 2 * tp + fp + fn)
    f1[tp + fn == 0] = np.nan
    recall, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    of_called = np.sqrt((tp + fp) * (tn + fn))
    mcc = _ratio(tp * tn - fp * fn, np.sqrt((tp + fn) * (tn + fp)) * np.where(of_called, of_called, 1.0))
    return {
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "f1": f1,
        "precision": _ratio(tp, tp + fp),
        "recall": recall,
        "specificity": specificity,
        "balanced_accuracy": (recall + specificity) / 2,
        "mcc": mcc,
        "roc_auc": np.stack([weighted_roc_auc(labels, row, weights) for row in probabilities], axis=1),
        "average_precision": np.stack(
            [weighted_average_precision(labels, row, weights) for row in probabilities], axis=1
        ),
    }


def percentile_interval(resampled: FloatArray, confidence_level: float) -> Interval:
    """Return the central interval that holds `confidence_level` of the resampled scores (percentile bootstrap).

    Args:
        resampled: (R,), NaN where the score was undefined. Those are left out and counted; when more than half are,
            there is no interval, because the rest would be the lucky ones.
        confidence_level: between 0 and 1.
    """
    defined = resampled[~np.isnan(resampled)]
    num_undefined = len(resampled) - len(defined)
    if not len(defined) or len(defined) < MIN_SHARE_DEFINED * len(resampled):
        return Interval(None, None, num_undefined)
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high), num_undefined)
