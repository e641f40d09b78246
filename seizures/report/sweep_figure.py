"""The paper's figure of a sweep: accuracy against the number of segments, a panel per gamma, a line per aggregation."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seizures.evaluation.settings_sweep import varies
from seizures.report.style import FAINT, INK, MUTED, STYLE
from seizures.settings import TrainingSettings

PANEL_BY = ("protocol", "gamma")  # and by whatever else differs, but for the two that the axes and lines show
COLOURS = {"mean": "#D55E00", "lstm": "#009E73", "blstm": "#0072B2", "attention": "#CC79A7", "tcn": "#E69F00"}
MARKERS = {"mean": "o", "lstm": "s", "blstm": "D", "attention": "^", "tcn": "v"}
PANEL_INCHES, MAX_COLUMNS = 2.9, 5
WORDS_PER_INCH = 12  # letters of a note
TITLE_LETTERS = 34  # of a line above a panel


def draw_sweep(table: pd.DataFrame, note: str = "") -> Figure:
    """Draw accuracy against the number of segments: a panel per gamma (and protocol), a line per aggregation.

    Bars are the intervals over patients; dashed lines are the paper's, where it has the cell. `note` stands below.
    """
    by = [*PANEL_BY, *_others(table)]
    panels = list(table.groupby(by, sort=True, dropna=False))
    columns = min(len(panels), MAX_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(0.8 + PANEL_INCHES * columns, 1.1 + PANEL_INCHES * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        segments = sorted(table["num_segments"].unique())
        several = {name: varies(table[name]) for name in by}
        for axes, (values, part) in zip(grid.flat, panels, strict=False):
            shown = [(name, value) for name, value in zip(by, values, strict=True) if several[name] or name == "gamma"]
            title = ", ".join(f"{name} = {_short(value)}" for name, value in shown)
            axes.set_title("\n".join(textwrap.wrap(title, TITLE_LETTERS)), fontsize=10)
            _draw_panel(axes, part, segments)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        below = textwrap.wrap(note, round(WORDS_PER_INCH * figure.get_figwidth()))
        figure.supxlabel("\n".join(["segments", *below]), fontsize=11, color=INK)
        figure.supylabel("accuracy, %", fontsize=11, color=INK)
        handles = {
            label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=min(len(handles), 4))
    return figure


def _others(table: pd.DataFrame) -> list[str]:
    """Return the settings that differ between cells and that neither the axis nor a line shows."""
    names = {
        "network",
        "weights",
        "stride_frames",
        "num_seeds",
        *(field.name for field in dataclasses.fields(TrainingSettings)),
    }
    shown = {"aggregation", "num_segments", *PANEL_BY}
    return [name for name in table.columns if name in names - shown and varies(table[name])]


def _draw_panel(axes: Axes, part: pd.DataFrame, segments: Sequence[int]) -> None:
    aggregations = list(dict.fromkeys(part["aggregation"]))
    for place, (name, line) in enumerate(part.groupby("aggregation", sort=False)):
        line = line.sort_values("num_segments")
        x = np.array([segments.index(number) for number in line["num_segments"]], dtype=np.float64)
        beside = x + 0.06 * (place - (len(aggregations) - 1) / 2)  # so that bars do not hide one another
        colour, marker = COLOURS.get(str(name), MUTED), MARKERS.get(str(name), "x")
        accuracy = 100 * line["accuracy"].to_numpy(dtype=np.float64)
        low, high = (100 * line[f"accuracy_{end}"].to_numpy(dtype=np.float64) for end in ("low", "high"))
        bars = np.nan_to_num(np.stack([accuracy - low, high - accuracy]).clip(min=0))
        axes.errorbar(beside, accuracy, yerr=bars, color=colour, marker=marker, markersize=5, elinewidth=1, label=name)
        published = 100 * line["published_accuracy"].to_numpy(dtype=np.float64)
        if not np.isnan(published).all():
            axes.plot(x, published, color=colour, linestyle="--", linewidth=1, label=f"{name}, paper")
    axes.set_xticks(range(len(segments)), [_short(number) for number in segments])
    axes.set_xlim(-0.4, len(segments) - 0.6)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
