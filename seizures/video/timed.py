"""The frames of a reading with their times, and which of them damage has spoilt: clock and decoder put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import av

from seizures.video.clock import TOLERANCE_SECONDS
from seizures.video.decoding import Reading
from seizures.video.packet_clock import LONGEST_REVERSAL_SECONDS
from seizures.video.stream import Source
from seizures.video.timestamps import (
    SHORTEST_LIMIT_SECONDS,
    FrameClock,
    Shot,
    longest_stay_seconds,
)

_DOUBTS_SECONDS = 10.0  # behind damage, in which a hole is of lost pictures


class Timed:
    """Gives the frames of one reading their times, in seconds of the file's own clock.

    Args:
        reading: of the file.
        clock: of the frames.
        source: what the file is.
        has_stamps: whether the file has any; without, all times are counted.
        awaits_key: the reading begins between two key frames, and what comes before the second is not sound.
        is_whole: tells, at the end, whether the container says that there are no packets behind the last one.

    Attributes:
        num_lost_tail: frames that are lost after the last one; known after it.

    """

    def __init__(
        self,
        reading: Reading,
        clock: FrameClock,
        source: Source,
        *,
        has_stamps: bool,
        awaits_key: bool,
        is_whole: Callable[[], bool],
    ) -> None:
        self.num_lost_tail = 0
        self._reading = reading
        self._clock = clock
        self._source = source
        self._has_stamps = has_stamps
        self._awaits_key = awaits_key
        self._is_whole = is_whole
        self._end = 0.0

    def shots(self, period_seconds: float | None) -> Iterator[Shot[av.VideoFrame]]:
        """Yield the frames in the order in which they are seen; each for a period, where that is known."""
        reading, time_base = self._reading, self._source.time_base
        unit = float(time_base)
        usual_seconds, is_constant = self._source.cadence.usual_seconds, self._source.cadence.is_constant
        is_in_doubt, is_first, damaged_seconds = False, True, -math.inf
        for frame, packet, is_struck in reading.frames():
            at = self._clock.time(packet.pts, frame.dts)
            start = self._end if at is None else at * time_base.numerator / time_base.denominator
            length = period_seconds or (frame.duration or 0) * unit or usual_seconds
            frame.pts, frame.time_base = round(start / unit), time_base
            num_lost = max(packet.num_missing, reading.damage.num_lost(packet))
            has_damage = is_struck or num_lost > 0
            is_sound_key = bool(frame.key_frame) and not is_struck
            self._awaits_key = (self._awaits_key or (has_damage and not reading.withholds)) and not is_sound_key
            # Behind damage, a stamp that was only counted may be wrong.
            is_in_doubt = (is_in_doubt or has_damage) and not packet.is_stamped
            damaged_seconds = start if has_damage else damaged_seconds
            is_near_damage = start < damaged_seconds + _DOUBTS_SECONDS
            is_near_damage = is_near_damage or (is_constant and reading.is_at_the_end(packet) and not self._is_whole())
            around: float | None = None
            if is_near_damage or not packet.is_stamped or start - self._end > SHORTEST_LIMIT_SECONDS - length:
                around = reading.usual_around(packet)
            self._end = start + length
            yield Shot(
                start,
                length,
                frame,
                is_key=bool(frame.key_frame) or (is_first and reading.withholds and reading.begins_at_key),
                is_damaged=is_struck or self._awaits_key or is_in_doubt,
                num_lost=num_lost,
                usual_seconds=(around or 0.0) * unit,
                is_near_damage=is_near_damage,
                is_counted=self._has_stamps and not packet.is_stamped,
            )
            is_first = False
        lost = [at * unit for at in reading.damage.lost_at_the_end()]
        self.num_lost_tail = sum(
            self._end - TOLERANCE_SECONDS <= at <= self._end + LONGEST_REVERSAL_SECONDS for at in lost
        )

    def end_within(self, end_seconds: float) -> float:
        """Return the end of the film, by what the packets say of it.

        The last picture stays while packets say so; a stamp that is far off is no end of the film.
        """
        usual_seconds = self._source.cadence.usual_seconds
        if self._reading.is_silent_after(round((self._end - usual_seconds / 4) / float(self._source.time_base))):
            return self._end
        return max(self._end, min(end_seconds, self._end + longest_stay_seconds(usual_seconds)))
