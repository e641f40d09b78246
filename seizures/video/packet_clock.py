"""The clock of a reading's packets: stamps that are off are put right, and a clock that starts again goes on.

This is what happens to stamps before the rule of time (`seizures.video.timestamps`) sees them: point 2 there.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from typing import Protocol, TypeVar

from seizures.errors import VideoError
from seizures.video.packet_notes import PacketNotes

LONGEST_REVERSAL_SECONDS = 1.0
LONGEST_GAP_SECONDS = 600.0
_LONGEST_EXCURSION = 16  # packets whose stamps are off, before the clock comes back
_LONGEST_LEAD_SECONDS = 30.0  # of seeing over decoding
_MOST_UNSTAMPED = 1024  # packets in a row: many small pictures in one PES, of which the first alone has stamps
_LONGEST_GUESS_SECONDS = 0.25  # of a picture whose length nothing tells


class StampedPacket(Protocol):
    """A packet's stamps, and the length of its picture by the bitstream, in units of the stream."""

    pts: int | None
    dts: int | None
    duration: int | None


AnyPacket = TypeVar("AnyPacket", bound=StampedPacket)


class PacketClock:
    """The stamps of the packets of one reading: a clock that starts again goes on, one that is wrong is an error.

    Args:
        time_base: seconds in a unit of the stream.
        name: of the film.
        may_start_again: the container is one whose files are joined end to end.
        notes: in which it is noted where the clock starts again, and what is not believed.

    """

    def __init__(self, time_base: Fraction, name: str, notes: PacketNotes, *, may_start_again: bool) -> None:
        self._second = 1 / float(time_base)
        self._name = name
        self._notes = notes
        self._may_start_again = may_start_again
        self._shift = 0
        self._last: int | None = None
        self._step = 0
        self._was_stamped = True  # the packet before this one, by itself
        self._last_own: int | None = None  # dts that a packet had of itself

    def believed(self, packets: Iterable[AnyPacket]) -> Iterator[AnyPacket]:
        """Yield the packets, restamped where the clock starts again.

        Raises:
            VideoError: the clock jumps back, or ahead by more than ten minutes, and stays there.

        """
        waiting: deque[AnyPacket] = deque()
        for packet in packets:
            waiting.append(packet)
            if len(waiting) > _LONGEST_EXCURSION and (packet.dts is not None or _can_be_timed(waiting)):
                self._step = self._step or _usual_step(waiting)
                self._judge(waiting)
                yield waiting.popleft()
        while waiting:
            self._step = self._step or _usual_step(waiting)
            self._judge(waiting)
            yield waiting.popleft()

    def _judge(self, packets: Sequence[StampedPacket]) -> None:
        """Put the stamps of the first of some packets right, going by those that follow it."""
        packet = packets[0]
        if self._may_start_again:
            if not self._was_stamped and _is_slipped(packets):
                packet.pts = packet.dts = None
            if packet.dts == self._last_own and (packet.pts is None or not self._was_stamped):
                packet.dts = None  # the demuxer goes on saying what it read once
            self._last_own = self._last_own if packet.dts is None else packet.dts
        self._was_stamped = packet.dts is not None
        dts = packet.dts
        if packet.pts is not None and dts is not None and not self._can_be_seen(packet.pts, dts, packets):
            packet.pts = None
        if dts is not None and self._last is not None and self._is_far(ahead := dts + self._shift - self._last):
            later = [one.dts + self._shift - self._last for one in islice(packets, 1, None) if one.dts is not None]
            if self._comes_back(ahead, later):
                packet.pts = packet.dts = None  # it is alone, or one of few
                self._notes.num_disbelieved += 1
            elif ahead > LONGEST_GAP_SECONDS * self._second or not (ahead > 0 or self._may_start_again):
                raise jump(self._name, self._last / self._second, (dts + self._shift) / self._second)
            elif ahead < 0:
                self._shift += self._step - ahead
                seen = dts if packet.pts is None else packet.pts
                self._notes.restarts_seconds.append((seen + self._shift) / self._second)
        if self._shift:
            packet.pts = None if packet.pts is None else packet.pts + self._shift
            packet.dts = None if packet.dts is None else packet.dts + self._shift
        if packet.dts is None and self._last is not None:
            packet.dts = self._between(packets)
        if packet.dts is not None:
            step = 0 if self._last is None else packet.dts - self._last
            if step > 0 and (not self._step or not self._is_far(step)):
                self._step = step
            self._last = packet.dts

    def _can_be_seen(self, pts: int, dts: int, packets: Sequence[StampedPacket]) -> bool:
        """Tell whether a stamp of seeing may belong to the first of some packets.

        Where a picture stays long, the next one is decoded long before it is seen: decoding then comes there soon.
        """
        lead_seconds = (pts - dts) / self._second
        if -1 <= lead_seconds <= _LONGEST_LEAD_SECONDS:
            return True
        are_last = len(packets) <= _LONGEST_EXCURSION
        is_reached = are_last or any(one.dts is not None and one.dts >= pts for one in packets)
        return 0 < lead_seconds <= LONGEST_GAP_SECONDS and is_reached

    def _comes_back(self, ahead: int, later: Sequence[int]) -> bool:
        """Tell whether a stamp that is far off is wrong: the clock comes back, or nothing follows that bears it out.

        All in units after the last stamp that was believed. Ahead, a stay is borne out by all that comes later.
        """
        if 0 < ahead <= LONGEST_GAP_SECONDS * self._second:
            return any(-LONGEST_REVERSAL_SECONDS * self._second <= one < ahead for one in later)
        stays = any(not self._is_far(one - ahead) for one in later)
        return not stays or any(not self._is_far(one) for one in later)

    def _between(self, packets: Sequence[StampedPacket]) -> int | None:
        """Return the dts of the first of some packets, which has none: spaced evenly up to the next that has one."""
        assert self._last is not None
        usual = self._step or packets[0].duration or 0
        for number, packet in enumerate(packets):
            if packet.dts is None or _is_slipped(packets, number):
                continue
            ahead, num_steps = packet.dts + self._shift - self._last, number + 1
            if 0 < ahead <= max(self._second, 4 * num_steps * (usual or _LONGEST_GUESS_SECONDS * self._second)):
                return self._last + round(ahead / num_steps)
        return self._last + usual if usual else None

    def _is_far(self, ahead: int) -> bool:
        return ahead < -LONGEST_REVERSAL_SECONDS * self._second or ahead > max(self._second, 4 * self._step)


