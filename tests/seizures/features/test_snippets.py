"""Counting snippets and finding where they start."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seizures.features.snippets import count_snippets, snippet_starts

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
    with pytest.raises(ValueError, match="wanted at least"):
        snippet_starts(*arguments)
