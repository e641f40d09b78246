"""The snippets that a verdict needs are those that evaluation would take, damaged frames or not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.errors import TooShortError
from seizures.prediction.middles import middle_rows, segment_seconds


def bank(valid: list[np.ndarray], length: int, stride: int) -> SequenceBank:
    num_rows = np.array([len(flags) for flags in valid])
    numbers = torch.arange(int(num_rows.sum()), dtype=torch.float32)[:, None]
    names = tuple(f"view{number}" for number in range(len(valid)))
    return SequenceBank(
        numbers, np.concatenate(valid), np.cumsum(num_rows) - num_rows, num_rows, (num_rows - 1) * stride + length,
        np.zeros(len(valid), dtype=np.int64), np.full(len(valid), np.nan), ("FOS", "TCS"), ("P",) * len(valid),
        ("1",) * len(valid), names, ("all",) * len(valid), length, stride, 15.0,
    )  # fmt: skip


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_rows_are_those_that_evaluation_takes(data: st.DataObject) -> None:
    length, stride, num_segments = (data.draw(st.integers(1, top)) for top in (8, 6, 6))
    fewest = -(-num_segments * (length + 1) // stride) + 1
    valid = []
    for _ in range(data.draw(st.integers(1, 3))):
        flags = np.array(data.draw(st.lists(st.booleans(), min_size=fewest, max_size=fewest + 60)))
        flags[data.draw(st.integers(0, len(flags) - 1))] = True
        valid.append(flags)
    whole = bank(valid, length, stride)
    expected = SequenceSampler(whole, num_segments).rows(0.5).numpy() - whole.first_row[:, None]
    found = middle_rows(
        dict(zip(whole.views, valid, strict=True)),
        frames_per_snippet=length, stride_frames=stride, frame_rate_hz=15.0, num_segments=num_segments,
    )  # fmt: skip
    assert list(found) == list(whole.views)
    assert np.array_equal(np.stack(list(found.values())), expected)
    for flags, rows in zip(valid, found.values(), strict=True):
        assert flags[rows].all()


def test_a_view_that_is_too_short_is_passed_over_and_all_too_short_is_an_error() -> None:
    long, short = np.ones(60, dtype=bool), np.ones(20, dtype=bool)
    way = {"frames_per_snippet": 8, "stride_frames": 1, "frame_rate_hz": 15.0, "num_segments": 4}
    assert list(middle_rows({"large": long, "small": short}, **way)) == ["large"]
    with pytest.raises(TooShortError, match=r"lasts 1\.8 s, and the classifier needs at least 2\.4 s"):
        middle_rows({"small": short}, **way)


def test_segments_cover_the_seizure_without_a_gap() -> None:
    segments = segment_seconds(100, 16, 10.0)
    assert segments[0][0] == 0
    assert segments[-1][1] == 10
    assert all(one[1] == two[0] for one, two in itertools.pairwise(segments))
    assert len(segments) == 16
