"""Figures of how far to trust the results: the reliability curve, the decision curve, the accuracy by subgroup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from seizures.report.style import FAINT, INK, MUTED, NEGATIVE_COLOUR, STYLE, canvas, clear_rows

LARGEST_DOT, SMALLEST_DOT = 260.0, 25.0


def reliability(curve: pd.DataFrame, *, positive_label: str = "TCS") -> Figure:
    """Draw the observed share of TCS against the predicted P(TCS); the size of a dot shows the seizures in its bin.

    Args:
        curve: what `seizures.evaluation.calibration.reliability_curve` returned.
        positive_label: TCS.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.6)
        numbers = curve["num_seizures"].astype(float)
        sizes = SMALLEST_DOT + (LARGEST_DOT - SMALLEST_DOT) * numbers / max(float(numbers.max()), 1.0)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(0.3, 0.33, "perfectly calibrated", color=MUTED, rotation=45, rotation_mode="anchor", ha="center")
        axes.scatter(curve["mean_probability"], curve["share_positive"], s=sizes, color=NEGATIVE_COLOUR, alpha=0.85)
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
        axes.set_xlabel(f"predicted P({positive_label})")
        axes.set_ylabel(f"observed share of {positive_label}")
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
    return figure


def net_benefit(curve: pd.DataFrame, *, positive_label: str = "TCS") -> Figure:
    """Draw net benefit against the threshold, with its band over patients, and that of calling all and none positive.

    Args:
        curve: what `seizures.evaluation.decision_curve.decision_curve` returned.
        positive_label: TCS.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.2)
        thresholds = curve["threshold"]
        if bool(curve["low"].notna().all()):
            axes.fill_between(thresholds, curve["low"], curve["high"], color=NEGATIVE_COLOUR, alpha=0.15, linewidth=0)
        axes.plot(thresholds, curve["call_all"], color=MUTED, linewidth=1.5, linestyle=(0, (4, 3)), label="call all")
        axes.axhline(0, color=MUTED, linewidth=1.5, linestyle=(0, (1, 1.5)), label="call none")
        axes.plot(thresholds, curve["net_benefit"], color=NEGATIVE_COLOUR, linewidth=2.5, label="classifier")
        top = max(float(curve["net_benefit"].max()), float(curve["call_all"].max()), 0.05)
        axes.set(xlim=(0, 1), ylim=(-0.35 * top, 1.15 * top))
        axes.set_xlabel(f"act from this P({positive_label}) on")
        axes.set_ylabel("net benefit")
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc="lower left")
    return figure


def parts(table: pd.DataFrame, summary: Mapping[str, Any]) -> Figure:
    """Draw the accuracy of each subgroup with its interval and counts, and that of all seizures as a line.

    Args:
        table: what `seizures.evaluation.subgroups.scores_by_subgroup` returned.
        summary: metrics.json.
    """
    table = table[table["accuracy"].notna()]  # a column of too many values has no score
    with mpl.rc_context(STYLE):
        heights, headings = _layout(table)
        lowest = max(heights)
        figure, axes = canvas(0.9 + 0.33 * (lowest + 1))
        overall = summary["metrics"]["accuracy"]["mean"]
        axes.plot([overall, overall], [-0.6, lowest + 0.6], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for place, row in zip(heights, table.to_dict(orient="records"), strict=True):
            if not pd.isna(row["accuracy_low"]):
                axes.plot([row["accuracy_low"], row["accuracy_high"]], [place, place], color=INK, linewidth=2.2)
            axes.plot(row["accuracy"], place, "o", color=INK, markersize=6)
            counts = f"{row['num_seizures']} of {row['num_patients']}"
            axes.text(1.06, place, counts, color=MUTED, va="center", fontsize=10)
        for title, place in headings.items():
            axes.text(-0.04, place, title, color=MUTED, ha="right", va="center", fontsize=10, style="italic")
        axes.text(1.06, -1.0, "seizures\nof patients", color=MUTED, va="center", fontsize=9)
        axes.set_yticks(heights, [str(name) for name in table["group"]])
        axes.set(xlim=(-0.02, 1.02), ylim=(lowest + 0.6, -1.5), xlabel="accuracy")
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        clear_rows(axes)
    return figure


def _layout(table: pd.DataFrame) -> tuple[list[float], dict[str, float]]:
    """Return the height of each row, and that of each split's heading, which stands over its rows."""
    heights: list[float] = []
    headings: dict[str, float] = {}
    place = 0.0
    for split in table["split"]:
        if split != "all" and split not in headings:
            headings[str(split)] = place + 0.2
            place += 1.2
        heights.append(place)
        place += 1.0
    return heights, headings
