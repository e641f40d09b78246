"""The rows of the report's tables: scores, parts of the cohort, seizures, folds, times and settings, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from seizures.classification.folds import FoldRow
from seizures.evaluation.metrics import METRIC_NAMES, METRIC_TITLES
from seizures.evaluation.predictions import view_columns
from seizures.evaluation.wording import count_text
from seizures.report.numbers import mean_over_seeds, natural_key
from seizures.report.score_text import interval_text, score_and_interval, score_text

PART_METRICS = ("accuracy", "recall", "specificity")
_MEANINGS = {
    "accuracy": "share of all seizures classified correctly",
    "f1": "harmonic mean of precision and sensitivity",
    "precision": "share of the seizures called {positive} that are {positive}",
    "recall": "share of the {positive} that were detected (recall)",
    "specificity": "share of the {negative} that were called {negative}",
    "balanced_accuracy": "mean of sensitivity and specificity (50 %: chance)",
    "mcc": "Matthews' correlation of labels and calls (1: all correct, 0: chance, -1: all wrong)",
    "roc_auc": "probability that a random {positive} has a higher P({positive}) than a random {negative} (0.5: chance)",
    "average_precision": "area under the precision-recall curve",
}


def _interval(name: str, metric: Mapping[str, Any]) -> str:
    return interval_text(name, metric["low"], metric["high"])


def tile_rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the three scores that a clinician asks for first, each with its counts in words."""
    mean, sizes = summary["counts"]["mean"], summary["num_seizures_by_label"]
    positive, negative = summary["positive_label"], summary["negative_label"]
    words = {
        "accuracy": f"{count_text(mean['TP'] + mean['TN'])} of {summary['num_seizures']} seizures correct",
        "recall": f"{count_text(mean['TP'])} of {sizes[positive]} {positive} detected",
        "specificity": f"{count_text(mean['TN'])} of {sizes[negative]} {negative} identified",
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


def metric_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every metric with its interval, its seeds, its counts, and what it means."""
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


def wrong_rows(predictions: pd.DataFrame) -> list[dict[str, str]]:
    """List every seizure that any seed got wrong, the most often wrong first."""
    table = mean_over_seeds(predictions)
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


def seizure_rows(predictions: pd.DataFrame) -> list[dict[str, Any]]:
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
        for _, row in mean_over_seeds(predictions).iterrows()
    ]


def part_rows(numbers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each part of the cohort: its name, its counts, and its scores with intervals.

    Args:
        numbers: what `seizures.evaluation.subgroups.scores_by_subgroup` returned, every cell as text.
    """
    rows = []
    for row in numbers.to_dict(orient="records"):
        scores = []
        for name in PART_METRICS:
            value, low, high = (_number(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
            scores.append(score_and_interval(name, value, low, high))
        part = "all seizures" if row["split"] == "all" else f"{row['split']}: {row['group']}"
        counts = {name: row[f"num_{name}"] for name in ("patients", "seizures")}
        rows.append({"part": part, **counts, "scores": scores, "reason": row["no_interval"]})
    return rows


def _number(text: str) -> float | None:
    return float(text) if text else None


def part_titles() -> list[str]:
    """Return the titles of the scores of a part."""
    return [METRIC_TITLES[name] for name in METRIC_NAMES if name in PART_METRICS]


def fold_rows(folds: Sequence[FoldRow], predictions: pd.DataFrame, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each fold who is held out, and how many of its predictions, over all seeds, were right."""
    rows = []
    for fold in sorted({row.fold for row in folds}):
        held_out = [row for row in folds if row.fold == fold]
        patients = sorted({row.patient_id for row in held_out}, key=natural_key)
        scored = predictions[predictions["fold"] == fold]
        sizes = scored.drop_duplicates(["patient_id", "seizure_id"])["label"].value_counts()
        rows.append(
            {
                "fold": fold,
                "num_patients": held_out[0].num_patients_in_fold,
                "patients": ", ".join(patients),
                "negative": int(sizes.get(summary["negative_label"], 0)),
                "positive": int(sizes.get(summary["positive_label"], 0)),
                "right": f"{int(scored['correct'].sum())} of {len(scored)}",
            }
        )
    return rows


def timing_rows(timings: Mapping[str, float] | None) -> list[tuple[str, str]]:
    """Return how long each stage took, in hours, minutes and seconds."""
    return [(stage, _duration(seconds)) for stage, seconds in (timings or {}).items()]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def text_rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values as text."""
    return [(str(name), _text(value)) for name, value in values.items()]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return value if isinstance(value, str) else json.dumps(value, default=str)
