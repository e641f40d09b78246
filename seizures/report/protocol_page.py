"""One page that compares the protocols on the same seizures and features, and shows how optimistic the paper's is.

Where the sweep has the parts of the paper's protocol singly (docs/protocols.md), the page tells them apart: the dealing
into folds, the choice of the epoch, and the loss.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from seizures.evaluation.comparison import compare, significance_level
from seizures.evaluation.families import correct_family, family_words
from seizures.evaluation.metrics import METRIC_TITLES
from seizures.evaluation.settings_sweep import CellResult
from seizures.files.template import write_page
from seizures.report import style
from seizures.report.score_text import score_and_interval
from seizures.settings import EvaluationSettings

METRICS = ("accuracy", "recall", "specificity", "roc_auc")
COLOURS = {"patient": style.INK, "nested": style.NEGATIVE_COLOUR, "paper": style.POSITIVE_COLOUR}
OF_PROTOCOL = ("selection", "loss")  # settings of the training that are parts of the protocol
EPOCHS = {
    "last": "last",
    "inner": "best on inner folds of the training patients",
    "held_out": "best on the fold that is scored",
}
LOSS_WORDS = {"weighted": "classes weigh the same", "paper": "the paper's"}
_OPTIMISM = {
    "paper": "Optimism of the paper's protocol",
    "patient + dealing": "Optimism of dealing seizures into folds, alone",
    "patient + epoch": "Optimism of letting the scored fold choose the epoch, alone",
    "patient + loss": "Effect of the paper's loss, alone",
}
SHOWN = ("aggregation", "num_segments", "gamma")  # always in a title; others where they differ


@dataclasses.dataclass(frozen=True)
class Group:
    """Cells that have all settings in common but the protocol: a title, and the cell of each protocol by its name."""

    title: str
    cells: dict[str, CellResult]


def groups_of(cells: Sequence[CellResult]) -> list[Group]:
    """Put together the cells that differ in nothing but the protocol; those of one protocol alone are left out."""
    found: dict[tuple[tuple[str, Any], ...], dict[str, CellResult]] = {}
    for cell in cells:
        settings = {**dataclasses.asdict(cell.settings), "num_seeds": len(cell.summary["seeds"])}
        for name in OF_PROTOCOL:
            del settings[name]
        found.setdefault(tuple(sorted(settings.items())), {})[cell.protocol.name] = cell
    several = {key: group for key, group in found.items() if len(group) > 1}
    differ = [name for name, _ in next(iter(several), ()) if len({dict(key)[name] for key in several}) > 1]
    return [
        Group(
            _title(dict(key), [name for name in differ if name not in SHOWN]),
            {name: group[name] for name in sorted(group, key=_place)},
        )
        for key, group in several.items()
    ]


def _place(name: str) -> tuple[bool, int, str]:
    """Order protocols: ours, then ours with parts of the paper's, then the paper's."""
    return name == "paper", name.count("+"), "" if name == "patient" else name


def described(cells: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Say what each protocol among the cells deals, which epoch it keeps, what it minimises, and what its score is."""
    protocols = {cell.protocol.name: cell.protocol for cell in cells}
    return [
        {
            "name": name,
            "dealing": protocols[name].dealing,
            "epoch": EPOCHS[protocols[name].selection],
            "loss": LOSS_WORDS[protocols[name].loss],
            "is_reproduction": protocols[name].is_reproduction,
        }
        for name in sorted(protocols, key=_place)
    ]


def _title(settings: Mapping[str, Any], others: Sequence[str]) -> str:
    words = [str(settings["aggregation"]), f"{settings['num_segments']} segments", f"gamma {settings['gamma']:g}"]
    return ", ".join([*words, *(f"{name} = {settings[name]}" for name in others)])


def num_seizures_shared(predictions: pd.DataFrame) -> int:
    """Count the seizures whose patient was in the training part too: those whose patient has a seizure elsewhere."""
    seizures = predictions.drop_duplicates(["patient_id", "seizure_id"])
    return int((seizures.groupby("patient_id")["fold"].transform("nunique") > 1).sum())


def protocol_rows(group: Group) -> list[dict[str, Any]]:
    """Return what each protocol scored, with its interval, and how many seizures had their patient in training."""
    rows = []
    for name, cell in group.cells.items():
        metrics = cell.summary["metrics"]
        scores = [
            score_and_interval(metric, *(metrics[metric][end] for end in ("mean", "low", "high"))) for metric in METRICS
        ]
        shared = f"{num_seizures_shared(cell.predictions)} of {cell.summary['num_seizures']}"
        is_reproduction = cell.protocol.is_reproduction
        rows.append({"protocol": name, "is_reproduction": is_reproduction, "shared": shared, "scores": scores})
    return rows


