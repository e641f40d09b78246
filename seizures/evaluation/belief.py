"""May I believe the number? How good out-of-fold probabilities are, before and after calibration, and when to abstain.

What is judged is the ensemble, the mean probability over the seeds (and the dealings into folds), which is what a
classifier that is handed over answers. Every figure after calibration is of probabilities that were corrected without
their patient. docs/statistics.md has the rules, and what simulations found of them.

Letters used here: N seizures, G patients.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seizures.evaluation.calibration_error import calibration_error, equal_count_bins
from seizures.evaluation.intervals import Cohort, t_quantile
from seizures.evaluation.metrics import FloatArray, IntArray
from seizures.evaluation.predictions import prediction_matrix_without_ids
from seizures.prediction.abstention import (
    LEAST_PATIENTS,
    BoolArray,
    NestedCalls,
    Zone,
    choose_zone,
    coverage_curve,
    is_right,
    least_called,
    nested_calls,
)
from seizures.prediction.calibration_fit import (
    compare_methods,
    cross_fit,
    fit_calibration,
    log_losses,
    why_not_fitted,
)

FORMAT_VERSION = 1
Loss = Callable[[npt.ArrayLike, npt.ArrayLike], FloatArray]
_NO_SHARE = "nothing is called"


def assess_calibration(
    predictions: pd.DataFrame,
    target_accuracy: float,
    confidence_level: float,
    *,
    positive_label: str = "TCS",
    negative_label: str = "FOS",
    is_simulated: bool = False,
    is_reproduction: bool = False,
) -> dict[str, Any]:
    """Return calibration.json: plain values, without ids.

    Args:
        predictions: predictions.csv, out of fold, of all folds, seeds and dealings.
        target_accuracy: the share of the called seizures that shall be right, above 0.5 and below 1.
        confidence_level: of the intervals, between 0 and 1.
        positive_label: the label whose probability it is.
        negative_label: the other label.
        is_simulated: whether the films are.
        is_reproduction: whether classifiers may have been trained on whom they score, as in the paper's protocol.

    Returns:
        `calibration`: that of all patients, for a classifier that is trained on all of them: `method`, `slope`,
        `intercept`, `num_patients`, `num_seizures`, `ece_before` and `ece_after` (`value`, `low`, `high`), `why_none`.
        `candidates`: the log loss of each method on held-out patients. `scores`: `log_loss` and `brier`, `before` and
        `after`, and the `difference`, after less before, with its interval; none where nothing was changed.
        `reliability`: `before` and `after`, a list of bins. `decision`: what `_decision` returns.

    Raises:
        TooFewSeizuresError: nothing was predicted.
        SeizuresError: the seeds do not cover the same seizures once each.
    """
    patients, labels, _, by_classifier, _, _ = prediction_matrix_without_ids(predictions, positive_label)
    before = by_classifier.mean(axis=0)
    calibration = fit_calibration(patients, labels, before)
    after = cross_fit(patients, labels, before)
    errors = {
        f"ece_{name}": _error(patients, labels, values, confidence_level)
        for name, values in (("before", before), ("after", after))
    }
    zone = choose_zone(patients, labels, after, target_accuracy)
    return {
        "format_version": FORMAT_VERSION,
        "is_simulated": is_simulated,
        "is_reproduction": is_reproduction,
        "positive_label": positive_label,
        "negative_label": negative_label,
        "num_seizures_by_label": {negative_label: int((labels == 0).sum()), positive_label: int(labels.sum())},
        "confidence_level": confidence_level,
        "calibration": {
            **dataclasses.asdict(calibration),
            "num_patients": len(set(patients)),
            "num_seizures": len(labels),
            **errors,
            "why_none": why_not_fitted(patients, labels),
        },
        "candidates": [dataclasses.asdict(one) for one in compare_methods(patients, labels, before)],
        "scores": {
            name: change_of_loss(patients, labels, before, after, loss, confidence_level)
            for name, loss in LOSSES.items()
        },
        "reliability": {
            "before": _bins(patients, labels, before),
            "after": _bins(patients, labels, after),
        },
        "decision": _decision(patients, labels, before, after, zone, target_accuracy, confidence_level),
    }


def squared_errors(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """Return the squared distance of each probability from its label, (N,): their mean is the Brier score."""
    distances: FloatArray = np.asarray(probabilities, dtype=np.float64) - np.asarray(labels)
    return distances**2


LOSSES: dict[str, Loss] = {"log_loss": log_losses, "brier": squared_errors}


def change_of_loss(
    patients: Sequence[str],
    labels: IntArray,
    before: FloatArray,
    after: FloatArray,
    loss: Loss,
    confidence_level: float,
) -> dict[str, float | None]:
    """Return a mean loss before and after a correction, and the paired difference with its interval.

    The interval is d -+ t sqrt(V). A correction moves the loss of a seizure most where the rarer of its outcomes comes,
    and few seizures show that. So V is the variance between patients, and that of the labels on top, each drawn with
    its corrected probability, which is taken for at least as uncertain as the share of wrong calls.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        before: (N,) probabilities as given.
        after: (N,) each corrected without its patient.
        loss: of `LOSSES`.
        confidence_level: between 0 and 1.

    Returns:
        `before`, `after`, `difference` (below 0: better), `low`, `high`; no interval with one patient, or no change.
    """
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    was, becomes, number = loss(labels, before), loss(labels, after), len(names)
    changes = becomes - was
    mean = float(changes.mean())
    found = {"before": float(was.mean()), "after": float(becomes.mean()), "difference": mean, "low": None, "high": None}
    if number < 2 or np.array_equal(before, after):
        return found
    of_patient = np.bincount(patient, changes - mean)
    ones = np.ones_like(labels)
    stake = loss(ones, after) - loss(ones, before) - loss(1 - ones, after) + loss(1 - ones, before)
    share_wrong = (int((~is_right(labels, after)).sum()) + 1) / (len(labels) + 2)
    spread = np.maximum(after * (1 - after), share_wrong * (1 - share_wrong))
    variance = number / (number - 1) * float((of_patient**2).sum()) + float((spread * stake**2).sum())
    half = t_quantile(confidence_level, number - 1) * math.sqrt(variance) / len(labels)
    return {**found, "low": mean - half, "high": mean + half}


def _error(patients: Sequence[str], labels: IntArray, probabilities: FloatArray, level: float) -> dict[str, Any]:
    found = calibration_error(patients, labels, probabilities, level)
    return {"value": found.value, "low": found.interval.low, "high": found.interval.high, "num_bins": found.num_bins}


def _bins(patients: Sequence[str], labels: IntArray, probabilities: FloatArray) -> list[dict[str, Any]]:
    """Return the reliability curve over the bins of the calibration error."""
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    bins = equal_count_bins(patient, probabilities)
    return [
        {
            "low": float(probabilities[bins == one].min()),
            "high": float(probabilities[bins == one].max()),
            "mean_probability": float(probabilities[bins == one].mean()),
            "share_positive": float(labels[bins == one].mean()),
            "num_seizures": int((bins == one).sum()),
            "num_patients": len(set(names[patient[bins == one]])),
        }
        for one in range(int(bins.max()) + 1)
    ]


def _decision(
    patients: Sequence[str],
    labels: IntArray,
    before: FloatArray,
    after: FloatArray,
    zone: Zone,
    target_accuracy: float,
    level: float,
) -> dict[str, Any]:
    """Return the zone without a call, as classifier.json holds it, and what it is worth.

    Returns:
        `no_call` [low, high]; `target_accuracy`; `reached`, without which the zone is that of the target itself;
        `share_called`; `accuracy_called` (`mean`, `low`, `high`, None where nothing is called), on the seizures on
        which the zone was chosen, which flatters; `curve`; `least_called` and `least_patients` of the rule; `nested`:
        the same two for zones that were chosen without the patients on whom they are scored, with the `num_zones`,
        `num_reached`, and the `lowest` and `highest` threshold; `never_abstaining`, the accuracy with every seizure
        called.
    """
    called, right = zone.calls(after), is_right(labels, after)
    nested = nested_calls(patients, labels, before, target_accuracy)
    return {
        "no_call": list(zone.no_call),
        "target_accuracy": target_accuracy,
        "reached": zone.reached,
        "share_called": float(called.mean()),
        "accuracy_called": _accuracy(patients, right, called, level),
        "curve": coverage_curve(labels, after),
        "least_called": least_called(target_accuracy),
        "least_patients": LEAST_PATIENTS,
        "nested": _nested(patients, nested, level),
        "never_abstaining": _accuracy(patients, right, np.ones_like(called), level),
    }


def _nested(patients: Sequence[str], nested: NestedCalls, level: float) -> dict[str, Any]:
    thresholds = [zone.threshold for zone in nested.zones]
    return {
        "share_called": float(nested.called.mean()),
        "accuracy_called": _accuracy(patients, nested.right, nested.called, level),
        "num_zones": len(thresholds),
        "num_reached": sum(zone.reached for zone in nested.zones),
        "lowest": min(thresholds, default=None),
        "highest": max(thresholds, default=None),
    }


def _accuracy(patients: Sequence[str], right: BoolArray, called: BoolArray, level: float) -> dict[str, Any]:
    """Return the share of the called that are right, with its interval over patients, and why where there is none."""
    counts = {"num_called": int(called.sum()), "num_wrong": int((called & ~right).sum())}
    if not called.any():
        return {"mean": None, "low": None, "high": None, "why_no_interval": _NO_SHARE, **counts}
    of = [patient for patient, is_called in zip(patients, called, strict=True) if is_called]
    # As a classifier's accuracy on seizures of one label, of which it calls those right that are.
    as_seizures = Cohort(of, np.ones(len(of), dtype=np.int64), right[called].astype(np.float64)[None, :], level)
    interval = as_seizures.interval("accuracy")
    mean = float(right[called].mean())
    return {
        "mean": mean,
        "low": interval.low,
        "high": interval.high,
        "why_no_interval": interval.why_none,
        **counts,
    }
