"""Classifiers to predictions on the patients that they have never seen, pooled over the folds, and scored."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import luigi

from tasks.machinery.processes import computing
from tasks.settings.cells import in_cell, protocol_of, way_of
from tasks.settings.sections import Dataset, Demo, Evaluation, Machine, section
from tasks.stage.mixins import CellMixin, RepeatMixin
from tasks.stage.stage import Amount, Stage
from tasks.stages.baselines import all_baselines, baseline_remarks
from tasks.stages.features import features_of
from tasks.stages.folds import order_of, recipe_entry, split
from tasks.stages.packed import PackFeatures
from tasks.stages.sequences import load_sequences
from tasks.stages.shared_features import CompareFeatures
from tasks.stages.training import TrainFold, all_classifiers, classifier_of


class EvaluateFold(RepeatMixin, CellMixin, Stage):
    """Classify the seizures of the fold that was held out."""

    version = 2  # 2: the column repeat
    extension = "csv"
    fold: int = luigi.IntParameter()
    seed: int = luigi.IntParameter()

    @property
    def classifier(self) -> TrainFold:
        """The task that trains the classifier."""
        return classifier_of(self.fold, self.seed, self.cell, self.repeat)

    @property
    def label(self) -> str:
        """Fold and seed."""
        return self.classifier.label

    def held_out(self) -> list[Any]:
        """Return the rows of the folds that are scored here."""
        return list(split(self.cell, self.fold, self.repeat)[1])

    def upstream(self) -> list[Stage]:
        """Return the classifier and the features of the held-out seizures."""
        way = way_of(self.cell)
        return [self.classifier, *(features_of(row.id, way) for row in self.held_out())]

    def requires(self) -> list[Stage]:
        """Require these, the features packed, and that no two patients have the same."""
        return [*self.upstream(), CompareFeatures(), PackFeatures(network=way_of(self.cell))]

    def reads(self) -> dict[str, Any]:
        """Return the true labels, the views that could be decoded, and the order of the seizures."""
        rows = self.held_out()
        return {
            "held_out": {row.name: recipe_entry(row, way_of(self.cell)) for row in rows},
            "order": order_of(rows),
        }

    def produce(self, path: Path) -> Amount:
        """Predict, and write one row a seizure."""
        import models
        from seizures.classification.checkpoints import load_checkpoint, load_classifier
        from seizures.classification.training import predict
        from seizures.evaluation.predictions import predictions_for, write_predictions

        classifier = self.upstream()[0]
        bank = load_sequences(self.held_out(), ("all", "evaluate"), way_of(self.cell))
        fitted, _ = load_checkpoint(classifier.result)
        build = functools.partial(
            models.build_aggregation, fitted.settings.aggregation, bank.feature_dim, fitted.settings.hidden_units
        )
        with computing(section(Machine).num_threads or 1):
            probabilities = predict(bank, load_classifier(classifier.result, build), fitted.settings)
        table = predictions_for(
            bank.patient_ids,
            bank.seizure_ids,
            bank.views,
            bank.labels,
            probabilities,
            fold=self.fold,
            seed=self.seed,
            repeat=self.repeat,
            label_names=bank.label_names,
        )
        write_predictions(path, table, bank.label_names[1])
        return Amount(len(bank), "sequences")


def all_evaluations(cell: str = "") -> list[EvaluateFold]:
    """Return the task of every fold and seed of the present folds, with the settings of a cell."""
    return [
        EvaluateFold(fold=stage.fold, seed=stage.seed, cell=cell, repeat=stage.repeat)
        for stage in all_classifiers(cell)
    ]


class PoolPredictions(CellMixin, Stage):
    """Put the out-of-fold predictions of all folds and seeds into one table."""

    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all of a cell."""
        return in_cell("predictions", self.cell)

    def requires(self) -> list[EvaluateFold]:
        """Require the predictions of every fold and seed."""
        return all_evaluations(self.cell)

    def produce(self, path: Path) -> None:
        """Join the tables."""
        from seizures.evaluation.predictions import pool_predictions, read_predictions, write_predictions

        positive = section(Dataset).label_names()[1]
        tables = [read_predictions(stage.result, positive) for stage in self.requires()]
        write_predictions(path, pool_predictions(tables), positive)


class ScorePredictions(CellMixin, Stage):
    """Compute the metrics of the pooled predictions, with intervals over patients."""

    version = 6  # 6: baselines; 5: balanced accuracy, MCC; 2 to 4: order without ids, words, other intervals

    @property
    def label(self) -> str:
        """One file for all of a cell."""
        return in_cell("metrics", self.cell)

    def requires(self) -> list[Stage]:
        """Require the pooled predictions, and those of the baselines on the same folds."""
        return [PoolPredictions(cell=self.cell), *all_baselines(self.cell)]

    def reads(self) -> dict[str, Any]:
        """Return how to resample, and which label is positive."""
        return {
            "settings": section(Evaluation).settings(),
            "labels": section(Dataset).label_names(),
            "protocol": protocol_of(self.cell),
            "baseline_remarks": baseline_remarks(self.cell),
            **({"is_simulated": True} if section(Demo).enabled else {}),
        }

    def produce(self, path: Path) -> None:
        """Score."""
        import pandas as pd

        from seizures.evaluation.baselines import read_baselines, score_baselines
        from seizures.evaluation.predictions import read_predictions
        from seizures.evaluation.summary import summarise, write_summary

        negative, positive = section(Dataset).label_names()
        predictions = read_predictions(PoolPredictions(cell=self.cell).result, positive)
        summary = summarise(
            predictions,
            section(Evaluation).settings(),
            positive_label=positive,
            negative_label=negative,
            protocol=protocol_of(self.cell),
            is_simulated=section(Demo).enabled,
        )
        beside = score_baselines(
            predictions,
            pd.concat([read_baselines(stage.result, positive) for stage in all_baselines(self.cell)]),
            section(Evaluation).settings(),
            positive_label=positive,
            remarks=baseline_remarks(self.cell),
        )
        write_summary(path, {**summary, **beside})
