from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.classification import sequences
from seizures.classification.sampling import sample_positions, start_frames_to_rows
from seizures.classification.sequences import SequenceBank, SequenceSampler, load_bank
from seizures.errors import FeatureFileError, SettingsError
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter

import torch  # isort: skip

HEADER = FeatureHeader("P01", "01", "FOS", {}, "0" * 12, "toy", "random:0", 4, 1, 15.0)
FACTS = ViewFacts("a.mp4", "00", None, None, None, "all", 320, 240, 25.0, "h264", 100, "scale")


def write(path: Path, header: FeatureHeader, views: dict[str, tuple[int, str]], feature_dim: int = 3) -> Path:
    """`views`: name to (number of rows, use); feature 0 is the row, feature 1 the length."""
    with FeatureFileWriter(path, header) as file:
        for name, (num_rows, use) in views.items():
            valid = np.arange(num_rows) != 2
            writer = file.create_view(name, num_rows, feature_dim, replace(FACTS, use=use), valid)
            rows = np.full((num_rows, feature_dim), num_rows, dtype=np.float32)
            rows[:, 0] = np.arange(num_rows)
            writer.write(0, rows)
    return path


def make_bank(num_rows: list[int], valid: list[bool] | None = None, length: int = 4, stride: int = 1) -> SequenceBank:
    rows = np.array(num_rows, dtype=np.int64)
    names = tuple(f"P{index}" for index in range(len(rows)))
    return SequenceBank(
        values=torch.arange(int(rows.sum()), dtype=torch.float32)[:, None],
        valid=np.ones(rows.sum(), dtype=bool) if valid is None else np.array(valid),
        first_row=np.cumsum(rows) - rows,
        num_rows=rows,
        num_frames=(rows - 1) * stride + length,
        labels=np.arange(len(rows)) % 2,
        clonic_onset_seconds=np.full(len(rows), np.nan),
        label_names=("FOS", "TCS"),
        patient_ids=names,
        seizure_ids=names,
        views=("large",) * len(rows),
        uses=("all",) * len(rows),
        frames_per_snippet=length,
        stride_frames=stride,
        frame_rate_hz=15.0,
    )


def test_a_bank_holds_what_the_files_hold(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.h5", HEADER, {"large": (10, "all"), "small": (12, "evaluate")}),
        write(tmp_path / "b.h5", replace(HEADER, patient_id="P02", label="TCS"), {"large": (7, "all")}),
    ]
    bank = load_bank(paths, uses=("all", "evaluate"))
    assert bank.names == ("P01+01+large", "P01+01+small", "P02+01+large")
    assert bank.uses == ("all", "evaluate", "all")
    assert bank.labels.tolist() == [0, 0, 1]
    assert bank.num_frames.tolist() == [13, 15, 10]
    assert bank.values.dtype == torch.float32
    for first, num in zip(bank.first_row, bank.num_rows, strict=True):
        view = bank.values[first : first + num]
        assert view[:, 0].tolist() == list(range(num))
        assert (view[:, 1] == num).all()
        assert np.flatnonzero(~bank.valid[first : first + num]).tolist() == [2]
    training = load_bank(paths)
    assert training.names == ("P01+01+large", "P02+01+large")
    assert training.values.shape == (17, 3)
    assert (training.feature_dim, training.frames_per_snippet, training.stride_frames) == (3, 4, 1)


def test_selecting_shares_the_features(tmp_path: Path) -> None:
    bank = make_bank([10, 20, 30])
    chosen = bank.select(np.array([False, True, True]))
    assert chosen.values is bank.values
    assert chosen.patient_ids == ("P1", "P2")
    assert chosen.first_row.tolist() == [10, 30]
    assert bank.select([2, 0]).num_rows.tolist() == [30, 10]
    assert len(bank.select(np.zeros(3, dtype=bool))) == 0


@pytest.mark.parametrize(
    ("changes", "feature_dim", "message"),
    [
        ({"network": "other"}, 3, "network: toy and other"),
        ({"weights_sha256": "ff"}, 3, "weights_sha256: random:0 and ff"),
        ({"stride_frames": 2, "frame_rate_hz": 5.0}, 3, "stride_frames: 1 and 2; frame_rate_hz: 15.0 and 5.0"),
        ({}, 4, "feature_dim: 3 and 4"),
        ({"label": "PNES"}, 3, "its label is PNES; expected one of FOS, TCS"),
        ({"label": ""}, 3, "b.h5: the label of its seizure is not known: it can be neither trained on nor scored"),
    ],
)
def test_what_does_not_mix_is_refused(tmp_path: Path, changes, feature_dim, message) -> None:
    one = write(tmp_path / "a.h5", HEADER, {"large": (10, "all")})
    other = write(tmp_path / "b.h5", replace(HEADER, **changes), {"large": (10, "all")}, feature_dim)
    with pytest.raises(FeatureFileError, match=message):
        load_bank([one, other])


