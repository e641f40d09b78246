"""The rule of time: index arithmetic on numbers, no film."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import VideoError
from seizures.video.packet_clock import PacketClock
from seizures.video.packet_notes import PacketNotes
from seizures.video.timestamps import (
    LIMIT_PERIODS,
    SHORTEST_LIMIT_SECONDS,
    Cadence,
    FrameClock,
    Shot,
    Tally,
    are_of_decoding,
    in_order,
    longest_stay_seconds,
    measure_cadence,
    rises,
    settle,
    unslipped,
    usual_around,
)

PERIOD = 0.04
CONSTANT = Cadence(PERIOD, is_constant=True, declares_durations=False)


@dataclass
class Stamps:
    """A packet's."""

    pts: int | None
    dts: int | None
    duration: int | None = None


def shots(numbers, **more):
    return [Shot(number * PERIOD, PERIOD, index, **more) for index, number in enumerate(numbers)]


def settled(given, cadence=CONSTANT, end=0.0, is_cut=False):
    tally = Tally()
    return list(settle(given, cadence, tally, lambda _: True, lambda: end, lambda: is_cut)), tally


def believed(dts, may_start_again=True, length=None):
    """Return the dts that are left of packets of 25 Hz in units of a hundredth of a second."""
    packets = [Stamps(one, one, length) for one in dts]
    clock = PacketClock(Fraction(1, 100), "a.ts", PacketNotes(), may_start_again=may_start_again)
    return [packet.dts for packet in clock.believed(packets)]


def decoded(order, depth):
    """Return (pts, dts) of frames in the order of seeing; the pictures `order` are coded in this order, one a step."""
    coded = {number: index for index, number in enumerate(order)}
    return [(coded[number], number + depth if number + depth < len(order) else None) for number in sorted(order)]


@given(st.integers(0, 3), st.integers(4, 12))
def test_stamps_of_decoding_are_told_from_those_of_seeing(num_b, num_groups):
    size = num_b + 1
    order = [0]
    for group in range(num_groups):
        order += [group * size + size, *range(group * size + 1, group * size + size)]
    frames = decoded(order, depth=1 if num_b else 0)
    assert are_of_decoding([pts for pts, _ in frames]) == (num_b > 0)
    assert not are_of_decoding(sorted(order))
    clock = FrameClock(trusts_pts=False, delay=1 if num_b else 0)
    times = [clock.time(pts, dts) for pts, dts in frames]
    known = [time for time in times if time is not None]
    assert known == list(range(len(known)))
    assert len(known) >= len(order) - 1


def test_a_picture_without_a_stamp_stands_where_its_dts_says():
    clock = FrameClock(trusts_pts=True)
    assert [clock.time(pts, dts) for pts, dts in ((5, 3), (None, 4), (7, 5), (None, None))] == [5, 6, 7, None]


def test_stamps_rise_where_each_is_later():
    assert rises([1, 2, 5])
    assert not rises([1, 1])
    assert not rises([1, None, 3])


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80))
def test_a_clock_that_is_right_is_left_alone(steps):
    stamps = [0]
    for step in steps:
        stamps.append(stamps[-1] + step)
    assert believed(stamps) == stamps


@given(st.integers(5, 40), st.integers(1, 12), st.sampled_from([-100_000, -300, 300, 100_000]))
def test_few_stamps_that_are_off_are_counted_instead(first, number, off):
    stamps = [4 * n for n in range(80)]
    wrong = [stamp + off if first <= n < first + number else stamp for n, stamp in enumerate(stamps)]
    assert believed(wrong) == stamps


@given(st.lists(st.sampled_from([4, 4, 4, 120, 200, 3_000, 50_000]), min_size=1, max_size=60), st.integers(0, 3))
def test_stays_of_any_length_are_left_alone(steps, depth):
    seen = [0]
    for step in steps:
        seen.append(seen[-1] + step)
    packets = [Stamps(pts, seen[max(0, index - depth)] - max(0, depth - index)) for index, pts in enumerate(seen)]
    clock = PacketClock(Fraction(1, 100), "a.mkv", PacketNotes(), may_start_again=False)
    if all(packet.pts - packet.dts <= 60_000 for packet in packets):
        assert [packet.pts for packet in clock.believed(packets)] == seen


@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 20))
def test_a_stamp_that_is_off_is_found_beside_a_stay(before, number, behind):
    """Stays of 2 s, then some stamps that are 30 s late, then stays again."""
    stamps = [0, 4, 8, *(200 * n for n in range(1, before + number + behind + 1))]
    first = 3 + before
    wrong = [stamp + 3_000 if first <= n < first + number else stamp for n, stamp in enumerate(stamps)]
    found = believed(wrong)
    assert found[:first] + found[first + number :] == stamps[:first] + stamps[first + number :]
    assert all(one <= stamps[first + number] for one in found[first : first + number])


