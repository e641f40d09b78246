"""How a frozen classifier does on seizures of another cohort, beside how it did in the cross-validation of its own.

The answer of the ensemble is scored: one classifier, calibrated as its file says, with nothing fitted here. Only
numbers are returned, and no id.

Letters in shapes: N seizures, G patients.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seizures.evaluation.calibration import brier_score
from seizures.evaluation.calibration_slope import calibration_line
from seizures.evaluation.intervals import ONE_PATIENT, Cohort, Interval, t_quantile
from seizures.evaluation.metrics import compute_metrics

SCORES = ("accuracy", "balanced_accuracy", "recall", "specificity", "precision", "f1", "mcc", "roc_auc")
FORMAT, FORMAT_VERSION = "seizure-external-scores", 1


@dataclasses.dataclass(frozen=True, eq=False)
class Answered:
    """What a classifier said of labelled seizures.

    Attributes:
        patients: of each seizure, N long.
        labels: (N,) 1 for the positive label, else 0.
        probabilities: (N,) calibrated, of the positive label.
        is_called: (N,) False where the classifier abstained.
        is_familiar: (N,) False where the film is unlike those of training; None where nobody can say.
    """

    patients: Sequence[str]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    is_called: npt.NDArray[np.bool_]
    is_familiar: Sequence[bool | None]


def score_externally(answered: Answered, info: Mapping[str, Any], confidence_level: float = 0.95) -> dict[str, Any]:
    """Return the scores as plain values, None where undefined.

    Args:
        answered: of the other cohort.
        info: what the classifier's file says.
        confidence_level: between 0 and 1.

    Returns:
        `external` and `internal` scores with intervals, and their `difference`, external minus internal, for which the
        two cohorts are independent (the method of Newcombe 1998, from the two intervals); `called`: the same accuracy
        without those on which it abstained; `calibration`: in the large (observed share minus mean probability), the
        Brier score, and slope and intercept; how many are unfamiliar.
    """
    negative, positive = info["labels"]
    internal = info["scores"]["metrics"] if info["scores"] else {}
    external = _scores(answered, np.ones(len(answered.labels), dtype=np.bool_), confidence_level)
    called = _scores(answered, answered.is_called, confidence_level) if answered.is_called.any() else None
    names = Counter(np.where(answered.labels == 1, positive, negative).tolist())
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "classifier_id": info["classifier_id"],
        "labels": [negative, positive],
        "confidence_level": confidence_level,
        "num_patients": len(set(answered.patients)),
        "num_seizures": len(answered.labels),
        "num_seizures_by_label": dict(sorted(names.items())),
        "external": external,
        "internal": internal,
        "difference": {name: _difference(external[name], internal[name]) for name in SCORES if name in internal},
        "called": {
            "share": float(answered.is_called.mean()),
            "accuracy": called["accuracy"] if called else _NOTHING,
            "internal_share": (info["decision"] or {}).get("share_called"),
            "internal_accuracy": (info["decision"] or {}).get("accuracy_called"),
        },
        "calibration": _calibration(answered, confidence_level),
        "num_unfamiliar": sum(one is False for one in answered.is_familiar),
        "num_familiarity_unknown": sum(one is None for one in answered.is_familiar),
    }


_NOTHING = {"mean": None, "low": None, "high": None}


def _scores(
    answered: Answered, chosen: npt.NDArray[np.bool_], confidence_level: float
) -> dict[str, dict[str, float | None]]:
    patients = [one for one, is_chosen in zip(answered.patients, chosen, strict=True) if is_chosen]
    labels, probabilities = answered.labels[chosen], answered.probabilities[chosen]
    cohort = Cohort(patients, labels, probabilities[None, :], confidence_level)
    found = compute_metrics(labels, probabilities)
    scores = {}
    for name in SCORES:
        interval = cohort.interval(name) if found[name] is not None else Interval(None, None)
        scores[name] = {"mean": found[name], "low": interval.low, "high": interval.high}
    return scores


def _difference(external: Mapping[str, float | None], internal: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return external minus internal, with Newcombe's interval for two independent scores."""
    one, other = external["mean"], internal["mean"]
    if one is None or other is None:
        return {"value": None, "low": None, "high": None}
    ends = (external["low"], external["high"], internal["low"], internal["high"])
    if None in ends:
        return {"value": one - other, "low": None, "high": None}
    low, high, other_low, other_high = (float(end) for end in ends if end is not None)
    below = np.hypot(one - low, other_high - other)
    above = np.hypot(high - one, other - other_low)
    return {"value": one - other, "low": float(one - other - below), "high": float(one - other + above)}


def _mean_interval(patients: Sequence[str], values: npt.NDArray[np.float64], confidence_level: float) -> Interval:
    """Return the interval of a mean over seizures, (N,): m -+ t sqrt(V), with V between patients."""
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    number, mean = len(names), float(values.mean())
    if number < 2:
        return ONE_PATIENT
    of_patient = np.bincount(patient, weights=values - mean) / len(values)
    reach = t_quantile(confidence_level, number - 1) * math.sqrt(number / (number - 1) * float((of_patient**2).sum()))
    return Interval(mean - reach, mean + reach)


def _calibration(answered: Answered, confidence_level: float) -> dict[str, Any]:
    """Return calibration in the large with an interval over patients, the Brier score, and slope and intercept."""
    residuals = answered.labels - answered.probabilities
    interval = _mean_interval(answered.patients, residuals, confidence_level)
    line = calibration_line(list(answered.patients), answered.labels, answered.probabilities, confidence_level)
    return {
        "in_the_large": {"value": float(residuals.mean()), "low": interval.low, "high": interval.high},
        "observed_share": float(answered.labels.mean()),
        "mean_probability": float(answered.probabilities.mean()),
        "brier": brier_score(answered.labels, answered.probabilities),
        "line": line._asdict(),
    }
