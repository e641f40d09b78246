"""The report: one self-contained HTML page from result tables, to be read by a clinician and kept by a lab."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import jinja2
import pandas as pd

from seizures.evaluation.metrics import METRIC_TITLES
from seizures.evaluation.predictions import VIEW_PREFIX, view_columns
from seizures.evaluation.wording import count_text, verdict
from seizures.report import figures
from seizures.report.cohort_facts import SeizureIds, cohort_facts, left_out_words
from seizures.report.methods import WhatWasRun, methods_paragraph
from seizures.report.pictures import Picture
from seizures.report.report_parts import calibration_words, interval_text, part_rows, part_titles, score_text
from seizures.report.report_pictures import picture_rows

FOLDER = "figures"
RANDOM_WEIGHTS_WARNING = (
    "The network's weights are random: these numbers show that the software runs, and say nothing about seizures."
)
_MEANINGS = {
    "accuracy": "share of all seizures classified correctly",
    "f1": "harmonic mean of precision and sensitivity",
    "precision": "share of the seizures called {positive} that are {positive}",
    "recall": "share of the {positive} that were found (recall)",
    "specificity": "share of the {negative} that were called {negative}",
    "roc_auc": "chance that a {positive} gets a higher P({positive}) than a {negative}; 0.5 is guessing",
    "average_precision": "area under the precision-recall curve",
}


class FoldRowLike(Protocol):
    """One line of folds.csv."""

    @property
    def patient_id(self) -> str:
        """The patient."""

    @property
    def seizure_id(self) -> str:
        """The seizure."""

    @property
    def fold(self) -> int:
        """The fold in which the seizure is held out."""

    @property
    def num_patients_in_fold(self) -> int:
        """How many patients that fold holds out."""


@dataclasses.dataclass(frozen=True)
class ReportInputs:
    """Everything that the page tells, as result tables and plain values.

    Attributes:
        predictions: predictions.csv of all folds and seeds.
        summary: what `seizures.evaluation.summary.summarise` returned.
        pictures: what `seizures.report.pictures.read_pictures` returned.
        durations_seconds: seconds of each seizure by (patient, seizure).
        run: what the methods paragraph tells.
        folds: the lines of folds.csv.
        left_out: (patient_id, seizure_id, view or "" for the whole seizure, reason).
        settings: section to name to value.
        provenance: name to value (versions, commit, device, digests).
        weights: which weights made the features: a file's name and SHA-256, or `random:<seed>`.
        timings: stage to seconds.
        notes: further things that a reader must know.
        title: heading of the page.
        folder: where the PNG and CSV files of the pictures lie, seen from the page.
    """

    predictions: pd.DataFrame
    summary: Mapping[str, Any]
    pictures: Mapping[str, Picture]
    durations_seconds: Mapping[SeizureIds, float]
    run: WhatWasRun
    folds: Sequence[FoldRowLike]
    left_out: Sequence[tuple[str, str, str, str]]
    settings: Mapping[str, Mapping[str, Any]]
    provenance: Mapping[str, Any]
    weights: str
    timings: Mapping[str, float] | None = None
    notes: Sequence[str] = ()
    title: str = "Seizure classification from video"
    folder: str = FOLDER


def has_random_weights(weights: str) -> bool:
    """Tell whether `weights` names random weights (`random:<seed>`)."""
    return weights.strip().lower().startswith("random")


def write_report(path: Path, inputs: ReportInputs) -> None:
    """Write the page to `path`: inline style and pictures, no script, nothing that asks a network."""
    path.write_text(render_report(inputs), encoding="utf-8")


def render_report(inputs: ReportInputs) -> str:
    """Return the page as HTML text; the same inputs give the same text."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = (
        importlib.resources.files("seizures.report").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    )
    environment.filters["keep_units"] = lambda text: text.replace(" %", "\u00a0%")
    summary = inputs.summary
    random_weights = has_random_weights(inputs.weights)
    return environment.from_string(source).render(
        inputs=inputs,
        summary=summary,
        percent_level=f"{100 * summary['interval']['confidence_level']:g} %",
        random_weights_warning=RANDOM_WEIGHTS_WARNING if random_weights else "",
        verdict=verdict(summary),
        better_than_chance=not random_weights and summary["chance"]["accuracy_interval_excludes_chance"],
        tiles=_tiles(summary),
        metrics=_metric_rows(summary),
        pictures=picture_rows(inputs.pictures, summary, inputs.folder),
        who=_who(inputs),
        parts=part_rows(inputs.pictures["parts"].numbers),
        part_titles=part_titles(),
        calibration=calibration_words(inputs.predictions, summary),
        methods=methods_paragraph(inputs.run),
        left_out_words=left_out_words(inputs.left_out, inputs.predictions),
        wrong=_wrong_rows(inputs.predictions),
        seizures=_seizure_rows(inputs.predictions),
        views=[name.removeprefix(VIEW_PREFIX) for name in view_columns(inputs.predictions)],
        left_out=sorted(inputs.left_out, key=lambda row: [figures.natural_key(part) for part in row[:3]]),
        folds=_fold_rows(inputs),
        notes=[*inputs.notes, *summary["notes"]],
        timings=_timing_rows(inputs.timings),
        settings={section: _text_rows(values) for section, values in inputs.settings.items()},
        provenance=_text_rows(inputs.provenance),
    )


