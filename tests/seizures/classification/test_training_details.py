"""Details of a fit that a score would hide: the mode of the network, and by what the losses of inner folds weigh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from seizures.classification import training
from seizures.classification.losses import class_weights, weighted_loss
from seizures.classification.sequences import SequenceBank
from seizures.classification.training import fit, predict
from seizures.settings import TrainingSettings

DIM, NUM_ROWS = 3, 30
SETTINGS = TrainingSettings(num_segments=2, num_epochs=3, batch_size=4, num_inner_folds=3, learning_rate=0.1)


class Dropping(nn.Module):
    """A network that is another in training than in evaluation, and remembers in which mode it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(DIM, 2)
        self.drop = nn.Dropout(0.5)
        asked.append([])
        self.asked = asked[-1]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        self.asked.append((self.training, torch.is_grad_enabled()))
        return self.fc(self.drop(features.mean(dim=1)))


asked: list[list[tuple[bool, bool]]] = []


@pytest.fixture(autouse=True)
def _nothing_asked():
    asked.clear()
    yield
    asked.clear()


def bank(labels: str) -> SequenceBank:
    """Return a bank of one view for each label, each of a patient of its own."""
    num_views = len(labels)
    values = np.random.default_rng(0).normal(size=(num_views * NUM_ROWS, DIM))
    return SequenceBank(
        values=torch.from_numpy(values).float(),
        valid=np.ones(num_views * NUM_ROWS, dtype=bool),
        first_row=np.arange(num_views) * NUM_ROWS,
        num_rows=np.full(num_views, NUM_ROWS),
        num_frames=np.full(num_views, NUM_ROWS + 3),
        labels=np.array([int(label) for label in labels]),
        clonic_onset_seconds=np.full(num_views, np.nan),
        label_names=("FOS", "TCS"),
        patient_ids=tuple(f"P{view}" for view in range(num_views)),
        seizure_ids=("1",) * num_views,
        views=("large",) * num_views,
        uses=("all",) * num_views,
        frames_per_snippet=4,
        stride_frames=1,
        frame_rate_hz=15.0,
    )


@pytest.mark.parametrize("selection", ["last", "inner", "held_out"])
def test_a_network_learns_in_training_mode_and_is_judged_in_evaluation_mode(selection: str) -> None:
    settings = replace(SETTINGS, selection=selection)
    fit(bank("0101010"), Dropping, settings, seed=0, held_out=bank("01") if selection == "held_out" else None)
    assert len(asked) == {"last": 1, "inner": 4, "held_out": 2}[selection]
    for run in asked:
        assert run
        assert all(is_training == learns for is_training, learns in run)
    judged = [any(not learns for _, learns in run) for run in asked]
    assert judged == {"last": [False], "inner": [True] * 3 + [False], "held_out": [True, False]}[selection]


@pytest.mark.parametrize("was_training", [False, True])
def test_predicting_leaves_the_mode_of_the_network_as_it_was(was_training: bool) -> None:
    network = Dropping().train(was_training)
    one, other = (predict(bank("0101"), network, SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert network.training is was_training
    assert set(asked[0]) == {(False, False)}


def test_an_inner_fold_weighs_its_classes_by_what_it_trains_on() -> None:
    """Ten FOS and four TCS do not divide by three: the folds train on other shares than the whole bank has."""
    whole = bank("00000000001111")
    settings = replace(SETTINGS, selection="inner")
    fitted = fit(whole, Dropping, settings, seed=5)
    folds = training._inner_folds(whole, 3, 5, {})
    total_loss, total_weight, seen = 0.0, 0.0, set()
    for fold in range(3):
        trained_on, held_out = whole.select(folds != fold), whole.select(folds == fold)
        weights = class_weights(trained_on.labels)
        seen.add(tuple(weights.tolist()))
        one = fit(trained_on, Dropping, replace(SETTINGS, num_epochs=1), seed=5)
        network = Dropping()
        network.load_state_dict(one.state_dict)
        chance = torch.from_numpy(predict(held_out, network, settings))
        logits = torch.stack([1 - chance, chance], dim=1).log()
        share = float(weights[held_out.labels].sum())
        total_loss += share * float(weighted_loss(logits, torch.from_numpy(held_out.labels), weights.double()))
        total_weight += share
    assert tuple(class_weights(whole.labels).tolist()) not in seen
    assert fitted.history[0].inner_loss == pytest.approx(total_loss / total_weight, rel=1e-5)
