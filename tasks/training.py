"""Features of the training patients to a classifier: one task a fold and seed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import luigi

from seizures.folds import FoldRow, training_and_held_out
from tasks.base import Amount, Stage
from tasks.config import Dataset, Machine, Training, section
from tasks.features import features_of
from tasks.folds import AssignFolds, fold_rows, what_is_read
from tasks.processes import computing
from tasks.progress import progress
from tasks.ways import networks_used


class TrainFold(Stage):
    """Fit a classifier to all folds but one."""

    extension = "pt"
    fold: int = luigi.IntParameter()
    seed: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """Fold and seed."""
        return f"fold{self.fold:02d}+seed{self.seed}"

    @functools.cached_property
    def rows(self) -> tuple[FoldRow, ...]:
        """The rows of the training side."""
        return training_and_held_out(fold_rows(), self.fold)[0]

    def upstream(self) -> list[Stage]:
        """Return the features of the training side; of the folds only the membership is read."""
        return [features_of(row.patient_id, row.seizure_id) for row in self.rows]

    def requires(self) -> list[Stage]:
        """Require the folds and the features."""
        return [AssignFolds(), *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return how to train, and the order of the labels."""
        return {
            "settings": section(Training).settings(),
            "seed": self.seed,
            "labels": section(Dataset).label_names(),
            "training": {f"{row.patient_id}+{row.seizure_id}": what_is_read(row) for row in self.rows},
        }

    def produce(self, path: Path) -> Amount:
        """Train, and save the classifier with its history."""
        import models
        from seizures import training
        from seizures.sequences import load_bank

        settings, labels = section(Training).settings(), section(Dataset).label_names()
        paths, mixed = [stage.path for stage in self.upstream()], section(Dataset).allow_mixed_features
        bank = load_bank(paths, labels=labels, uses=("all",), allow_mixed=mixed)
        build = functools.partial(
            models.build_aggregation, settings.aggregation, bank.feature_dim, settings.hidden_units
        )
        with computing(section(Machine).num_threads or 1), progress(self, self.label, "epochs") as tell:
            fitted = training.fit(bank, build, settings, seed=self.seed, progress=tell)
        training.save_classifier(path, fitted, {"fold": self.fold, "network": networks_used()})
        return Amount(fitted.num_views * fitted.num_epochs_used, "sequences")


@functools.cache
def classifier_of(fold: int, seed: int) -> TrainFold:
    """Return the task of a fold and seed; Luigi's constructor is slow."""
    return TrainFold(fold=fold, seed=seed)


def all_classifiers() -> list[TrainFold]:
    """Return the tasks of every fold and seed of the present folds."""
    numbers = sorted({row.fold for row in fold_rows()})
    return [classifier_of(fold, seed) for fold in numbers for seed in range(section(Training).num_seeds)]
