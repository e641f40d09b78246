"""The clock of a window by itself: which frame stands at which tick, and when time is missing."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from seizures.video.clock import TOLERANCE_SECONDS, Clock, Stamped, choose, is_seen, timestamp_tolerance


def frames(*spans: tuple[float, float]) -> list[Stamped[int]]:
    return [Stamped(start, end, number) for number, (start, end) in enumerate(spans)]


def steady(num_frames: int, rate_hz: float) -> list[Stamped[int]]:
    return frames(*((number / rate_hz, (number + 1) / rate_hz) for number in range(num_frames)))


def shown(source: list[Stamped[int]], clock: Clock, tolerance_seconds: float = 1e-6, **more: float) -> list[int]:
    end = {"end_seconds": lambda: more["end_seconds"]} if more else {}
    chosen = list(choose(source, clock, tolerance_seconds, **end))
    assert [tick for tick, _ in chosen] == list(range(len(chosen)))
    return [stamped.frame for _, stamped in chosen]


def test_a_tick_shows_the_last_frame_that_is_not_after_it() -> None:
    assert shown(steady(6, 3), Clock(0, None, 2)) == [0, 1, 3, 4]  # the picture in the module's docstring
    assert shown(steady(6, 3), Clock(0.5, None, 2)) == [1, 3, 4]
    assert shown(steady(3, 1), Clock(0, None, 2)) == [0, 0, 1, 1, 2, 2]


def test_ticks_end_before_the_offset_or_with_the_film() -> None:
    assert shown(steady(6, 3), Clock(0, 1, 2)) == [0, 1]
    assert shown(steady(6, 3), Clock(0, 1.001, 2)) == [0, 1, 3]
    assert shown(steady(6, 3), Clock(0, 100, 2)) == [0, 1, 3, 4]
    assert shown(steady(2, 2), Clock(0, None, 4), end_seconds=1.5) == [0, 0, 1, 1, 1, 1]
    assert shown(steady(2, 2), Clock(0, None, 4), end_seconds=0.5) == [0, 0, 1, 1]  # never before the last frame's end
    assert shown([], Clock(0, None, 4), end_seconds=9) == []
    assert shown(steady(2, 2), Clock(5, None, 4)) == []  # which begins after the end


def test_reading_stops_with_the_last_tick() -> None:
    read = []

    def source():
        for stamped in steady(100, 10):
            read.append(stamped.frame)
            yield stamped

    assert [stamped.frame for _, stamped in choose(source(), Clock(0, 0.5, 10), 1e-6)] == [0, 1, 2, 3, 4]
    assert read == [0, 1, 2, 3, 4, 5]


def test_the_end_of_the_film_is_asked_after_its_last_frame() -> None:
    read = []

    def source():
        for stamped in steady(2, 2):
            yield stamped
            read.append(stamped.frame)

    def end_seconds() -> float:
        assert read == [0, 1]
        return 2.0

    assert len(list(choose(source(), Clock(0, None, 2), 1e-6, end_seconds))) == 4


def test_a_frame_that_is_stamped_late_stands_at_its_tick_within_the_tolerance() -> None:
    late = frames((0.0, 0.0335), (0.0335, 0.067), (0.067, 0.1))  # 66.67 ms, in milliseconds
    assert shown(late, Clock(0, 0.0999, 15), 0.0005) == [0, 2]
    assert shown(late, Clock(0, 0.0999, 15), 1e-6) == [0, 1]
    exact = frames((0.0, 0.5), (0.5, 1.0))
    assert shown(exact, Clock(0, None, 2), 0.0) == [0, 1]


@pytest.mark.parametrize("onset_seconds", [0.0, 0.1, 3.3, 80_000.7])
def test_eight_seconds_at_15_hz_are_120_ticks_whatever_the_onset(onset_seconds: float) -> None:
    assert Clock(onset_seconds, onset_seconds + 8, 15).num_ticks() == 120
    assert Clock(onset_seconds, None, 15).num_ticks(onset_seconds + 8) == 120


def test_ticks_are_counted_before_the_earlier_of_both_ends() -> None:
    assert Clock(1, None, 10).num_ticks() is None
    assert Clock(1, None, 10).num_ticks(math.inf) is None
    assert Clock(1, 3, 10).num_ticks(2) == 10
    assert Clock(1, 2, 10).num_ticks(3) == 10
    assert Clock(1, 0.5, 10).num_ticks() == 0
    assert Clock(0, 1 + 2 * TOLERANCE_SECONDS, 1).num_ticks() == 2
    assert Clock(0, 1 + TOLERANCE_SECONDS / 2, 1).num_ticks() == 1
    assert Clock(2, None, 4).tick_seconds(3) == 2.75


def test_a_frame_is_seen_from_its_start_until_its_end_and_no_longer() -> None:
    stamped = Stamped(1.0, 2.0, "frame")
    assert stamped.is_sound
    assert not stamped.is_damage
    assert is_seen(stamped, 1.0, 0.0)
    assert is_seen(stamped, 0.9996, 0.0005)
    assert not is_seen(stamped, 0.9994, 0.0005)
    assert is_seen(stamped, 1.9, 0.0)
    # Time is missing from the end on, and a microsecond earlier, so that a rounded tick does not show a stale picture.
    assert is_seen(stamped, 2.0 - 2 * TOLERANCE_SECONDS, 0.0005)
    assert not is_seen(stamped, 2.0 - TOLERANCE_SECONDS / 2, 0.0005)
    assert not is_seen(stamped, 2.0, 0.0005)
    assert not is_seen(stamped, 2.1, 0.5)
    first = Stamped(0.0, 1.0, "frame")
    assert is_seen(first, 0.0, 0.0)  # a start counts
    touching = Stamped(0.0, 0.5, "frame")
    assert not is_seen(touching, 0.5 - TOLERANCE_SECONDS, 0.0)  # an end does not


def test_a_tolerance_is_what_the_container_rounds() -> None:
    millisecond, rounded = Fraction(1, 1000), pytest.approx(0.0005 + TOLERANCE_SECONDS, abs=1e-12)
    assert timestamp_tolerance(Fraction(1, 90_000), range(0, 90_000, 3600)) == TOLERANCE_SECONDS
    assert timestamp_tolerance(millisecond, [0, 40, 80, 160]) == TOLERANCE_SECONDS  # one is skipped
    assert timestamp_tolerance(millisecond, [67, 0, 33, 100]) == rounded  # in any order
    assert timestamp_tolerance(millisecond, [0, 2, 5, 8, 10]) == rounded  # 400 Hz
    assert timestamp_tolerance(Fraction(1, 25), [0, 1, 3, 4]) == TOLERANCE_SECONDS  # a unit is a period
    assert timestamp_tolerance(millisecond, []) == TOLERANCE_SECONDS
    assert timestamp_tolerance(Fraction(1, 100), [0, 6, 13, 20]) == pytest.approx(0.001 + TOLERANCE_SECONDS, abs=1e-12)
