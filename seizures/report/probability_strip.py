"""Every seizure at its P(TCS), patient by patient."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seizures.evaluation.metrics import DECISION_THRESHOLD, decide
from seizures.report.numbers import mean_over_seeds
from seizures.report.style import INK, MUTED, NEGATIVE_COLOUR, POSITIVE_COLOUR, STYLE, canvas


def probability_strip(predictions: pd.DataFrame, *, positive_label: str = "TCS", negative_label: str = "FOS") -> Figure:
    """Draw every seizure at its P(TCS), mean of the seeds, one row per patient; wrong ones are crossed and named."""
    with mpl.rc_context(STYLE):
        table = mean_over_seeds(predictions)
        patients = list(dict.fromkeys(table["patient_id"]))
        figure, axes = canvas(1.25 + (0.34 if len(patients) <= 20 else 0.27) * len(patients))
        axes.axvspan(-0.03, DECISION_THRESHOLD, color=NEGATIVE_COLOUR, alpha=0.09, linewidth=0)
        axes.axvspan(DECISION_THRESHOLD, 1.03, color=POSITIVE_COLOUR, alpha=0.09, linewidth=0)
        axes.axvline(DECISION_THRESHOLD, color=MUTED, linewidth=1)
        for border in range(1, len(patients)):
            axes.axhline(border - 0.5, color="white", linewidth=2.5)
        heights = _heights(table["patient_id"], patients)
        positive = np.asarray(table["label"] == positive_label)
        wrong = np.asarray(decide(table["probability"]) != positive)
        for chosen, colour, marker in ((~positive, NEGATIVE_COLOUR, "o"), (positive, POSITIVE_COLOUR, "D")):
            rows, at = table[chosen], heights[chosen]
            axes.hlines(at, rows["low"], rows["high"], color=colour, linewidth=1, alpha=0.6)
            axes.plot(rows["probability"], at, marker, color=colour, markersize=6, markeredgewidth=0)
        axes.plot(table["probability"][wrong], heights[wrong], "x", color=INK, markersize=9, markeredgewidth=1.8)
        for (_, row), height in zip(table[wrong].iterrows(), heights[wrong], strict=True):
            _name_seizure(axes, row, float(height))
        axes.set_yticks(range(len(patients)), [_short(patient) for patient in patients])
        axes.set(xlim=(-0.03, 1.03), ylim=(len(patients) - 0.5, -0.5), xlabel=f"P({positive_label})")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.text(
            0.235, 1.0, f"called {negative_label}", transform=axes.get_xaxis_transform(), ha="center", va="bottom"
        )
        axes.text(
            0.765, 1.0, f"called {positive_label}", transform=axes.get_xaxis_transform(), ha="center", va="bottom"
        )
        figure.legend(
            handles=_strip_handles(positive_label, negative_label),
            loc="outside upper center",
            ncols=3,
            handletextpad=0.2,
            columnspacing=1.2,
        )
    return figure


def _heights(patient_ids: pd.Series[str], patients: list[str]) -> npt.NDArray[np.float64]:
    """Give every seizure a height in the row of its patient, evenly spread."""
    heights = np.zeros(len(patient_ids))
    for place, patient in enumerate(patients):
        own = np.flatnonzero(patient_ids == patient)
        heights[own] = place + (np.linspace(-0.26, 0.26, len(own)) if len(own) > 1 else 0.0)
    return heights


def _name_seizure(axes: Axes, row: pd.Series[Any], height: float) -> None:
    side = 1 if row["probability"] < DECISION_THRESHOLD else -1
    axes.annotate(
        _short(str(row["seizure_id"])),
        (float(row["high"] if side > 0 else row["low"]), height),
        xytext=(8 * side, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        fontsize=9,
    )


def _short(text: str, length: int = 14) -> str:
    """Shorten a long id."""
    return text if len(text) <= length else text[: length - 1] + "\u2026"


def _strip_handles(positive_label: str, negative_label: str) -> list[Line2D]:
    def handle(label: str, marker: str, colour: str, size: float) -> Line2D:
        return Line2D([], [], linestyle="", marker=marker, color=colour, markersize=size, label=label)

    wrong = Line2D([], [], linestyle="", marker="x", color=INK, markersize=8, markeredgewidth=1.8, label="wrong")
    return [
        handle(f"is {negative_label}", "o", NEGATIVE_COLOUR, 7),
        handle(f"is {positive_label}", "D", POSITIVE_COLOUR, 6),
        wrong,
    ]
