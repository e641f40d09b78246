"""What decoding a window gives, as plain values: whoever passes frames on needs no decoder for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seizures.video.clock import Clock

LONGEST_SHORTFALL_SECONDS = 1.0  # of a film that ends before the offset


@dataclass(frozen=True)
class FrameBlock:
    """Successive frames of the clock: `frames` uint8 (T, H, W, 3) RGB and `valid` bool (T,).

    Where `valid` is False there is no picture to believe: it is damaged, or time is missing; what is missing is black.
    """

    frames: NDArray[np.uint8]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class WindowFacts:
    """What decoding found. Sizes and rate are the file's claims.

    `num_frames_decoded` counts the ticks of the clock, `num_frames_invalid` those of them without a picture to believe.
    Of the source frames from the onset on, `num_frames_lost` could not be decoded, `num_frames_damaged` are damaged or
    drawn from damaged ones, and `num_reversals` were dropped because the clock ran backwards. `num_gaps` counts the
    places where time is missing although nothing is damaged.
    """

    video_name: str
    codec: str
    source_width: int
    source_height: int
    source_frame_rate_hz: float
    num_frames_decoded: int
    preprocessing: str
    num_frames_invalid: int = 0
    num_frames_lost: int = 0
    num_frames_damaged: int = 0
    num_gaps: int = 0
    num_reversals: int = 0
    deinterlacing: str = ""


class FrameSource(Protocol):
    """A window of a recording, read once and in order; `seizures.video.window.Window` in this process or in another."""

    frame_size: int
    clock: Clock

    @property
    def facts(self) -> WindowFacts:
        """What decoding found; known once every block was read."""

    def __iter__(self) -> Iterator[FrameBlock]:
        """Yield the blocks."""
