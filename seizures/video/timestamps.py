"""From the frames of a decoder to frames whose times can be believed, each with the moment until which it is seen.

A decoder hands over what it found: time stamps that may be a frame late, run backwards or jump, with frames missing.
Three steps follow each other, all of them index arithmetic on a few frames at a time:

`steady`   the MPEG program stream: a demuxer sometimes gives a stamp to the picture before or after the one that it
           belongs to. The frame rate is constant there, so that a stamp is believed only if it persists.
`in_order` a stamp that is alone in being far off (a flipped bit) is not believed; frames that run backwards by less
           than a second are dropped and counted; a clock that jumps back for good is an error.
`settle`   how long each frame is seen: to the next one, unless frames are missing between the two.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Generic, TypeVar

from seizures.errors import VideoError
from seizures.video.clock import TOLERANCE_SECONDS, Stamped

LONGEST_REVERSAL_SECONDS = 1.0
LONGEST_GAP_SECONDS = 600.0
_LONGEST_DOUBT = 64  # frames behind damage whose times are doubted where the clock jumps after them
_FEW_AHEAD = 48  # frames; fewer are known only at the end of a film
_ENOUGH_RIGHT = 3  # frames whose stamps show that the clock did not move

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shot(Generic[Item]):
    """A frame as the decoder gave it.

    `length_seconds` is what the file declares, `num_lost` frames before it did not come out of the decoder, and
    `is_damaged` is the decoder's or the demuxer's own word.
    """

    start_seconds: float
    length_seconds: float
    frame: Item
    is_key: bool = True
    is_damaged: bool = False
    num_lost: int = 0


@dataclass(frozen=True)
class Cadence:
    """How frames follow each other in a file: the usual time between two, measured, and whether it is constant.

    `declares_durations`: the container says how long each frame is seen, so that no time is missing between frames.
    """

    usual_seconds: float
    is_constant: bool
    declares_durations: bool

    @property
    def slack_seconds(self) -> float:
        """How much later than expected a frame may start before the time in between counts as missing."""
        return self.usual_seconds * (0.5 if self.is_constant else 1.0)


@dataclass
class Tally:
    """What went wrong on the way, in source frames; reversals are frames dropped because the clock ran backwards."""

    num_lost: int = 0
    num_damaged: int = 0
    num_gaps: int = 0
    num_reversals: int = 0
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


def steady(
    shots: Iterable[Shot[Item]], ahead: Callable[[], Sequence[float]], warm_up_to_seconds: float = -math.inf
) -> Iterator[Shot[Item]]:
    """Give frames of a constant rate the times that most of their neighbours agree on.

    A frame that is not where it should be has a slipped stamp, and gets the time that it should have, unless no frame
    ahead is where it should be: then frames are missing there.

    Args:
        shots: in the order of presentation.
        ahead: the stamps of the frames that follow, in any order, as far as they are known.
        warm_up_to_seconds: frames before it are not yielded; they tell where the clock stands, whose first stamps
            after a seek are guesses.

    """
    offsets: list[float] = []
    elapsed = 0.0
    expected: float | None = None
    since_damage = math.inf
    for shot in shots:
        since_damage = 0 if shot.is_damaged else since_damage + 1
        if expected is None:
            offsets.append(shot.start_seconds - elapsed)
            if shot.start_seconds < warm_up_to_seconds:
                elapsed += shot.length_seconds
                continue
            expected = statistics.median_low(offsets) + elapsed
        slip = shot.start_seconds - expected
        if abs(slip) >= 0.5 * shot.length_seconds and not _comes_back(
            ahead(), shot, slip, is_damaged=math.isfinite(since_damage)
        ):
            expected = shot.start_seconds
        is_in_doubt = since_damage <= _LONGEST_DOUBT and _jumps(ahead(), shot)
        yield replace(shot, start_seconds=expected, is_damaged=shot.is_damaged or is_in_doubt)
        expected += shot.length_seconds


def _jumps(ahead: Sequence[float], shot: Shot[Item]) -> bool:
    """Tell whether the clock jumps among the frames after `shot`.

    A file states a stamp for many frames, and the demuxer counts on from there: where damage has swallowed frames, the
    ones behind it stand too early, until the next stamp.
    """
    later = sorted(stamp for stamp in ahead if stamp > shot.start_seconds - 0.5 * shot.length_seconds)
    return any(after - before > 1.5 * shot.length_seconds for before, after in pairwise([shot.start_seconds, *later]))


def _comes_back(ahead: Sequence[float], shot: Shot[Item], slip_seconds: float, *, is_damaged: bool) -> bool:
    """Tell whether the frames after `shot` are, in the end, where they should be if it has slipped.

    Where the film ends before that is known, a shift by one frame is taken for a slip: slips are commoner than a frame
    that is lost without a trace of damage.
    """
    start, length = shot.start_seconds, shot.length_seconds
    if len(ahead) < _FEW_AHEAD and abs(slip_seconds) < 1.5 * length and not is_damaged:
        return True
    later = sorted(stamp for stamp in ahead if stamp > start - 0.5 * length)
    slips = [slip_seconds + stamp - start - number * length for number, stamp in enumerate(later, start=1)]
    num_right = sum(abs(slip) < 0.5 * length for slip in slips)
    return num_right >= _ENOUGH_RIGHT or bool(slips and abs(slips[-1]) < 0.5 * length)


def in_order(shots: Iterable[Shot[Item]], tally: Tally, name: str) -> Iterator[Shot[Item]]:
    """Yield frames whose times do not decrease.

    Raises:
        VideoError: the clock jumps, by more than a second back or more than ten minutes ahead, and stays there.

    """
    last: Shot[Item] | None = None
    doubtful: Shot[Item] | None = None
    for shot in shots:
        if last is None:
            last = shot
            yield shot
            continue
        if doubtful is not None:
            if _is_jump(doubtful, shot):  # it was alone: the clock goes on where it was
                tally.num_lost += 1
                tally.first_damage = tally.first_damage or f"a time stamp that is wrong at {last.start_seconds:.3f} s"
                shot = replace(shot, num_lost=shot.num_lost + 1)
            else:
                yield from _believed(last, doubtful, name)
                last = doubtful
            doubtful = None
        if _is_jump(last, shot):
            doubtful = shot
        elif shot.start_seconds < last.start_seconds:
            tally.num_reversals += 1
        else:
            last = shot
            yield shot
    if doubtful is not None and last is not None and doubtful.start_seconds > last.start_seconds:
        tally.num_lost += 1  # the last stamp of the film, and nothing to confirm it


def _is_jump(last: Shot[Item], shot: Shot[Item]) -> bool:
    ahead = shot.start_seconds - last.start_seconds
    return ahead < -LONGEST_REVERSAL_SECONDS or ahead > max(LONGEST_REVERSAL_SECONDS, 2 * last.length_seconds)


def _believed(last: Shot[Item], shot: Shot[Item], name: str) -> Iterator[Shot[Item]]:
    if not 0 <= shot.start_seconds - last.start_seconds <= LONGEST_GAP_SECONDS:
        where = "back" if shot.start_seconds < last.start_seconds else "ahead"
        raise VideoError(
            f"{name}: the clock jumps {where} from {last.start_seconds:.3f} s to {shot.start_seconds:.3f} s; cut the "
            "file there, and name the parts in the manifest with ; between them"
        )
    yield shot


def settle(
    shots: Iterable[Shot[Item]],
    cadence: Cadence,
    tally: Tally,
    counts: Callable[[float], bool],
    end_seconds: Callable[[], float],
) -> Iterator[Stamped[Item]]:
    """Say of each frame until when it is seen, and whether its picture is sound.

    What follows a lost or damaged frame is drawn from it, and so is not sound before the next key frame.

    Args:
        shots: in order.
        cadence: of the file.
        tally: counted into.
        counts: tells whether what happens at a time is to be counted.
        end_seconds: the end of the last frame that is in the file, decoded or not; asked after the last frame.

    """
    shown: Shot[Item] | None = None
    is_sound, is_damage = True, False  # of the frame that is shown
    for shot in shots:
        if shown is not None:
            stamped = _until(shown, shot, cadence)
            yield replace(stamped, is_sound=is_sound, is_damage=is_damage or stamped.is_damage)
            is_gap = stamped.end_seconds < shot.start_seconds - TOLERANCE_SECONDS and not shot.num_lost
            if counts(shot.start_seconds):
                tally.num_lost += shot.num_lost
                tally.num_gaps += is_gap
            is_damage = is_damage or shot.num_lost > 0
            is_sound = is_sound and not is_damage and not (is_gap and cadence.is_constant)
        if shot.is_key:
            is_sound, is_damage = True, False
        if shot.is_damaged:
            is_sound, is_damage = False, True
        shown = shot
        if not is_sound and counts(shot.start_seconds + shot.length_seconds):
            tally.num_damaged += 1
    if shown is not None:
        end = shown.start_seconds + shown.length_seconds
        is_cut = end_seconds() > end + cadence.slack_seconds
        yield Stamped(shown.start_seconds, end, shown.frame, is_sound, is_damage or is_cut)


def _until(shown: Shot[Item], following: Shot[Item], cadence: Cadence) -> Stamped[Item]:
    start, following_start = shown.start_seconds, following.start_seconds
    if following.num_lost:
        length = min(shown.length_seconds, cadence.usual_seconds)
        return Stamped(start, min(start + length, following_start), shown.frame, is_damage=True)
    expected = start + max(shown.length_seconds, cadence.usual_seconds)
    if cadence.declares_durations or following_start <= expected + cadence.slack_seconds:
        return Stamped(start, following_start, shown.frame)
    return Stamped(start, expected, shown.frame)
