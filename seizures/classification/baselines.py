"""Baselines: what the more frequent label, the duration and the amount of movement tell without a network.

Each is fitted on the training side of a fold alone and answers for the seizures that the fold holds out, so that its
predictions stand beside the network's, seizure by seizure. docs/statistics.md says why these, and how they are scored.

Letters in shapes: N seizures, S snippets, M numbers of movement.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seizures.classification.folds import FoldRow, training_and_held_out
from seizures.manifest.identity import SeizureId

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]

MAJORITY, DURATION, MOVEMENT, BOTH = "majority", "duration", "movement", "duration_and_movement"
NAMES = (MAJORITY, DURATION, MOVEMENT, BOTH)  # the simplest first
MOST_MISSING = 0.1  # share of the seizures; where more lack the numbers, the baseline is absent
COLUMNS = ("baseline", "patient_id", "seizure_id", "label", "fold", "repeat", "probability")


@dataclasses.dataclass(frozen=True)
class BaselineSeizure:
    """What the baselines know of a seizure.

    Attributes:
        label: as the manifest has it.
        duration_seconds: None where it is unknown.
        movement: (3 M,) what `movement_of` returned of all views; None where there is none.
        movement_in_training: the same of the views that the network is trained on too (use = all).
        is_trained_on: False where there is no such view.
    """

    label: str
    duration_seconds: float | None
    movement: FloatArray | None
    movement_in_training: FloatArray | None
    is_trained_on: bool = True

    def as_trained_on(self) -> BaselineSeizure:
        """Return what the training side knows of it."""
        return dataclasses.replace(self, movement=self.movement_in_training)


def movement_of(views: Sequence[tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]]) -> FloatArray | None:
    """Return the movement of a seizure: mean, standard deviation and maximum of each number over its valid snippets.

    Args:
        views: of each view the numbers (S, M) and which snippets are valid (S,); views are pooled.

    Returns:
        (3 M,), means first; None where no snippet is valid.
    """
    parts = [np.asarray(numbers, dtype=np.float64)[valid] for numbers, valid in views]
    rows = np.concatenate(parts) if parts else np.empty((0, 0))
    if not len(rows):
        return None
    return np.concatenate([rows.mean(axis=0), rows.std(axis=0), rows.max(axis=0)])


def numbers_of(name: str, seizure: BaselineSeizure) -> FloatArray | None:
    """Return the numbers that a baseline reads of a seizure, (F,); None where they are not all there."""
    parts: list[FloatArray] = []
    if name in (DURATION, BOTH):
        seconds = seizure.duration_seconds
        if seconds is None or seconds <= 0:
            return None
        parts.append(np.array([math.log(seconds)]))
    if name in (MOVEMENT, BOTH):
        if seizure.movement is None:
            return None
        parts.append(seizure.movement)
    return np.concatenate(parts) if parts else np.empty(0)


def missing(name: str, seizures: Mapping[SeizureId, BaselineSeizure]) -> list[SeizureId]:
    """Return the seizures of which a baseline does not have its numbers."""
    return [key for key, seizure in seizures.items() if numbers_of(name, seizure) is None]


def is_absent(num_missing: int, num_seizures: int) -> bool:
    """Tell whether too many seizures lack the numbers for a baseline to be worth its name."""
    return num_missing > MOST_MISSING * num_seizures


def predict_baselines(
    rows: Sequence[FoldRow],
    seizures: Mapping[SeizureId, BaselineSeizure],
    *,
    label_names: tuple[str, str],
    shared_patients: bool = False,
    repeat: int = 0,
) -> pd.DataFrame:
    """Return the out-of-fold predictions of every baseline that is not absent, one row a seizure and baseline.

    Args:
        rows: the folds that the network is judged on.
        seizures: what is known of each seizure of the folds.
        label_names: negative label, positive label.
        shared_patients: the folds deal seizures, to reproduce the paper.
        repeat: which dealing into folds these are, from 0.

    Raises:
        LeakError: a patient is on both sides of a fold, and that is not meant.
    """
    import pandas as pd  # here and not above: what is missing is asked when nothing is to be done

    folds = sorted({row.fold for row in rows})
    table = []
    for name in NAMES:
        if is_absent(len(missing(name, seizures)), len(seizures)):
            continue
        for fold in folds:
            training, held_out = training_and_held_out(rows, fold, shared_patients=shared_patients)
            sides = [[seizures[row.id] for row in side] for side in (training, held_out)]
            probabilities = fit_and_predict(name, *sides, positive_label=label_names[1])
            for row, probability in zip(held_out, probabilities.tolist(), strict=True):
                label = seizures[row.id].label
                table.append((name, row.patient_id, row.seizure_id, label, row.fold, repeat, probability))
    predicted: pd.DataFrame = pd.DataFrame(table, columns=list(COLUMNS))
    return predicted


def fit_and_predict(
    name: str, training: Sequence[BaselineSeizure], held_out: Sequence[BaselineSeizure], *, positive_label: str
) -> FloatArray:
    """Return a baseline's probability of the positive label for the seizures that are held out, (N,).

    A logistic regression (scikit-learn, its default penalty) of values that are standardised on the training side; the
    classes weigh the same, as in the training of the network. A held-out seizure without the numbers gets the share
    of the positive label in the training side, which is also what the majority baseline says.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learnt = [item.as_trained_on() for item in training if item.is_trained_on]
    share = float(np.mean([item.label == positive_label for item in learnt])) if learnt else 0.5
    found = np.full(len(held_out), share)
    known = [
        (numbers, item.label == positive_label) for item in learnt if (numbers := numbers_of(name, item)) is not None
    ]
    asked = {place: numbers for place, item in enumerate(held_out) if (numbers := numbers_of(name, item)) is not None}
    if name == MAJORITY or not asked or len({is_positive for _, is_positive in known}) < 2:
        return found
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    model.fit(np.stack([numbers for numbers, _ in known]), [is_positive for _, is_positive in known])
    found[list(asked)] = model.predict_proba(np.stack(list(asked.values())))[:, 1]
    return found
