"""Out-of-fold predictions to scores: the predictions table, the metrics and their intervals (patients resampled)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.evaluation.metrics import (
    METRIC_NAMES,
    METRIC_TITLES,
    FloatArray,
    IntArray,
    Interval,
    compute_metrics,
    decide,
    largest_hidden_share,
    order_of_content,
    percentile_interval,
    resample_patients,
    weighted_metrics,
)
from seizures.evaluation.protocols import describe_protocol
from seizures.settings import EvaluationSettings

__all__ = [
    "COUNT_NAMES",
    "METRIC_NAMES",
    "METRIC_TITLES",
    "VIEW_PREFIX",
    "by_id",
    "by_seed",
    "compute_metrics",
    "count_text",
    "pool_predictions",
    "predictions_for",
    "read_predictions",
    "read_summary",
    "summarise",
    "verdict",
    "view_columns",
    "write_predictions",
    "write_summary",
]

FORMAT_VERSION = 1
COUNT_NAMES = ("TP", "TN", "FP", "FN")
VIEW_PREFIX = "probability_tcs_"
_LEADING = ("patient_id", "seizure_id", "label", "fold", "seed", "probability_tcs")
_TRAILING = ("predicted", "correct")
_MANY_PATIENTS = 20


def predictions_for(
    patient_ids: Sequence[str],
    seizure_ids: Sequence[str],
    views: Sequence[str],
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    fold: int,
    seed: int,
    label_names: Sequence[str] = ("FOS", "TCS"),
) -> pd.DataFrame:
    """Build the rows of predictions.csv for one fold and seed: one row per seizure, in order of first appearance.

    Args:
        patient_ids: patient of each sequence (one view of one seizure), V long.
        seizure_ids: seizure of each sequence, V long.
        views: view of each sequence, V long.
        labels: (V,) index into `label_names`.
        probabilities: (V,) P(TCS), between 0 and 1.
        fold: the fold in which these seizures were held out.
        seed: the seed of the classifier.
        label_names: negative class, positive class.

    Raises:
        SeizuresError: a probability is not between 0 and 1 (the training diverged).
    """
    table = pd.DataFrame(
        {
            "patient_id": list(patient_ids),
            "seizure_id": list(seizure_ids),
            "view": list(views),
            "label": [label_names[int(index)] for index in np.asarray(labels)],
            "probability": np.asarray(probabilities, dtype=np.float64),
        }
    )
    bad = table[~table["probability"].between(0, 1)]
    if len(bad):
        names = ", ".join(sorted({f"{row.patient_id}+{row.seizure_id}" for row in bad.itertuples()}))
        raise SeizuresError(
            f"fold {fold}, seed {seed}: the classifier gave a probability that is not between 0 and 1 for {names}; "
            "the training has probably diverged: lower the learning rate"
        )
    rows = []
    for (patient_id, seizure_id), group in table.groupby(["patient_id", "seizure_id"], sort=False):
        probability = float(group["probability"].mean())
        label, predicted = str(group["label"].iloc[0]), label_names[int(decide(probability))]
        row = {"patient_id": patient_id, "seizure_id": seizure_id, "label": label, "fold": int(fold), "seed": int(seed)}
        by_view = {f"{VIEW_PREFIX}{view}": p for view, p in zip(group["view"], group["probability"], strict=True)}
        rows.append(
            {**row, "probability_tcs": probability, **by_view, "predicted": predicted, "correct": predicted == label}
        )
    return _ordered(pd.DataFrame(rows, columns=None if rows else [*_LEADING, *_TRAILING]))


def view_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the columns that hold the probability by one view, sorted."""
    return sorted(str(name) for name in predictions.columns if str(name).startswith(VIEW_PREFIX))


def _ordered(predictions: pd.DataFrame) -> pd.DataFrame:
    ordered: pd.DataFrame = predictions[[*_LEADING, *view_columns(predictions), *_TRAILING]]
    return ordered


