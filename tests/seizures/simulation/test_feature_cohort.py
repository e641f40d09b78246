from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from seizures.classification.sequences import SequenceBank, load_bank
from seizures.classification.training import fit
from seizures.evaluation.comparison import compare
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.features.file import open_features
from seizures.settings import EvaluationSettings, TrainingSettings
from seizures.simulation.feature_cohort import CohortSettings, simulate_seizures, write_cohort

torch.set_num_threads(1)
SMALL = CohortSettings(feature_dim=24, stride_frames=30)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_cohort(tmp_path_factory.mktemp("cohort"), SMALL)


def test_the_cohort_has_the_papers_shape() -> None:
    seizures = simulate_seizures()
    assert Counter(seizure.label for seizure in seizures) == {"FOS": 106, "TCS": 77}
    labels_of = {seizure.patient_id: set() for seizure in seizures}
    for seizure in seizures:
        labels_of[seizure.patient_id].add(seizure.label)
    kinds = Counter("+".join(sorted(labels)) for labels in labels_of.values())
    assert kinds == {"FOS": 2, "TCS": 32, "FOS+TCS": 34}
    counts = Counter(seizure.patient_id for seizure in seizures)
    assert np.median(list(counts.values())) == 2
    assert max(counts.values()) <= 16
    for label, (shortest, median, longest) in {"FOS": (16, 53, 701), "TCS": (51, 93, 1098)}.items():
        seconds = [seizure.duration_seconds for seizure in seizures if seizure.label == label]
        assert shortest <= min(seconds) <= max(seconds) <= longest
        assert np.median(seconds) == pytest.approx(median, rel=0.2)
    assert len({(seizure.patient_id, seizure.seizure_id) for seizure in seizures}) == 183


def test_the_same_settings_give_the_same_features(paths: list[Path], tmp_path: Path) -> None:
    again = write_cohort(tmp_path, SMALL)
    for one, other in zip(paths[:5], again[:5], strict=True):
        with open_features(one) as first, open_features(other) as second:
            assert list(first.views) == ["large", "small"]
            np.testing.assert_array_equal(first.views["small"].read(), second.views["small"].read())
    with open_features(write_cohort(tmp_path, replace(SMALL, seed=1))[0]) as other, open_features(paths[0]) as first:
        assert first.views["small"].read()[:5].tolist() != other.views["small"].read()[:5].tolist()


class Mean(nn.Module):
    """The mean and a linear layer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc = nn.Linear(dim, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(features.mean(dim=1))
        return logits


class Blstm(nn.Module):
    """Both last hidden states and a linear layer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lstm, self.fc = nn.LSTM(dim, 16, batch_first=True, bidirectional=True), nn.Linear(32, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.lstm(features)[1][0].transpose(0, 1).flatten(start_dim=1))
        return logits


def out_of_fold(bank: SequenceBank, kind: type[nn.Module], *, deals: str = "patients") -> pd.DataFrame:
    """Train on three of four quarters of the patients, or of the seizures, and predict the other."""
    from seizures.classification.training import predict

    _, seizure = np.unique(
        [f"{a}+{b}" for a, b in zip(bank.patient_ids, bank.seizure_ids, strict=True)], return_inverse=True
    )
    quarter = np.array([int(patient[1:]) for patient in bank.patient_ids] if deals == "patients" else seizure) % 4
    settings = TrainingSettings(num_segments=8, num_epochs=25)
    tables = []
    for fold in range(4):
        training, held_out = bank.select(quarter != fold), bank.select(quarter == fold)
        fitted = fit(training, functools.partial(kind, bank.feature_dim), settings, seed=0)
        classifier = kind(bank.feature_dim)
        classifier.load_state_dict(fitted.state_dict)
        chance = predict(held_out, classifier, settings)
        ids = (held_out.patient_ids, held_out.seizure_ids, held_out.views, held_out.labels)
        tables.append(predictions_for(*ids, chance, fold, 0))
    return pool_predictions(tables)


def test_order_matters_in_the_cohort_so_that_a_blstm_beats_a_mean_by_an_interval_without_0(paths: list[Path]) -> None:
    bank = load_bank(paths)
    assert len(bank) == 366
    found = compare(out_of_fold(bank, Blstm), out_of_fold(bank, Mean), EvaluationSettings(num_bootstraps=1000))
    accuracy = found["metrics"]["accuracy"]
    assert (found["num_patients"], found["num_seizures"]) == (68, 183)
    assert accuracy["low"] > 0
    assert found["test"]["p_value"] < 0.01


def test_whoever_deals_seizures_and_not_patients_is_optimistic(tmp_path: Path) -> None:
    bank = load_bank(write_cohort(tmp_path, CohortSettings(feature_dim=128, stride_frames=30)))
    found = compare(
        out_of_fold(bank, Mean, deals="seizures"), out_of_fold(bank, Mean), EvaluationSettings(num_bootstraps=1000)
    )
    assert found["metrics"]["accuracy"]["low"] > 0
