"""Features of the training patients to a classifier: one task a fold and seed."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import luigi

from seizures.classification.folds import FoldRow
from tasks.cohort.groups import groups
from tasks.cohort.recipes import networks_used
from tasks.machinery.processes import computing
from tasks.machinery.progress import progress
from tasks.settings.cells import num_repeats, num_seeds, training_settings, way_of
from tasks.settings.sections import Dataset, Machine, section
from tasks.settings.ways import network_of
from tasks.stage.mixins import CellMixin, RepeatMixin
from tasks.stage.stage import Amount, Stage
from tasks.stages.features import features_of
from tasks.stages.folds import AssignFolds, fold_rows, order_of, recipe_entry, split
from tasks.stages.packed import PackFeatures
from tasks.stages.sequences import load_sequences
from tasks.stages.shared_features import CompareFeatures


class TrainFold(RepeatMixin, CellMixin, Stage):
    """Fit a classifier to all folds but one."""

    extension = "pt"
    fold: int = luigi.IntParameter()
    seed: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """Fold and seed."""
        return self.with_repeat(f"fold{self.fold:02d}+seed{self.seed}")

    @functools.cached_property
    def rows(self) -> tuple[FoldRow, ...]:
        """The rows of the training side."""
        return split(self.cell, self.fold, self.repeat)[0]

    @functools.cached_property
    def looked_at(self) -> tuple[FoldRow, ...]:
        """The held-out rows, where the paper's protocol lets them choose the epoch; else none."""
        if training_settings(self.cell).selection != "held_out":
            return ()
        return split(self.cell, self.fold, self.repeat)[1]

    @functools.cached_property
    def groups(self) -> dict[str, str]:
        """What the inner folds hold out together besides patients, by seizure, where there are inner folds."""
        if training_settings(self.cell).selection != "inner":
            return {}
        return {row.name: groups()[row.id] for row in self.rows if groups()}

    def upstream(self) -> list[Stage]:
        """Return the features of the training side; of the folds only the membership is read."""
        return [features_of(row.id, way_of(self.cell)) for row in self.rows + self.looked_at]

    def requires(self) -> list[Stage]:
        """Require the folds and the features, packed, and that no two patients have the same ones."""
        packed = PackFeatures(network=way_of(self.cell))
        return [AssignFolds(cell=self.cell, repeat=self.repeat), CompareFeatures(), packed, *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return how to train, on what, and in which order."""
        way = way_of(self.cell)
        looked_at = {row.name: recipe_entry(row, way) for row in self.looked_at}
        return {
            "settings": training_settings(self.cell).for_key(),
            "seed": self.seed,
            "labels": section(Dataset).label_names(),
            "training": {row.name: recipe_entry(row, way) for row in self.rows},
            "order": order_of(self.rows + self.looked_at),
            **({"looked_at": looked_at} if looked_at else {}),
            **({"groups": self.groups} if self.groups else {}),
            # Not a new version: that would discard the classifiers of every other gamma, which are what they were.
            **({"start_frames": "equally likely"} if training_settings(self.cell).gamma == 1 else {}),
        }

    def produce(self, path: Path) -> Amount:
        """Train, and save the classifier with its history."""
        repeat = {"repeat": self.repeat} if self.repeat else {}
        return fit_to_file(
            self, path, self.rows, looked_at=self.looked_at, attributes={"fold": self.fold, **repeat}, cell=self.cell
        )


class TrainOnAll(Stage):
    """Fit a classifier to everybody whom RunAll trains on: the one that is handed over."""

    extension = "pt"
    seed: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """All, and the seed."""
        return f"all+seed{self.seed}"

    def upstream(self) -> list[Stage]:
        """Return the features of everybody."""
        return [features_of(row.id) for row in fold_rows()]

    def requires(self) -> list[Stage]:
        """Require the folds, which say who is good, the features, packed, and that no two patients share them."""
        return [AssignFolds(), CompareFeatures(), PackFeatures(), *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return how to train, on what, and in which order."""
        settings, rows = training_settings(), fold_rows()
        in_groups = {row.name: groups()[row.id] for row in rows if groups()} if settings.selection == "inner" else {}
        return {
            "settings": settings.for_key(),
            "seed": self.seed,
            "labels": section(Dataset).label_names(),
            "training": {row.name: recipe_entry(row) for row in rows},
            "order": order_of(rows),
            **({"groups": in_groups} if in_groups else {}),
        }

    def produce(self, path: Path) -> Amount:
        """Train, and save the classifier with its history."""
        return fit_to_file(self, path, fold_rows())


def fit_to_file(
    stage: TrainFold | TrainOnAll,
    path: Path,
    rows: Sequence[FoldRow],
    *,
    looked_at: Sequence[FoldRow] = (),
    attributes: Mapping[str, Any] | None = None,
    cell: str = "",
) -> Amount:
    """Fit a classifier to some rows of the folds of a cell, with the seed of the stage, and save it."""
    import models
    from seizures.classification.checkpoints import save_classifier
    from seizures.classification.training import fit

    settings = training_settings(cell)
    way = way_of(cell)
    bank = load_sequences(rows, ("all",), way)
    held_out = load_sequences(looked_at, ("all",), way) if looked_at else None
    build = functools.partial(models.build_aggregation, settings.aggregation, bank.feature_dim, settings.hidden_units)
    with computing(section(Machine).num_threads or 1), progress(stage, stage.label, "epochs") as report_progress:
        fitted = fit(
            bank, build, settings, seed=stage.seed, held_out=held_out, groups=groups(), progress=report_progress
        )
    save_classifier(path, fitted, {**(attributes or {}), "network": network_of(way) if way else networks_used()})
    return Amount(fitted.num_views * fitted.num_epochs_used, "sequences")


@functools.cache
def classifier_of(fold: int, seed: int, cell: str = "", repeat: int = 0) -> TrainFold:
    """Return the task of a fold and seed; Luigi's constructor is slow."""
    return TrainFold(fold=fold, seed=seed, cell=cell, repeat=repeat)


def all_classifiers(cell: str = "") -> list[TrainFold]:
    """Return the tasks of every fold and seed of the present folds, with the settings of a cell."""
    return [
        classifier_of(fold, seed, cell, repeat)
        for repeat in range(num_repeats(cell))
        for fold in sorted({row.fold for row in fold_rows(cell, repeat)})
        for seed in range(num_seeds(cell))
    ]
