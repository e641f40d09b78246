"""Out-of-fold classifiers to what they say as each seizure unfolds, and how early they are right.

This is of the present settings and of the first dealing into folds.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from seizures.classification.folds import FoldRow
from tasks.machinery.processes import computing
from tasks.machinery.progress import progress
from tasks.settings.cells import num_seeds
from tasks.settings.sections import Dataset, Evaluation, Machine, section
from tasks.stage.stage import Amount, Stage
from tasks.stages.features import features_of
from tasks.stages.folds import fold_rows, recipe_entry, split
from tasks.stages.packed import PackFeatures
from tasks.stages.sequences import load_sequences
from tasks.stages.shared_features import CompareFeatures
from tasks.stages.training import TrainFold, classifier_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


class UnfoldFold(Stage):
    """Classify every beginning of the seizures of the fold that was held out, with the classifiers of all seeds."""

    extension = "csv"
    fold: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """The fold."""
        return f"fold{self.fold:02d}"

    @property
    def classifiers(self) -> list[TrainFold]:
        """The tasks that train the classifiers of this fold, in the order of their seeds."""
        return [classifier_of(self.fold, seed) for seed in range(num_seeds())]

    @functools.cached_property
    def held_out(self) -> tuple[FoldRow, ...]:
        """The rows that are scored here."""
        return split("", self.fold)[1]

    def upstream(self) -> list[Stage]:
        """Return the classifiers and the features of the held-out seizures."""
        return [*self.classifiers, *(features_of(row.id) for row in self.held_out)]

    def requires(self) -> list[Stage]:
        """Require these, the features packed, and that no two patients have the same."""
        return [*self.upstream(), CompareFeatures(), PackFeatures()]

    def reads(self) -> dict[str, Any]:
        """Return the true labels, and the views that could be decoded."""
        return {"held_out": {row.name: recipe_entry(row) for row in self.held_out}}

    def produce(self, path: Path) -> Amount:
        """Predict at every second, and write a row for each seizure, seed and second."""
        import models
        from seizures.classification.checkpoints import load_checkpoint, load_classifier
        from seizures.evaluation.over_time import pool, rows_of, write_over_time
        from seizures.prediction.unfolding import unfold

        bank = load_sequences(self.held_out, ("all", "evaluate"))
        settings = load_checkpoint(self.classifiers[0].result)[0].settings
        build = functools.partial(
            models.build_aggregation, settings.aggregation, bank.feature_dim, settings.hidden_units
        )
        networks = [load_classifier(stage.result, build) for stage in self.classifiers]
        views_of: dict[tuple[str, str], list[int]] = {}
        for number, ids in enumerate(zip(bank.patient_ids, bank.seizure_ids, strict=True)):
            views_of.setdefault(ids, []).append(number)
        tables: list[pd.DataFrame] = []
        with (
            computing(section(Machine).num_threads or 1),
            progress(self, self.label, "seizures") as report_progress,
        ):
            for row in self.held_out:
                views = bank.select(views_of[row.id])
                found, label = unfold(views, networks, settings), views.label_names[views.labels[0]]
                tables.append(
                    rows_of(row.id, label, _first_known(views.clonic_onset_seconds), found.seconds, found.by_seed)
                )
                report_progress(len(tables), len(self.held_out))
        table = pool(tables)
        write_over_time(path, table)
        return Amount(len(table), "answers")


def _first_known(seconds: ArrayLike) -> float:
    """Return the clonic onset of the first view that has one; NaN where none has."""
    import numpy as np

    values = np.asarray(seconds, dtype=np.float64)
    known = values[~np.isnan(values)]
    return float(known[0]) if len(known) else float("nan")


class PoolUnfolding(Stage):
    """Put the answers over time of all folds into one table."""

    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "over_time"

    def requires(self) -> list[UnfoldFold]:
        """Require those of every fold."""
        return [UnfoldFold(fold=fold) for fold in sorted({row.fold for row in fold_rows()})]

    def produce(self, path: Path) -> None:
        """Join the tables."""
        from seizures.evaluation.over_time import pool, read_over_time, write_over_time

        write_over_time(path, pool(read_over_time(stage.result) for stage in self.requires()))


class ScoreUnfolding(Stage):
    """Score the answers over time: accuracy since the onset and around the clonic onset, when an answer settles."""

    @property
    def label(self) -> str:
        """One file for all."""
        return "over_time"

    def requires(self) -> list[PoolUnfolding]:
        """Require the table."""
        return [PoolUnfolding()]

    def reads(self) -> dict[str, Any]:
        """Return the level of the intervals, and which label is positive."""
        return {
            "confidence_level": section(Evaluation).settings().confidence_level,
            "labels": section(Dataset).label_names(),
        }

    def produce(self, path: Path) -> None:
        """Score."""
        from seizures.evaluation.how_early import score_over_time, write_scores
        from seizures.evaluation.over_time import read_over_time

        negative, positive = section(Dataset).label_names()
        level = section(Evaluation).settings().confidence_level
        table = read_over_time(PoolUnfolding().result)
        write_scores(path, score_over_time(table, level, positive_label=positive, negative_label=negative))