@given(st.integers(20, 40), st.integers(20, 40))
def test_a_clock_that_starts_again_goes_on(first, second):
    stamps = [4 * n + 1000 for n in range(first)] + [4 * n + 700 for n in range(second)]
    assert believed(stamps) == [4 * n + 1000 for n in range(first + second)]
    with pytest.raises(VideoError, match=r"a\.ts: the clock jumps back from"):
        believed(stamps, may_start_again=False)


def test_a_clock_that_jumps_ahead_for_good_is_an_error_and_a_pause_is_not():
    before = [4 * n for n in range(20)]
    pause = [*before, *(4 * n + 50_000 for n in range(20))]
    assert believed(pause) == pause
    with pytest.raises(VideoError, match=r"the clock jumps ahead from 0\.760 s to 700\.000 s"):
        believed([*before, *(4 * n + 70_000 for n in range(20))])


@given(st.integers(1, 70), st.integers(0, 3), st.integers(4, 12))
def test_pictures_without_a_stamp_are_spaced_evenly(size, first, step):
    """As many small pictures in one PES, of which the first alone has stamps: what the bitstream says of time helps."""
    number = first + 3 * size
    stamps = [step * n if n >= first and (n - first) % size == 0 else None for n in range(number + 1)]
    assert believed([0, *stamps[1:]], length=step)[: number + 1] == [step * n for n in range(number + 1)]


@given(st.integers(3, 70), st.sets(st.integers(1, 3)))
def test_a_stamp_that_slipped_to_the_picture_before_its_own_is_not_believed(size, slipped):
    stamps = [4 * n if n % size == 0 else None for n in range(4 * size + 1)]
    for number in slipped:
        stamps[number * size - 1] = stamps[number * size]
    assert believed(stamps, length=4) == [4 * n for n in range(4 * size + 1)]


def test_a_stamp_of_seeing_that_cannot_be_is_not_believed():
    packets = [Stamps(4 * n, 4 * n) for n in range(10)]
    packets[5].pts = -1_000_000
    clock = PacketClock(Fraction(1, 100), "a.ts", PacketNotes(), may_start_again=True)
    assert [packet.pts for packet in clock.believed(packets)] == [0, 4, 8, 12, 16, None, 24, 28, 32, 36]


@given(st.integers(1, 20), st.integers(1, 20), st.integers(6, 60))
def test_the_cadence_is_that_around_the_moment(before, behind, place):
    stamps = [before * n for n in range(place)]
    stamps += [stamps[-1] + behind * n for n in range(1, 61)]
    assert usual_around(stamps, stamps[place - 1]) == max(before, behind)
    assert usual_around(stamps[:3], 0) is None


def test_a_stamp_that_is_alone_is_not_believed():
    tally = Tally()
    kept = list(in_order(shots([0, 1, 2, 90_000, 4, 5, -50_000, 7]), tally, "a.ts"))
    assert [round(shot.start_seconds / PERIOD) for shot in kept] == list(range(8))
    assert [shot.frame for shot in kept] == list(range(8))
    assert tally == Tally(num_disbelieved=2)


def test_short_reversals_are_dropped_and_counted():
    tally = Tally()
    kept = list(in_order(shots([0, 1, 2, 1.5, 3]), tally, "a.ts"))
    assert [shot.frame for shot in kept] == [0, 1, 2, 4]
    assert tally.num_reversals == 1


@given(st.lists(st.sampled_from([1, 1, 30, 130, 5_000]), min_size=1, max_size=60))
def test_pictures_that_stay_long_one_after_the_other_are_believed(steps):
    numbers = [0]
    for step in steps:
        numbers.append(numbers[-1] + step)
    tally = Tally()
    kept = list(in_order(shots(numbers), tally, "a.ts"))
    assert [shot.start_seconds for shot in kept] == [number * PERIOD for number in numbers]
    assert tally == Tally()


def test_a_last_stamp_that_jumps_back_or_too_far_is_not_believed():
    for last in (-50, 100_000):
        kept = list(in_order(shots([0, 1, last]), Tally(), "a.ts"))
        assert [shot.start_seconds for shot in kept] == pytest.approx([0, PERIOD, 2 * PERIOD])


def test_times_that_jump_ahead_for_good_are_an_error():
    with pytest.raises(VideoError, match=r"a\.ts: the clock jumps ahead from 0\.080 s"):
        list(in_order(shots([0, 1, 2, 100_000, 100_001, 100_002]), Tally(), "a.ts"))