def _can_be_timed(packets: Sequence[StampedPacket]) -> bool:
    """Tell whether the first of some packets has a time, or one behind it, between which and the last it lies."""
    return len(packets) > _MOST_UNSTAMPED or any(one.dts is not None for one in packets)


def _is_slipped(packets: Sequence[StampedPacket], number: int = 0) -> bool:
    """Tell whether a packet has the stamps of the next one, which begins in the same PES as this one ends."""
    if number + 1 == len(packets):
        return False
    own, following = packets[number], packets[number + 1]
    return (own.dts is not None and own.dts == following.dts) or (own.pts is not None and own.pts == following.pts)


def _usual_step(packets: Iterable[StampedPacket]) -> int:
    """Return the usual time from one packet to the next, in units of the stream; 0 where nothing tells."""
    stamped = [(number, one.dts) for number, one in enumerate(packets) if one.dts is not None]
    steps = [(b - a) / (later - earlier) for (earlier, a), (later, b) in pairwise(stamped) if b > a]
    return round(statistics.median(steps)) if len(steps) >= 4 else 0


def jump(name: str, last_seconds: float, seconds: float) -> VideoError:
    """Return the error of a clock that jumps."""
    where = "back" if seconds < last_seconds else "ahead"
    return VideoError(
        f"{name}: the clock jumps {where} from {last_seconds:.3f} s to {seconds:.3f} s; cut the file there, and name "
        "the parts in the manifest with ; between them"
    )
