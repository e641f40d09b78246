"""The report: result tables as one self-contained HTML page, for a clinician to read and a lab to keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seizures.classification.folds import FoldRow
from seizures.evaluation.baselines import baseline_sentence
from seizures.evaluation.predictions import VIEW_PREFIX, view_columns
from seizures.evaluation.wording import verdict
from seizures.files.template import render_page
from seizures.manifest.identity import SeizureId
from seizures.report import belief, over_time, tables
from seizures.report.baseline_rows import baseline_rows
from seizures.report.captions import picture_rows
from seizures.report.cohort_facts import cohort_facts, left_out_words, listed
from seizures.report.further_scores import ensemble_rows, ensemble_words, further_rows, spread_rows
from seizures.report.methods import WhatWasRun, methods_paragraph
from seizures.report.numbers import natural_key
from seizures.report.pictures import Picture
from seizures.report.score_text import calibration_words

FOLDER = "figures"
SIMULATED_WARNING = (
    "The films of this page are simulated: there are no patients. These numbers show that the software runs; they say "
    "nothing about seizures."
)
NOT_A_DEVICE = (
    "For research. This software is not a medical device: it is not approved for diagnosis, and no decision about a "
    "patient may rest on it."
)
RANDOM_WEIGHTS_WARNING = (
    "The network's weights are random. These numbers show that the software runs; they say nothing about seizures."
)


@dataclasses.dataclass(frozen=True)
class ReportInputs:
    """Everything on the page, as result tables and plain values.

    Attributes:
        predictions: predictions.csv of all folds and seeds.
        summary: what `seizures.evaluation.summary.summarise` returned.
        pictures: what `seizures.report.pictures.read_pictures` returned.
        durations_seconds: seconds of each seizure by (patient, seizure).
        run: what the methods paragraph reports.
        folds: the lines of folds.csv.
        left_out: (patient_id, seizure_id, view or "" for the whole seizure, reason).
        settings: section to name to value.
        provenance: name to value (versions, commit, device, digests).
        belief: calibration.json; without it, the page does not say how far to believe a probability.
        weights: which weights made the features: a file's name and SHA-256, or `random:<seed>`.
        over_time: over_time.json; without it, the page does not say how early the classifier is right.
        timings: stage to seconds.
        notes: what else a reader must know.
        title: heading of the page.
        folder: where the PNG and CSV files of the pictures lie, seen from the page.
    """

    predictions: pd.DataFrame
    summary: Mapping[str, Any]
    pictures: Mapping[str, Picture]
    durations_seconds: Mapping[SeizureId, float]
    run: WhatWasRun
    folds: Sequence[FoldRow]
    left_out: Sequence[tuple[str, str, str, str]]
    settings: Mapping[str, Mapping[str, Any]]
    provenance: Mapping[str, Any]
    weights: str
    flow: Sequence[Mapping[str, Any]] = ()
    belief: Mapping[str, Any] | None = None
    over_time: Mapping[str, Any] | None = None
    timings: Mapping[str, float] | None = None
    notes: Sequence[str] = ()
    title: str = "Seizure classification from video"
    folder: str = FOLDER


def has_random_weights(weights: str) -> bool:
    """Tell whether `weights` names random weights (`random:<seed>`)."""
    return weights.strip().lower().startswith("random")


def warning_for(weights: str, *, is_simulated: bool) -> str:
    """Return what a page must say before any number; empty where it may be taken as it is."""
    if is_simulated:
        return SIMULATED_WARNING
    return RANDOM_WEIGHTS_WARNING if has_random_weights(weights) else ""


def write_report(path: Path, inputs: ReportInputs) -> None:
    """Write the page to `path`: style and figures inline, no script, nothing loaded from a network."""
    path.write_text(render_report(inputs), encoding="utf-8")


def render_report(inputs: ReportInputs) -> str:
    """Return the page as HTML text; the same inputs give the same text."""
    summary = inputs.summary
    warning = warning_for(inputs.weights, is_simulated=inputs.run.simulated)
    return render_page(
        "seizures.report",
        "report.html.j2",
        inputs=inputs,
        summary=summary,
        percent_level=f"{100 * summary['interval']['confidence_level']:g} %",
        title=f"Simulated films: {inputs.title}" if inputs.run.simulated else inputs.title,
        warning=warning,
        not_a_device=NOT_A_DEVICE,
        verdict=verdict(summary),
        why_reproduction=_why_reproduction(inputs.run),
        better_than_chance=not warning and summary["chance"]["accuracy_interval_excludes_chance"],
        tiles=tables.tile_rows(summary),
        metrics=tables.metric_rows(summary),
        ensemble=ensemble_rows(summary),
        ensemble_words=ensemble_words(summary),
        further=further_rows(summary),
        spread=spread_rows(summary) if len(summary["counts"]["per_seed"]) > 1 else [],
        baselines=baseline_rows(summary),
        baseline_words=baseline_sentence(summary),
        pictures=picture_rows(inputs.pictures, summary, inputs.folder),
        belief=belief.belief_section(inputs.belief),
        belief_pictures=picture_rows(inputs.pictures, summary, inputs.folder, belief.CAPTIONS),
        early_pictures=picture_rows(inputs.pictures, summary, inputs.folder, over_time.CAPTIONS),
        early_rows=over_time.early_rows(inputs.over_time) if inputs.over_time else [],
        beginning_rows=over_time.beginning_rows(inputs.over_time) if inputs.over_time else [],
        early_words=over_time.early_words(inputs.over_time) if inputs.over_time else "",
        who=_who(inputs),
        flow=inputs.flow,
        parts=tables.part_rows(inputs.pictures["parts"].numbers),
        part_titles=tables.part_titles(),
        calibration=calibration_words(summary),
        methods=methods_paragraph(inputs.run),
        left_out_words=left_out_words(inputs.left_out, inputs.predictions),
        wrong=tables.wrong_rows(inputs.predictions),
        seizures=tables.seizure_rows(inputs.predictions),
        views=[name.removeprefix(VIEW_PREFIX) for name in view_columns(inputs.predictions)],
        left_out=sorted(inputs.left_out, key=lambda row: [natural_key(part) for part in row[:3]]),
        folds=tables.fold_rows(inputs.folds, inputs.predictions, summary),
        notes=[*inputs.notes, *summary["notes"]],
        timings=tables.timing_rows(inputs.timings),
        settings={section: tables.text_rows(values) for section, values in inputs.settings.items()},
        provenance=tables.text_rows(inputs.provenance),
    )


def _why_reproduction(run: WhatWasRun) -> str:
    """Say what makes the scores of the paper's protocol, or of a part of it, no estimate for new patients."""
    reasons = []
    if run.folds.dealing == "seizures":
        reasons.append("a classifier may have been trained on other seizures of the patient it scored")
    if run.training.selection == "held_out":
        reasons.append("the seizures that are scored chose the epoch")
    return f"{listed(reasons)}."


def _who(inputs: ReportInputs) -> list[tuple[str, str]]:
    """Return what was scored and what was excluded, by name."""
    summary = inputs.summary
    facts = cohort_facts(
        inputs.predictions,
        inputs.durations_seconds,
        positive_label=summary["positive_label"],
        negative_label=summary["negative_label"],
    )
    return [*facts.items(), ("excluded", left_out_words(inputs.left_out, inputs.predictions) or "none")]
