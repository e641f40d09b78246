"""One snippet from each segment of a seizure, for a whole batch at once (paper, section 2.3).

A seizure of F frames is cut into N equal segments as `numpy.array_split(arange(F), N)` cuts it: the first F mod N
segments are one frame longer. In a segment, a snippet of l frames may start anywhere from the segment's first frame to
its last frame - l + 1, and a position b in [0, 1] says where::

    segment   |- - - - - - - - - - - -|      first                 last frame - l + 1 = last
                                             |- - b - - - - - - - -|
    start = round(first + b * (last - first)), half to even

In training b ~ Beta(gamma, gamma), drawn anew each epoch; in evaluation b = 1/2, the middle. With gamma = 1 every start
from first to last is equally likely: rounding a uniform b would give the two ends half the probability of the others.

Letters: B sequences in the batch, N segments.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seizures.errors import SeizuresError


def minimum_frames(frames_per_snippet: int, num_segments: int) -> int:
    """Return the fewest frames that a seizure needs: each of its segments must hold more than one snippet's frames."""
    if frames_per_snippet < 1 or num_segments < 1:
        raise ValueError(
            f"frames_per_snippet = {frames_per_snippet}, num_segments = {num_segments}: expected at least 1"
        )
    return num_segments * (frames_per_snippet + 1)


def segment_ranges(
    num_frames: ArrayLike, frames_per_snippet: int, num_segments: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the first and the last frame at which a snippet may start, in each segment of each seizure.

    Args:
        num_frames: frames of each seizure, integers (B,).
        frames_per_snippet: l.
        num_segments: N.

    Returns:
        First and last possible start frames, each int64 (B, N).

    Raises:
        SeizuresError: a seizure is too short for so many segments.

    """
    frames = np.asarray(num_frames, dtype=np.int64)
    if frames.ndim != 1:
        raise ValueError(f"num_frames has shape {frames.shape}: expected (B,)")
    wanted = minimum_frames(frames_per_snippet, num_segments)
    if frames.size and frames.min() < wanted:
        raise SeizuresError(
            f"{int((frames < wanted).sum())} of {frames.size} recordings are too short for {num_segments} segments "
            f"of more than {frames_per_snippet} frames: expected at least {wanted} frames, the shortest has "
            f"{frames.min()}; leave short seizures out, or use fewer segments"
        )
    quotient, num_longer = np.divmod(frames[:, None], num_segments)
    segments = np.arange(num_segments, dtype=np.int64)
    first = segments * quotient + np.minimum(segments, num_longer)
    last = first + quotient + (segments < num_longer) - frames_per_snippet
    return first, last


def place_snippets(first: ArrayLike, last: ArrayLike, positions: ArrayLike) -> NDArray[np.int64]:
    """Turn positions in segments into start frames: round(first + b * (last - first)), half to even.

    Args:
        first: first possible start frames, integers (B, N).
        last: last possible start frames, integers (B, N).
        positions: b in [0, 1], floats that broadcast to (B, N).

    Returns:
        Start frames, int64 (B, N).

    """
    first_frames, last_frames = np.asarray(first, dtype=np.int64), np.asarray(last, dtype=np.int64)
    fractions = np.asarray(positions, dtype=np.float64)
    if not ((fractions >= 0) & (fractions <= 1)).all():
        raise ValueError("positions: expected numbers from 0 to 1")
    if (last_frames < first_frames).any():
        raise ValueError("last: expected no frame before its first")
    return np.rint(first_frames + fractions * (last_frames - first_frames)).astype(np.int64)


def sample_positions(
    num_frames: int, frames_per_snippet: int, num_segments: int, gamma: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the start frame of one snippet from each segment of a seizure, as one training epoch does.

    Args:
        num_frames: frames of the seizure, at least `num_segments * (frames_per_snippet + 1)`.
        frames_per_snippet: frames of a snippet.
        num_segments: N, the segments that the seizure is cut into.
        gamma: above 0; the greater, the nearer the snippets are to the middle of their segments. 1 makes every
            possible start equally likely; infinity always takes the middle, as evaluation does.
        rng: source of the draws; infinity draws nothing.

    Returns:
        Start frames, int64 (N,), counted from the first frame of the seizure.

    Raises:
        SeizuresError: the seizure is too short for so many segments.
        ValueError: gamma is not above 0, or there is no frame or segment.

    """
    first, last = segment_ranges([num_frames], frames_per_snippet, num_segments)
    starts: NDArray[np.int64] = draw_starts(first, last, gamma, rng)[0]
    return starts


def draw_starts(
    first: NDArray[np.int64], last: NDArray[np.int64], gamma: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw start frames between the first and the last possible ones, all int64 (B, N); see `sample_positions`."""
    if gamma == 1:
        return rng.integers(first, last, endpoint=True)
    return place_snippets(first, last, draw_positions(gamma, first.shape, rng))


def draw_positions(gamma: float, shape: int | tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw positions b ~ Beta(gamma, gamma), float64 of `shape`; infinity gives 1/2 and draws nothing from `rng`."""
    if not gamma > 0:
        raise ValueError(f"gamma = {gamma}: expected above 0")
    if math.isinf(gamma):
        return np.full(shape, 0.5)
    return rng.beta(gamma, gamma, size=shape)


def start_frames_to_rows(start_frames: ArrayLike, stride_frames: int, num_rows: int) -> NDArray[np.int64]:
    """Find the feature row whose snippet starts nearest to each start frame; of two as near, the earlier.

    Row s starts at frame s * stride_frames. With a stride of 1 a row is its start frame; with a longer one the chosen
    snippet may reach up to half a stride beyond its segment.

    Args:
        start_frames: integers >= 0 of any shape.
        stride_frames: frames between the starts of neighbouring rows.
        num_rows: rows that there are; a start beyond the last row belongs to the last.

    Returns:
        Row numbers, int64 of the shape of `start_frames`.

    """
    if stride_frames < 1 or num_rows < 1:
        raise ValueError(f"stride_frames = {stride_frames}, num_rows = {num_rows}: expected at least 1")
    frames = np.asarray(start_frames, dtype=np.int64)
    if (frames < 0).any():
        raise ValueError("start_frames: expected no negative frame")
    return np.minimum((frames + (stride_frames - 1) // 2) // stride_frames, num_rows - 1)
