from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from seizures.classification.checkpoints import Fitted, load_checkpoint, load_classifier, save_classifier
from seizures.classification.losses import class_weights, weighted_loss
from seizures.classification.sequences import SequenceBank
from seizures.classification.training import fit, predict
from seizures.errors import SeizuresError, SettingsError, TooFewSeizuresError
from seizures.settings import TrainingSettings

DIM = 4
SETTINGS = TrainingSettings(num_segments=4, num_epochs=40, batch_size=8, num_inner_folds=3)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Mean(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(DIM, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.fc(features.mean(dim=1))


class Blstm(nn.Module):
    def __init__(self, hidden_units: int = 8) -> None:
        super().__init__()
        self.lstm = nn.LSTM(DIM, hidden_units, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden_units, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        _, (hidden, _) = self.lstm(features)
        return self.fc(hidden.transpose(0, 1).flatten(1))


def ordered_bank(num_patients: int = 12, seed: int = 0, label_noise: float = 0.0) -> SequenceBank:
    """Every seizure has a calm and a moving half; in a TCS the moving half comes last: the mean cannot tell."""
    rng = np.random.default_rng(seed)
    num_views = 2 * num_patients
    labels = np.repeat(np.arange(num_patients) % 2, 2)
    num_rows = rng.integers(60, 90, num_patients).repeat(2)
    values = []
    for label, num in zip(labels, num_rows, strict=True):
        moving = (np.arange(num) >= num / 2) == bool(label)
        values.append(rng.normal(0, 0.3, (num, DIM)) + np.where(moving, 1.0, -1.0)[:, None] * [1, 1, 0, 0])
    flipped = rng.random(num_views) < label_noise
    patients = tuple(f"P{index // 2:02}" for index in range(num_views))
    return SequenceBank(
        values=torch.from_numpy(np.concatenate(values)).float(),
        valid=np.ones(num_rows.sum(), dtype=bool),
        first_row=np.cumsum(num_rows) - num_rows,
        num_rows=num_rows,
        num_frames=num_rows + 3,
        labels=np.where(flipped, 1 - labels, labels).astype(np.int64),
        clonic_onset_seconds=np.full(num_views, np.nan),
        label_names=("FOS", "TCS"),
        patient_ids=patients,
        seizure_ids=("01",) * num_views,
        views=("large", "small") * num_patients,
        uses=("all",) * num_views,
        frames_per_snippet=4,
        stride_frames=1,
        frame_rate_hz=15.0,
    )


def features_of(bank: SequenceBank) -> torch.Tensor:
    return bank.values  # noqa: PD011  # a tensor, not a table


def accuracy(bank: SequenceBank, fitted: Fitted, build: type[nn.Module]) -> float:
    classifier = build()
    classifier.load_state_dict(fitted.state_dict)
    return float(((predict(bank, classifier, fitted.settings) >= 0.5) == bank.labels).mean())


def same_weights(one: Fitted, other: Fitted) -> bool:
    return all(torch.equal(one.state_dict[name], other.state_dict[name]) for name in one.state_dict)


def test_order_is_learnt_by_the_lstm_and_not_by_the_mean() -> None:
    training, held_out = ordered_bank(), ordered_bank(seed=1)
    blstm, mean = fit(training, Blstm, SETTINGS, seed=0), fit(training, Mean, SETTINGS, seed=0)
    assert accuracy(held_out, blstm, Blstm) == 1
    assert accuracy(held_out, mean, Mean) < 0.8
    assert blstm.history[-1].accuracy == 1
    assert blstm.history[-1].loss is not None
    assert blstm.history[0].loss is not None
    assert blstm.history[-1].loss < blstm.history[0].loss / 2
    assert pd.DataFrame(blstm.history)["epoch"].tolist() == list(range(1, 41))


def test_classes_weigh_what_balances_them() -> None:
    assert class_weights([0, 0, 0, 1, 1]).tolist() == [1, 1.5]
    assert class_weights([0, 1, 1, 1, 1]).tolist() == [1, 0.25]
    with pytest.raises(TooFewSeizuresError, match="found 3, 0 sequences"):
        class_weights([0, 0, 0])


@pytest.mark.parametrize("doubled", [0, 1])
def test_doubling_a_class_weight_doubles_the_loss_of_that_class_only(doubled: int) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 2, generator=generator)
    labels = torch.arange(20) % 2
    weights = class_weights([0, 0, 0, 1, 1])
    changed = weights.clone()
    changed[doubled] *= 2

    def sum_of(label: int, of: torch.Tensor) -> float:
        # The weighted mean divides by the weights of the batch: undone here, to see each class by itself.
        everything = weighted_loss(logits, labels, of) * of[labels].sum()
        others = labels != label
        return float(everything - weighted_loss(logits[others], labels[others], of) * of[labels[others]].sum())

    assert sum_of(doubled, changed) == pytest.approx(2 * sum_of(doubled, weights), rel=1e-4)
    assert sum_of(1 - doubled, changed) == pytest.approx(sum_of(1 - doubled, weights), rel=1e-4)


def test_the_class_weight_reaches_the_fit() -> None:
    """With features that say nothing, a weighted fit says 1/2 and an unweighted one the share of the class."""
    bank = ordered_bank(30)
    views = np.flatnonzero((bank.labels == 0) | (np.arange(len(bank)) % 20 == 2))
    bank = replace(bank.select(views), values=torch.zeros_like(features_of(bank)))
    assert (bank.labels == 0).sum() == 10 * (bank.labels == 1).sum()
    fitted = fit(bank, Mean, replace(SETTINGS, num_epochs=150, batch_size=100), seed=0)
    assert fitted.class_weights == (1, 10)
    classifier = Mean()
    classifier.load_state_dict(fitted.state_dict)
    np.testing.assert_allclose(predict(bank, classifier, SETTINGS), 0.5, atol=0.02)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    bank, settings = ordered_bank(), replace(SETTINGS, num_epochs=3)
    one = fit(bank, Blstm, settings, seed=7)
    torch.rand(5)
    fit(bank.select(np.arange(8)), Mean, settings, seed=1)
    state = torch.get_rng_state()
    again = fit(bank, Blstm, settings, seed=7)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.mkldnn.enabled
    assert one.history == again.history
    for fitted, name in ((one, "one.pt"), (again, "again.tmp.pt")):
        save_classifier(tmp_path / name, fitted, {"fold": 1})
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "again.tmp.pt").read_bytes()
    assert not same_weights(one, fit(bank, Blstm, settings, seed=8))


def test_positions_are_drawn_anew_every_epoch_and_never_in_evaluation() -> None:
    bank, seen = ordered_bank(), []

    class Spy(Mean):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            seen.append(features)
            return super().forward(features)

    whole = replace(SETTINGS, batch_size=100, num_epochs=2)
    fit(bank, Spy, whole, seed=0)
    sums = [sorted(batch.sum(dim=(1, 2)).tolist()) for batch in seen]
    assert sums[0] != sums[1]
    seen.clear()
    fit(bank, Spy, replace(whole, gamma=float("inf")), seed=0)
    sums = [sorted(batch.sum(dim=(1, 2)).tolist()) for batch in seen]
    assert sums[0] == sums[1]
    assert not torch.equal(seen[0], seen[1])  # shuffled
    seen.clear()
    spy = Spy()
    assert (predict(bank, spy, whole) == predict(bank, spy, whole)).all()
    middle = [
        bank.first_row[0] + round((f[0] + f[-1] - 3) / 2) for f in np.array_split(np.arange(bank.num_frames[0]), 4)
    ]
    assert torch.equal(seen[0][0], features_of(bank)[middle])


def test_views_that_are_for_evaluation_are_never_trained_on() -> None:
    bank, settings = ordered_bank(), replace(SETTINGS, num_epochs=3)
    uses = ("all", "evaluate") * 12
    poisoned = replace(bank, uses=uses, values=features_of(bank).clone())
    for view in np.flatnonzero(np.array(uses) == "evaluate"):
        features_of(poisoned)[bank.first_row[view] : bank.first_row[view] + bank.num_rows[view]] = torch.nan
    fitted = fit(poisoned, Blstm, settings, seed=0)
    assert fitted.num_views == 12
    assert same_weights(fitted, fit(bank.select(np.arange(0, 24, 2)), Blstm, settings, seed=0))
    inner = fit(poisoned, Blstm, replace(settings, selection="inner"), seed=0)
    assert np.isfinite([row.inner_loss for row in inner.history]).all()


def test_inner_folds_choose_the_number_of_epochs() -> None:
    bank = ordered_bank(label_noise=0.3, seed=3)
    settings = replace(SETTINGS, selection="inner", num_epochs=25)
    fitted = fit(bank, Blstm, settings, seed=0)
    losses = [row.inner_loss for row in fitted.history]
    assert len(losses) == 25
    assert fitted.num_epochs_used == int(np.argmin(losses)) + 1 < 25  # noise: longer training is worse
    last = fit(bank, Blstm, replace(SETTINGS, num_epochs=fitted.num_epochs_used), seed=0)
    assert same_weights(fitted, last)
    assert [row.loss for row in fitted.history[: fitted.num_epochs_used]] == [row.loss for row in last.history]
    assert fitted.history[-1].loss is None
    assert last.num_epochs_used == len(last.history)


def test_inner_folds_hold_out_patients() -> None:
    """Features that name the patient and labels by chance: only a fold that splits patients could learn anything."""
    bank = ordered_bank(num_patients=8)
    rng = np.random.default_rng(0)
    values = features_of(bank).clone()
    for patient in range(8):
        start = bank.first_row[2 * patient]
        values[start : start + 2 * bank.num_rows[2 * patient]] = torch.from_numpy(rng.normal(0, 3, DIM)).float()
    settings = replace(SETTINGS, selection="inner", num_epochs=30)
    fitted = fit(replace(bank, values=values), Blstm, settings, seed=0)
    assert fitted.history[-1].inner_loss > 0.5


def test_a_checkpoint_holds_all_that_predicting_needs(tmp_path: Path) -> None:
    bank = ordered_bank()
    fitted = fit(bank, Blstm, replace(SETTINGS, num_epochs=2, gamma=float("inf")), seed=3)
    save_classifier(tmp_path / "a.pt", fitted, {"fold": 4, "versions": {"torch": "2"}})
    found, attributes = load_checkpoint(tmp_path / "a.pt")
    assert attributes == {"fold": 4, "versions": {"torch": "2"}}
    assert replace(found, state_dict={}).__dict__ == replace(fitted, state_dict={}).__dict__
    assert (found.label_names, found.feature_dim, found.frames_per_snippet, found.stride_frames) == (
        ("FOS", "TCS"),
        DIM,
        4,
        1,
    )
    classifier = Blstm()
    classifier.load_state_dict(fitted.state_dict)
    state = torch.get_rng_state()
    loaded = load_classifier(tmp_path / "a.pt", Blstm)
    assert torch.equal(torch.get_rng_state(), state)
    assert not loaded.training
    probabilities = predict(bank, loaded, SETTINGS)
    assert probabilities.dtype == np.float64
    np.testing.assert_array_equal(probabilities, predict(bank, classifier, SETTINGS))


def test_unusable_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_classifier(path, fit(ordered_bank(), Blstm, replace(SETTINGS, num_epochs=1), seed=3))
    with pytest.raises(SeizuresError, match="another shape"):
        load_classifier(path, Mean)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SeizuresError, match="cannot be read as a classifier"):
        load_classifier(path, Blstm)
    torch.save({"fc.weight": torch.ones(2)}, path)
    with pytest.raises(SeizuresError, match="expected seizure-classifier version 1, found None"):
        load_classifier(path, Blstm)
    with pytest.raises(SeizuresError, match="cannot be read"):
        load_classifier(tmp_path / "none.pt", Blstm)


