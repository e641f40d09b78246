"""One snippet from each segment: the paper's rule, written out literally, against the vectorised code."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from seizures.classification.sampling import (
    draw_positions,
    draw_starts,
    minimum_frames,
    place_snippets,
    sample_positions,
    segment_ranges,
    start_frames_to_rows,
)
from seizures.errors import SeizuresError

SEGMENTS = (2, 4, 8, 16)


def literal_starts(num_frames: int, frames_per_snippet: int, num_segments: int, positions: list[float]) -> list[int]:
    """Segments and starts as the docstring of `sampling` defines them, one by one in plain Python."""
    starts = []
    segments = np.array_split(np.arange(num_frames), num_segments)
    for segment, position in zip(segments, positions, strict=True):
        assert len(segment) > frames_per_snippet
        first, last = int(segment[0]), int(segment[-1]) - frames_per_snippet + 1
        starts.append(round(first + position * (last - first)))
    return starts


@pytest.mark.parametrize("frames_per_snippet", [8, 32])
@pytest.mark.parametrize("num_segments", SEGMENTS)
@pytest.mark.parametrize("position", [0.0, 0.5, 1.0])
def test_every_length_up_to_a_minute(frames_per_snippet: int, num_segments: int, position: float) -> None:
    lengths = np.arange(minimum_frames(frames_per_snippet, num_segments), 900)
    first, last = segment_ranges(lengths, frames_per_snippet, num_segments)
    starts = place_snippets(first, last, position)
    wanted = [literal_starts(int(n), frames_per_snippet, num_segments, [position] * num_segments) for n in lengths]
    np.testing.assert_array_equal(starts, wanted)


@settings(deadline=None)
@given(data=st.data(), num_segments=st.integers(1, 40), frames_per_snippet=st.integers(1, 40))
def test_any_lengths_and_positions_in_one_batch(
    data: st.DataObject, num_segments: int, frames_per_snippet: int
) -> None:
    shortest = minimum_frames(frames_per_snippet, num_segments)
    num_frames = data.draw(st.lists(st.integers(shortest, shortest + 5000), min_size=1, max_size=5))
    unit = st.floats(0, 1) | st.sampled_from([0.5, 0.25])
    row = st.lists(unit, min_size=num_segments, max_size=num_segments)
    positions = data.draw(st.lists(row, min_size=len(num_frames), max_size=len(num_frames)))
    first, last = segment_ranges(np.array(num_frames), frames_per_snippet, num_segments)
    assert first.shape == last.shape == (len(num_frames), num_segments)
    starts = place_snippets(first, last, np.array(positions))
    assert starts.dtype == np.int64
    pairs = zip(num_frames, positions, strict=True)
    assert starts.tolist() == [literal_starts(n, frames_per_snippet, num_segments, b) for n, b in pairs]


def test_halves_go_to_the_even_frame() -> None:
    assert place_snippets([[0, 0, 1]], [[1, 3, 2]], 0.5).tolist() == [[0, 2, 2]]


@pytest.mark.parametrize("num_segments", SEGMENTS)
def test_minimum_frames_is_the_shortest_that_works(num_segments: int) -> None:
    shortest = minimum_frames(8, num_segments)
    assert min(map(len, np.array_split(np.arange(shortest), num_segments))) == 9
    segment_ranges([shortest], 8, num_segments)
    with pytest.raises(SeizuresError, match=f"1 of 2 recordings .* at least {shortest} .* shortest has {shortest - 1}"):
        segment_ranges([shortest - 1, shortest], 8, num_segments)


def test_no_recordings_have_no_segments() -> None:
    first, last = segment_ranges(np.array([], dtype=np.int64), 8, 4)
    assert first.shape == last.shape == (0, 4)


@pytest.mark.parametrize("gamma", [1.0, 1.25, 2.0, 4.0])
def test_positions_follow_the_beta_distribution(gamma: float) -> None:
    positions = draw_positions(gamma, (200, 500), np.random.default_rng(0))
    assert positions.shape == (200, 500)
    assert positions.dtype == np.float64
    assert ((positions >= 0) & (positions <= 1)).all()
    variance = 1 / (4 * (2 * gamma + 1))
    fourth_moment = 3 / (16 * (2 * gamma + 1) * (2 * gamma + 3))
    assert positions.mean() == pytest.approx(0.5, abs=5 * math.sqrt(variance / positions.size))
    assert positions.var() == pytest.approx(variance, rel=0.02)
    assert ((positions - 0.5) ** 4).mean() == pytest.approx(fourth_moment, rel=0.03)


def test_positions_repeat_with_the_seed_and_differ_between_draws() -> None:
    rng = np.random.default_rng(3)
    one, other = draw_positions(4, (3, 16), rng), draw_positions(4, (3, 16), rng)
    assert (one != other).all()
    np.testing.assert_array_equal(one, draw_positions(4, (3, 16), np.random.default_rng(3)))


def test_infinite_gamma_is_the_middle_and_draws_nothing() -> None:
    rng, untouched = np.random.default_rng(1), np.random.default_rng(1)
    assert (draw_positions(math.inf, (2, 3), rng) == np.full((2, 3), 0.5)).all()
    assert rng.random() == untouched.random()


@settings(deadline=None)
@given(starts=st.lists(st.integers(0, 500), min_size=1), stride=st.integers(1, 20), num_rows=st.integers(1, 60))
@example(starts=[0, 1, 2, 3], stride=4, num_rows=2)
def test_the_nearest_row_is_chosen(starts: list[int], stride: int, num_rows: int) -> None:
    wanted = [min(range(num_rows), key=lambda row: (abs(row * stride - start), row)) for start in starts]
    rows = start_frames_to_rows(np.array(starts), stride, num_rows)
    assert rows.dtype == np.int64
    assert rows.tolist() == wanted


@settings(deadline=None)
@given(num_segments=st.integers(1, 20), extra=st.integers(0, 500))
def test_a_stride_of_one_changes_nothing(num_segments: int, extra: int) -> None:
    num_frames = minimum_frames(8, num_segments) + extra
    starts = place_snippets(*segment_ranges([num_frames], 8, num_segments), 1.0)
    np.testing.assert_array_equal(start_frames_to_rows(starts, 1, num_frames - 7), starts)


def test_nonsense_is_refused() -> None:
    for positions in ([[1.5]], [[-0.1]], [[math.nan]]):
        with pytest.raises(ValueError, match="positions"):
            place_snippets([[0]], [[1]], positions)
    with pytest.raises(ValueError, match="last"):
        place_snippets([[2]], [[1]], 0.5)
    with pytest.raises(ValueError, match="shape"):
        segment_ranges(100, 8, 2)
    for gamma in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="gamma"):
            draw_positions(gamma, 3, np.random.default_rng())
    with pytest.raises(ValueError, match="at least 1"):
        start_frames_to_rows([1], 0, 1)
    with pytest.raises(ValueError, match="negative"):
        start_frames_to_rows([-1], 1, 1)
    with pytest.raises(ValueError, match="at least 1"):
        minimum_frames(0, 1)


def test_100000_draws_of_gamma_1_are_uniform() -> None:
    starts = draw_starts(np.zeros((1000, 100), np.int64), np.full((1000, 100), 24), 1.0, np.random.default_rng(0))
    counts = np.bincount(starts.ravel(), minlength=25)
    assert len(counts) == 25
    assert stats.chisquare(counts).pvalue > 0.001


def test_gamma_1_makes_every_start_equally_likely_the_ends_too() -> None:
    rng = np.random.default_rng(0)
    starts = np.array([sample_positions(40, 8, 2, 1, rng) for _ in range(26_000)])
    for segment, first in enumerate((0, 20)):
        counts = np.bincount(starts[:, segment] - first)
        assert len(counts) == 13  # 20 frames hold a snippet of 8 in 13 places
        np.testing.assert_allclose(counts, 2000, atol=5 * math.sqrt(2000))  # a rounded position gives the ends 1000


@settings(deadline=None)
@given(
    num_segments=st.integers(1, 20),
    extra=st.integers(0, 500),
    gamma=st.sampled_from([1, 1.25, 4, math.inf]),
    seed=st.integers(0, 10),
)
def test_sampled_starts_are_whole_frames_inside_their_segments(
    num_segments: int, extra: int, gamma: float, seed: int
) -> None:
    num_frames = minimum_frames(8, num_segments) + extra
    starts = sample_positions(num_frames, 8, num_segments, gamma, np.random.default_rng(seed))
    first, last = segment_ranges([num_frames], 8, num_segments)
    assert starts.dtype == np.int64
    assert starts.shape == (num_segments,)
    assert ((first[0] <= starts) & (starts <= last[0])).all()
    if math.isinf(gamma):
        assert starts.tolist() == literal_starts(num_frames, 8, num_segments, [0.5] * num_segments)
    elif gamma != 1:
        positions = np.random.default_rng(seed).beta(gamma, gamma, num_segments)
        assert starts.tolist() == literal_starts(num_frames, 8, num_segments, positions.tolist())


def test_positions_of_a_short_seizure_are_refused() -> None:
    with pytest.raises(SeizuresError, match="at least 144 frames, the shortest has 143"):
        sample_positions(143, 8, 16, 4, np.random.default_rng(0))
    with pytest.raises(ValueError, match="gamma"):
        sample_positions(200, 8, 16, 0, np.random.default_rng(0))


def test_a_segment_with_room_for_one_snippet_has_one_place() -> None:
    assert place_snippets([[3]], [[3]], 0.7).tolist() == [[3]]


def test_whole_numbers_come_out_of_empty_lists_too() -> None:
    assert [part.dtype for part in segment_ranges([], 8, 4)] == [np.int64] * 2
    assert start_frames_to_rows([], 1, 1).dtype == np.int64
    assert place_snippets([], [], []).dtype == np.int64


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: place_snippets([[0]], [[1]], 2), "positions: expected numbers from 0 to 1"),
        (lambda: place_snippets([[2]], [[1]], 0), "last: expected no frame before its first"),
        (lambda: start_frames_to_rows([-1], 1, 1), "start_frames: expected no negative frame"),
        (lambda: start_frames_to_rows([1], 1, 0), "stride_frames = 1, num_rows = 0: expected at least 1"),
        (lambda: minimum_frames(1, 0), "frames_per_snippet = 1, num_segments = 0: expected at least 1"),
    ],
)
def test_a_refusal_says_what_was_wanted(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=r"expected") as caught:
        call()
    assert str(caught.value) == words
