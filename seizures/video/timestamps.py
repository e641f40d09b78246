"""The rule of time: when each frame is seen, and until when. Index arithmetic on a few numbers at a time, no film.

1. **Which stamps tell the time.** Those of seeing (pts), in the order in which the decoder gives the frames. Where they
   are those of decoding under another name (AVI, ASF, and what was copied from them), frames come out of the decoder
   with stamps that run backwards, while the stamps of decoding (dts) rise evenly: then these tell the time, each for
   the frame that comes out when its packet goes in (`are_of_decoding`, `FrameClock`).
2. **A stamp is off** where the clock comes back behind it: that frame stands where the one before it ends. A stay of
   any length is no such thing. Frames that run backwards by less than a second are dropped and counted (`in_order`). A
   clock that starts again in a broadcast goes on; any other that jumps back, or ahead by more than ten minutes, is an
   error (`PacketClock`).
3. **A picture stays until the next one comes**, at most ten times as long as pictures stay around that moment, or half
   a second where that is longer. Beyond it time is missing. What a container says of the length of its pictures is
   believed: there, no time is missing. Only near damage is a hole of lost pictures, and nothing stays (`settle`).

Nothing here says that a picture is damaged: that is the decoder's to say (`seizures.video.damage`).
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice, pairwise
from typing import Generic, Protocol, TypeVar

from seizures.errors import VideoError
from seizures.video.clock import TOLERANCE_SECONDS, Stamped
from seizures.video.packet_notes import PacketNotes

LONGEST_REVERSAL_SECONDS = 1.0
LONGEST_GAP_SECONDS = 600.0
SHORTEST_LIMIT_SECONDS = 0.5  # the least that a picture may stay
LIMIT_PERIODS = 10  # how many times as long as usual a picture may stay
_LONGEST_EXCURSION = 16  # packets whose stamps are off, before the clock comes back
_LONGEST_LEAD_SECONDS = 30.0  # of seeing over decoding
_COUNTED_PERIODS = 4  # the longest stay of a picture whose time was only counted
NUM_AROUND = 16  # steps before a moment and behind it, from which the cadence there is measured

Item = TypeVar("Item")


class StampedPacket(Protocol):
    """A packet's stamps, in units of the stream."""

    pts: int | None
    dts: int | None


AnyPacket = TypeVar("AnyPacket", bound=StampedPacket)


@dataclass(frozen=True)
class Shot(Generic[Item]):
    """A frame as the decoder gave it, with its time.

    `length_seconds` is what the file declares. `num_lost` pictures before it are lost, and `is_damaged`: decoder or
    bitstream say so. `usual_seconds` is the time between two frames around this one, where it matters.
    """

    start_seconds: float
    length_seconds: float
    frame: Item
    is_key: bool = True
    is_damaged: bool = False
    num_lost: int = 0
    usual_seconds: float = 0.0
    is_near_damage: bool = False
    is_counted: bool = False


@dataclass(frozen=True)
class Cadence:
    """How frames follow each other at the beginning of a file: the usual time between two, and whether it is constant.

    `declares_durations`: the container says how long each frame is seen, so that no time is missing between frames.
    """

    usual_seconds: float
    is_constant: bool
    declares_durations: bool

    @property
    def slack_seconds(self) -> float:
        """By how much the clocks of two pieces may differ before the time in between counts as missing."""
        return self.usual_seconds * (0.5 if self.is_constant else 1.0)


@dataclass
class Tally:
    """What went wrong on the way, in source frames.

    Reversals are frames dropped because the clock ran backwards, disbelieved ones have a stamp that is alone in being
    far off.
    """

    num_lost: int = 0
    num_damaged: int = 0
    num_gaps: int = 0
    num_reversals: int = 0
    num_disbelieved: int = 0
    first_damage: str = field(default="")


def measure_cadence(
    start_seconds: Sequence[float], claimed_seconds: float, *, declares_durations: bool = False
) -> Cadence:
    """Measure the cadence from the times of the first frames of a file, in any order.

    The usual time between frames is the 90th percentile: one frame in ten may be missing, or late, without changing it.
    """
    ordered = sorted(set(start_seconds))
    gaps = sorted(later - earlier for earlier, later in pairwise(ordered))
    if len(gaps) < 4:
        return Cadence(claimed_seconds, is_constant=True, declares_durations=declares_durations)
    usual, short = gaps[int(0.9 * (len(gaps) - 1))], gaps[int(0.1 * (len(gaps) - 1))]
    is_constant = usual - short <= max(0.25 * statistics.median(gaps), 0.002)
    return Cadence(usual, is_constant, declares_durations)


