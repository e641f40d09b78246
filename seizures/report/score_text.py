"""A score and its interval as text, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from seizures.evaluation.calibration import calibrate
from seizures.evaluation.metrics import METRIC_TITLES
from seizures.settings import EvaluationSettings

IN_PERCENT = ("accuracy", "f1", "precision", "recall", "specificity", "balanced_accuracy")


def score_text(name: str, value: float | None) -> str:
    """Return a score as text, `undefined` for None."""
    if value is None:
        return "undefined"
    return f"{100 * value:.0f} %" if name in IN_PERCENT else f"{value:.2f}"


def interval_text(name: str, low: float | None, high: float | None) -> str:
    """Return an interval as text, `none` without one."""
    if low is None or high is None:
        return "none"
    return f"{100 * low:.0f} to {100 * high:.0f} %" if name in IN_PERCENT else f"{low:.2f} to {high:.2f}"


def score_and_interval(name: str, value: float | None, low: float | None, high: float | None) -> dict[str, str]:
    """Return `title`, `value` and `interval` of a score as text; None is an interval that there is not."""
    interval = "no interval" if low is None else interval_text(name, low, high)
    shown = "" if value is None else interval
    return {"title": METRIC_TITLES[name], "value": score_text(name, value), "interval": shown}


def calibration_words(predictions: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    """Return the Brier score, its interval, and the score of always predicting the share of TCS, in words."""
    settings = summary["interval"]
    found = calibrate(
        predictions,
        EvaluationSettings(settings["num_resamples"], settings["confidence_level"], settings["seed"]),
        positive_label=summary["positive_label"],
    )
    interval = "no interval with a single patient"
    if found["low"] is not None:
        percent = f"{100 * settings['confidence_level']:g} %"
        interval = f"{percent} interval over patients {found['low']:.3f} to {found['high']:.3f}"
    base = found["brier_of_base_rate"]
    outcome = "do better" if found["brier"] < base else "do no better"
    return (
        f"Brier score {found['brier']:.3f} ({interval}); 0 is perfect. Always predicting the share of "
        f"{summary['positive_label']} would score {base:.3f}; the probabilities {outcome}."
    )
