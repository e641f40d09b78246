"""Counting snippets and finding where they start."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seizures.errors import VideoError
from seizures.features.snippets import count_snippets, middle_seconds, snippet_starts, usable_snippets, valid_snippets

lengths = st.integers(1, 40)


@settings(deadline=None)
@given(num_frames=st.integers(0, 300), frames_per_snippet=lengths, stride_frames=lengths)
def test_starts_are_those_of_whole_snippets(num_frames: int, frames_per_snippet: int, stride_frames: int) -> None:
    wanted = [start for start in range(0, num_frames, stride_frames) if start + frames_per_snippet <= num_frames]
    starts = snippet_starts(num_frames, frames_per_snippet, stride_frames)
    assert starts.dtype == np.int64
    assert starts.tolist() == wanted
    assert count_snippets(num_frames, frames_per_snippet, stride_frames) == len(wanted)


@settings(deadline=None)
@given(num_frames=st.integers(8, 10_000))
def test_paper_has_a_feature_at_every_frame(num_frames: int) -> None:
    assert count_snippets(num_frames, 8) == num_frames - 8 + 1


@pytest.mark.parametrize("arguments", [(-1, 8, 1), (10, 0, 1), (10, 8, 0)])
def test_impossible_lengths_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected at least"):
        snippet_starts(*arguments)


def test_a_stride_of_one_is_meant_where_none_is_given() -> None:
    assert snippet_starts(10, 4).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert count_snippets(10, 4) == 7


def test_the_middle_of_a_snippet_is_half_its_length_after_its_first_frame() -> None:
    found = middle_seconds(3, 8, 2, 16.0)
    assert found.dtype == np.float64
    assert found.tolist() == [0.25, 0.375, 0.5]
    assert middle_seconds(2, 1, 15, 15.0).tolist() == pytest.approx([0.5 / 15, 15.5 / 15])
    assert middle_seconds(0, 8, 2, 16.0).shape == (0,)


@settings(deadline=None)
@given(flags=st.lists(st.booleans(), max_size=60), frames_per_snippet=lengths, stride_frames=lengths)
def test_a_snippet_is_valid_where_all_its_frames_are(
    flags: list[bool], frames_per_snippet: int, stride_frames: int
) -> None:
    starts = snippet_starts(len(flags), frames_per_snippet, stride_frames).tolist()
    wanted = [all(flags[start : start + frames_per_snippet]) for start in starts]
    frames = np.array(flags, dtype=bool)
    found = valid_snippets(frames, frames_per_snippet, stride_frames)
    assert found.dtype == bool
    assert found.tolist() == wanted
    if any(wanted):
        assert usable_snippets("P01", frames, frames_per_snippet, stride_frames).tolist() == wanted
    else:
        with pytest.raises(VideoError):
            usable_snippets("P01", frames, frames_per_snippet, stride_frames)


def test_every_frame_starts_a_snippet_where_no_stride_is_given() -> None:
    flags = np.array([True, True, False, True, True, True])
    assert valid_snippets(flags, 2).tolist() == [True, False, False, True, True]
    assert usable_snippets("P01", flags, 2).tolist() == [True, False, False, True, True]


def test_a_recording_that_cannot_be_used_is_refused_with_the_remedy() -> None:
    with pytest.raises(VideoError) as caught:
        usable_snippets("P01+01+large", np.ones(3, bool), 4)
    found = "too short: it has 3 frames, and a snippet takes 4"
    assert str(caught.value) == f"P01+01+large: {found}; correct its times or set use = skip"
    with pytest.raises(VideoError) as caught:
        usable_snippets("P01+01+large", np.array([True, False, True]), 2)
    found = "no 2 frames in a row of its 3 could be decoded"
    assert str(caught.value) == f"P01+01+large: {found}; repair the video or set use = skip"
    assert usable_snippets("P01", np.ones(9, bool), 4, 5).tolist() == [True, True]
    assert usable_snippets("P01", np.array([False] * 4 + [True] * 4), 4, 4).tolist() == [False, True]