def test_no_view_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", HEADER, {"large": (10, "evaluate")})
    with pytest.raises(FeatureFileError, match="no view with use all"):
        load_bank([path])


@given(st.lists(st.integers(40, 200), min_size=1, max_size=4), st.integers(1, 8), st.integers(0, 9))
def test_rows_follow_the_rule_of_the_method(num_rows: list[int], num_segments: int, seed: int) -> None:
    bank = make_bank(num_rows)
    positions = np.random.default_rng(seed).random((len(num_rows), num_segments))
    rows = SequenceSampler(bank, num_segments).rows(positions)
    for view, num in enumerate(num_rows):
        for segment, frames in enumerate(np.array_split(np.arange(num + 3), num_segments)):
            first, last = frames[0], frames[-1] - 4 + 1
            wanted = round(first + positions[view, segment] * (last - first))
            assert rows[view, segment] == bank.first_row[view] + wanted


def test_a_stride_stays_within_the_view() -> None:
    bank = make_bank([20, 25], stride=3)
    rows = SequenceSampler(bank, 4).rows(1.0 + np.zeros((2, 4)))
    assert rows.max(dim=1).values.tolist() == [19, 44]
    assert SequenceSampler(bank, 4).rows(0.5).shape == (2, 4)


def _nearest_valid(bank: SequenceBank, view: int, segment: int, row: int, num_segments: int) -> int:
    first = bank.first_row[view]
    frames = np.array_split(np.arange(bank.num_frames[view]), num_segments)[segment]
    valid = [first + r for r in range(bank.num_rows[view]) if bank.valid[first + r]]
    inside = [r for r in valid if frames[0] <= r - first <= frames[-1] - bank.frames_per_snippet + 1]
    return min(inside or valid, key=lambda candidate: (abs(candidate - row), candidate))


@given(st.data())
def test_a_snippet_that_cannot_be_used_gives_way_to_the_nearest(data: st.DataObject) -> None:
    num_rows = data.draw(st.lists(st.integers(20, 40), min_size=1, max_size=3))
    valid = data.draw(st.lists(st.booleans(), min_size=sum(num_rows), max_size=sum(num_rows)))
    for start in np.cumsum(num_rows) - num_rows:
        valid[start + data.draw(st.integers(0, 19))] = True
    bank = make_bank(num_rows, valid)
    whole = make_bank(num_rows)
    positions = np.random.default_rng(0).random((len(num_rows), 3))
    rows, unhindered = (SequenceSampler(b, 3).rows(positions) for b in (bank, whole))
    for (view, segment), row in np.ndenumerate(unhindered.numpy()):
        assert rows[view, segment] == (row if bank.valid[row] else _nearest_valid(bank, view, segment, row, 3))


def test_short_views_are_named() -> None:
    with pytest.raises(SettingsError, match=r"takes 80 frames a seizure .* P1\+P1\+large has 33"):
        SequenceSampler(make_bank([100, 30]), 16)


def test_more_features_than_memory_should_hold_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / "a.h5", HEADER, {"large": (10, "all"), "small": (12, "all")})]
    in_memory = load_bank(paths)
    monkeypatch.setattr(sequences, "LARGEST_IN_MEMORY_BYTES", 100)
    mapped = []
    monkeypatch.setattr(
        np, "memmap", lambda *args, kind=np.memmap, **kw: mapped.append(kind(*args, **kw)) or mapped[-1]
    )
    in_file = load_bank(paths)
    assert len(mapped) == 1
    assert torch.equal(in_file.values, in_memory.values)


@pytest.mark.parametrize("gamma", [1, 4, math.inf])
def test_training_draws_what_the_door_draws(gamma: float) -> None:
    bank = make_bank([100])
    rows = SequenceSampler(bank, 4).draw_rows(gamma, np.random.default_rng(7))
    starts = sample_positions(int(bank.num_frames[0]), bank.frames_per_snippet, 4, gamma, np.random.default_rng(7))
    np.testing.assert_array_equal(rows[0], start_frames_to_rows(starts, bank.stride_frames, int(bank.num_rows[0])))
