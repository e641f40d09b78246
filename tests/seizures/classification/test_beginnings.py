"""Training on beginnings: what is drawn, how often, and that nothing is drawn where it is not asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.classification.training import fit
from seizures.settings import TrainingSettings

LENGTH, NUM_SEGMENTS = 4, 3
FEWEST_FRAMES = NUM_SEGMENTS * (LENGTH + 1)


def make_bank(num_rows: list[int], valid: list[bool] | None = None, stride: int = 1) -> SequenceBank:
    """Return a bank whose only feature is the row's number in its view."""
    rows = np.array(num_rows, dtype=np.int64)
    names = tuple(f"P{index}" for index in range(len(rows)))
    return SequenceBank(
        values=torch.cat([torch.arange(num, dtype=torch.float32) for num in num_rows])[:, None],
        valid=np.ones(rows.sum(), dtype=bool) if valid is None else np.array(valid),
        first_row=np.cumsum(rows) - rows,
        num_rows=rows,
        num_frames=(rows - 1) * stride + LENGTH,
        labels=np.arange(len(rows)) % 2,
        clonic_onset_seconds=np.full(len(rows), np.nan),
        label_names=("FOS", "TCS"),
        patient_ids=names,
        seizure_ids=names,
        views=("large",) * len(rows),
        uses=("all",) * len(rows),
        frames_per_snippet=LENGTH,
        stride_frames=stride,
        frame_rate_hz=15.0,
    )


@given(st.data())
def test_a_beginning_never_looks_past_its_end_and_has_room_for_the_segments(data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, 5))
    fewest = -(-(FEWEST_FRAMES - LENGTH) // stride) + 1
    num_rows = data.draw(st.lists(st.integers(fewest, fewest + 30), min_size=1, max_size=3))
    valid = data.draw(st.lists(st.booleans(), min_size=sum(num_rows), max_size=sum(num_rows)))
    for last in np.cumsum(num_rows):
        valid[last - 1] = True
    bank = make_bank(num_rows, valid, stride)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    sampler = SequenceSampler(bank, NUM_SEGMENTS).draw_beginnings(rng)
    seen = sampler._bank
    assert (seen.num_frames >= FEWEST_FRAMES).all()
    assert (seen.num_rows <= bank.num_rows).all()
    rows = sampler.draw_rows(1.0, rng).numpy()
    assert bank.valid[rows].all()
    assert (rows >= bank.first_row[:, None]).all()
    assert (rows < (bank.first_row + seen.num_rows)[:, None]).all()
    # It is what a film that ends there would give: nothing but the first rows and frames is known of it.
    cut = dataclasses.replace(bank, num_rows=seen.num_rows, num_frames=seen.num_frames)
    np.testing.assert_array_equal(SequenceSampler(cut, NUM_SEGMENTS).rows(0.5), sampler.rows(0.5))


def test_half_are_whole_and_every_length_is_as_likely() -> None:
    fewest, longest = FEWEST_FRAMES - LENGTH + 1, 31
    bank = make_bank([longest] * 40_000)
    num_rows = SequenceSampler(bank, NUM_SEGMENTS).draw_beginnings(np.random.default_rng(0))._bank.num_rows
    counts = np.bincount(num_rows, minlength=longest + 1)
    assert counts[:fewest].sum() == 0
    num_lengths = longest - fewest + 1
    assert counts[longest] / 40_000 == pytest.approx(0.5 + 0.5 / num_lengths, abs=0.01)
    assert counts[fewest:longest] / 40_000 == pytest.approx(np.full(num_lengths - 1, 0.5 / num_lengths), abs=0.005)


def test_the_shortest_view_is_always_whole() -> None:
    bank = make_bank([FEWEST_FRAMES - LENGTH + 1] * 50)
    sampler = SequenceSampler(bank, NUM_SEGMENTS).draw_beginnings(np.random.default_rng(0))
    np.testing.assert_array_equal(sampler._bank.num_rows, bank.num_rows)


class Recorder(nn.Module):
    """A mean and a linear layer that keep what they are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(1, 2)
        self.seen: list[torch.Tensor] = []

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        self.seen.append(features.detach().clone())
        return self.fc(features.mean(dim=1) / 100)


def seen_rows(settings: TrainingSettings, seed: int = 0) -> tuple[np.ndarray, dict[str, torch.Tensor]]:
    """Return the last of the rows of every sequence of every epoch, and the weights."""
    made: list[Recorder] = []

    def build() -> nn.Module:
        made.append(Recorder())
        return made[-1]

    fitted = fit(make_bank([100] * 8), build, settings, seed=seed)
    return torch.cat(made[-1].seen)[:, :, 0].numpy(), fitted.state_dict


NONE = TrainingSettings(num_segments=NUM_SEGMENTS, num_epochs=50, gamma=4.0)
RANDOM = dataclasses.replace(NONE, beginnings="random")


def test_training_sees_beginnings_only_where_they_are_asked_for_and_anew_in_each_epoch() -> None:
    (whole, _), (cut, _) = seen_rows(NONE), seen_rows(RANDOM)
    assert whole[:, -1].min() > 66  # the last of three segments of whole views
    assert (cut[:, -1] < 66).mean() == pytest.approx(0.38, abs=0.08)  # half of them; of those, about three quarters
    by_epoch = (cut[:, -1] < 66).reshape(50, 8)
    assert len(np.unique(by_epoch.sum(axis=1))) > 2


def test_the_draws_follow_from_the_seed() -> None:
    (one, weights), (again, same), (other, _) = seen_rows(RANDOM), seen_rows(RANDOM), seen_rows(RANDOM, seed=1)
    np.testing.assert_array_equal(one, again)
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert not np.array_equal(one, other)


def test_without_beginnings_every_draw_is_the_one_it_has_always_been() -> None:
    """The draws of an epoch are positions, then the order of the views, and nothing before or between."""
    (seen, _), rng = seen_rows(dataclasses.replace(NONE, num_epochs=2)), np.random.default_rng(0)
    bank = make_bank([100] * 8)
    sampler = SequenceSampler(bank, NUM_SEGMENTS)
    for epoch in range(2):
        rows = sampler.draw_rows(4.0, rng).numpy() - bank.first_row[:, None]
        np.testing.assert_array_equal(seen[8 * epoch : 8 * epoch + 8], rows[rng.permutation(8)])
