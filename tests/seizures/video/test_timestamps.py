"""From a decoder's stamps to times: index arithmetic on numbers, no film."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import VideoError
from seizures.video.timestamps import Cadence, Shot, Tally, in_order, measure_cadence, settle, steady

PERIOD = 0.04
CONSTANT = Cadence(PERIOD, is_constant=True, declares_durations=False)


def shots(numbers, **more):
    return [Shot(number * PERIOD, PERIOD, index, **more) for index, number in enumerate(numbers)]


def steadied(numbers):
    rest = shots(numbers)
    position = [0]

    def given():
        for index, shot in enumerate(rest):
            position[0] = index + 1
            yield shot

    def ahead():
        return [shot.start_seconds for shot in rest[position[0] : position[0] + 64]]

    return [round(shot.start_seconds / PERIOD) for shot in steady(given(), ahead)]


def settled(given, cadence=CONSTANT, end=0.0):
    tally = Tally()
    found = list(settle(given, cadence, tally, lambda _: True, lambda: end))
    return found, tally


@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from([1, -1, -2]))
def test_slipped_stamps_are_put_right(first, length, slip):
    numbers = list(range(150))
    slipped = [n + slip if first <= n < first + length else n for n in numbers]
    assert steadied(slipped) == numbers


def test_frames_behind_damage_are_in_doubt_until_the_clock_has_jumped():
    given = shots([*range(20), *range(23, 40)])
    given[10] = replace(given[10], is_damaged=True)
    stamps = [shot.start_seconds for shot in given]
    found = list(steady(given, lambda: stamps))
    assert [shot.frame for shot in found if shot.is_damaged] == list(range(10, 20))
    undamaged = steady(shots([*range(20), *range(23, 40)]), lambda: stamps)
    assert not any(shot.is_damaged for shot in undamaged)


@given(st.integers(1, 60), st.integers(1, 200))
def test_a_shift_that_lasts_is_believed(first, missing):
    numbers = [n if n < first else n + missing for n in range(150)]
    assert steadied(numbers) == numbers


def test_a_stamp_that_is_alone_is_not_believed():
    tally = Tally()
    kept = list(in_order(shots([0, 1, 2, 90_000, 4, 5, -50_000, 7]), tally, "a.ts"))
    assert [shot.frame for shot in kept] == [0, 1, 2, 4, 5, 7]
    assert tally.num_lost == 2
    assert [shot.num_lost for shot in kept] == [0, 0, 0, 1, 0, 1]


def test_short_reversals_are_dropped_and_counted():
    tally = Tally()
    kept = list(in_order(shots([0, 1, 2, 1.5, 3]), tally, "a.ts"))
    assert [shot.frame for shot in kept] == [0, 1, 2, 4]
    assert tally.num_reversals == 1


@pytest.mark.parametrize(("then", "where"), [(-1000, "back"), (100_000, "ahead")])
def test_a_clock_that_jumps_for_good_is_an_error(then, where):
    with pytest.raises(VideoError, match=rf"a\.ts: the clock jumps {where} from 0\.080 s"):
        list(in_order(shots([0, 1, 2, then, then + 1, then + 2]), Tally(), "a.ts"))


def test_a_pause_is_a_jump_that_is_believed():
    kept = list(in_order(shots([0, 1, 2, 100, 101]), Tally(), "a.ts"))
    assert [shot.frame for shot in kept] == [0, 1, 2, 3, 4]


def test_time_is_missing_where_a_frame_is():
    found, tally = settled(shots([0, 1, 3, 4]))
    assert [stamped.end_seconds for stamped in found] == pytest.approx([0.04, 0.08, 0.16, 0.2])
    assert tally.num_gaps == 1


def test_a_container_that_declares_durations_has_no_gaps():
    declared = Cadence(PERIOD, is_constant=True, declares_durations=True)
    found, tally = settled(shots([0, 1, 50]), declared)
    assert [stamped.end_seconds for stamped in found][:2] == pytest.approx([0.04, 2.0])
    assert tally.num_gaps == 0


def test_what_follows_damage_is_not_sound_before_a_key_frame():
    given = [Shot(n * PERIOD, PERIOD, n, is_key=n % 4 == 0, is_damaged=n == 5) for n in range(10)]
    found, tally = settled(given)
    assert [stamped.frame for stamped in found if not stamped.is_sound] == [5, 6, 7]
    assert all(stamped.is_damage for stamped in found if not stamped.is_sound)
    assert tally.num_damaged == 3


def test_a_lost_frame_is_damage_and_its_time_is_empty():
    given = [*shots([0, 1]), Shot(3 * PERIOD, PERIOD, 3, is_key=False, num_lost=1)]
    found, tally = settled(given)
    assert found[1].end_seconds == pytest.approx(2 * PERIOD)
    assert found[1].is_damage
    assert not found[2].is_sound
    assert (tally.num_lost, tally.num_gaps) == (1, 0)


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