def test_what_cannot_be_fitted_is_said() -> None:
    bank = ordered_bank()
    with pytest.raises(TooFewSeizuresError, match="0 sequences"):
        fit(bank.select(bank.labels == 0), Mean, SETTINGS, seed=0)
    with pytest.raises(SettingsError, match="lower num_segments"):
        fit(bank, Mean, replace(SETTINGS, num_segments=64), seed=0)
    with pytest.raises(TooFewSeizuresError, match="num_inner_folds = 9"):
        fit(bank.select(np.arange(8)), Mean, replace(SETTINGS, selection="inner", num_inner_folds=9), seed=0)


def test_the_papers_protocol_keeps_the_epoch_that_suits_the_scored_views_best() -> None:
    bank = ordered_bank(label_noise=0.3, seed=3)
    training, held_out = bank.select(np.arange(12)), bank.select(np.arange(12, len(bank)))
    settings = replace(SETTINGS, selection="held_out", num_epochs=15)
    fitted = fit(training, Blstm, settings, seed=0, held_out=held_out)
    losses = [row.inner_loss for row in fitted.history]
    assert len(losses) == 15
    assert fitted.num_epochs_used == int(np.argmin(losses)) + 1
    weights = class_weights(training.labels)
    for num_epochs in (1, fitted.num_epochs_used):
        last = fit(training, Blstm, replace(settings, selection="last", num_epochs=num_epochs), seed=0)
        classifier = Blstm()
        classifier.load_state_dict(last.state_dict)
        chance = torch.from_numpy(predict(held_out, classifier.eval(), settings))
        logits = torch.stack([1 - chance, chance], dim=1).log().float()
        loss = weighted_loss(logits, torch.from_numpy(held_out.labels), weights)
        assert losses[num_epochs - 1] == pytest.approx(float(loss), rel=1e-3)
    assert same_weights(fitted, last)
    with pytest.raises(ValueError, match="will be scored"):
        fit(training, Blstm, settings, seed=0)


