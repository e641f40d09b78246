"""The uniform clock of a window of video: which frame stands at which tick. Pure arithmetic, no decoder.

Tick k stands at `onset_seconds + k / frame_rate_hz`. Its frame is the last one whose timestamp is not after the tick:
what a person who pauses the film at that moment sees. Ticks run while they are before the end::

    source  0     1     2     3     4     5   ...   (any rate, also a variable one)
            |-----|-----|-----|-----|-----|
    ticks   ^        ^        ^        ^
    frame   0        1        3        4            frames 2 and 5 stand at no tick
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Generic, TypeVar

# Far below the shortest frame period, far above the rounding of a float64 that counts the seconds of a day.
TOLERANCE_SECONDS = 1e-6
_LARGEST_ROUNDING_SECONDS = 1e-3

Item = TypeVar("Item")


@dataclass(frozen=True)
class Clock:
    """Ticks at `onset_seconds + k / frame_rate_hz`, k = 0, 1, ..., before `offset_seconds` (None: no end)."""

    onset_seconds: float
    offset_seconds: float | None
    frame_rate_hz: float

    def tick_seconds(self, tick: int) -> float:
        """Return the time of `tick` in seconds."""
        return self.onset_seconds + tick / self.frame_rate_hz

    def num_ticks(self, end_seconds: float = math.inf) -> int | None:
        """Count the ticks before the offset and before `end_seconds`; None if neither bounds them.

        A tick within a microsecond of the end is not before it, so that 8 s at 15 Hz are 120 ticks whatever the onset.
        """
        end_seconds = min(end_seconds, math.inf if self.offset_seconds is None else self.offset_seconds)
        if math.isinf(end_seconds):
            return None
        duration_seconds = end_seconds - TOLERANCE_SECONDS - self.onset_seconds
        return max(0, math.ceil(duration_seconds * self.frame_rate_hz))


@dataclass(frozen=True)
class Stamped(Generic[Item]):
    """A frame and when it is seen: seconds on the clock of the recording.

    After `end_seconds` nothing is known until the next frame starts. `is_sound` is False where the picture cannot be
    believed. `is_damage` tells that it, or what is missing behind it, is damaged, and not only never recorded.
    """

    start_seconds: float
    end_seconds: float
    frame: Item
    is_sound: bool = True
    is_damage: bool = False


def timestamp_tolerance(time_base: Fraction, stamps: Iterable[int]) -> float:
    """Return by how many seconds a timestamp may be late only because its container rounds.

    Matroska counts milliseconds: the third frame at 30 Hz is stamped 67 ms, and the tick at 66.67 ms must still find
    it. Where stamps were rounded, some steps between them differ by one unit (33 and 34 ms): then it is half a unit, at
    most a millisecond. Otherwise a microsecond is left for float64.

    Args:
        time_base: seconds in a unit.
        stamps: of some frames, in units and in any order.

    """
    steps = sorted({later - earlier for earlier, later in pairwise(sorted(stamps))})
    if not any(longer - shorter == 1 < shorter for shorter, longer in pairwise(steps)):
        return TOLERANCE_SECONDS
    return min(float(time_base) / 2, _LARGEST_ROUNDING_SECONDS) + TOLERANCE_SECONDS


def choose(
    frames: Iterable[Stamped[Item]],
    clock: Clock,
    tolerance_seconds: float,
    end_seconds: Callable[[], float] = lambda: -math.inf,
) -> Iterator[tuple[int, Stamped[Item]]]:
    """Yield (tick, frame) for every tick in order, reading no more frames than needed.

    A tick after the end of its frame is shown none: see `is_seen`.

    Args:
        frames: in the order of their times; the first one is not after the onset.
        clock: the ticks; without an offset they end where the film ends.
        tolerance_seconds: how late a frame may be stamped and still stand at a tick, see `timestamp_tolerance`.
        end_seconds: the end of the film where it is later than that of its last frame; asked after the last frame.

    """
    tick, num_ticks = 0, clock.num_ticks()
    shown: Stamped[Item] | None = None
    for frame in frames:
        while shown is not None and clock.tick_seconds(tick) + tolerance_seconds < frame.start_seconds:
            yield tick, shown
            tick += 1
            if tick == num_ticks:
                return
        shown = frame
    if shown is not None:
        # The last frame ends no earlier than a rounding after it starts, so that it is not lost to its own stamp.
        for last in range(tick, clock.num_ticks(max(shown.end_seconds, end_seconds())) or 0):
            yield last, shown


def is_seen(stamped: Stamped[Item], tick_seconds: float, tolerance_seconds: float) -> bool:
    """Tell whether a frame is seen at a tick: neither before its start, nor after its end, where time is missing."""
    return stamped.start_seconds - tolerance_seconds <= tick_seconds < stamped.end_seconds - TOLERANCE_SECONDS
