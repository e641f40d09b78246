"""The predictions table (predictions.csv): built for one fold and seed, pooled, written, read, and as one matrix.

In the file, the column of the probability is named after the positive label: `probability_tcs`, and
`probability_tcs_<view>` for that of one view. In memory it is `probability`, and `VIEW_PREFIX` and the view.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.evaluation.metrics import FloatArray, IntArray, decide, order_of_content
from seizures.manifest.identity import SeizureId

VIEW_PREFIX = "probability_by_"
_LEADING = ("patient_id", "seizure_id", "label", "fold", "seed", "repeat", "probability")
_USUAL = "probability_tcs"  # the column's name in every release before labels named it
_TRAILING = ("predicted", "correct")


def predictions_for(
    patient_ids: Sequence[str],
    seizure_ids: Sequence[str],
    views: Sequence[str],
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    fold: int,
    seed: int,
    label_names: Sequence[str] = ("FOS", "TCS"),
    repeat: int = 0,
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
        repeat: which dealing into folds, from 0.

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
        names = ", ".join(sorted({SeizureId(row.patient_id, row.seizure_id).name for row in bad.itertuples()}))
        raise SeizuresError(
            f"fold {fold}, seed {seed}: the classifier gave a probability that is not between 0 and 1 for {names}; "
            "the training has probably diverged: lower the learning rate"
        )
    rows = []
    for (patient_id, seizure_id), group in table.groupby(["patient_id", "seizure_id"], sort=False):
        probability = float(group["probability"].mean())
        label, predicted = str(group["label"].iloc[0]), label_names[int(decide(probability))]
        row = {"patient_id": patient_id, "seizure_id": seizure_id, "label": label, "fold": int(fold), "seed": int(seed)}
        row["repeat"] = int(repeat)
        by_view = {f"{VIEW_PREFIX}{view}": p for view, p in zip(group["view"], group["probability"], strict=True)}
        rows.append(
            {**row, "probability": probability, **by_view, "predicted": predicted, "correct": predicted == label}
        )
    return _ordered(pd.DataFrame(rows, columns=None if rows else [*_LEADING, *_TRAILING]))


def view_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the columns that hold the probability by one view, sorted."""
    return sorted(str(name) for name in predictions.columns if str(name).startswith(VIEW_PREFIX))


def _ordered(predictions: pd.DataFrame) -> pd.DataFrame:
    ordered: pd.DataFrame = predictions[[*_LEADING, *view_columns(predictions), *_TRAILING]]
    return ordered