def differences(groups: Sequence[Group], evaluation: EvaluationSettings) -> pd.DataFrame:
    """Return a row for each pair of protocols of each group: the accuracy of the first less that of the second.

    Paired on the same seizures, with an interval and a test in which the patient is what is drawn or flipped; Holm's
    correction is over all rows, with the columns of `families.correct_family`.
    """
    pairs = [(group, first, second) for group in groups for first, second in _pairs(group)]
    rows = []
    for group, first, second in pairs:
        one, other = group.cells[first], group.cells[second]
        positive = one.summary["positive_label"]
        found = compare(
            one.predictions,
            other.predictions,
            evaluation,
            positive_label=positive,
            num_comparisons=len(pairs),
            metrics=("accuracy",),
        )
        accuracy = found["metrics"]["accuracy"]
        row = {"settings": group.title, "first": first, "second": second, **accuracy}
        rows.append({**row, **{name: found["test"][name] for name in ("p_value", "smallest_p_value")}})
    columns = ["settings", "first", "second", "difference", "low", "high", "p_value", "smallest_p_value"]
    return correct_family(pd.DataFrame(rows, columns=columns), evaluation)


def _pairs(group: Group) -> list[tuple[str, str]]:
    """Return which protocols are compared: each with `patient`, and the paper's with `nested` too."""
    others = [(name, "patient") for name in reversed(group.cells) if name != "patient"]
    pairs = [*others, ("paper", "nested")]
    return sorted((pair for pair in pairs if set(pair) <= set(group.cells)), key=lambda pair: pair[0] != "paper")


def difference_words(row: pd.Series[Any], confidence_level: float) -> str:
    """Say a difference of two accuracies in plain words."""
    points = 100 * row["difference"]
    start = f"{_OPTIMISM[row['first']]}: accuracy" if row["first"] in _OPTIMISM else "Accuracy"
    text = f"{start} under {row['first']} minus that under {row['second']}: {points:+.1f} points"
    if pd.isna(row["low"]):
        return f"{text}; without an interval, because there is only one patient."
    bounds = f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}"
    interval = f"{100 * confidence_level:g} % interval {bounds}, paired over patients"
    if row["low"] <= 0 <= row["high"]:
        shown = "the interval includes 0"
    elif row["smallest_reachable_p_value_holm"] >= significance_level(confidence_level):
        shown = "the interval excludes 0; the test cannot confirm it, because too few patients differ"
    elif row["p_value_holm"] >= significance_level(confidence_level):
        shown = "the interval excludes 0, but the test does not confirm it"
    else:
        shown = "the interval excludes 0"
    return f"{text} ({interval}; permutation test p = {row['p_value']:.2g}, Holm {row['p_value_holm']:.2g}): {shown}."


def draw_protocols(groups: Sequence[Group]) -> Figure:
    """Draw the accuracy under each protocol with its interval, settings under settings."""
    with mpl.rc_context(style.STYLE):
        labels: list[str] = []
        ends: list[float] = []
        figure, axes = style.canvas(0.9 + 0.36 * sum(len(group.cells) + 1 for group in groups))
        for group in groups:
            title = axes.text(0.01, len(labels), group.title, transform=axes.get_yaxis_transform(), va="center")
            title.set(color=style.MUTED, fontsize=10, in_layout=False)
            labels.append("")
            for name, cell in group.cells.items():
                metric, place = cell.summary["metrics"]["accuracy"], len(labels)
                bar = [metric["mean"] if metric[end] is None else metric[end] for end in ("low", "high")]
                colour, only = COLOURS.get(name, style.MUTED), cell.protocol.is_reproduction
                axes.plot(bar, [place, place], color=colour, linewidth=2.5)
                axes.plot(metric["mean"], place, "D" if only else "o", color=colour, markersize=7)
                labels.append(f"{name}\n(reproduction only)" if only else name)
                ends += bar
        lowest = max(0.0, math.floor(10 * min(ends) - 0.5) / 10)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlim=(lowest, 1.02), ylim=(len(labels) - 0.5, -0.6), xlabel="accuracy")
        style.clear_rows(axes)
    return figure


def write_protocol_page(
    path: Path, cells: Sequence[CellResult], evaluation: EvaluationSettings, *, warning: str = ""
) -> None:
    """Write the page to `path`.

    Args:
        path: where to.
        cells: those of a sweep over `protocol`, `dealing` or `loss`, whatever else it sweeps.
        evaluation: how to resample the patients.
        warning: what a reader must know before anything else.
    """
    groups = groups_of(cells)
    table = differences(groups, evaluation)
    summary = cells[0].summary
    write_page(
        path,
        "seizures.report",
        "protocols.html.j2",
        warning=warning,
        percent=f"{100 * evaluation.confidence_level:g} %",
        num_patients=summary["num_patients"],
        num_seizures=summary["num_seizures"],
        num_seeds=len(summary["seeds"]),
        protocols=described(cells),
        family=family_words(table, evaluation.confidence_level),
        titles=[METRIC_TITLES[name] for name in METRICS],
        picture=style.to_data_uri(style.to_svg(draw_protocols(groups))),
        groups=[
            {
                "title": group.title,
                "rows": protocol_rows(group),
                "differences": [
                    difference_words(row, evaluation.confidence_level)
                    for _, row in table[table["settings"] == group.title].iterrows()
                ],
            }
            for group in groups
        ],
    )