def pool_predictions(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of all folds and seeds, sorted by seed, patient and seizure; a view not filmed is NaN."""
    pooled = pd.concat([table for table in tables if len(table)], ignore_index=True)
    pooled = pooled.sort_values(["seed", "patient_id", "seizure_id"], ignore_index=True)
    return _ordered(pooled)


def write_predictions(path: Path, predictions: pd.DataFrame) -> None:
    """Write predictions.csv (FORMATS.md): UTF-8, one line per seizure and seed, probabilities to the last bit."""
    _ordered(predictions).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def read_predictions(path: Path) -> pd.DataFrame:
    """Read predictions.csv with ids as text (`01` and `NA` stay what they are).

    Raises:
        SeizuresError: a column is missing.
    """
    text = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    missing = [name for name in (*_LEADING, *_TRAILING) if name not in text.columns]
    if missing:
        raise SeizuresError(f"{path}: not a predictions table, the columns {', '.join(missing)} are missing")
    table = text.copy()
    for name in ("fold", "seed"):
        table[name] = text[name].map(int).astype(np.int64)
    for name in ["probability_tcs", *view_columns(text)]:
        table[name] = np.array([float(cell) if cell else np.nan for cell in text[name]], dtype=np.float64)
    table["correct"] = (text["correct"] == "True").astype(bool)
    return _ordered(table)


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if any value is missing: the mean of the seeds that have one is another score."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


BySeed: TypeAlias = tuple[list[str], IntArray, list[int], FloatArray]


def by_seed(predictions: pd.DataFrame, positive_label: str = "TCS") -> BySeed:
    """Return patients (N), labels (N,) of 0 and 1, seeds (K), probabilities (K, N), in an order that no id decides.

    The patients are numbered; what is computed, resampled patients too, is the same under pseudonyms to the last bit.
    """
    patients, labels, seeds, probabilities = by_id(predictions, positive_label)
    numbers, order = order_of_content(patients, np.concatenate([labels[None, :], probabilities]))
    return numbers, labels[order], seeds, probabilities[:, order]


def by_id(predictions: pd.DataFrame, positive_label: str = "TCS") -> BySeed:
    """Return what `by_seed` does, with the ids of the patients, and the seizures sorted by patient and id.

    Raises:
        TooFewSeizuresError: the table is empty.
        SeizuresError: a seizure is twice under one seed, or is not predicted by every seed.
    """
    if predictions.empty:
        raise TooFewSeizuresError(
            "no seizure was predicted: there is nothing to evaluate; see the list of what was left out"
        )
    index = ["patient_id", "seizure_id", "label"]
    if predictions.duplicated([*index[:2], "seed"]).any():
        raise SeizuresError("predictions: a seizure is predicted twice under one seed; every seizure is held out once")
    # pivot_table would leave a seizure without a probability out in silence.
    wide = predictions.set_index([*index, "seed"])["probability_tcs"].unstack("seed").sort_index()  # noqa: PD010
    incomplete = wide.index[wide.isna().any(axis=1)]
    if len(incomplete):
        names = ", ".join("+".join(row[:2]) for row in incomplete)
        raise SeizuresError(f"predictions: not every seed predicted {names} (or their label differs between seeds)")
    patients = [str(value) for value in wide.index.get_level_values("patient_id")]
    labels = (wide.index.get_level_values("label") == positive_label).astype(np.int64)
    return patients, np.asarray(labels), [int(seed) for seed in wide.columns], wide.to_numpy(dtype=np.float64).T


def summarise(
    predictions: pd.DataFrame,
    settings: EvaluationSettings,
    *,
    positive_label: str = "TCS",
    negative_label: str = "FOS",
    protocol: str = "patient",
) -> dict[str, Any]:
    """Turn the pooled predictions of all folds and seeds into metrics.json, as plain values (None where undefined).

    Each metric is the mean over seeds of the pooled out-of-fold metric. Its interval comes from resampling patients
    with replacement, each with all their seizures and all seeds. One patient carries no interval.

    Raises:
        TooFewSeizuresError: nothing was predicted.
        SeizuresError: the seeds do not cover the same seizures once each.
    """
    unknown = sorted(set(predictions["label"]) - {negative_label, positive_label})
    if unknown:
        raise SeizuresError(
            f"predictions: wanted labels {negative_label} and {positive_label}, found {', '.join(unknown)}"
        )
    patients, labels, seeds, probabilities = by_seed(predictions, positive_label)
    num_positive = int(labels.sum())
    per_seed = [compute_metrics(labels, row) for row in probabilities]
    metrics = _metrics(patients, labels, probabilities, per_seed, settings)
    counts = [{name: scores[name] for name in COUNT_NAMES} for scores in per_seed]
    folds = _folds(predictions, (negative_label, positive_label))
    sizes = {negative_label: len(labels) - num_positive, positive_label: num_positive}
    right = decide(probabilities) == (labels == 1)
    return {
        "format_version": FORMAT_VERSION,
        "positive_label": positive_label,
        "negative_label": negative_label,
        "num_patients": len(set(patients)),
        "num_seizures": len(labels),
        "num_seizures_by_label": sizes,
        "folds": folds,
        "seeds": seeds,
        "num_seizures_right_in_every_seed": int(right.all(axis=0).sum()),
        "metrics": metrics,
        "counts": {
            "mean": {name: float(np.mean([count[name] for count in counts])) for name in COUNT_NAMES},
            "per_seed": [{"seed": seed, **count} for seed, count in zip(seeds, counts, strict=True)],
        },
        "chance": _chance(sizes, metrics["accuracy"]),
        "interval": _interval_settings(settings),
        "protocol_name": protocol,
        "protocol": describe_protocol(protocol, settings, positive_label),
        "notes": _notes(np.asarray(patients), right, metrics, folds, settings),
    }


def _metrics(
    patients: Sequence[str],
    labels: IntArray,
    probabilities: FloatArray,
    per_seed: Sequence[Mapping[str, float | int | None]],
    settings: EvaluationSettings,
) -> dict[str, dict[str, Any]]:
    """Give each metric its mean over the seeds and its interval over the patients."""
    rng = np.random.default_rng(settings.seed)
    resampled = weighted_metrics(labels, probabilities, resample_patients(patients, settings.num_bootstraps, rng))
    num_patients, metrics = len(set(patients)), {}
    for name in METRIC_NAMES:
        values = [scores[name] for scores in per_seed]
        mean = _mean(values)
        interval = percentile_interval(resampled[name].mean(axis=1), settings.confidence_level)
        if num_patients < 2 or mean is None:
            interval = Interval(None, None, interval.num_undefined)
        metrics[name] = {
            "mean": mean,
            "low": interval.low,
            "high": interval.high,
            "per_seed": values,
            "num_resamples_undefined": interval.num_undefined,
            "num_patients": num_patients,
            "num_seizures": len(labels),
        }
    return metrics


def _interval_settings(settings: EvaluationSettings) -> dict[str, Any]:
    return {
        "method": "percentile bootstrap over patients",
        "confidence_level": settings.confidence_level,
        "num_resamples": settings.num_bootstraps,
        "seed": settings.seed,
    }


def _folds(predictions: pd.DataFrame, label_names: Sequence[str]) -> list[dict[str, Any]]:
    """Count the patients and the seizures of each label that each fold holds out."""
    held_out = predictions.drop_duplicates(["patient_id", "seizure_id", "fold"])
    return [
        {
            "fold": int(fold),
            "num_patients": int(group["patient_id"].nunique()),
            "num_seizures_by_label": {name: int((group["label"] == name).sum()) for name in label_names},
        }
        for fold, group in held_out.groupby("fold")
    ]


def _chance(sizes: Mapping[str, int], accuracy: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the accuracy with always answering the more frequent label; None where there is no interval."""
    label = max(sizes, key=lambda name: sizes[name])
    level = sizes[label] / sum(sizes.values())
    low, high = accuracy["low"], accuracy["high"]
    return {
        "label": label,
        "level": level,
        "accuracy_interval_excludes_chance": None if low is None else bool(low > level),
        "accuracy_is_below_chance": None if high is None else bool(high < level),
    }


def _notes(
    patients: npt.NDArray[np.str_],
    right: npt.NDArray[np.bool_],
    metrics: Mapping[str, Mapping[str, Any]],
    folds: Sequence[Mapping[str, Any]],
    settings: EvaluationSettings,
) -> list[str]:
    """Say what a reader must know before believing the numbers; `right` is (K, N)."""
    notes = []
    num_patients = len(np.unique(patients))
    if num_patients < 2:
        notes.append(
            "All seizures are of one patient: there is no interval, because nothing tells how patients differ."
        )
    elif num_patients < _MANY_PATIENTS:
        notes.append(
            f"The intervals rest on {num_patients} patients; with so few, a bootstrap interval tends to be too narrow."
        )
    if right.all() and num_patients > 1:
        bound = 100 * largest_hidden_share(num_patients, settings.confidence_level)
        notes.append(
            "No seizure was classified wrongly, so the intervals have no width; that is not certainty. No error in "
            f"{num_patients} patients still allows errors in up to {bound:.0f} % of patients "
            f"({100 * settings.confidence_level:g} % one-sided exact bound)."
        )
    undefined = [METRIC_TITLES[name] for name, metric in metrics.items() if metric["mean"] is None]
    if undefined:
        notes.append(f"Left empty, because the counts of at least one seed cannot carry it: {', '.join(undefined)}.")
    for name, metric in metrics.items():
        num_undefined = metric["num_resamples_undefined"]
        if metric["mean"] is not None and num_undefined:
            notes.append(
                f"{METRIC_TITLES[name]}: undefined in {num_undefined} of {settings.num_bootstraps} resamples; "
                + ("the interval is of the others." if metric["low"] is not None else "too many for an interval.")
            )
    for fold in folds:
        absent = [name for name, number in fold["num_seizures_by_label"].items() if not number]
        if absent:
            notes.append(f"Fold {fold['fold']} holds out no {' and no '.join(absent)}; scores are of all folds pooled.")
        if fold["num_patients"] == 1:
            notes.append(f"Fold {fold['fold']} holds out one patient only.")
    return notes


def verdict(summary: Mapping[str, Any]) -> str:
    """Say the result in plain words: how many were right, how sure that is, and whether it is better than chance."""
    accuracy, chance, mean = summary["metrics"]["accuracy"], summary["chance"], summary["counts"]["mean"]
    num_seeds, percent = len(summary["seeds"]), f"{100 * summary['interval']['confidence_level']:g} %"
    num_right = count_text(mean["TP"] + mean["TN"])
    text = (
        f"{'Reproduction only: ' if summary.get('protocol_name') == 'paper' else ''}"
        f"Of {_plural(summary['num_seizures'], 'seizure')} of {_plural(summary['num_patients'], 'patient')}, "
        f"{num_right} {'was' if num_right == '1' else 'were'} classified correctly"
        f"{f' (mean of {num_seeds} seeds)' if num_seeds > 1 else ''}: {100 * accuracy['mean']:.0f} %"
    )
    if accuracy["low"] is not None:
        text += f", {percent} interval {100 * accuracy['low']:.0f} to {100 * accuracy['high']:.0f} %"
    text += f". Always answering {chance['label']} would be right in {100 * chance['level']:.0f} %: "
    if chance["accuracy_interval_excludes_chance"] is None:
        return text + "without an interval, this cannot be told from chance."
    if chance["accuracy_interval_excludes_chance"]:
        return text + "the classifier is better than that."
    if chance["accuracy_is_below_chance"]:
        return text + "the classifier is worse than that."
    return text + "the interval does not exclude that, so the classifier is not shown to be better."


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def count_text(value: float) -> str:
    """Write a mean count: whole where it is whole, else with one decimal."""
    return f"{value:.0f}" if abs(value - round(value)) < 0.05 else f"{value:.1f}"


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write metrics.json; a NaN is refused, because it is not JSON."""
    path.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_summary(path: Path) -> dict[str, Any]:
    """Read metrics.json back."""
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary
