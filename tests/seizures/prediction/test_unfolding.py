"""The answer at t is that of a film that ends at t, and the last one is that of the whole seizure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from classifier_examples import DIM, NUM_SEGMENTS, classifier
from hypothesis import given, settings
from hypothesis import strategies as st

from seizures.classification.sequences import SequenceBank
from seizures.classification.training import predict
from seizures.errors import TooShortError
from seizures.features.snippets import count_snippets
from seizures.prediction.calibrator import Calibration
from seizures.prediction.unfolding import Unfolding, follow, settled_seconds, unfold

LENGTH, RATE = 4, 5.0


def bank(num_rows: list[int], stride: int, valid: list[bool] | None = None, seed: int = 0) -> SequenceBank:
    total, rows = sum(num_rows), np.array(num_rows)
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(total, DIM)).astype(np.float32))
    names = tuple(f"view{number}" for number in range(len(num_rows)))
    return SequenceBank(
        values, np.ones(total, dtype=bool) if valid is None else np.array(valid), np.cumsum(rows) - rows, rows,
        (rows - 1) * stride + LENGTH, np.zeros(len(rows), dtype=np.int64), np.full(len(rows), np.nan), ("FOS", "TCS"),
        ("P",) * len(rows), ("1",) * len(rows), names, ("all",) * len(rows), LENGTH, stride, RATE,
    )  # fmt: skip


def cut(whole: SequenceBank, view: int, num_rows: int) -> SequenceBank:
    """Return one view as if its film had ended after so many snippets: what lies behind is not there at all."""
    first = int(whole.first_row[view])
    one = whole.select([view])
    return dataclasses.replace(
        one, values=whole.values[first : first + num_rows].clone(), valid=whole.valid[first : first + num_rows].copy(),
        first_row=np.array([0]), num_rows=np.array([num_rows]),
        num_frames=np.array([(num_rows - 1) * whole.stride_frames + LENGTH]),
    )  # fmt: skip


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_the_answer_at_t_is_that_of_a_film_that_ends_at_t(data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, 5))
    fewest = (NUM_SEGMENTS * (LENGTH + 1) - LENGTH) // stride + 2
    num_rows = data.draw(st.lists(st.integers(fewest, fewest + 40), min_size=1, max_size=2))
    valid = data.draw(st.lists(st.booleans(), min_size=sum(num_rows), max_size=sum(num_rows)))
    for last in np.cumsum(num_rows):
        valid[last - 1] = True
    whole, one = bank(num_rows, stride, valid), classifier()
    found = unfold(whole, one.networks[:1], one.settings)
    for view in range(len(whole)):
        for place, seconds in enumerate(found.seconds):
            frames = int(seconds * RATE + 1e-6)
            rows = min(count_snippets(frames, LENGTH, stride), int(whole.num_rows[view]))
            value = found.probabilities[0, view, place]
            is_long = (rows - 1) * stride + LENGTH >= NUM_SEGMENTS * (LENGTH + 1)
            first = whole.first_row[view]
            if rows < 1 or not is_long or not whole.valid[first : first + rows].any():
                assert np.isnan(value)
                continue
            assert value == pytest.approx(predict(cut(whole, view, rows), one.networks[0], one.settings)[0], abs=1e-6)


def test_the_last_answer_is_that_of_the_whole_seizure_and_the_times_are_whole_seconds() -> None:
    whole, one = bank([90, 71], 1), classifier()
    found = unfold(whole, one.networks, one.settings)
    expected = np.stack([predict(whole, network, one.settings) for network in one.networks])
    assert np.allclose(found.probabilities[:, :, -1], expected, atol=1e-6)
    assert found.seconds[0] == 4
    assert found.seconds[-1] == pytest.approx(93 / RATE)
    assert np.array_equal(found.seconds[:-1], np.arange(4, 19))
    assert found.by_seed.shape == (3, len(found.seconds))
    assert not np.isnan(found.by_seed).any()


def test_a_view_that_is_too_short_has_no_answer_and_too_short_ones_alone_are_an_error() -> None:
    one = classifier()
    found = unfold(bank([60, 10], 1), one.networks, one.settings)
    assert np.isnan(found.probabilities[:, 1]).all()
    with pytest.raises(TooShortError, match=r"lasts 2\.6 s, and the classifier needs at least 4\.0 s"):
        unfold(bank([10, 9], 1), one.networks, one.settings)


def curve(*probabilities: float, spread: float = 0.0) -> tuple[np.ndarray, ...]:
    middle = np.array(probabilities)
    return np.arange(len(middle)) + 10.0, middle, middle - spread, middle + spread


@pytest.mark.parametrize(
    ("values", "spread", "settled"),
    [
        ((0.2, 0.7, 0.5, 0.8, 0.9), 0.0, 13.0),  # the no-call zone is 0.4 to 0.6
        ((0.7, 0.8, 0.9), 0.0, 10.0),
        ((0.9, 0.9, 0.5), 0.0, None),
        ((0.9, 0.1, 0.2), 0.0, 11.0),
        ((0.7, 0.7, 0.9), 0.25, 12.0),  # a seed was on the other side before
        ((0.3, 0.3, 0.3), 0.25, None),
        ((), 0.0, None),
    ],
)
def test_an_answer_settles_when_it_stays(values: tuple[float, ...], spread: float, settled: float | None) -> None:
    assert settled_seconds(*curve(*values, spread=spread), no_call=(0.4, 0.6)) == settled


def test_the_course_is_calibrated_as_the_verdict_is() -> None:
    raw = np.array([[[0.2, 0.6]], [[0.4, 0.8]]])
    calibration = Calibration("platt", 2.0, 0.5)
    found = follow(Unfolding(np.array([4.0, 5.0]), raw, ("large",)), calibration, (0.5, 0.5))
    assert found["probability"] == pytest.approx(calibration.apply([0.3, 0.7]).tolist())
    assert found["low"] == pytest.approx(calibration.apply([0.2, 0.6]).tolist())
    assert found["settled_seconds"] == 5.0
