"""Films whose pictures stay longer than a second, one after the other: what each tick shows, whole and in windows."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest
import zoo
from reading import decode, read_numbers

_DARK = (*(n / 25 for n in range(50)), *(2.0 + 1.3 * n for n in range(24)))  # 25 Hz, then 0.8 Hz
_STAYS = tuple(accumulate([0.04] * 30 + [1.2] * 3 + [0.04] * 60, initial=0.0))
_SLOW = tuple(2.0 * n for n in range(10))  # the header says 25 Hz
_TS = tuple(1.14 * n for n in range(12))
_FINE = {"time_base": Fraction(1, 1000), "gop": 250, "num_b_frames": 2}
FILMS = (
    zoo.Specimen("dark.mp4", seconds=_DARK, **_FINE),
    zoo.Specimen("dark.mkv", seconds=_DARK, **_FINE),
    zoo.Specimen("dark.ts", seconds=_DARK, **_FINE),
    zoo.Specimen("stays.mov", seconds=_STAYS, **_FINE),
    zoo.Specimen("slow.mkv", seconds=_SLOW, **_FINE),
    zoo.Specimen("slow.ts", seconds=_TS, **_FINE),
    zoo.Specimen("last-still.mp4", seconds=(*(n / 25 for n in range(60)), 9.0), **_FINE),
)


def check(path: Path, item: zoo.Specimen, onset: float | None, offset: float | None) -> None:
    frames, valid, facts = decode([path], onset, offset)
    ticks = [(onset or 0.0) + k / 15 for k in range(len(frames))]
    assert valid.all()
    assert all(
        number in pair
        for number, *pair in zip(read_numbers(frames), item.expected(ticks), item.expected(ticks, 1.1e-3), strict=True)
    )
    assert min(offset or math.inf, item.times()[-1]) <= ticks[-1] + 1 / 15 + 1e-6
    assert facts.num_gaps == facts.num_reversals == facts.num_frames_lost == facts.num_frames_damaged == 0


@pytest.mark.parametrize("item", FILMS, ids=lambda item: item.name)
def test_long_stays_are_shown(tmp_path, item):
    (path,) = item.make(tmp_path)
    check(path, item, None, None)
    for onset in (1.0, 3.0, 7.0):
        check(path, item, onset, onset + 1)


def test_beyond_the_limit_a_stay_is_missing_time(tmp_path):
    """Among pictures at 25 Hz one may stay for half a second; what comes next is sound."""
    item = zoo.Specimen("stays.mkv", seconds=_STAYS, **_FINE)
    frames, valid, facts = decode(item.make(tmp_path))
    starts, ticks = np.array(item.times()), np.arange(len(frames)) / 15
    numbers = np.searchsorted(starts, ticks + 1.1e-3, side="right") - 1
    is_seen = ticks - starts[numbers] < 0.5 - 1e-6
    assert valid.tolist() == is_seen.tolist()
    assert np.array(read_numbers(frames))[valid].tolist() == numbers[valid].tolist()
    assert facts.num_gaps == 3
    assert facts.num_frames_damaged == 0


def test_a_film_cut_off_before_its_end_shows_nothing_in_the_hole(tmp_path):
    """The last pictures are listed, but not there: the one before them is not stretched over their time."""
    item = zoo.Specimen("cut.mp4", num_b_frames=3, num_frames=80, mux={"movflags": "faststart"}, gop=250)
    (path,) = item.make(tmp_path)
    content = path.read_bytes()
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.size]
    seen = set()
    for num_bytes in starts[-12:]:
        path.write_bytes(content[:num_bytes])
        frames, valid, _ = decode([path], damaged="mask")
        wanted = item.expected([k / 15 for k in range(len(frames))])
        seen |= {
            number == right for number, right, good in zip(read_numbers(frames), wanted, valid, strict=True) if good
        }
    assert seen == {True}
