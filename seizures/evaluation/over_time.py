"""The answers as seizures unfold (over_time.csv): the table of all folds, and each seizure's course in it.

One row is the answer of one seed for the beginning [onset, onset + seconds] of one seizure that its classifier has not
seen; the last row of a seizure is the answer for all of it. `probability` is of the positive label, the mean over the
views, before calibration. `clonic_onset_seconds` counts from the onset, and is empty where there is none.

Letters used here: K seeds, T times.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.evaluation.metrics import FloatArray
from seizures.manifest.identity import SeizureId

COLUMNS = ("patient_id", "seizure_id", "label", "clonic_onset_seconds", "seconds", "seed", "probability")
_ORDER = ["patient_id", "seizure_id", "seed", "seconds"]


@dataclasses.dataclass(frozen=True, eq=False)
class Course:
    """How the answers for one seizure develop.

    Attributes:
        patient_id: whose seizure it is.
        label: 1 for the positive label, else 0.
        clonic_onset_seconds: after the onset; NaN where there is none.
        seconds: (T,) after the onset, rising; the last is the end of the seizure.
        probabilities: (K, T) of the positive label.
    """

    patient_id: str
    label: int
    clonic_onset_seconds: float
    seconds: FloatArray
    probabilities: FloatArray

    def at(self, seconds: float) -> FloatArray:
        """Return the last answers by that time, (K,); NaN before the first. A seizure that has ended keeps its own."""
        place = int(np.searchsorted(self.seconds, seconds + 1e-9, side="right")) - 1
        return self.probabilities[:, place] if place >= 0 else np.full(len(self.probabilities), np.nan)


def rows_of(
    seizure: SeizureId,
    label: str,
    clonic_onset_seconds: float,
    seconds: npt.ArrayLike,
    probabilities: FloatArray,
) -> pd.DataFrame:
    """Return the rows of one seizure from the times (T,) and the probabilities (K, T) of seeds 0, 1, ...

    Raises:
        SeizuresError: a probability is not between 0 and 1 (the training diverged).
    """
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise SeizuresError(
            f"{seizure.name}: the classifier gave a probability that is not between 0 and 1; the training has probably "
            "diverged: lower the learning rate"
        )
    num_seeds, num_times = probabilities.shape
    table: pd.DataFrame = pd.DataFrame(
        {
            "patient_id": seizure.patient_id,
            "seizure_id": seizure.seizure_id,
            "label": label,
            "clonic_onset_seconds": np.full(probabilities.size, clonic_onset_seconds, dtype=np.float64),
            "seconds": np.tile(np.asarray(seconds, dtype=np.float64), num_seeds),
            "seed": np.repeat(np.arange(num_seeds), num_times),
            "probability": probabilities.ravel(),
        },
        columns=list(COLUMNS),
    )
    return table


def pool(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of all folds, sorted by ids, seed and time."""
    pooled: pd.DataFrame = pd.concat(list(tables), ignore_index=True).sort_values(_ORDER, ignore_index=True)
    return pooled


def write_over_time(path: Path, table: pd.DataFrame) -> None:
    """Write over_time.csv: UTF-8, numbers to the last bit."""
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8", columns=list(COLUMNS))


def read_over_time(path: Path) -> pd.DataFrame:
    """Read over_time.csv with ids as text (`01` and `NA` stay what they are).

    Raises:
        SeizuresError: a column is missing.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise SeizuresError(f"{path}: not a table of answers over time, the columns {', '.join(missing)} are missing")
    for name in ("clonic_onset_seconds", "seconds", "probability"):
        table[name] = np.array([float(cell) if cell else np.nan for cell in table[name]], dtype=np.float64)
    table["seed"] = table["seed"].map(int).astype(np.int64)
    return table


def courses_of(table: pd.DataFrame, positive_label: str) -> list[Course]:
    """Return the course of every seizure of the table, sorted by ids.

    Raises:
        TooFewSeizuresError: the table is empty.
        SeizuresError: a seizure has an answer twice, or not by every seed at each of its times.
    """
    if table.empty:
        raise TooFewSeizuresError("no seizure has answers over time: there is nothing to evaluate")
    num_seeds, courses = table["seed"].nunique(), []
    for ids, rows in table.groupby(["patient_id", "seizure_id"], sort=True):
        seizure = SeizureId(*map(str, ids))
        if rows.duplicated(["seed", "seconds"]).any():
            raise SeizuresError(f"over_time: {seizure.name} has two answers of one seed at one time")
        by_time = rows.set_index(["seed", "seconds"])["probability"]
        wide = by_time.unstack("seconds").sort_index().sort_index(axis=1)  # noqa: PD010  # see prediction_matrix
        if len(wide) != num_seeds or wide.isna().any(axis=None):
            raise SeizuresError(f"over_time: not every seed has an answer for {seizure.name} at each of its times")
        courses.append(
            Course(
                seizure.patient_id,
                int(rows["label"].iloc[0] == positive_label),
                float(rows["clonic_onset_seconds"].iloc[0]),
                wide.columns.to_numpy(dtype=np.float64),
                wide.to_numpy(dtype=np.float64),
            )
        )
    return courses
