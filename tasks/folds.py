"""Seizures to patient-wise folds, once the features say which seizures are good."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from seizures.errors import TooFewSeizuresError
from seizures.feature_file import open_features
from seizures.folds import FoldItem, FoldRow, assign_folds, check_folds, read_folds, write_folds
from seizures.manifest import Seizure
from tasks import cohort
from tasks.base import Stage
from tasks.cohort import LeftOut
from tasks.config import Folds, section
from tasks.features import ExtractFeatures, all_features


def unusable() -> list[LeftOut]:
    """Return the recordings that could not be used although manifest and settings ask for them, and why."""
    return [item for stage in all_features() for item in stage.left_out() if not stage.is_skipped(item.view)]


def left_out() -> list[LeftOut]:
    """Return every seizure, or view of one, that has no place in the folds, and why."""
    short = [
        LeftOut(stage.patient_id, stage.seizure_id, "", cohort.short_reason(_duration(stage)))
        for stage in all_features()
        if stage.bad_reason() is None and _is_short(stage)
    ]
    bad = [item for stage in all_features() for item in stage.left_out()]
    return cohort.left_out_by_manifest() + bad + short


def fold_items() -> list[FoldItem]:
    """Return the good seizures: those with features of at least one view, and not too short."""
    return [
        FoldItem(stage.patient_id, stage.seizure_id, stage.seizure.label, _duration(stage))
        for stage in all_features()
        if stage.bad_reason() is None and not _is_short(stage)
    ]


def _is_short(stage: ExtractFeatures) -> bool:
    return cohort.is_short(_duration(stage))


def _duration(stage: ExtractFeatures) -> float:
    """Return the seizure's duration, from its features where the manifest leaves the offset open."""
    stated = stage.seizure.duration_seconds
    return _measured_duration(stage.path) if stated is None else stated


@functools.cache
def _measured_duration(path: Path) -> float:
    with open_features(path) as features:
        return float(max(view.num_frames for view in features.views.values()) / features.frame_rate_hz)


class AssignFolds(Stage):
    """Deal the patients of the good seizures into folds."""

    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "folds"

    def requires(self) -> list[ExtractFeatures]:
        """Require all features: only they tell which seizures are good."""
        return all_features()

    def upstream(self) -> list[Stage]:
        """Return nothing: of the features, only their being good is read."""
        return []

    def reads(self) -> dict[str, Any]:
        """Return the good seizures and how to deal them."""
        return {"seizures": fold_items(), "settings": section(Folds).settings()}

    def produce(self, path: Path) -> None:
        """Deal, check, and write."""
        items, settings = fold_items(), section(Folds).settings()
        check_folds(items, settings.num_folds)
        write_folds(path, assign_folds(items, settings))


def folds_file() -> Path:
    """Return the file of the present folds."""
    path = AssignFolds().path
    if not path.exists():
        raise TooFewSeizuresError(f"{path}: no folds are assigned yet; run `luigi --module pipeline RunAll` first")
    return path


@functools.cache
def fold_rows(path: Path) -> tuple[FoldRow, ...]:
    """Return the folds in a file, checked for leaks when read."""
    return read_folds(path)


def seizure_of(row: FoldRow) -> Seizure:
    """Return the seizure of a row of the folds."""
    return cohort.seizures()[row.patient_id, row.seizure_id]
