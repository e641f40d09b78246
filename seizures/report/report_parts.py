"""The report's rows on parts of the cohort, and on how far the probabilities can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from seizures.evaluation.calibration import calibrate
from seizures.evaluation.metrics import METRIC_NAMES, METRIC_TITLES
from seizures.settings import EvaluationSettings

IN_PERCENT = ("accuracy", "f1", "precision", "recall", "specificity")
PART_METRICS = ("accuracy", "recall", "specificity")
SPLITS = {"view": "view", "duration": "duration", "seizures per patient": "seizures of the patient"}


def score_text(name: str, value: float | None) -> str:
    """Write a score, or that there is none."""
    if value is None:
        return "cannot be computed"
    return f"{100 * value:.0f} %" if name in IN_PERCENT else f"{value:.2f}"


def interval_text(name: str, low: float | None, high: float | None) -> str:
    """Write an interval, or that there is none."""
    if low is None or high is None:
        return "none"
    return f"{100 * low:.0f} to {100 * high:.0f} %" if name in IN_PERCENT else f"{low:.2f} to {high:.2f}"


def score_and_interval(name: str, value: float | None, low: float | None, high: float | None) -> dict[str, str]:
    """Return `title`, `value` and `interval` of a score in words; an interval without width is none of certainty."""
    interval = "no interval" if low is None else "no spread" if low == high else interval_text(name, low, high)
    shown = "" if value is None else interval
    return {"title": METRIC_TITLES[name], "value": score_text(name, value), "interval": shown}


def part_rows(numbers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each part of the cohort: its name, its counts, and its scores with intervals.

    Args:
        numbers: what `seizures.evaluation.subgroups.scores_by_subgroup` returned, every cell as text.
    """
    rows = []
    for row in numbers.to_dict(orient="records"):
        scores = []
        for name in PART_METRICS:
            value, low, high = (_number(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
            scores.append(score_and_interval(name, value, low, high))
        part = "all seizures" if row["split"] == "all" else f"{SPLITS[str(row['split'])]}: {row['group']}"
        counts = {name: row[f"num_{name}"] for name in ("patients", "seizures")}
        rows.append({"part": part, **counts, "scores": scores})
    return rows


def _number(text: str) -> float | None:
    return float(text) if text else None


def part_titles() -> list[str]:
    """Return the titles of the scores of a part."""
    return [METRIC_TITLES[name] for name in METRIC_NAMES if name in PART_METRICS]


def calibration_words(predictions: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    """Say the Brier score, its interval, and what knowing no more than the share of TCS would score."""
    settings = summary["interval"]
    found = calibrate(
        predictions,
        EvaluationSettings(settings["num_resamples"], settings["confidence_level"], settings["seed"]),
        positive_label=summary["positive_label"],
    )
    interval = "no interval, as there is one patient only"
    if found["low"] is not None:
        percent = f"{100 * settings['confidence_level']:g} %"
        interval = f"{percent} interval over patients {found['low']:.3f} to {found['high']:.3f}"
    base = found["brier_of_base_rate"]
    better = "better" if found["brier"] < base else "not better"
    return (
        f"Brier score {found['brier']:.3f} ({interval}); 0 is perfect. Always answering the share of "
        f"{summary['positive_label']} would score {base:.3f}: the probabilities are {better} than that."
    )
