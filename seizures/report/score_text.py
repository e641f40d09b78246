"""A score and its interval as text, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seizures.evaluation.calibration_slope import CalibrationLine
from seizures.evaluation.metrics import METRIC_TITLES

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


def calibration_words(summary: Mapping[str, Any]) -> str:
    """Return the Brier score and that of always predicting the share of TCS, and the line of calibration, in words."""
    settings, found = summary["interval"], summary["calibration"]
    interval = "no interval with a single patient"
    if found["low"] is not None:
        percent = f"{100 * settings['confidence_level']:g} %"
        interval = f"{percent} interval over patients {found['low']:.3f} to {found['high']:.3f}"
    base = found["brier_of_base_rate"]
    outcome = "do better" if found["brier"] < base else "do no better"
    line = CalibrationLine(**found["line"])
    return (
        f"Brier score {found['brier']:.3f} ({interval}); 0 is perfect. Always predicting the share of "
        f"{summary['positive_label']} would score {base:.3f}; the probabilities {outcome}. "
        f"{line_words(line, settings['confidence_level'])}"
    ).rstrip()


def line_words(line: CalibrationLine, confidence_level: float) -> str:
    """Return the slope and the intercept of calibration in words; empty where one label only was predicted."""
    if line.intercept is None:
        return ""
    ends = {
        (True, True): "{low:.2f} to {high:.2f}",
        (True, False): "{low:.2f} and above, without an upper limit",
        (False, True): "up to {high:.2f}",
        (False, False): "without limits",
    }[line.low is not None, line.high is not None].format(low=line.low or 0, high=line.high or 0)
    interval = f"{100 * confidence_level:g} % interval {ends}" if line.has_interval else "no interval"
    no_best = "none fits best, for the probabilities separate the labels or are all alike"
    slope = no_best if line.slope is None else f"{line.slope:.2f}"
    return (
        f"Calibration slope: {slope} ({interval}); 1 is perfect, less means probabilities that are too extreme. "
        f"Intercept: {line.intercept:.2f}; 0 is perfect, more means probabilities that are too low."
    )
