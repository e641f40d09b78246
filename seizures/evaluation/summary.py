"""The summary of a run (metrics.json): every metric with its interval over patients, the counts, chance, and notes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seizures.errors import SeizuresError
from seizures.evaluation.calibration import calibrate
from seizures.evaluation.intervals import NO_SCORE, Cohort
from seizures.evaluation.metrics import COUNT_NAMES, METRIC_NAMES, compute_metrics, decide
from seizures.evaluation.per_patient import accuracy_per_patient
from seizures.evaluation.predictions import (
    PredictionMatrix,
    find_probability_column,
    prediction_matrix_without_ids,
    probability_column,
)
from seizures.evaluation.predictive_values import predictive_values
from seizures.evaluation.protocols import SHARED, Protocol, describe_protocol
from seizures.evaluation.within_folds import auc_within_folds
from seizures.evaluation.wording import notes_for_readers
from seizures.settings import EvaluationSettings

FORMAT_VERSION = 1
PATIENT_WISE = Protocol()
_NEEDED = ("patient_id", "seizure_id", "label", "fold", "seed")


def score_predictions(
    table: pd.DataFrame, *, positive_label: str = "TCS", negative_label: str = "FOS", **settings: Any
) -> dict[str, Any]:
    """Score a table of predictions, made here or anywhere else, as metrics.json holds it.

    Args:
        table: in the layout of predictions.csv, one row per seizure and seed: `patient_id`, `seizure_id`, `label`,
            `fold`, `seed` and the probability of the positive label, from 0 to 1, in a column named after it
            (`probability_tcs`) or `probability`; where patients were dealt into folds several times, also `repeat`,
            from 0; other columns are ignored.
        positive_label: the label whose probability it is.
        negative_label: the other label.
        settings: fields of `EvaluationSettings`: `num_bootstraps`, `confidence_level`, `seed`.

    Returns:
        Plain values; `["metrics"][name]["mean" | "low" | "high"]` are the mean over seeds and its interval over
        patients, each a float, or None where it is undefined. Names: see `seizures.evaluation.metrics.METRIC_NAMES`.
        If a patient is in several folds of one dealing, `protocol_name` is `shared` and not `patient`.

    Raises:
        SettingsError: a setting is out of its range.
        TooFewSeizuresError: the table is empty.
        SeizuresError: the table does not have this layout, or its seeds do not cover the same seizures once each.
        TypeError: there is no such setting.
    """
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        wanted = ", ".join((*_NEEDED, probability_column(positive_label)))
        raise SeizuresError(f"predictions: missing columns {', '.join(missing)}; expected {wanted}")
    column = find_probability_column(table.columns, positive_label)
    predictions = table.assign(**{name: table[name].astype(str) for name in _NEEDED[:3]}, probability=table[column])
    bad = predictions[~predictions["probability"].between(0, 1)]
    if len(bad):
        names = ", ".join(sorted({"+".join(row) for row in bad[list(_NEEDED[:2])].itertuples(index=False, name=None)}))
        raise SeizuresError(f"predictions: {column} is not a number from 0 to 1 for {names}")
    dealing = ["repeat", "patient_id"] if "repeat" in predictions.columns else ["patient_id"]
    is_shared = bool(predictions.drop_duplicates([*dealing, "fold"]).duplicated(dealing).any())
    return summarise(
        predictions,
        EvaluationSettings(**settings),
        positive_label=positive_label,
        negative_label=negative_label,
        protocol=None if is_shared else PATIENT_WISE,
    )


def summarise(
    predictions: pd.DataFrame,
    settings: EvaluationSettings,
    *,
    positive_label: str = "TCS",
    negative_label: str = "FOS",
    protocol: Protocol | None = PATIENT_WISE,
    is_simulated: bool = False,
) -> dict[str, Any]:
    """Turn the pooled predictions of all folds and seeds into metrics.json, as plain values (None where undefined).

    Each metric is the mean over seeds, and over the dealings into folds, of the pooled out-of-fold metric. Its interval
    is of `intervals.Cohort`, and its `num_patients` and `num_seizures` are those on which it rests: specificity on
    those of the negative label. `protocol` is None for a table of others in which patients are in several folds.

    Raises:
        TooFewSeizuresError: nothing was predicted.
        SeizuresError: the seeds do not cover the same seizures once each.
    """
    unknown = sorted(set(predictions["label"]) - {negative_label, positive_label})
    if unknown:
        raise SeizuresError(
            f"predictions: expected labels {negative_label} and {positive_label}, found {', '.join(unknown)}"
        )
    matrix = prediction_matrix_without_ids(predictions, positive_label)
    patients, labels, seeds, probabilities, repeats, _ = matrix
    num_positive = int(labels.sum())
    cohort = Cohort(patients, labels, probabilities, settings.confidence_level)
    per_seed = [compute_metrics(labels, row) for row in probabilities]
    metrics = _metrics(cohort, per_seed)
    for metric in metrics.values():
        metric |= _by_repeat(metric["per_seed"], repeats)
    counts = [{name: scores[name] for name in COUNT_NAMES} for scores in per_seed]
    folds = _folds(predictions, (negative_label, positive_label))
    sizes = {negative_label: len(labels) - num_positive, positive_label: num_positive}
    right = decide(probabilities) == (labels == 1)
    return {
        "format_version": FORMAT_VERSION,
        "is_simulated": is_simulated,
        "positive_label": positive_label,
        "negative_label": negative_label,
        "num_patients": len(set(patients)),
        "num_seizures": len(labels),
        "num_seizures_by_label": sizes,
        "folds": folds,
        "seeds": sorted(set(seeds)),
        "num_repeats": len(set(repeats)),
        "num_seizures_right_in_every_seed": int(right.all(axis=0).sum()),
        "metrics": metrics,
        "counts": {
            "mean": {name: float(np.mean([count[name] for count in counts])) for name in COUNT_NAMES},
            "per_seed": [
                {"seed": seed, "repeat": repeat, **count}
                for seed, repeat, count in zip(seeds, repeats, counts, strict=True)
            ],
        },
        "ensemble": _ensemble(matrix, settings),
        "chance": _chance(sizes, metrics["accuracy"]),
        **_further(matrix, cohort, metrics, settings),
        "interval": _interval_settings(settings),
        "protocol_name": SHARED if protocol is None else protocol.name,
        "is_reproduction": protocol is not None and protocol.is_reproduction,
        "protocol": describe_protocol(protocol, settings, positive_label, len(set(repeats))),
        "notes": notes_for_readers(len(set(patients)), right, metrics, folds),
    }


def summarise_part(
    predictions: pd.DataFrame,
    names: Sequence[str],
    confidence_level: float,
    *,
    positive_label: str,
    negative_label: str,
) -> dict[str, Any]:
    """Return what `summarise` says of the sizes, the counts and some metrics, without all that a part does not need.

    Args:
        predictions: some rows of predictions.csv.
        names: of the metrics.
        confidence_level: of their intervals.
        positive_label: TCS.
        negative_label: FOS.
    """
    patients, labels, _, probabilities, _, _ = prediction_matrix_without_ids(predictions, positive_label)
    num_positive = int(labels.sum())
    per_seed = [compute_metrics(labels, row) for row in probabilities]
    return {
        "positive_label": positive_label,
        "negative_label": negative_label,
        "num_patients": len(set(patients)),
        "num_seizures": len(labels),
        "num_seizures_by_label": {negative_label: len(labels) - num_positive, positive_label: num_positive},
        "metrics": _metrics(Cohort(patients, labels, probabilities, confidence_level), per_seed, names),
        "counts": {"mean": {name: float(np.mean([scores[name] for scores in per_seed])) for name in COUNT_NAMES}},
    }


def _metrics(
    cohort: Cohort, per_seed: Sequence[Mapping[str, float | int | None]], names: Sequence[str] = METRIC_NAMES
) -> dict[str, dict[str, Any]]:
    """Give each metric its mean over the seeds, its interval over the patients, and what it rests on."""
    metrics = {}
    for name in names:
        values = [scores[name] for scores in per_seed]
        mean = _mean(values)
        interval, carriers = NO_SCORE if mean is None else cohort.interval(name), cohort.carriers(name)
        metrics[name] = {
            "mean": mean,
            "low": interval.low,
            "high": interval.high,
            "why_no_interval": interval.why_none,
            "per_seed": values,
            "num_patients": carriers.num_patients,
            "num_seizures": carriers.num_seizures,
        }
    return metrics


def _ensemble(matrix: PredictionMatrix, settings: EvaluationSettings) -> dict[str, Any]:
    """Score the mean probability over the seeds, and over the dealings: one classifier, with whole numbers."""
    mean = matrix.probabilities.mean(axis=0)
    found = compute_metrics(matrix.labels, mean)
    cohort = Cohort(matrix.patients, matrix.labels, mean[None, :], settings.confidence_level)
    metrics = _metrics(cohort, [found])
    for metric in metrics.values():
        del metric["per_seed"]
    return {"metrics": metrics, "counts": {name: found[name] for name in COUNT_NAMES}}


def _further(
    matrix: PredictionMatrix, cohort: Cohort, metrics: Mapping[str, Mapping[str, Any]], settings: EvaluationSettings
) -> dict[str, Any]:
    """Return the scores that are no mean of a metric over the seeds: of folds, of patients, of the probabilities."""
    right = (decide(matrix.probabilities) == (matrix.labels == 1)).mean(axis=0)
    value, interval = auc_within_folds(
        matrix.patients, matrix.labels, matrix.probabilities, matrix.folds, settings.confidence_level
    )
    sensitivity, specificity = metrics["recall"]["mean"], metrics["specificity"]["mean"]
    is_one_label = sensitivity is None or specificity is None
    return {
        "roc_auc_within_folds": {
            "mean": value,
            "low": interval.low,
            "high": interval.high,
            "why_no_interval": interval.why_none,
        },
        "per_patient": accuracy_per_patient(matrix.patients, right, settings.confidence_level),
        "predictive": (
            None if is_one_label else predictive_values(cohort, sensitivity, specificity, settings.prevalences)
        ),
        "calibration": calibrate(cohort),
    }


def _by_repeat(per_seed: Sequence[float | None], repeats: Sequence[int]) -> dict[str, Any]:
    """Return how the score spreads over the seeds, its mean in each dealing into folds, and how these means spread.

    A standard deviation is None where there is one value, or one is undefined; that of the seeds is within a dealing.
    """
    parts = [
        [value for value, of in zip(per_seed, repeats, strict=True) if of == repeat] for repeat in sorted(set(repeats))
    ]
    spreads = [_standard_deviation(part) for part in parts]
    known = [spread**2 for spread in spreads if spread is not None]
    means = [_mean(part) for part in parts]
    return {
        "seeds_standard_deviation": float(np.sqrt(np.mean(known))) if len(known) == len(spreads) else None,
        "per_repeat": means,
        "repeats_standard_deviation": _standard_deviation(means),
    }


def _standard_deviation(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.std(known, ddof=1)) if len(known) == len(values) > 1 else None


def _interval_settings(settings: EvaluationSettings) -> dict[str, Any]:
    return {
        "method": "Wilson, with an effective number of seizures, over patients",
        "confidence_level": settings.confidence_level,
        "num_resamples": settings.num_bootstraps,
        "seed": settings.seed,
    }


def _folds(predictions: pd.DataFrame, label_names: Sequence[str]) -> list[dict[str, Any]]:
    """Count the patients and the seizures of each label that each fold of the first dealing holds out."""
    if "repeat" in predictions.columns:
        predictions = predictions[predictions["repeat"] == predictions["repeat"].min()]
    held_out = predictions.drop_duplicates(["patient_id", "seizure_id", "fold"])
    return [
        {
            "fold": int(fold),
            "num_patients": int(group["patient_id"].nunique()),
            "num_seizures_by_label": {name: int((group["label"] == name).sum()) for name in label_names},
        }
        for fold, group in held_out.groupby("fold")
    ]


def _chance(sizes: Mapping[str, int], accuracy: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the accuracy with always answering the more frequent label; None where there is no interval."""
    label = max(sizes, key=lambda name: sizes[name])
    level = sizes[label] / sum(sizes.values())
    low, high = accuracy["low"], accuracy["high"]
    return {
        "label": label,
        "level": level,
        "accuracy_interval_excludes_chance": None if low is None else bool(low > level),
        "accuracy_is_below_chance": None if high is None else bool(high < level),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if any value is missing: the mean of the seeds that have one is another score."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write metrics.json; a NaN is refused, because it is not JSON."""
    path.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_summary(path: Path) -> dict[str, Any]:
    """Read metrics.json back."""
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary
