"""Scores by subgroup: camera view, duration, number of seizures per patient, and columns of the manifest."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seizures.evaluation.metrics import COUNT_NAMES, METRIC_TITLES, decide
from seizures.evaluation.predictions import VIEW_PREFIX, view_columns
from seizures.evaluation.summary import summarise_part
from seizures.manifest.identity import SeizureId
from seizures.settings import DURATION_EDGES_SECONDS, EvaluationSettings

SEIZURES_PER_PATIENT = ((1, 1, "1"), (2, 2, "2"), (3, 4, "3 to 4"), (5, 10**9, "5 or more"))
METRICS = ("accuracy", "recall", "specificity", "roc_auc")
NOT_STATED = "not stated"
TOO_MANY = "too many values"
MOST_GROUPS = 12  # of a column; more are told, not scored
_OWN_SPLITS = ("all", "view", "duration", "seizures per patient")


def scores_by_subgroup(
    predictions: pd.DataFrame,
    durations_seconds: Mapping[SeizureId, float],
    settings: EvaluationSettings,
    *,
    positive_label: str = "TCS",
    negative_label: str = "FOS",
    columns: Mapping[str, Mapping[SeizureId, str]] | None = None,
) -> pd.DataFrame:
    """Score the predictions of all seizures together, and of each part by itself.

    Subgroups are small: look at the interval and the counts, and read a difference between them as a question, not as
    an answer. Undefined scores are empty.

    Args:
        predictions: predictions.csv.
        durations_seconds: seconds of each seizure by (patient, seizure); one that is not there is of unknown duration.
        settings: how to resample the patients.
        positive_label: TCS.
        negative_label: FOS.
        columns: by the name of a column, the text of each seizure; a group for each text, and one of those without.

    Returns:
        A row per part: `split`, `group`, `num_patients`, `num_seizures`, each metric with `_low` and `_high`, the
        mean counts over seeds, and `no_interval`: why scores or their intervals are empty. A column of more than
        12 texts is a single row without scores.
    """
    parts: list[tuple[str, str | None, pd.DataFrame]] = [("all", "all", predictions)]
    parts += [*_by_view(predictions, positive_label, negative_label)]
    parts += [*_by_duration(predictions, durations_seconds), *_by_number(predictions)]
    for name, texts in (columns or {}).items():
        parts += _by_column(predictions, name, texts)
    rows: list[dict[str, Any]] = []
    for split, group, part in parts:
        if group is None:
            rows.append(_too_many(split, part))
            continue
        summary = summarise_part(
            part, METRICS, settings.confidence_level, positive_label=positive_label, negative_label=negative_label
        )
        row: dict[str, Any] = {"split": split, "group": group}
        row |= {name: summary[name] for name in ("num_patients", "num_seizures")}
        for name in METRICS:
            metric = summary["metrics"][name]
            row |= {name: metric["mean"], f"{name}_low": metric["low"], f"{name}_high": metric["high"]}
        row |= {name: summary["counts"]["mean"][name] for name in COUNT_NAMES}
        rows.append(row | {"no_interval": _why_no_interval(summary)})
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


_Parts = Iterator[tuple[str, str | None, pd.DataFrame]]


def split_name(column: str) -> str:
    """Return the name of the split by a column; a site's own column may be named as a split that is always there."""
    return f"column {column}" if column in _OWN_SPLITS else column


def _by_column(predictions: pd.DataFrame, column: str, texts: Mapping[SeizureId, str]) -> _Parts:
    """Yield the seizures of each text, those that state none last; all in one part without a name where too many."""
    ids = map(SeizureId, predictions["patient_id"], predictions["seizure_id"])
    found = np.array([texts.get(seizure, "") for seizure in ids], dtype=object)
    groups = sorted(set(found) - {""})
    if len(groups) > MOST_GROUPS:
        yield split_name(column), None, predictions
        return
    for text in groups:
        yield split_name(column), text, predictions[found == text]
    if (found == "").any():
        yield split_name(column), NOT_STATED, predictions[found == ""]


def _too_many(split: str, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return the row of a column that has too many texts to score each."""
    ids = predictions[["patient_id", "seizure_id"]].drop_duplicates()
    counts = {"num_patients": ids["patient_id"].nunique(), "num_seizures": len(ids)}
    return {"split": split, "group": TOO_MANY, **counts, "no_interval": f"more than {MOST_GROUPS} values: not scored"}


def _why_no_interval(summary: Mapping[str, Any]) -> str:
    """Say why a part lacks a score, or the interval of one; nothing where all are there."""
    sizes = summary["num_seizures_by_label"]
    missing = [
        f"no {label}" for label in (summary["positive_label"], summary["negative_label"]) if not sizes.get(label)
    ]
    lacking = [name for name in METRICS if summary["metrics"][name]["mean"] is not None]
    lacking = [METRIC_TITLES[name] for name in lacking if summary["metrics"][name]["low"] is None]
    if summary["num_patients"] == 1:
        missing.append("one patient, so no interval")
    elif lacking:
        missing.append(f"too few patients for an interval of {', '.join(lacking)}")
    return "; ".join(missing)


def _by_view(predictions: pd.DataFrame, positive_label: str, negative_label: str) -> _Parts:
    """Yield the predictions as each view alone would make them, of the seizures that have it."""
    for column in view_columns(predictions):
        part = predictions[predictions[column].notna()].copy()
        part["probability"] = part[column]
        part["predicted"] = np.where(decide(part[column]), positive_label, negative_label)
        part["correct"] = part["predicted"] == part["label"]
        yield "view", column.removeprefix(VIEW_PREFIX), part


def _by_duration(predictions: pd.DataFrame, durations_seconds: Mapping[SeizureId, float]) -> _Parts:
    ids = map(SeizureId, predictions["patient_id"], predictions["seizure_id"])
    seconds = [durations_seconds.get(seizure) for seizure in ids]
    edges = DURATION_EDGES_SECONDS
    names = [f"under {edges[0]:g} s", *(f"{a:g} to {b:g} s" for a, b in itertools.pairwise(edges))]
    names += [f"{edges[-1]:g} s or more", "unknown"]
    groups = np.array([len(edges) + 1 if value is None else bisect.bisect_right(edges, value) for value in seconds])
    yield from (("duration", name, predictions[groups == place]) for place, name in enumerate(names)
                if (groups == place).any())  # fmt: skip


def _by_number(predictions: pd.DataFrame) -> _Parts:
    number = predictions.groupby("patient_id")["seizure_id"].transform("nunique")
    for low, high, name in SEIZURES_PER_PATIENT:
        part = predictions[number.between(low, high)]
        if len(part):
            yield "seizures per patient", name, part
