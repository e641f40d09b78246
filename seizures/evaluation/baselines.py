"""The baselines beside a result: their scores, and by how much the network is above each on the same seizures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from seizures.evaluation.comparison import compare
from seizures.evaluation.intervals import NO_SCORE, Cohort
from seizures.evaluation.metrics import compute_metrics
from seizures.evaluation.predictions import prediction_matrix_without_ids
from seizures.settings import EvaluationSettings

METRICS = ("accuracy", "recall", "specificity", "balanced_accuracy", "roc_auc")
DIFFERENCES = ("accuracy", "roc_auc")
BEST_BY = "accuracy"  # what the verdict speaks of, and the permutation test tests; fixed before any result
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
        baselines: baselines.csv: `baseline`, `patient_id`, `seizure_id`, `label`, `fold`, `probability_tcs`.
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
        found.append({**one, "metrics": _metrics(own, settings, positive_label), "difference": differences})
    scored = [one for one in found if one["metrics"] is not None]
    best = max(scored, key=lambda one: one["metrics"][BEST_BY]["mean"], default=None)  # of equals the simplest
    low = best["difference"][BEST_BY]["low"] if best else None
    return {
        "baselines": found,
        "best_baseline": best["name"] if best else None,
        "adds_to_baselines": None if low is None else bool(low > 0),
    }


def _metrics(predictions: pd.DataFrame, settings: EvaluationSettings, positive_label: str) -> dict[str, Any]:
    patients, labels, _, probabilities = prediction_matrix_without_ids(predictions, positive_label)
    cohort, values = (
        Cohort(patients, labels, probabilities, settings.confidence_level),
        compute_metrics(labels, probabilities[0]),
    )
    found = {}
    for name in METRICS:
        interval = NO_SCORE if values[name] is None else cohort.interval(name)
        found[name] = {"mean": values[name], "low": interval.low, "high": interval.high}
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


def write_baselines(path: Path, table: pd.DataFrame) -> None:
    """Write baselines.csv: UTF-8, one line a seizure and baseline, probabilities to the last bit."""
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def read_baselines(path: Path) -> pd.DataFrame:
    """Read baselines.csv with ids as text."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    typed: pd.DataFrame = table.assign(fold=table["fold"].map(int), probability_tcs=table["probability_tcs"].map(float))
    return typed
