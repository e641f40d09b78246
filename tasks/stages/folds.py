"""Seizures to patient-wise folds, once the features say which seizures are good."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import luigi

from seizures.classification.folds import (
    FoldItem,
    FoldRow,
    assign_folds,
    check_no_leak,
    read_folds,
    training_and_held_out,
    write_folds,
)
from seizures.classification.paper_folds import deal_seizures
from seizures.errors import TooFewSeizuresError
from seizures.features.file import read_duration
from seizures.manifest.recordings import Seizure
from seizures.settings import digest
from tasks.cohort import manifest as cohort
from tasks.cohort.groups import groups
from tasks.cohort.manifest import LeftOut
from tasks.settings.cells import fold_settings, num_repeats
from tasks.settings.sections import Dataset, section
from tasks.stage.mixins import RepeatMixin
from tasks.stage.stage import Stage
from tasks.stages.features import ExtractFeatures, FeatureStage, all_features, features_of

_measured_duration = functools.cache(read_duration)
_folds: dict[str, tuple[FoldRow, ...]] = {}  # by the key of AssignFolds, which decides them, whatever the settings


def unusable() -> list[LeftOut]:
    """Return the recordings that could not be used although manifest and settings ask for them, and why."""
    return [item for stage in all_features() for item in stage.left_out() if not stage.is_skipped(item.view)]


def left_out() -> list[LeftOut]:
    """Return every seizure, or view of one, that has no place in the folds, and why."""
    short = [
        LeftOut(*stage.id, "", cohort.short_reason(_duration(stage)))
        for stage in all_features()
        if stage.bad_reason() is None and _is_short(stage)
    ]
    bad = [item for stage in all_features() for item in stage.left_out()]
    return cohort.left_out_by_manifest() + bad + short


def fold_items(dealing: str = "patients") -> list[FoldItem]:
    """Return the good seizures in dealing order: those with features of at least one view, and not too short.

    Only the paper's dealing, of seizures, asks whether a seizure is trained on.
    """
    asks = dealing == "seizures"
    return [
        FoldItem(
            *stage.id,
            stage.seizure.label,
            _duration(stage),
            is_trained_on=not asks or _is_trained_on(stage),
            group=groups().get(stage.id, ""),
        )
        for stage in in_dealing_order(all_features())
        if stage.bad_reason() is None and not _is_short(stage)
    ]


def _is_trained_on(stage: FeatureStage) -> bool:
    """Tell whether the patient is in sight in a view that has features."""
    good = stage.good_views()
    return any(item.use == "all" for item in stage.seizure.recordings if item.view in good)


def in_dealing_order(stages: Sequence[FeatureStage]) -> list[FeatureStage]:
    """Return the seizures in the order in which they are dealt into folds and trained on.

    Where there are films it does not depend on ids, so that an export hands it on, another laboratory gets the same
    results, and yet learns nothing of the ids. The films of the seizures' first views are ordered by the hash of their
    content: patients by the first of theirs, the seizures of a patient by film and onset. Imported seizures come
    before, in the order that was handed on; without one, by their ids.
    """
    first: dict[str, str] = {}
    for stage in stages:
        if isinstance(stage, ExtractFeatures):
            first[stage.patient_id] = min(stage.film, first.get(stage.patient_id, stage.film))

    def place(stage: FeatureStage) -> tuple[str | float, ...]:
        if isinstance(stage, ExtractFeatures):
            return ("film", first[stage.patient_id], stage.film, stage.seizure.onset_seconds or 0.0, *stage.id)
        return ("", stage.seizure.dealing_order, "", 0.0, *stage.id)

    return sorted(stages, key=place)


def is_dealt_by_id(stage: FeatureStage) -> bool:
    """Tell whether nothing but its ids says where a seizure stands in the dealing order."""
    return not isinstance(stage, ExtractFeatures) and not stage.seizure.dealing_order


def _is_short(stage: FeatureStage) -> bool:
    return cohort.is_short(_duration(stage))


def _duration(stage: FeatureStage) -> float:
    """Return the seizure's duration, from its features where the manifest leaves the offset open."""
    stated = stage.seizure.duration_seconds
    return _measured_duration(stage.path) if stated is None else stated


def order_of(rows: Sequence[FoldRow]) -> str:
    """Return what tells the order of these rows from another: training and its last bits depend on it."""
    return digest([row.name for row in rows])


