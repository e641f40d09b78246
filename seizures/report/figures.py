"""The figures of the scores: confusion matrix, intervals, ROC curve, learning curves; each from result tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seizures.evaluation.metrics import METRIC_NAMES, METRIC_TITLES
from seizures.evaluation.wording import count_text
from seizures.report.style import (
    FAINT,
    INK,
    MUTED,
    NEGATIVE_COLOUR,
    POSITIVE_COLOUR,
    STYLE,
    WIDTH_INCHES,
    canvas,
    clear_rows,
)


def confusion_matrix(summary: Mapping[str, Any]) -> Figure:
    """Draw the pooled confusion matrix, mean of the seeds; each row is a true label, shaded by its share of the row."""
    with mpl.rc_context(STYLE):
        count, names = summary["counts"]["mean"], (summary["negative_label"], summary["positive_label"])
        table = np.array([[count["TN"], count["FP"]], [count["FN"], count["TP"]]])
        totals = table.sum(axis=1, keepdims=True)
        share = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
        figure, axes = canvas(4.1)
        axes.set(xlim=(0, 2), ylim=(2, 0))
        for row in range(2):
            for column in range(2):
                colour = "#117733" if row == column else "#882255"
                axes.fill_between(
                    [column + 0.02, column + 0.98],
                    row + 0.02,
                    row + 0.98,
                    color=colour,
                    alpha=0.08 + 0.82 * float(share[row, column]),
                    linewidth=0,
                )
                ink = "white" if share[row, column] > 0.5 else INK
                middle = column + 0.5
                axes.text(
                    middle,
                    row + 0.44,
                    count_text(float(table[row, column])),
                    color=ink,
                    fontsize=26,
                    ha="center",
                    va="center",
                )
                if totals[row, 0]:
                    words = f"{100 * share[row, column]:.0f} % of {names[row]}"
                    axes.text(middle, row + 0.74, words, color=ink, ha="center", va="center")
        axes.set_xticks([0.5, 1.5], [f"called {name}" for name in names])
        axes.set_yticks([0.5, 1.5], [f"is {name}\n(n = {totals[row, 0]:.0f})" for row, name in enumerate(names)])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def score_intervals(summary: Mapping[str, Any]) -> Figure:
    """Draw every metric as a dot with its interval, its seeds as small ticks, and the chance level of the accuracy."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.2)
        for place, name in enumerate(METRIC_NAMES):
            _draw_score(axes, summary["metrics"][name], place)
        level = summary["chance"]["level"]
        axes.plot([level, level], [-0.45, 0.45], color=MUTED, linewidth=2.5, linestyle=(0, (1.6, 1.2)))
        axes.annotate(
            "chance",
            (level, -0.45),
            xytext=(0, 2),
            textcoords="offset points",
            color=MUTED,
            ha="center",
            fontsize=10,
        )
        axes.set_yticks(range(len(METRIC_NAMES)), [METRIC_TITLES[name] for name in METRIC_NAMES])
        lowest = min(0.0, *(value for name in METRIC_NAMES for value in _drawn(summary["metrics"][name])))
        ticks = [tick for tick in (-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1) if tick >= lowest]
        axes.set(xlim=(lowest - 0.02, 1.02), ylim=(len(METRIC_NAMES) - 0.5, -1.0))
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        clear_rows(axes)
    return figure


def _drawn(metric: Mapping[str, Any]) -> list[float]:
    """Return every value of a metric that is drawn; Matthews' correlation may be below 0."""
    return [value for value in (metric["mean"], metric["low"], *metric["per_seed"]) if value is not None]


def _draw_score(axes: Axes, metric: Mapping[str, Any], place: int) -> None:
    if metric["mean"] is None:
        axes.text(0.5, place, "undefined", color=MUTED, ha="center", va="center", fontsize=10)
        return
    if metric["low"] is not None:
        axes.plot([metric["low"], metric["high"]], [place, place], color=INK, linewidth=2.5)
    axes.plot(metric["mean"], place, "o", color=INK, markersize=7)
    if len(metric["per_seed"]) > 1:
        seeds = metric["per_seed"]
        axes.plot(seeds, [place + 0.27] * len(seeds), "|", color=MUTED, markersize=6, markeredgewidth=1)


