"""Durations and movement to the predictions of the baselines, on the folds that the network is judged on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seizures.classification.folds import FoldRow
from tasks.cohort.imported_features import is_imported
from tasks.settings.cells import num_repeats
from tasks.settings.sections import Dataset, section
from tasks.stage.mixins import CellMixin, RepeatMixin
from tasks.stage.stage import Stage
from tasks.stages.features import MOVEMENT, FeatureStage, features_of
from tasks.stages.folds import AssignFolds, fold_items, fold_rows, order_of, recipe_entry, seizure_of

if TYPE_CHECKING:
    from seizures.classification.baselines import BaselineSeizure
    from seizures.manifest.identity import SeizureId


class PredictBaselines(RepeatMixin, CellMixin, Stage):
    """Fit the baselines on the training side of every fold, and classify the seizures that it holds out.

    Of a cell only the dealing of its folds matters: the cells of a sweep share them.
    """

    extension = "csv"

    @property
    def folds(self) -> AssignFolds:
        """The folds of the cell."""
        return AssignFolds(cell=self.cell, repeat=self.repeat)

    @property
    def label(self) -> str:
        """One table for all of a dealing."""
        return f"baselines+{self.folds.label}"

    def upstream(self) -> list[Stage]:
        """Return the movement of every seizure with a video."""
        return [stage for row in fold_rows(self.cell, self.repeat) if (stage := movement_stage(row)) is not None]

    def requires(self) -> list[Stage]:
        """Require the folds and the movement."""
        return [self.folds, *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return the folds, labels and durations, whether the network trains on a seizure, and who has movement."""
        rows = fold_rows(self.cell, self.repeat)
        return {
            "folds": {row.name: row.fold for row in rows},
            "order": order_of(rows),
            "labels": section(Dataset).label_names(),
            "seizures": {row.name: {"label": seizure_of(row).label, "trained_on": _is_trained_on(row)} for row in rows},
            "durations_seconds": {item.id.name: item.duration_seconds for item in fold_items()},
            "movement": {row.name: recipe_entry(row, MOVEMENT)["views"] for row in rows if _has_movement(row)},
        }

    def produce(self, path: Path) -> None:
        """Fit, predict and write."""
        from seizures.classification.baselines import predict_baselines
        from seizures.evaluation.baselines import write_baselines

        negative, positive = section(Dataset).label_names()
        table = predict_baselines(
            fold_rows(self.cell, self.repeat),
            _seizures(self.cell),
            label_names=(negative, positive),
            shared_patients=self.folds.shared_patients,
            repeat=self.repeat,
        )
        write_baselines(path, table, positive)


def all_baselines(cell: str = "") -> list[PredictBaselines]:
    """Return the task of every dealing into folds."""
    return [PredictBaselines(cell=cell, repeat=repeat) for repeat in range(num_repeats(cell))]


def movement_stage(row: FoldRow) -> FeatureStage | None:
    """Return the movement of a seizure; None where it has no video."""
    return None if is_imported(seizure_of(row)) else features_of(row.id, MOVEMENT)


def _has_movement(row: FoldRow) -> bool:
    stage = movement_stage(row)
    return stage is not None and stage.bad_reason() is None


def _is_trained_on(row: FoldRow) -> bool:
    return any(item.use == "all" for item in seizure_of(row).recordings)


def _seizures(cell: str) -> dict[SeizureId, BaselineSeizure]:
    from seizures.classification.baselines import BaselineSeizure, movement_of
    from seizures.features.file import open_features

    durations, found = {item.id: item.duration_seconds for item in fold_items()}, {}
    for row in fold_rows(cell):
        movement = in_training = None
        if _has_movement(row):
            with open_features(features_of(row.id, MOVEMENT).result) as file:
                views = [(view.attributes.get("use", "all"), view.read(), view.valid) for view in file.views.values()]
            movement = movement_of([(values, valid) for _, values, valid in views])
            in_training = movement_of([(values, valid) for use, values, valid in views if use == "all"])
        label, trained_on = seizure_of(row).label, _is_trained_on(row)
        found[row.id] = BaselineSeizure(label, durations.get(row.id), movement, in_training, trained_on)
    return found


def baseline_remarks(cell: str = "") -> dict[str, str]:
    """Return what is missing, in words, by baseline."""
    rows = fold_rows(cell)
    durations = {item.id: item.duration_seconds for item in fold_items()}
    no_duration = {row.name: "it is unknown" for row in rows if not durations.get(row.id)}
    no_movement = {row.name: reason for row in rows if (reason := _why_no_movement(row))}
    missing = {
        "duration": no_duration,
        "movement": no_movement,
        "duration_and_movement": {**no_duration, **no_movement},
    }
    return {name: _remark(why, len(rows)) for name, why in missing.items() if why}


def _why_no_movement(row: FoldRow) -> str:
    stage = movement_stage(row)
    if stage is None:
        return "their features are imported, without a video"
    return "it could not be computed from their videos" if stage.bad_reason() else ""


def _remark(why: dict[str, str], num_seizures: int) -> str:
    """Say how many seizures lack the numbers, and why, without their ids: metrics.json goes to other laboratories."""
    from seizures.classification.baselines import is_absent

    reasons = Counter(why.values())
    told = "; ".join(reason if len(reasons) == 1 else f"{number}: {reason}" for reason, number in reasons.items())
    lack = f"{len(why)} of {num_seizures} seizures lack it ({told})"
    if is_absent(len(why), num_seizures):
        return f"not computed, because {lack}"
    return f"{lack} and get the share of the training part"