def recipe_entry(row: FoldRow, network: str = "") -> dict[str, Any]:
    """Return the label of a seizure, and those of its views of which a network has features, or [Features]' own.

    The key of its features cannot say the latter: it is made before anything is decoded.
    """
    return {"label": seizure_of(row).label, "views": final_views(features_of(row.id, network))}


def final_views(stage: FeatureStage) -> list[str]:
    """Return the views of which a seizure has features, or will have as far as is known."""
    return _views_of_complete(stage) if stage.complete() else stage.good_views()


@functools.cache
def _views_of_complete(stage: FeatureStage) -> list[str]:
    """Return the good views of complete features: every fold and seed asks, and they are final."""
    return stage.good_views()


class AssignFolds(RepeatMixin, Stage):
    """Deal the patients of the good seizures into folds; to reproduce the paper alone, the seizures."""

    version = 2  # 2: in dealing order, and not in that of the ids
    extension = "csv"
    cell: str = luigi.Parameter(default="", significant=False, description="of a sweep; only its dealing matters")

    @property
    def shared_patients(self) -> bool:
        """Whether a patient may be on both sides, because that is what is to be reproduced."""
        return fold_settings(self.cell).dealing == "seizures"

    @property
    def label(self) -> str:
        """One table for all."""
        return self.with_repeat("folds+shared-patients+reproduction-only" if self.shared_patients else "folds")

    def requires(self) -> list[FeatureStage]:
        """Require all features: only they tell which seizures are good."""
        return all_features()

    def upstream(self) -> list[Stage]:
        """Return nothing: of the features, only their being good is read."""
        return []

    def reads(self) -> dict[str, Any]:
        """Return the good seizures and how to deal them."""
        settings = fold_settings(self.cell, self.repeat)
        return {"seizures": fold_items(settings.dealing), "settings": settings}

    def produce(self, path: Path) -> None:
        """Deal, which refuses what cannot be dealt, and write."""
        write_folds(path, self.deal(), shared_patients=self.shared_patients)

    def deal(self) -> tuple[FoldRow, ...]:
        """Return the folds."""
        settings = fold_settings(self.cell, self.repeat)
        if self.shared_patients:
            return deal_seizures(fold_items(settings.dealing), settings.num_folds, section(Dataset).label_names()[1])
        return assign_folds(fold_items(), settings)


def all_dealings(cell: str = "") -> list[AssignFolds]:
    """Return the tasks that deal the folds of a cell, as often as they are dealt."""
    return [AssignFolds(cell=cell, repeat=repeat) for repeat in range(num_repeats(cell))]


def fold_rows(cell: str = "", repeat: int = 0) -> tuple[FoldRow, ...]:
    """Return the folds of a cell, checked for leaks when read; a plan deals them ahead of their stage."""
    stage = AssignFolds(cell=cell, repeat=repeat)
    if stage.key not in _folds:
        if not stage.complete():
            raise TooFewSeizuresError(f"{stage.path}: no folds are assigned yet; run RunAll first")
        _folds[stage.key] = read_folds(stage.path, shared_patients=stage.shared_patients)
    return _folds[stage.key]


def deal_ahead() -> bool:
    """Deal the present folds in memory, assuming that every feature file exists; return False where they are unknown.

    The folds follow from the key of `AssignFolds` alone. They are unknown as long as a seizure's duration is.
    """
    if any(stage.seizure.duration_seconds is None and not stage.complete() for stage in all_features()):
        return False
    for stage in all_dealings():
        if stage.key not in _folds and not stage.complete():
            _folds[stage.key] = stage.deal()
    return True


def split(cell: str, fold: int, repeat: int = 0) -> tuple[tuple[FoldRow, ...], tuple[FoldRow, ...]]:
    """Return the rows to train on and those held out, checked for leaks unless they are meant."""
    shared = AssignFolds(cell=cell, repeat=repeat).shared_patients
    training, held_out = training_and_held_out(fold_rows(cell, repeat), fold, shared_patients=shared)
    if groups() and not shared:
        check_no_leak(*([groups()[row.id] for row in side] for side in (training, held_out)))
    return training, held_out


def seizure_of(row: FoldRow) -> Seizure:
    """Return the seizure of a row of the folds."""
    return cohort.seizure(row.id)
