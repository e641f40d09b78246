"""The rows of the report's table of baselines, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seizures.report.score_text import score_and_interval

SHOWN = ("accuracy", "roc_auc")  # metrics.json has the others


def baseline_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each baseline that has scores: these, and by how much the network is above them."""
    rows = []
    for one in summary.get("baselines", ()):
        metrics, difference = one["metrics"], one["difference"]
        if metrics is None:
            continue
        scores = [score_and_interval(name, *(metrics[name][end] for end in ("mean", "low", "high"))) for name in SHOWN]
        rows.append(
            {
                "words": one["words"],
                "scores": scores,
                "accuracy": _difference(difference["accuracy"], 100, "+.0f", " points"),
                "p_value": f"{difference['accuracy']['p_value']:.2g}",
                "roc_auc": _difference(difference["roc_auc"], 1, "+.2f", ""),
            }
        )
    return rows


def _difference(found: Mapping[str, float | None], scale: float, form: str, unit: str) -> str:
    value, low, high = (found[name] for name in ("difference", "low", "high"))
    if value is None:
        return "undefined"
    text = f"{format(scale * value, form)}{unit}"
    if low is None or high is None:
        return f"{text} (no interval)"
    return f"{text} ({format(scale * low, form)} to {format(scale * high, form)})"
