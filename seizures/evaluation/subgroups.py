"""Scores by subgroup: camera view, duration, and number of seizures per patient."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seizures.evaluation.metrics import COUNT_NAMES, decide
from seizures.evaluation.predictions import VIEW_PREFIX, view_columns
from seizures.evaluation.summary import summarise
from seizures.manifest.identity import SeizureId
from seizures.settings import DURATION_EDGES_SECONDS, EvaluationSettings

SEIZURES_PER_PATIENT = ((1, 1, "1"), (2, 2, "2"), (3, 4, "3 to 4"), (5, 10**9, "5 or more"))
METRICS = ("accuracy", "recall", "specificity", "roc_auc")


def scores_by_subgroup(
    predictions: pd.DataFrame,
    durations_seconds: Mapping[SeizureId, float],
    settings: EvaluationSettings,
    *,
    positive_label: str = "TCS",
    negative_label: str = "FOS",
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

    Returns:
        A row per part: `split`, `group`, `num_patients`, `num_seizures`, each metric with `_low` and `_high`, and the
        mean counts over seeds.
    """
    parts = [("all", "all", predictions), *_by_view(predictions, positive_label, negative_label)]
    parts += [*_by_duration(predictions, durations_seconds), *_by_number(predictions)]
    rows = []
    for split, group, part in parts:
        summary = summarise(part, settings, positive_label=positive_label, negative_label=negative_label)
        row: dict[str, Any] = {"split": split, "group": group}
        row |= {name: summary[name] for name in ("num_patients", "num_seizures")}
        for name in METRICS:
            metric = summary["metrics"][name]
            row |= {name: metric["mean"], f"{name}_low": metric["low"], f"{name}_high": metric["high"]}
        rows.append(row | {name: summary["counts"]["mean"][name] for name in COUNT_NAMES})
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


_Parts = Iterator[tuple[str, str, pd.DataFrame]]


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
