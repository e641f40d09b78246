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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Generic, TypeVar

from seizures.video.clock import TOLERANCE_SECONDS, Stamped
from seizures.video.packet_clock import LONGEST_GAP_SECONDS, LONGEST_REVERSAL_SECONDS, jump

SHORTEST_LIMIT_SECONDS = 0.5  # the least that a picture may stay
LIMIT_PERIODS = 10  # how many times as long as usual a picture may stay
_LONGEST_EXCURSION = 16  # packets whose stamps are off, before the clock comes back
_COUNTED_PERIODS = 4  # the longest stay of a picture whose time was only counted
NUM_AROUND = 16  # steps before a moment and behind it, from which the cadence there is measured

Item = TypeVar("Item")


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
            raise jump(name, last.start_seconds, shot.start_seconds)
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
