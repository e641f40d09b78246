"""Where snippets start: pure index arithmetic (paper, section 2.2).

A snippet is `frames_per_snippet` consecutive frames, of which a network may take every `frame_step`-th; snippet `s`
starts at frame `s * stride_frames`. Only whole
snippets count, so with 10 frames, 4 frames per snippet and a stride of 2 there are four::

    frames   0 1 2 3 4 5 6 7 8 9
    s = 0    x x x x
    s = 1        x x x x
    s = 2            x x x x
    s = 3                x x x x
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seizures.errors import VideoError


def span_frames(num_taken: int, frame_step: int) -> int:
    """Return the frames from the first to the last that a network takes, both counted: the length of its snippets."""
    return (num_taken - 1) * frame_step + 1


def count_snippets(num_frames: int, frames_per_snippet: int, stride_frames: int = 1) -> int:
    """Count the whole snippets in `num_frames` frames; 0 where the film is shorter than one snippet.

    Raises:
        ValueError: `num_frames` is negative, or a length or stride is below 1.

    """
    if num_frames < 0:
        raise ValueError(f"num_frames = {num_frames}: expected at least 0")
    if frames_per_snippet < 1 or stride_frames < 1:
        raise ValueError(
            f"frames_per_snippet = {frames_per_snippet}, stride_frames = {stride_frames}: expected at least 1"
        )
    if num_frames < frames_per_snippet:
        return 0
    return (num_frames - frames_per_snippet) // stride_frames + 1


def middle_seconds(
    num_snippets: int, frames_per_snippet: int, stride_frames: int, frame_rate_hz: float
) -> NDArray[np.float64]:
    """Return the time of the middle of every snippet after the beginning of the first frame, float64 (S,)."""
    starts = np.arange(num_snippets, dtype=np.float64) * stride_frames
    middles: NDArray[np.float64] = (starts + frames_per_snippet / 2) / frame_rate_hz
    return middles


def snippet_starts(num_frames: int, frames_per_snippet: int, stride_frames: int = 1) -> NDArray[np.int64]:
    """Return the first frame of every whole snippet, int64 (S,)."""
    num_snippets = count_snippets(num_frames, frames_per_snippet, stride_frames)
    return np.arange(num_snippets, dtype=np.int64) * stride_frames


def valid_snippets(
    valid_frames: NDArray[np.bool_], frames_per_snippet: int, stride_frames: int = 1
) -> NDArray[np.bool_]:
    """Return which snippets have only valid frames, bool (S,), from the frames' flags, bool (T,)."""
    num_bad_before = np.concatenate([[0], np.cumsum(~valid_frames)])
    starts = snippet_starts(len(valid_frames), frames_per_snippet, stride_frames)
    return np.asarray(num_bad_before[starts + frames_per_snippet] == num_bad_before[starts])


def usable_snippets(
    name: str, valid_frames: NDArray[np.bool_], frames_per_snippet: int, stride_frames: int = 1
) -> NDArray[np.bool_]:
    """Return which snippets of a recording have only valid frames, bool (S,), from the frames' flags, bool (T,).

    Raises:
        VideoError: the recording has no whole snippet, or none of valid frames; it cannot be used.

    """
    num_frames = len(valid_frames)
    if count_snippets(num_frames, frames_per_snippet, stride_frames) == 0:
        found = f"{num_frames} frames, and a snippet takes {frames_per_snippet}"
        raise VideoError(f"{name}: too short: it has {found}; correct its times or set use = skip")
    valid = valid_snippets(valid_frames, frames_per_snippet, stride_frames)
    if not valid.any():
        found = f"no {frames_per_snippet} frames in a row of its {num_frames} could be decoded"
        raise VideoError(f"{name}: {found}; repair the video or set use = skip")
    return valid
