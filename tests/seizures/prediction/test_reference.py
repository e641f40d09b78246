"""Ranges of the training films, and what lies far outside of them."""

from __future__ import annotations

import numpy as np
import pytest

from seizures.prediction.asked import Asked, AskedView
from seizures.prediction.reference import DURATION, HEIGHT, RATE, far_outside, properties, reference_of


def asked(seconds: float = 30, height: int = 240, rate_hz: float = 25.0) -> Asked:
    facts = {"source_height": height, "source_frame_rate_hz": rate_hz} if height else {}
    view = AskedView(np.zeros((2, 3), np.float32), np.zeros(2, np.int64), round(seconds * 15), facts)
    return Asked("P+1", "", {"large": view, "small": view}, 8, 15.0)


def test_the_ranges_hold_90_in_100() -> None:
    found = reference_of([asked(seconds) for seconds in range(10, 111)])
    assert (found[DURATION]["low"], found[DURATION]["median"], found[DURATION]["high"]) == (15, 60, 105)
    assert found[HEIGHT] == {"unit": "pixels", "low": 240, "median": 240, "high": 240}
    assert set(found) == {DURATION, RATE, HEIGHT}


@pytest.mark.parametrize(
    ("one", "named"),
    [
        (asked(), None),
        (asked(200), None),  # outside, and not far
        (asked(220), DURATION),
        (asked(7), DURATION),
        (asked(height=1080), HEIGHT),
        (asked(height=100), HEIGHT),
        (asked(rate_hz=60.0), RATE),
    ],
)
def test_twice_beyond_an_end_is_far(one: Asked, named: str | None) -> None:
    told = far_outside(reference_of([asked(seconds) for seconds in range(10, 111)]), one)
    assert [text.startswith(named or "") for text in told] == [True] * (named is not None)


def test_what_is_not_known_is_not_compared() -> None:
    assert properties(asked(height=0)) == {DURATION: [30.0]}
    assert far_outside(None, asked(9999)) == []
    assert far_outside(reference_of([asked(height=0)]), asked(height=1080)) == []
