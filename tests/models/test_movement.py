"""The numbers of movement against numpy, frame by frame, and what a film without movement gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import models
from models.movement import GRID, MOVES, NUMBERS

LUMA = np.array([0.299, 0.587, 0.114])


def numbers_of(frames: np.ndarray) -> dict[str, float]:
    """Return the numbers of one snippet of frames (T, H, W, 3) in [0, 1], by the network."""
    network = models.load_network("movement")
    snippet = torch.from_numpy(frames.transpose(3, 0, 1, 2)[None].astype(np.float32))
    with torch.inference_mode():
        (found,) = network(snippet)
    return dict(zip(NUMBERS, found.tolist(), strict=True))


def by_hand(frames: np.ndarray) -> dict[str, float]:
    """The same, with a cell for each `H / GRID` rows and columns, written out."""
    count, size, _, _ = frames.shape
    step = size // GRID
    grey = frames @ LUMA
    cells = grey.reshape(count, GRID, step, GRID, step).mean(axis=(2, 4))
    shown = (cells > 5 / 255).any(axis=0)
    changes = np.diff(cells, axis=0)[:, shown]
    pairs = np.abs(changes).mean(axis=1)
    where = np.abs(changes).sum(axis=0)
    places = (2 * np.arange(GRID) + 1) / GRID - 1
    rows, columns = (grid[shown] for grid in np.meshgrid(places, places, indexing="ij"))
    before, after = changes[:-1].ravel(), changes[1:].ravel()
    return {
        "mean_change": pairs.mean(),
        "change_spread": pairs.std(),
        "peak_change": pairs.max(),
        "moving_share": (np.abs(changes) > MOVES).mean(),
        "moving_row": (where * rows).sum() / where.sum(),
        "moving_column": (where * columns).sum() / where.sum(),
        "reversal": -(before @ after) / np.sqrt((before @ before) * (after @ after)),
    }


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((8, 64, 64, 3))


def test_the_numbers_are_what_numpy_finds() -> None:
    frames = noise()
    assert numbers_of(frames) == pytest.approx(by_hand(frames), abs=1e-5)
    frames[:, :20] = 0  # the bar of a letterbox, or a mask
    assert numbers_of(frames) == pytest.approx(by_hand(frames), abs=1e-5)


def test_a_black_bar_does_not_thin_the_movement() -> None:
    frames = noise(1)
    whole, cut = numbers_of(frames), frames.copy()
    cut[:, 32:] = 0
    upper = numbers_of(cut)
    assert upper["mean_change"] == pytest.approx(whole["mean_change"], rel=0.1)
    assert upper["moving_row"] < -0.4


@pytest.mark.parametrize("frames", [np.full((8, 64, 64, 3), 0.4), np.zeros((8, 64, 64, 3)), noise()[:1].repeat(8, 0)])
def test_a_still_film_has_zeros(frames: np.ndarray) -> None:
    assert set(numbers_of(frames).values()) == {0}


def test_where_it_moves_and_whether_it_comes_back() -> None:
    frames = np.full((8, 64, 64, 3), 0.3)
    frames[::2, 40:56, 8:24] = 0.9  # flickers below and to the left: to and fro
    found = numbers_of(frames)
    assert found["moving_row"] == pytest.approx((48 / 32) - 1, abs=1e-5)
    assert found["moving_column"] == pytest.approx((16 / 32) - 1, abs=1e-5)
    assert found["reversal"] == pytest.approx(1, abs=1e-5)
    assert found["peak_change"] == pytest.approx(0.6 * 16 * 16 / 64**2, abs=1e-5)
    assert found["change_spread"] == pytest.approx(0, abs=1e-6)
    brighter = np.linspace(0.2, 0.8, 8)[:, None, None, None] * np.ones((8, 64, 64, 3))
    assert numbers_of(brighter)["reversal"] == pytest.approx(-1, abs=1e-5)  # it goes on


def test_frames_of_any_size_give_nearly_the_same() -> None:
    small = noise(2)[:, ::2, ::2].repeat(2, 1).repeat(2, 2)  # cells of 2 x 2 equal pixels
    large = small.repeat(2, 1).repeat(2, 2)
    assert numbers_of(large) == pytest.approx(numbers_of(small), abs=1e-5)


def test_it_has_no_weights_to_give_or_to_check() -> None:
    spec = models.network_spec("movement")
    assert not spec.has_weights
    assert spec.feature_dim == len(NUMBERS)
    assert not list(models.load_network("movement").parameters())
