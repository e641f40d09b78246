"""Which network? Accuracy against the seconds of computing that a minute of film takes, and the baselines."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seizures.evaluation.settings_sweep import varies
from seizures.report.style import FAINT, INK, MUTED, STYLE

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
MARKERS = ("o", "D", "s", "^", "v", "P", "X")
WORDS_PER_INCH = 12  # letters of a note
WIDTH_INCHES, HEIGHT_INCHES = 9.0, 5.4
_APART = 1.06  # points of one cost lie beside one another, so that their bars do not hide each other
_MOVEMENT = "movement"
_SETTINGS = ("weights", "stride_frames", "aggregation", "num_segments", "gamma", "protocol", "dealing", "loss",
             "hidden_units", "num_epochs", "learning_rate", "weight_decay", "batch_size", "beginnings")  # fmt: skip


def draw_networks(
    table: pd.DataFrame, baselines: Sequence[Mapping[str, Any]], movement_seconds: float | None, note: str = ""
) -> Figure:
    """Draw a point with a number for every cell whose cost was measured.

    Colour and shape are its network's; a hollow one has random weights.

    Args:
        table: a row a cell (`settings_sweep.tabulate`).
        baselines: those of metrics.json, with their scores on the same folds.
        movement_seconds: what the baselines' movement costs for a minute of film; None if that was not measured.
        note: stands below.
    """
    measured = table[table["seconds_per_minute"].notna()]
    if table["weights"].astype(str).str.startswith("random:").any():
        note = f"Hollow: random, untrained weights. {note}"
    missing = [str(cell) for cell in table.loc[table["seconds_per_minute"].isna(), "cell"]]
    if missing:
        note = f"{note} Not drawn, because their cost was not measured: {'; '.join(missing)}."
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
        axes = figure.subplots()
        _draw_baselines(axes, baselines, movement_seconds)
        _draw_cells(axes, measured)
        axes.set_xscale("log")
        for which in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            which(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(mpl.ticker.LogLocator(subs=(2, 3, 5)))
        axes.tick_params(axis="x", which="both", labelsize=9)
        axes.set_ylim(0, 103)
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_ylabel("accuracy, %")
        devices = sorted({str(device) for device in measured["device"].dropna()})
        where = f" ({', '.join(devices)})" if devices else ""
        axes.set_xlabel(f"seconds to decode a minute of film and compute its features, one worker{where}")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize=9)
        below = textwrap.wrap(note, round(WORDS_PER_INCH * WIDTH_INCHES))
        if below:
            figure.supxlabel("\n".join(below), fontsize=9, color=INK, x=0.01, ha="left")
    return figure


def _draw_baselines(axes: Axes, baselines: Sequence[Mapping[str, Any]], movement_seconds: float | None) -> None:
    styles = ("-", "--", "-.", ":")
    for place, one in enumerate(baselines):
        accuracy = one["metrics"]["accuracy"]
        if _MOVEMENT in one["name"] and movement_seconds:
            bars = _bars([accuracy["mean"]], [accuracy["low"]], [accuracy["high"]])
            x = movement_seconds * _APART ** (2 * place)
            axes.errorbar([x], [100 * accuracy["mean"]], yerr=bars, color=MUTED, marker="x", markersize=7,
                          linestyle="", elinewidth=1, label=f"baseline: {one['words'].lower()}")  # fmt: skip
        else:
            axes.axhline(100 * accuracy["mean"], color=MUTED, linewidth=1, linestyle=styles[place % len(styles)],
                         label=f"baseline: {one['words'].lower()}")  # fmt: skip


def _draw_cells(axes: Axes, table: pd.DataFrame) -> None:
    differ = [name for name in _SETTINGS if name in table and varies(table[name])]
    networks = list(dict.fromkeys(table["network"]))
    taken: list[float] = []
    for number, row in enumerate(table.to_dict("records"), start=1):
        place = networks.index(row["network"])
        x = float(row["seconds_per_minute"])
        while any(abs(np.log(x / other)) < np.log(_APART) / 2 for other in taken):
            x *= _APART
        taken.append(x)
        said = [str(row["network"]), *(f"{_word(name)} {_short(row[name])}" for name in differ)]
        is_random = str(row["weights"]).startswith("random:")
        axes.errorbar(
            [x],
            [100 * row["accuracy"]],
            yerr=_bars([row["accuracy"]], [row["accuracy_low"]], [row["accuracy_high"]]),
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            markerfacecolor="white" if is_random else None,
            markersize=7,
            linestyle="",
            elinewidth=1,
            label=f"{number}: {', '.join(said)}",
        )
        axes.annotate(
            str(number), (x, 100 * row["accuracy"]), xytext=(6, 5), textcoords="offset points", fontsize=9, color=INK
        )


def _bars(mean: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]) -> Any:
    middle, ends = np.array(mean, dtype=float), [np.array(side, dtype=float) for side in (low, high)]
    return 100 * np.nan_to_num(np.stack([middle - ends[0], ends[1] - middle]).clip(min=0))


def _word(name: str) -> str:
    return {"stride_frames": "stride", "num_segments": "segments", "weights": "weights"}.get(name, name)


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text[:15]}..." if text.startswith(("sha256:", "file:")) and len(text) > 24 else text