def are_of_decoding(stamps: Sequence[int | None]) -> bool:
    """Tell whether pts are really stamps of decoding: those of frames as they come out of the decoder run backwards."""
    known = [stamp for stamp in stamps if stamp is not None]
    return any(later < earlier for earlier, later in pairwise(known))


def rises(stamps: Sequence[int | None]) -> bool:
    """Tell whether every stamp is there and later than the one before it."""
    return all(None not in (one, other) and one < other for one, other in pairwise(stamps))  # type: ignore[operator]


class FrameClock:
    """Tells when a frame is seen: by its own pts, or by the dts of the packet with which it came out.

    Args:
        trusts_pts: whether the pts are those of seeing.
        delay: by how much a frame comes out later than its packet went in, in units of the stream. Stamps of seeing
            have it in them: they are made so that a frame comes out when it is seen.

    """

    def __init__(self, *, trusts_pts: bool, delay: int = 0) -> None:
        self._trusts_pts = trusts_pts
        self._lead = 0 if trusts_pts else -delay  # of the time over the dts with which a frame comes out

    def time(self, pts: int | None, dts: int | None) -> int | None:
        """Return when the next frame is seen, in units of the stream; None where nothing says it."""
        if self._trusts_pts and pts is not None:
            if dts is not None:
                self._lead = pts - dts
            return pts
        return None if dts is None else dts + self._lead


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

    def believed(self, packets: Iterable[AnyPacket]) -> Iterator[AnyPacket]:
        """Yield the packets, restamped where the clock starts again.

        Raises:
            VideoError: the clock jumps back, or ahead by more than ten minutes, and stays there.

        """
        waiting: deque[AnyPacket] = deque()
        for packet in packets:
            waiting.append(packet)
            if len(waiting) > _LONGEST_EXCURSION:
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
        dts = packet.dts
        if packet.pts is not None and dts is not None and not self._can_be_seen(packet.pts, dts, packets):
            packet.pts = None
        if dts is not None and self._last is not None and self._is_far(ahead := dts + self._shift - self._last):
            later = [one.dts + self._shift - self._last for one in islice(packets, 1, None) if one.dts is not None]
            if self._comes_back(ahead, later):
                packet.pts = packet.dts = None  # it is alone, or one of few
                self._notes.num_disbelieved += 1
            elif ahead > LONGEST_GAP_SECONDS * self._second or not (ahead > 0 or self._may_start_again):
                raise _jump(self._name, self._last / self._second, (dts + self._shift) / self._second)
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
        for number, packet in enumerate(packets):
            ahead = 0 if packet.dts is None else packet.dts + self._shift - self._last
            if ahead > 0 and not self._is_far(ahead):
                return self._last + round(ahead / (number + 1))
        return self._last + self._step if self._step else None

    def _is_far(self, ahead: int) -> bool:
        return ahead < -LONGEST_REVERSAL_SECONDS * self._second or ahead > max(self._second, 4 * self._step)


def _usual_step(packets: Iterable[StampedPacket]) -> int:
    """Return the usual time from one packet to the next, in units of the stream; 0 where nothing tells."""
    steps = [b - a for a, b in pairwise(one.dts for one in packets if one.dts is not None) if b > a]
    return round(statistics.median(steps)) if len(steps) >= 4 else 0


def _jump(name: str, last_seconds: float, seconds: float) -> VideoError:
    where = "back" if seconds < last_seconds else "ahead"
    return VideoError(
        f"{name}: the clock jumps {where} from {last_seconds:.3f} s to {seconds:.3f} s; cut the file there, and name "
        "the parts in the manifest with ; between them"
    )


def usual_around(stamps: Sequence[int], at: int) -> float | None:
    """Return the time between two frames around a moment: the slower of what is usual before it and behind it.

    Args:
        stamps: rising, in units of the stream.
        at: the moment.

    Returns: the time in these units; None where too little is known.

    """
    place = bisect_left(stamps, at)
    sides = stamps[max(0, place - NUM_AROUND - 1) : place], stamps[place : place + NUM_AROUND + 1]
    usual = [statistics.median(b - a for a, b in pairwise(side)) for side in sides if len(side) >= 4]
    return max(usual, default=None)


