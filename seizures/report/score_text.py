"""A score and its interval as text, the same on every page."""

from __future__ import annotations

from seizures.evaluation.metrics import METRIC_TITLES

IN_PERCENT = ("accuracy", "f1", "precision", "recall", "specificity")


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
    """Return `title`, `value` and `interval` of a score as text; an interval without width reads `no spread`."""
    interval = "no interval" if low is None else "no spread" if low == high else interval_text(name, low, high)
    shown = "" if value is None else interval
    return {"title": METRIC_TITLES[name], "value": score_text(name, value), "interval": shown}
