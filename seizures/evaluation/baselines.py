"""The baselines beside a result: their scores, and by how much the network is above each on the same seizures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seizures.evaluation.comparison import compare
from seizures.evaluation.intervals import NO_SCORE, Cohort
from seizures.evaluation.metrics import compute_metrics
from seizures.evaluation.predictions import (
    find_probability_column,
    prediction_matrix_without_ids,
    probability_column,
)
from seizures.settings import EvaluationSettings

METRICS = ("accuracy", "recall", "specificity", "balanced_accuracy", "roc_auc")
DIFFERENCES = ("accuracy", "roc_auc")
BEST_BY = "accuracy"  # what the verdict speaks of, and the permutation test tests; fixed before any result
RANKS_NOTHING = "majority"  # one number a fold; pooled, it would rank folds, and its AUC be below that of chance
WORDS = {
    "majority": "The more frequent label alone",
    "duration": "Duration alone",
    "movement": "Movement alone",
    "duration_and_movement": "Duration and movement",
}


def score_baselines(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame,
    settings: EvaluationSettings,
    *,
    positive_label: str,
    remarks: Mapping[str, str],
) -> dict[str, Any]:
    """Score each baseline, and compare the network with it, as metrics.json holds it.

    Args:
        predictions: predictions.csv of the network, all seeds.
        baselines: baselines.csv of every dealing into folds: `baseline`, `patient_id`, `seizure_id`, `label`, `fold`,
            `repeat`, `probability`.
        settings: level of the intervals, and how often patients are flipped.
        positive_label: the label that probabilities are of.
        remarks: what is missing, by baseline; one without predictions is listed with its remark and no scores.

    Returns:
        `baselines`, `best_baseline` (None where none has a score) and `adds_to_baselines`: whether the interval of the
        difference of accuracy to the best baseline lies above 0; None where there is no interval.

    Raises:
        SeizuresError: a baseline has not predicted the same seizures.
    """
    found = []
    for name, words in WORDS.items():
        own = baselines[baselines["baseline"] == name].assign(seed=0)
        one: dict[str, Any] = {"name": name, "words": words, "remark": remarks.get(name, "")}
        if own.empty:
            found.append({**one, "metrics": None, "difference": None})
            continue
        compared = compare(predictions, own, settings, positive_label=positive_label)
        differences = {metric: compared["metrics"][metric] for metric in DIFFERENCES}
        differences["accuracy"] = {**differences["accuracy"], "p_value": compared["test"]["p_value"]}
        metrics = _metrics(own, settings, positive_label)
        if name == RANKS_NOTHING:
            metrics["roc_auc"] = dict.fromkeys(metrics["roc_auc"])
            differences["roc_auc"] = dict.fromkeys(differences["roc_auc"])
        found.append({**one, "metrics": metrics, "difference": differences})
    scored = [one for one in found if one["metrics"] is not None]
    best = max(scored, key=lambda one: one["metrics"][BEST_BY]["mean"], default=None)  # of equals the simplest
    low = best["difference"][BEST_BY]["low"] if best else None
    return {
        "baselines": found,
        "best_baseline": best["name"] if best else None,
        "adds_to_baselines": None if low is None else bool(low > 0),
    }


def _metrics(predictions: pd.DataFrame, settings: EvaluationSettings, positive_label: str) -> dict[str, Any]:
    matrix = prediction_matrix_without_ids(predictions, positive_label)
    cohort = Cohort(matrix.patients, matrix.labels, matrix.probabilities, settings.confidence_level)
    by_dealing = [compute_metrics(matrix.labels, row) for row in matrix.probabilities]
    found = {}
    for name in METRICS:
        values = [value for scores in by_dealing if (value := scores[name]) is not None]
        mean = float(np.mean(values)) if len(values) == len(by_dealing) else None
        interval = NO_SCORE if mean is None else cohort.interval(name)
        found[name] = {"mean": mean, "low": interval.low, "high": interval.high}
    return found


def best_of(summary: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the best baseline of a summary (metrics.json); None where it has none."""
    name = summary.get("best_baseline")
    return next((one for one in summary.get("baselines", ()) if one["name"] == name), None)


def baseline_sentence(summary: Mapping[str, Any]) -> str:
    """Return what the best baseline gets, and whether the network adds to it; empty where there are no baselines."""
    best = best_of(summary)
    if best is None:
        return ""
    gets = f"{best['words']} {'get' if best['name'] == 'duration_and_movement' else 'gets'} "
    text = f"{gets}{100 * best['metrics']['accuracy']['mean']:.0f} %"
    difference = best["difference"]["accuracy"]
    if summary["adds_to_baselines"] is None:
        return f"{text}; without an interval, nothing shows whether the network adds to it."
    if not summary["adds_to_baselines"]:
        return f"{text}; the network is not shown to add to it."
    ends = f"{100 * difference['low']:.0f} to {100 * difference['high']:.0f}"
    return f"{text}; the network adds {100 * difference['difference']:.0f} points ({ends}) to it."


def write_baselines(path: Path, table: pd.DataFrame, positive_label: str = "TCS") -> None:
    """Write baselines.csv: UTF-8, one line a seizure and baseline, probabilities to the last bit."""
    named = table.rename(columns={"probability": probability_column(positive_label)})
    named.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def read_baselines(path: Path, positive_label: str = "TCS") -> pd.DataFrame:
    """Read baselines.csv with ids as text."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    table = text.rename(columns={find_probability_column(text.columns, positive_label): "probability"})
    typed: pd.DataFrame = table.assign(
        fold=table["fold"].map(int), repeat=table["repeat"].map(int), probability=table["probability"].map(float)
    )
    return typed