def in_order(shots: Iterable[Shot[Item]], tally: Tally, name: str) -> Iterator[Shot[Item]]:
    """Yield frames whose times do not decrease; a stamp that is far off is not believed if the next one comes back.

    Raises:
        VideoError: the times jump ahead by more than ten minutes, and stay there.

    """
    last: Shot[Item] | None = None
    doubtful: Shot[Item] | None = None

    def kept(shot: Shot[Item]) -> Iterator[Shot[Item]]:
        nonlocal last
        if last is not None and shot.start_seconds < last.start_seconds:
            tally.num_reversals += 1
        elif last is not None and shot.start_seconds > last.start_seconds + LONGEST_GAP_SECONDS:
            raise _jump(name, last.start_seconds, shot.start_seconds)
        else:
            last = shot
            yield shot

    for shot in shots:
        if doubtful is not None and last is not None:
            if _comes_back(last, doubtful, shot):
                doubtful = replace(doubtful, start_seconds=last.start_seconds + last.length_seconds)
                tally.num_disbelieved += 1
            yield from kept(doubtful)
            doubtful = None
        if last is not None and _is_far(last, shot):
            doubtful = shot
        else:
            yield from kept(shot)
    if doubtful is not None and last is not None:
        if not 0 < doubtful.start_seconds - last.start_seconds <= LONGEST_GAP_SECONDS:
            doubtful = replace(doubtful, start_seconds=last.start_seconds + last.length_seconds)
        yield doubtful


def _is_far(last: Shot[Item], shot: Shot[Item]) -> bool:
    ahead = shot.start_seconds - last.start_seconds
    return ahead < -LONGEST_REVERSAL_SECONDS or ahead > max(
        LONGEST_REVERSAL_SECONDS, 4 * last.length_seconds, 4 * shot.usual_seconds
    )


def _comes_back(last: Shot[Item], doubtful: Shot[Item], following: Shot[Item]) -> bool:
    """Tell whether a frame that is far from the last one is alone there: the next is nearer to the last one again."""
    if doubtful.start_seconds > last.start_seconds:
        return following.start_seconds < doubtful.start_seconds
    return _is_far(doubtful, following)


def unslipped(shots: Iterable[Shot[Item]]) -> Iterator[Shot[Item]]:
    """Put back, in an MPEG program stream, a stamp that a demuxer gave to the picture before the one it belongs to.

    Then two pictures stand at one time, and a step of two is before them.
    """
    last: Shot[Item] | None = None
    held: Shot[Item] | None = None
    for shot in shots:
        if held is not None:
            length = held.length_seconds
            is_twice = abs(shot.start_seconds - held.start_seconds) < 0.25 * length
            if (
                last is not None
                and is_twice
                and abs(held.start_seconds - last.start_seconds - 2 * length) < 0.25 * length
            ):
                held = replace(held, start_seconds=held.start_seconds - length)
            yield held
            last = held
        held = shot
    if held is not None:
        yield held


def longest_stay_seconds(usual_seconds: float) -> float:
    """Return how long a picture may stay where frames usually follow each other at this distance."""
    return max(SHORTEST_LIMIT_SECONDS, LIMIT_PERIODS * usual_seconds)


def settle(
    shots: Iterable[Shot[Item]],
    cadence: Cadence,
    tally: Tally,
    counts: Callable[[float], bool],
    end_seconds: Callable[[], float],
    is_cut: Callable[[], bool],
) -> Iterator[Stamped[Item]]:
    """Say of each frame until when it is seen.

    Args:
        shots: in order.
        cadence: of the file.
        tally: counted into.
        counts: tells whether what happens at a time is to be counted.
        end_seconds: the end of what is in the file; asked after the last frame.
        is_cut: tells whether more is lost behind the last frame; asked after it.

    """
    shown: Shot[Item] | None = None
    for shot in shots:
        if shown is not None:
            end = _end(shown, shot, cadence)
            yield Stamped(
                shown.start_seconds, end, shown.frame, not shown.is_damaged, shown.is_damaged or shot.num_lost > 0
            )
            if counts(shot.start_seconds):
                tally.num_lost += shot.num_lost
                tally.num_gaps += end < shot.start_seconds - TOLERANCE_SECONDS and not shot.num_lost
        shown = shot
        tally.num_damaged += shot.is_damaged and counts(shot.start_seconds + shot.length_seconds)
    if shown is not None:
        end = shown.start_seconds + shown.length_seconds
        if not is_cut():
            end = max(end, min(end_seconds(), shown.start_seconds + longest_stay_seconds(cadence.usual_seconds)))
        yield Stamped(shown.start_seconds, end, shown.frame, not shown.is_damaged, shown.is_damaged or is_cut())


def _end(shown: Shot[Item], following: Shot[Item], cadence: Cadence) -> float:
    usual = following.usual_seconds or cadence.usual_seconds
    has_hole = following.start_seconds > shown.start_seconds + 1.5 * max(usual, shown.length_seconds)
    is_counted = shown.is_counted and following.start_seconds > shown.start_seconds + _COUNTED_PERIODS * usual
    if following.num_lost or is_counted or (has_hole and (following.is_near_damage or shown.is_damaged)):
        return min(
            shown.start_seconds + min(shown.length_seconds, max(usual, TOLERANCE_SECONDS)), following.start_seconds
        )
    if cadence.declares_durations:
        return following.start_seconds
    return min(following.start_seconds, shown.start_seconds + longest_stay_seconds(usual))