class Constant(nn.Module):
    """Say the same whatever it sees and however it is trained: all epochs are as good."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([0.3, -0.2]))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return 0 * self.bias + torch.tensor([0.3, -0.2]) + torch.zeros(len(values), 1)


def test_discarded_views_neither_train_nor_choose_the_epoch_and_the_first_of_equal_epochs_is_kept() -> None:
    bank = ordered_bank(label_noise=0.3, seed=3)
    settings = replace(SETTINGS, selection="held_out", num_epochs=12, loss="paper")
    uses = tuple("evaluate" if place in (2, 5, 15, 18) else "all" for place in range(len(bank)))
    training, held_out = np.arange(12), np.arange(12, len(bank))
    marked = replace(bank, uses=uses)
    found = fit(marked.select(training), Blstm, settings, seed=0, held_out=marked.select(held_out))
    usable = np.array([use == "all" for use in uses])
    without = fit(
        bank.select(training[usable[training]]),
        Blstm,
        settings,
        seed=0,
        held_out=bank.select(held_out[usable[held_out]]),
    )
    assert same_weights(found, without)
    assert [row.inner_loss for row in found.history] == [row.inner_loss for row in without.history]
    with_all = fit(marked.select(training), Blstm, settings, seed=0, held_out=bank.select(held_out))
    assert [row.inner_loss for row in with_all.history] != [row.inner_loss for row in found.history]
    # The loss is the paper's, of the views that may choose, by the weight of those that are trained on.
    trained = bank.labels[training[usable[training]]]
    labels = bank.labels[held_out[usable[held_out]]]
    constant = fit(marked.select(training), Constant, settings, seed=0, held_out=marked.select(held_out))
    weight, chances = len(trained) / trained.sum(), 1 / (1 + np.exp([-0.3, 0.2]))
    of_label = [-(weight * np.log(chances[one]) + np.log(1 - chances[1 - one])) / 2 for one in (0, 1)]
    assert constant.num_epochs_used == 1
    assert constant.history[0].inner_loss == pytest.approx(np.mean([of_label[one] for one in labels]), rel=1e-5)
    hidden = replace(bank, uses=("evaluate",) * len(bank)).select(held_out)
    with pytest.raises(TooFewSeizuresError, match="no view with use = all"):
        fit(marked.select(training), Blstm, settings, seed=0, held_out=hidden)
