"""Films of the zoo decoded as a whole, and what they show read back from the frames."""

from __future__ import annotations

import numpy as np
import pytest
import zoo

from seizures.settings import FrameSettings
from seizures.video.window import WindowRequest, open_window


def decode(paths, onset=None, offset=None, *, crop=None, mask=None, **settings):
    request = WindowRequest(tuple(paths), onset, offset, crop=crop, mask=mask, settings=FrameSettings(**settings))
    with open_window(request) as window:
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