def roc(curves: pd.DataFrame, summary: Mapping[str, Any]) -> Figure:
    """Draw the ROC curve: each seed thin, their mean thick, the interval over patients as a band, and the 0.5 decision.

    Args:
        curves: what `seizures.report.numbers.roc_numbers` returned.
        summary: metrics.json.
    """
    grid = curves["false_positive_rate"]
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.9)
        if bool(curves["low"].notna().all()):
            axes.fill_between(grid, curves["low"], curves["high"], color=NEGATIVE_COLOUR, alpha=0.15, linewidth=0)
        seeds = [name for name in curves.columns if name.startswith("seed_")]
        for name in seeds if len(seeds) > 1 else ():
            axes.plot(grid, curves[name], color=NEGATIVE_COLOUR, linewidth=0.8, alpha=0.55)
        axes.plot(grid, curves["sensitivity"], color=NEGATIVE_COLOUR, linewidth=2.5)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(0.62, 0.57, "chance", color=MUTED, rotation=45, rotation_mode="anchor", ha="center", va="top")
        _operating_point(axes, summary)
        axes.text(0.97, 0.04, _auc_text(summary), ha="right", va="bottom", linespacing=1.4)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set_xlabel(f"{summary['negative_label']} called {summary['positive_label']} (1 - specificity)")
        axes.set_ylabel(f"{summary['positive_label']} detected (sensitivity)")
    return figure


def _operating_point(axes: Axes, summary: Mapping[str, Any]) -> None:
    recall, specificity = (summary["metrics"][name]["mean"] for name in ("recall", "specificity"))
    axes.plot(1 - specificity, recall, "o", color=INK, markersize=7, markeredgecolor="white")
    axes.annotate(
        "decision at 0.5",
        (1 - specificity, recall),
        xytext=(12, -22),
        textcoords="offset points",
        fontsize=10,
        arrowprops={"arrowstyle": "-", "color": MUTED, "shrinkB": 4},
    )


def _auc_text(summary: Mapping[str, Any]) -> str:
    metric = summary["metrics"]["roc_auc"]
    text = f"AUC {metric['mean']:.2f}"
    if metric["low"] is not None:
        percent = 100 * summary["interval"]["confidence_level"]
        text += f"\n{percent:g} % interval {metric['low']:.2f} to {metric['high']:.2f}"
    return text


def has_learning_curves(histories: pd.DataFrame) -> bool:
    """Tell whether `learning_curves` has something to draw."""
    return bool(_panels(histories))


def _panels(histories: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the title of each panel, and the columns that it shows; none of an empty table."""
    panels = [
        (title, [name for name in names if name in histories.columns and bool(histories[name].notna().any())])
        for title, names in (("Loss", ("loss", "inner_loss")), ("Accuracy", ("accuracy",)))
    ]
    return [panel for panel in panels if panel[1]]


def learning_curves(histories: pd.DataFrame) -> Figure:
    """Draw loss and accuracy on the training set against the epoch: each fold and seed thin, their median thick.

    Args:
        histories: columns fold, seed, epoch, loss and, where there are, accuracy and inner_loss (on the views
            by which the epoch was chosen).
    """
    panels = _panels(histories)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.5 + 2.1 * len(panels)), layout="constrained")
        for place, (title, names) in enumerate(panels):
            axes = figure.add_subplot(len(panels), 1, place + 1)
            for name in names:
                _draw_runs(axes, histories, name)
            axes.set_title(title)
            axes.set_ylim(0, 1.02 if title == "Accuracy" else None)
            axes.grid(axis="y", color=FAINT, linewidth=0.8)
            axes.legend(loc="best")
        axes.set_xlabel("Epoch")
    return figure


def _draw_runs(axes: Axes, histories: pd.DataFrame, name: str) -> None:
    validation = name == "inner_loss"
    colour, style = (POSITIVE_COLOUR, (0, (4, 2))) if validation else (NEGATIVE_COLOUR, "-")
    runs = histories.dropna(subset=[name])
    for _, run in runs.groupby(["repeat", "fold", "seed"]):
        axes.plot(run["epoch"], run[name], color=colour, linewidth=0.7, alpha=0.35)
    median = runs.groupby("epoch")[name].median()
    label = "loss that chose the epoch (median)" if validation else "training (median)"
    axes.plot(median.index, median.to_numpy(), color=colour, linewidth=2.5, linestyle=style, label=label)
