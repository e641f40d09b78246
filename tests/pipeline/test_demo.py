"""The demo as it is shipped: its score is better than chance, and with labels shuffled between patients it is not.

The control catches leaks: if anything of a held-out patient reached the classifier, shuffled labels could be learnt.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil

import numpy as np
import pandas as pd
import pytest
from small_project import REPOSITORY, Project

import models
from seizures.classification.folds import FoldItem, assign_folds, training_and_held_out
from seizures.classification.sequences import SequenceBank, load_bank
from seizures.classification.threads import threads
from seizures.classification.training import fit, predict
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.evaluation.summary import read_summary, summarise
from seizures.features.file import open_features
from seizures.settings import EvaluationSettings, FoldSettings, TrainingSettings


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the shipped demo after RunAll."""
    project = Project(tmp_path_factory.mktemp("demo"))
    for name in ("luigi.cfg", "logging.cfg", "data_manifest.csv"):
        shutil.copy(REPOSITORY / name, project.folder / name)
    project.first_run = project.run_all()
    assert project.first_run.exit_code == 0, project.first_run
    return project


def test_the_shipped_demo_is_better_than_chance(demo: Project) -> None:
    summary = read_summary(demo.results / "current" / "metrics.json")
    assert summary["num_patients"] == 12
    assert summary["num_seizures"] == 36
    assert summary["chance"]["accuracy_interval_excludes_chance"], summary["metrics"]["accuracy"]


def test_shuffled_labels_cannot_be_learnt(demo: Project) -> None:
    paths = []
    for path in sorted(demo.results.glob("ExtractFeatures/*/*.h5")):
        with open_features(path) as file:
            paths += [path] if file.network != "movement" else []  # which is the baselines'
    bank = load_bank(paths, uses=("all", "evaluate"))
    shuffled = shuffle_labels(bank, np.random.default_rng(0))
    summary = cross_validate(shuffled)
    assert not summary["chance"]["accuracy_interval_excludes_chance"], summary["metrics"]["accuracy"]


def shuffle_labels(bank: SequenceBank, rng: np.random.Generator) -> SequenceBank:
    """Deal the labels of all seizures anew; the views of a seizure keep one label."""
    names = list(dict.fromkeys(zip(bank.patient_ids, bank.seizure_ids, strict=True)))
    label_of = dict(zip(zip(bank.patient_ids, bank.seizure_ids, strict=True), bank.labels.tolist(), strict=True))
    dealt = dict(zip(names, rng.permutation([label_of[name] for name in names]).tolist(), strict=True))
    labels = [dealt[name] for name in zip(bank.patient_ids, bank.seizure_ids, strict=True)]
    return dataclasses.replace(bank, labels=np.asarray(labels, dtype=np.int64))


def cross_validate(bank: SequenceBank) -> dict[str, object]:
    """Train and score every fold, as the stages of the pipeline do."""
    settings = TrainingSettings(num_epochs=60)
    seizures = {
        (patient, seizure): FoldItem(patient, seizure, bank.label_names[label], 20.0)
        for patient, seizure, label in zip(bank.patient_ids, bank.seizure_ids, bank.labels, strict=True)
    }
    rows = assign_folds(list(seizures.values()), FoldSettings(num_folds=6))
    build = functools.partial(models.build_aggregation, "blstm", bank.feature_dim, settings.hidden_units)
    tables: list[pd.DataFrame] = []
    with threads(1):
        for fold in range(6):
            training_rows, _ = training_and_held_out(rows, fold)
            patients = {row.patient_id for row in training_rows}
            is_training = np.array([patient in patients for patient in bank.patient_ids])
            fitted = fit(bank.select(is_training), build, settings, seed=0)
            held_out = bank.select(~is_training)
            classifier = build()
            classifier.load_state_dict(fitted.state_dict)
            tables.append(
                predictions_for(
                    held_out.patient_ids,
                    held_out.seizure_ids,
                    held_out.views,
                    held_out.labels,
                    predict(held_out, classifier, settings),
                    fold=fold,
                    seed=0,
                )
            )
    return summarise(pool_predictions(tables), EvaluationSettings())
