"""The numbers behind each figure of the report, as tables that a person may draw again elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from seizures.evaluation.metrics import METRIC_TITLES, resample_patients, roc_curves
from seizures.evaluation.predictions import prediction_matrix_without_ids

_NUM_ROC_RESAMPLES = 500
_NUM_ROC_POINTS = 201


def confusion_numbers(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row per cell of the pooled confusion matrix: `label`, `called`, and the `count`, mean of the seeds."""
    count, names = summary["counts"]["mean"], (summary["negative_label"], summary["positive_label"])
    cells = {(0, 0): "TN", (0, 1): "FP", (1, 0): "FN", (1, 1): "TP"}
    rows = [
        {"label": names[truth], "called": names[called], "name": name, "count": count[name]}
        for (truth, called), name in cells.items()
    ]
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def score_numbers(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row per metric: the mean of the seeds, its interval, its counts, each seed; empty where undefined."""
    rows = []
    for name, metric in summary["metrics"].items():
        row = {"metric": name, "title": METRIC_TITLES[name]}
        row |= {key: metric[key] for key in ("mean", "low", "high", "num_patients", "num_seizures")}
        seeds = zip(summary["counts"]["per_seed"], metric["per_seed"], strict=True)
        rows.append(row | {_seed_column(of["seed"], of["repeat"]): value for of, value in seeds})
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def roc_numbers(predictions: pd.DataFrame, summary: Mapping[str, Any]) -> pd.DataFrame | None:
    """Return the ROC curve: `false_positive_rate`, `sensitivity` (mean of the seeds), `low`, `high`, and each seed.

    The band is of at most 500 resamples of the patients; with one patient it is empty. None where one label only was
    predicted: there is no such curve.
    """
    patients, labels, seeds, probabilities, repeats, _ = prediction_matrix_without_ids(
        predictions, summary["positive_label"]
    )
    if labels.all() or not labels.any():
        return None
    grid, interval = np.linspace(0, 1, _NUM_ROC_POINTS), summary["interval"]
    whole = np.ones((1, len(labels)))
    curves = [roc_curves(labels, row, whole, grid)[0] for row in probabilities]
    low = high = np.full(len(grid), np.nan)
    if summary["num_patients"] > 1:
        rng = np.random.default_rng(interval["seed"])
        weights = resample_patients(patients, min(interval["num_resamples"], _NUM_ROC_RESAMPLES), rng)
        resampled = np.mean([roc_curves(labels, row, weights, grid) for row in probabilities], axis=0)
        tail = (1 - interval["confidence_level"]) / 2
        low, high = np.nanquantile(resampled, [tail, 1 - tail], axis=0)
    columns = {"false_positive_rate": grid, "sensitivity": np.mean(curves, axis=0), "low": low, "high": high}
    columns |= {_seed_column(seed, repeat): curve for seed, repeat, curve in zip(seeds, repeats, curves, strict=True)}
    table: pd.DataFrame = pd.DataFrame(columns)
    return table


def _seed_column(seed: int, repeat: int) -> str:
    """Name the column of one classifier, by its seed, and by its dealing into folds where it is not the first."""
    return f"seed_{seed}_repeat_{repeat}" if repeat else f"seed_{seed}"


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Return a sorting key by which P2 comes before P10."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part), part) if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]


def mean_over_seeds(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per seizure: patient, seizure, label, fold, P(TCS) (mean, low, high over seeds), num_wrong."""
    grouped = predictions.assign(wrong=~predictions["correct"].astype(bool)).groupby(
        ["patient_id", "seizure_id", "label"], sort=False
    )
    table = grouped.agg(
        fold=("fold", "first"),
        probability=("probability", "mean"),
        low=("probability", "min"),
        high=("probability", "max"),
        num_wrong=("wrong", "sum"),
        num_seeds=("wrong", "size"),
    ).reset_index()
    order = sorted(
        range(len(table)),
        key=lambda row: (natural_key(table["patient_id"].iloc[row]), natural_key(table["seizure_id"].iloc[row])),
    )
    ordered: pd.DataFrame = table.iloc[order].reset_index(drop=True)
    return ordered
