"""Films of another kind, made of a cohort's own frames, to measure how many of them familiarity flags.

They are crude on purpose: whoever takes the wrong file, mounts the camera on its side or films into the dark makes such
films. How real films of other places do is in docs/prediction.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from seizures.features.extraction import FrameReader

Frames = npt.NDArray[np.uint8]


def _noise(frames: Frames) -> Frames:
    return np.random.default_rng(len(frames)).integers(0, 256, frames.shape, dtype=np.uint8)


def _on_its_side(frames: Frames) -> Frames:
    return np.rot90(frames, axes=(1, 2))


def _upside_down(frames: Frames) -> Frames:
    return frames[:, ::-1, ::-1]


KINDS: dict[str, Callable[[Frames], Frames]] = {
    "black": np.zeros_like,
    "noise": _noise,
    "on its side": _on_its_side,
    "upside down": _upside_down,
}


class OtherKind:
    """The frames of a file, made into another kind of film as they are read."""

    def __init__(self, frames: FrameReader, kind: str) -> None:
        self._frames, self._change = frames, KINDS[kind]
        self.frame_size = frames.frame_size

    def read(self, start: int, stop: int) -> Frames:
        """Return frames `start` to `stop` (half-open), uint8 (t, H, W, 3)."""
        return np.ascontiguousarray(self._change(self._frames.read(start, stop)))