def pool_predictions(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of all folds and seeds, sorted by dealing, seed and ids; a view that was not filmed is NaN."""
    pooled = pd.concat([table for table in tables if len(table)], ignore_index=True)
    pooled = pooled.sort_values(["repeat", "seed", "patient_id", "seizure_id"], ignore_index=True)
    return _ordered(pooled)


def probability_column(positive_label: str) -> str:
    """Return the name of the probability's column in a file: `probability_tcs` for TCS, `probability_big_fall`."""
    name = re.sub(r"\W+", "_", positive_label.casefold()).strip("_")
    return f"probability_{name}"


def find_probability_column(columns: Iterable[str], positive_label: str) -> str:
    """Return the column of a table of predictions that holds the probability of the positive label.

    It is the one that is named after the label, or `probability_tcs` as in earlier releases, or `probability`, or the
    only one that begins so: of several, the one whose name begins the others', which are those of the views.

    Raises:
        SeizuresError: there is none, or it is not clear which.
    """
    known = [str(name) for name in columns]
    wanted = probability_column(positive_label)
    for name in (wanted, _USUAL, "probability"):
        if name in known:
            return name
    named = (name for name in known if name.startswith("probability_") and not name.startswith(VIEW_PREFIX))
    found = sorted(named, key=len)
    if found and all(name.startswith(f"{found[0]}_") for name in found[1:]):
        return found[0]
    said = f"found {', '.join(found)}" if found else "found none"
    raise SeizuresError(f"predictions: expected a column {wanted} with the probability of {positive_label}; {said}")


def write_predictions(path: Path, predictions: pd.DataFrame, positive_label: str = "TCS") -> None:
    """Write predictions.csv: UTF-8, one line per seizure and seed, probabilities to the last bit."""
    column = probability_column(positive_label)
    names = {name: f"{column}_{name.removeprefix(VIEW_PREFIX)}" for name in view_columns(predictions)}
    named = _ordered(predictions).rename(columns={**names, "probability": column})
    named.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def read_predictions(path: Path, positive_label: str = "TCS") -> pd.DataFrame:
    """Read predictions.csv with ids as text (`01` and `NA` stay what they are); without `repeat`, there is one dealing.

    Args:
        path: the file.
        positive_label: the label after which the column of the probability may be named (`find_probability_column`).

    Raises:
        SeizuresError: a column is missing.
    """
    text = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    with contextlib.suppress(SeizuresError):  # it is then among what is missing
        column = find_probability_column(text.columns, positive_label)
        views = [str(name) for name in text.columns if str(name).startswith(f"{column}_")]
        names = {name: f"{VIEW_PREFIX}{name.removeprefix(f'{column}_')}" for name in views}
        text = text.rename(columns={**names, column: "probability"})
    if "repeat" not in text.columns:
        text["repeat"] = "0"
    missing = [name for name in (*_LEADING, *_TRAILING) if name not in text.columns]
    missing = [probability_column(positive_label) if name == "probability" else name for name in missing]
    if missing:
        raise SeizuresError(f"{path}: not a predictions table, the columns {', '.join(missing)} are missing")
    table = text.copy()
    for name in ("fold", "seed", "repeat"):
        table[name] = text[name].map(int).astype(np.int64)
    for name in ["probability", *view_columns(text)]:
        table[name] = np.array([float(cell) if cell else np.nan for cell in text[name]], dtype=np.float64)
    table["correct"] = (text["correct"] == "True").astype(bool)
    return _ordered(table)


class PredictionMatrix(NamedTuple):
    """Every seizure's P(TCS) by every classifier that scored it: one a seed and dealing; N seizures, K classifiers.

    Attributes:
        patients: patient of each seizure, N long.
        labels: (N,) 1 for the positive label, else 0.
        seeds: K long.
        probabilities: (K, N).
        repeats: K long, which dealing into folds, from 0.
        folds: (K, N), the fold in which each classifier held a seizure out.
    """

    patients: list[str]
    labels: IntArray
    seeds: list[int]
    probabilities: FloatArray
    repeats: list[int]
    folds: IntArray


def prediction_matrix(predictions: pd.DataFrame, positive_label: str = "TCS") -> PredictionMatrix:
    """Return the table as a matrix, its seizures sorted by patient and seizure id.

    Raises:
        TooFewSeizuresError: the table is empty.
        SeizuresError: a seizure is twice under one seed, or is not predicted by every seed.
    """
    if predictions.empty:
        raise TooFewSeizuresError(
            "no seizure was predicted: there is nothing to evaluate; see the list of what was left out"
        )
    index, by = ["patient_id", "seizure_id", "label"], ["repeat", "seed"]
    if "repeat" not in predictions.columns:
        predictions = predictions.assign(repeat=0)
    if predictions.duplicated([*index[:2], *by]).any():
        raise SeizuresError("predictions: a seizure is predicted twice under one seed; every seizure is held out once")
    # pivot_table would leave a seizure without a probability out in silence.
    indexed = predictions.set_index([*index, *by])
    wide = indexed["probability"].unstack(by).sort_index().sort_index(axis=1)  # noqa: PD010
    incomplete = wide.index[wide.isna().any(axis=1)]
    if len(incomplete):
        names = ", ".join(SeizureId(*row[:2]).name for row in incomplete)
        raise SeizuresError(f"predictions: not every seed predicted {names} (or their label differs between seeds)")
    patients = [str(value) for value in wide.index.get_level_values("patient_id")]
    labels = (wide.index.get_level_values("label") == positive_label).astype(np.int64)
    repeats, seeds = ([int(value) for value in wide.columns.get_level_values(name)] for name in by)
    folds = indexed["fold"].unstack(by).sort_index().sort_index(axis=1).to_numpy(dtype=np.int64).T  # noqa: PD010
    return PredictionMatrix(patients, np.asarray(labels), seeds, wide.to_numpy(dtype=np.float64).T, repeats, folds)


def prediction_matrix_without_ids(predictions: pd.DataFrame, positive_label: str = "TCS") -> PredictionMatrix:
    """Return the table as a matrix whose patients are numbered and whose seizures are ordered by their values alone.

    What is computed from it, with resampled patients too, is therefore the same under pseudonyms to the last bit.

    Raises:
        TooFewSeizuresError, SeizuresError: as `prediction_matrix`.
    """
    found = prediction_matrix(predictions, positive_label)
    numbers, order = order_of_content(found.patients, np.concatenate([found.labels[None, :], found.probabilities]))
    return PredictionMatrix(
        numbers,
        found.labels[order],
        found.seeds,
        found.probabilities[:, order],
        found.repeats,
        found.folds[:, order],
    )
