"""Every film of the zoo, read back: the frame of each tick is the one that a person would see at that moment."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import zoo

from seizures.errors import VideoError
from seizures.settings import FrameSettings
from seizures.video import open_window

WINDOWS = ((None, None), (0.35, 1.31), (1.1, 2.0))


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("zoo")
    return {item.name: item.make(folder) for item in zoo.ALL if zoo.is_available(item)}


def decode(paths, onset=None, offset=None, *, crop=None, mask=None, **settings):
    with open_window(
        paths,
        onset_seconds=onset,
        offset_seconds=offset,
        crop=crop,
        mask=mask,
        settings=FrameSettings(**settings),
        frame_size=112,
    ) as window:
        blocks = list(window)
        frames = np.concatenate([block.frames for block in blocks])
        return frames, np.concatenate([block.valid for block in blocks]), window.facts


def read_numbers(frames: np.ndarray) -> list[int]:
    """Read the number of each frame (T, 112, 112, 3) back from its blocks."""
    centres = [round((bit + 1) * 112 / 9) for bit in range(zoo.NUM_BITS)]
    values = frames[:, 54:58].mean(axis=(1, 3))
    return [sum(int(row[centre] > 128) << bit for bit, centre in enumerate(centres)) for row in values]


def read_colours(frames: np.ndarray) -> np.ndarray:
    """Return the mean colours of the patches, (number of patches, 3)."""
    centres = [round((24 + 32 * index) / 144 * 112) for index in range(len(zoo.COLOURS))]
    return np.array([frames[:, 76:86, at - 5 : at + 5].mean(axis=(0, 1, 2)) for at in centres])


def specimens(items):
    for item in items:
        missing = not zoo.is_available(item)
        yield pytest.param(item, id=item.name, marks=pytest.mark.skipif(missing, reason="no encoder for it here"))


def test_the_zoo_is_large_enough():
    assert len({item.name for item in zoo.ALL}) >= 40


@pytest.mark.parametrize("item", list(specimens(zoo.ALL)))
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_each_tick_has_the_frame_that_a_person_sees(films, item, window):
    onset, offset = window
    if offset is not None and offset > item.end_seconds() + 1:
        pytest.skip("the film is shorter")
    if all(number is None for number in item.expected([onset or 0.0, (offset or item.end_seconds()) - 0.1])):
        with pytest.raises(VideoError, match="not one sound frame in the window; time is missing"):
            decode(films[item.name], onset, offset)
        return
    frames, valid, facts = decode(films[item.name], onset, offset)
    ticks = [(onset or 0.0) + k / 15 for k in range(len(frames))]
    expected = item.expected(ticks)
    # A container that counts milliseconds cannot tell which of two frames is meant within one of them.
    either = item.expected(ticks, 1.1e-3) if item.name.endswith((".mkv", ".webm", ".flv")) else expected
    seen = [number if good else None for number, good in zip(read_numbers(frames), valid, strict=True)]
    agreed = [one if number == one else other for number, one, other in zip(seen, expected, either, strict=True)]
    assert seen == agreed, facts
    wanted = math.ceil((min(item.end_seconds(), offset or math.inf) - (onset or 0.0)) * 15 - 0.02)
    # How long the last frame is seen is the container's to say, or nobody's.
    assert wanted - (not offset) <= len(frames) <= wanted + 3 * (not offset)
    assert facts.num_frames_lost == facts.num_frames_damaged == facts.num_reversals == 0
    assert facts.num_gaps == (1 if any(number is None for number in expected) else 0)


@pytest.mark.parametrize("item", list(specimens([*zoo.PLAIN, *zoo.PICTURES])))
def test_colours_are_right_within_three_levels(films, item):
    frames, _, _ = decode(films[item.name], 0.2, 0.6)
    wanted = np.array(zoo.COLOURS, float)
    if item.grey:
        red, blue = zoo.MATRICES[item.matrix]
        wanted = np.repeat((wanted @ [red, 1 - red - blue, blue])[:, None], 3, axis=1)
    np.testing.assert_allclose(read_colours(frames), wanted, atol=item.colour_atol)
