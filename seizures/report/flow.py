"""The flow of patients and seizures from the manifest to the scores, counted (STARD-AI item 24)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from seizures.evaluation.wording import plural
from seizures.manifest.identity import SeizureId
from seizures.report.style import INK, MUTED, STYLE

SCORED = "scored"
EXCLUSIONS = {
    "skipped": "Skipped by the manifest",
    "short": "Under the minimum duration",
    "unusable": "No usable view",
    "not_scored": "In the folds, not scored",
}


@dataclasses.dataclass(frozen=True)
class FlowRow:
    """A step: who is left, or who is excluded there.

    Of an exclusion, `num_patients` counts those who lose their last seizure there, so that patients add up too.
    """

    name: str
    title: str
    is_exclusion: bool
    num_patients: int
    num_seizures: int
    num_seizures_by_label: Mapping[str, int]

    def as_plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**dataclasses.asdict(self), "words": flow_words(self)}


def count_flow(
    listed: Mapping[SeizureId, str], outcomes: Mapping[SeizureId, str], labels: Sequence[str]
) -> tuple[FlowRow, ...]:
    """Return the steps in order: listed, each exclusion, scored.

    Args:
        listed: the label of every seizure in the manifest.
        outcomes: for each of them `scored` or a name in `EXCLUSIONS`.
        labels: the labels to count by.
    """
    left = set(listed)

    def row(name: str, title: str, of: set[SeizureId], num_patients: int) -> FlowRow:
        by_label = {label: sum(listed[seizure] == label for seizure in of) for label in labels}
        return FlowRow(name, title, name in EXCLUSIONS, num_patients, len(of), by_label)

    rows = [row("listed", "Listed in the manifest", left, _patients(left))]
    for name, title in EXCLUSIONS.items():
        excluded = {seizure for seizure in left if outcomes[seizure] == name}
        before, left = _patients(left), left - excluded
        if excluded or name != "not_scored":
            rows.append(row(name, title, excluded, before - _patients(left)))
    return (*rows, row(SCORED, "In the folds and scored", left, _patients(left)))


def _patients(seizures: set[SeizureId]) -> int:
    return len({seizure.patient_id for seizure in seizures})


def flow_table(rows: Sequence[FlowRow]) -> pd.DataFrame:
    """Return flow.csv: one row a step."""
    table: pd.DataFrame = pd.DataFrame(
        {
            "step": row.name,
            "title": row.title,
            "is_exclusion": row.is_exclusion,
            "num_patients": row.num_patients,
            "num_seizures": row.num_seizures,
            **{f"num_{label}": number for label, number in row.num_seizures_by_label.items()},
        }
        for row in rows
    )
    return table


def flow_words(row: FlowRow) -> str:
    """Return the counts of a step for its box."""
    labels = ", ".join(f"{number} {label}" for label, number in row.num_seizures_by_label.items())
    if not row.is_exclusion:
        return f"{plural(row.num_patients, 'patient')}, {plural(row.num_seizures, 'seizure')} ({labels})"
    patients = f"; {plural(row.num_patients, 'patient')} left with none" if row.num_patients else ""
    return f"{plural(row.num_seizures, 'seizure')} ({labels}){patients}" if row.num_seizures else "none"


def flow_boxes(rows: Sequence[FlowRow]) -> list[dict[str, Any]]:
    """Return the boxes of the page, in order."""
    return [{"title": row.title, "words": flow_words(row), "is_exclusion": row.is_exclusion} for row in rows]


def draw_flow(rows: Sequence[FlowRow]) -> Figure:
    """Draw the steps from top to bottom: on the left who is left, on the right who is excluded."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 0.85 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(0, 10), ylim=(-len(rows), 0))
        axes.axis("off")
        last = len(rows) - 1
        axes.annotate("", (2.5, -last - 0.1), (2.5, -0.9), arrowprops={"arrowstyle": "->", "color": MUTED})
        for number, row in enumerate(rows):
            x, middle = (6.9 if row.is_exclusion else 2.5), -number - 0.5
            if row.is_exclusion:
                axes.annotate("", (4.4, middle), (2.5, middle), arrowprops={"arrowstyle": "->", "color": MUTED})
            words = flow_words(row).replace("; ", ";\n")
            box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": MUTED}
            axes.text(x, middle, f"{row.title}\n{words}", ha="center", va="center", fontsize=8, color=INK, bbox=box)
    return figure
