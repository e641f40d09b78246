"""What the clips of a seizure have in common, as plain values: whoever asks for clips needs no decoder for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

NUM_PICTURES = 14
LEAD_SECONDS, TAIL_SECONDS = 3.0, 3.0  # shown before the onset and after the offset, as far as the films have them
SLOWEST_RATE = 5
LARGEST_CLIP_BYTES = 40_000_000  # of one view, however long
# Seconds of a clip up to which it may have so many rows and frames per second. At crf 24 a minute takes 2 to 4 MB.
SIZES = ((180.0, 360, 25), (600.0, 288, 15), (math.inf, 240, 10))


@dataclass(frozen=True)
class ClipPlan:
    """What the clips of all views of a seizure have in common.

    Attributes:
        start_seconds: of the first frame, after the onset; negative where the film shows what was before.
        rate: frames per second, a whole number.
        num_frames: of each clip.
        max_height: of a clip, in pixels.

    """

    start_seconds: float
    rate: int
    num_frames: int
    max_height: int

    @property
    def end_seconds(self) -> float:
        """Return the end of the last frame, in seconds after the onset."""
        return self.start_seconds + self.num_frames / self.rate

    def seconds(self, frame: int) -> float:
        """Return the moment that a frame shows, in seconds after the onset."""
        return self.start_seconds + (frame + 0.5) / self.rate


@dataclass(frozen=True)
class Clip:
    """A clip that was written.

    Attributes:
        width, height: in pixels.
        black: the stretches without a picture to believe (start, end), in seconds after the onset, in order.
        picture_seconds: what each of the small pictures shows, in seconds after the onset.

    """

    width: int
    height: int
    black: tuple[tuple[float, float], ...]
    picture_seconds: tuple[float, ...]