def _who(inputs: ReportInputs) -> list[tuple[str, str]]:
    """Return what was scored, and what was left out, by name."""
    summary = inputs.summary
    facts = cohort_facts(
        inputs.predictions,
        inputs.durations_seconds,
        positive_label=summary["positive_label"],
        negative_label=summary["negative_label"],
    )
    return [*facts.items(), ("left out", left_out_words(inputs.left_out, inputs.predictions) or "nothing")]


def _interval(name: str, metric: Mapping[str, Any]) -> str:
    return interval_text(name, metric["low"], metric["high"])


def _tiles(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the three scores that a clinician asks for first, each with its counts in words."""
    mean, sizes = summary["counts"]["mean"], summary["num_seizures_by_label"]
    positive, negative = summary["positive_label"], summary["negative_label"]
    words = {
        "accuracy": f"{count_text(mean['TP'] + mean['TN'])} of {summary['num_seizures']} seizures right",
        "recall": f"{count_text(mean['TP'])} of {sizes[positive]} {positive} found",
        "specificity": f"{count_text(mean['TN'])} of {sizes[negative]} {negative} recognised",
    }
    return [
        {
            "title": METRIC_TITLES[name],
            "value": score_text(name, summary["metrics"][name]["mean"]),
            "interval": _interval(name, summary["metrics"][name]),
            "words": text,
        }
        for name, text in words.items()
    ]


def _metric_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = {"positive": summary["positive_label"], "negative": summary["negative_label"]}
    return [
        {
            "title": METRIC_TITLES[name],
            "meaning": _MEANINGS[name].format(**names),
            "value": score_text(name, metric["mean"]),
            "interval": _interval(name, metric),
            "seeds": ", ".join("none" if value is None else score_text(name, value) for value in metric["per_seed"]),
            "num_patients": metric["num_patients"],
            "num_seizures": metric["num_seizures"],
        }
        for name, metric in summary["metrics"].items()
    ]


def _wrong_rows(predictions: pd.DataFrame) -> list[dict[str, str]]:
    """List every seizure that any seed got wrong, the most often wrong first."""
    table = figures.mean_over_seeds(predictions)
    wrong = table[table["num_wrong"] > 0].sort_values("num_wrong", ascending=False, kind="stable")
    return [
        {
            "patient_id": row["patient_id"],
            "seizure_id": row["seizure_id"],
            "label": row["label"],
            "probability": f"{row['probability']:.2f}",
            "times": f"{row['num_wrong']} of {row['num_seeds']}",
        }
        for _, row in wrong.iterrows()
    ]


def _seizure_rows(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """List every seizure with its probability, mean of the seeds, and by view."""
    columns = view_columns(predictions)
    by_view = predictions.groupby(["patient_id", "seizure_id"])[columns].mean()
    return [
        {
            "patient_id": row["patient_id"],
            "seizure_id": row["seizure_id"],
            "label": row["label"],
            "fold": row["fold"],
            "probability": f"{row['probability']:.2f}",
            "by_view": [
                "" if pd.isna(value) else f"{value:.2f}"
                for value in by_view.loc[(row["patient_id"], row["seizure_id"])].tolist()
            ],
            "times_wrong": f"{row['num_wrong']} of {row['num_seeds']}",
        }
        for _, row in figures.mean_over_seeds(predictions).iterrows()
    ]


def _fold_rows(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Say for each fold who is held out and how many of its predictions, over all seeds, were right."""
    rows = []
    for fold in sorted({row.fold for row in inputs.folds}):
        held_out = [row for row in inputs.folds if row.fold == fold]
        patients = sorted({row.patient_id for row in held_out}, key=figures.natural_key)
        scored = inputs.predictions[inputs.predictions["fold"] == fold]
        seizures = scored.drop_duplicates(["patient_id", "seizure_id"])
        sizes = seizures["label"].value_counts()
        rows.append(
            {
                "fold": fold,
                "num_patients": held_out[0].num_patients_in_fold,
                "patients": ", ".join(patients),
                "negative": int(sizes.get(inputs.summary["negative_label"], 0)),
                "positive": int(sizes.get(inputs.summary["positive_label"], 0)),
                "right": f"{int(scored['correct'].sum())} of {len(scored)}",
            }
        )
    return rows


def _timing_rows(timings: Mapping[str, float] | None) -> list[tuple[str, str]]:
    return [(stage, _duration(seconds)) for stage, seconds in (timings or {}).items()]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _text_rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(name), _text(value)) for name, value in values.items()]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return value if isinstance(value, str) else json.dumps(value, default=str)