def test_a_pause_is_a_jump_that_is_believed():
    kept = list(in_order(shots([0, 1, 2, 100, 101]), Tally(), "a.ts"))
    assert [shot.frame for shot in kept] == [0, 1, 2, 3, 4]


@given(st.integers(2, 30))
def test_a_stamp_that_slipped_to_the_picture_before_is_put_back(place):
    numbers = list(range(40))
    slipped = [n + 1 if n == place else n for n in numbers]
    assert [round(shot.start_seconds / PERIOD) for shot in unslipped(shots(slipped))] == numbers
    late = [n + 0.9 if n == place else n for n in numbers]
    assert [shot.start_seconds for shot in unslipped(shots(late))] == [n * PERIOD for n in late] or late[place] % 1


@given(
    st.lists(st.floats(0.005, 3.0), min_size=1, max_size=50),
    st.floats(0.01, 0.3),
)
def test_a_picture_stays_until_the_next_one_at_most_to_the_limit(steps, usual):
    starts = [0.0]
    for step in steps:
        starts.append(starts[-1] + step)
    given_shots = [Shot(start, usual, n, usual_seconds=usual) for n, start in enumerate(starts)]
    found, tally = settled(given_shots)
    limit = max(SHORTEST_LIMIT_SECONDS, LIMIT_PERIODS * usual)
    assert longest_stay_seconds(usual) == limit
    for stamped, start, following in zip(found, starts, starts[1:], strict=False):
        assert stamped.end_seconds == min(following, start + limit)
        assert stamped.is_sound
        assert not stamped.is_damage
    assert tally.num_gaps == sum(step > limit + 1e-6 for step in steps)
    assert tally.num_lost == tally.num_damaged == 0


def test_a_container_that_declares_durations_has_no_gaps():
    declared = Cadence(PERIOD, is_constant=True, declares_durations=True)
    found, tally = settled(shots([0, 1, 50]), declared)
    assert [stamped.end_seconds for stamped in found][:2] == pytest.approx([0.04, 2.0])
    assert tally.num_gaps == 0


def test_a_lost_picture_is_damage_and_its_time_is_empty():
    given_shots = [*shots([0, 1]), Shot(3 * PERIOD, PERIOD, 3, is_damaged=True, num_lost=1)]
    found, tally = settled(given_shots)
    assert found[1].end_seconds == pytest.approx(2 * PERIOD)
    assert found[1].is_damage
    assert not found[2].is_sound
    assert (tally.num_lost, tally.num_gaps, tally.num_damaged) == (1, 0, 1)


def test_near_damage_a_hole_is_of_lost_pictures():
    plain = shots([0, 1, 5])
    near = [*plain[:2], replace(plain[2], is_near_damage=True, usual_seconds=PERIOD)]
    assert settled(plain)[0][1].end_seconds == pytest.approx(5 * PERIOD)
    assert settled(near)[0][1].end_seconds == pytest.approx(2 * PERIOD)
    counted = [plain[0], replace(plain[1], is_counted=True), plain[2]]
    assert settled(counted)[0][1].end_seconds == pytest.approx(5 * PERIOD)
    counted[2] = replace(plain[2], start_seconds=8 * PERIOD)
    assert settled(counted)[0][1].end_seconds == pytest.approx(2 * PERIOD)


def test_the_last_picture_stays_as_long_as_there_are_packets():
    assert settled(shots([0, 1]), end=0.2)[0][-1].end_seconds == pytest.approx(0.2)
    assert settled(shots([0, 1]), end=90.0)[0][-1].end_seconds == pytest.approx(0.04 + SHORTEST_LIMIT_SECONDS)
    cut, _ = settled(shots([0, 1]), end=0.2, is_cut=True)
    assert cut[-1].end_seconds == pytest.approx(0.08)
    assert cut[-1].is_damage


@given(
    st.lists(st.sampled_from([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]), min_size=40, max_size=48)
)
def test_the_cadence_of_a_film_with_a_few_holes_is_its_frame_period(gaps):
    if sum(gap > 1 for gap in gaps) * 12 > len(gaps):
        return
    times, now = [0.0], 0.0
    for gap in gaps:
        now += gap * PERIOD
        times.append(now)
    cadence = measure_cadence(times[::-1], 0.1)
    assert cadence.usual_seconds == pytest.approx(PERIOD)
    assert cadence.is_constant


def test_a_variable_rate_is_found():
    times, now = [0.0], 0.0
    for gap in (0.04, 0.03, 0.1, 0.05, 0.2) * 8:
        now += gap
        times.append(now)
    cadence = measure_cadence(times, 0.04)
    assert not cadence.is_constant
    assert cadence.usual_seconds == pytest.approx(0.2)
    assert measure_cadence([0.0, 0.04], 0.1).usual_seconds == 0.1
