"""The door to frames for a notebook: one window of a film, whole, as arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seizures.settings import FrameSettings
from seizures.video.blocks import WindowFacts
from seizures.video.request import WindowRequest
from seizures.video.window import open_window


@dataclass(frozen=True)
class Frames:
    """The frames of one window on a uniform clock; T is their number, S the side of the square picture.

    Attributes:
        frames: uint8 (T, S, S, 3), RGB; black where nothing is known.
        valid: bool (T,); False where there is no picture to believe.
        seconds: float64 (T,), the time of each frame after the first frame of the film.
        facts: what decoding found.

    """

    frames: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    seconds: NDArray[np.float64]
    facts: WindowFacts


def read_frames(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    onset_seconds: float | None = None,
    offset_seconds: float | None = None,
    *,
    frame_rate_hz: float = 15,
    frame_size: int = 112,
    preprocessing: str = "letterbox",
    deinterlace: str = "auto",
    damaged: str = "mask",
    raw_rate_hz: float = 0.0,
) -> Frames:
    """Decode a window of a film into memory, as the pipeline decodes it (docs/video.md).

    One second takes 0.6 MB at the default size and rate. The pipeline itself streams the frames
    (`seizures.video.window.open_window`) and never holds more than a block.

    Args:
        paths: one film (`film.mkv#2` is its second video stream), or the pieces of one recording in order.
        onset_seconds: start of the window, in seconds after the first frame of the film; None is that frame.
        offset_seconds: end of the window; None is the end of the film.
        frame_rate_hz: frames per second of the clock.
        frame_size: height and width of the frames, in pixels.
        preprocessing: `letterbox` or `center_crop`.
        deinterlace: `auto`, `always` or `never`.
        damaged: `mask` marks damaged frames in `valid`; `fail` raises an error at the first.
        raw_rate_hz: frame rate of a raw stream (.h264, .mjpg) that does not state it.

    Raises:
        VideoError: the film cannot be opened or decoded, or has no frames in the window.
        SettingsError: a setting is out of range, or the window has no length; the message lists all that are.

    """
    pieces = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    settings = FrameSettings(
        frame_rate_hz=frame_rate_hz,
        preprocessing=preprocessing,
        deinterlace=deinterlace,
        damaged=damaged,
        raw_rate_hz=raw_rate_hz,
    )
    request = WindowRequest(
        tuple(Path(piece) for piece in pieces), onset_seconds, offset_seconds, settings=settings, frame_size=frame_size
    )
    with open_window(request) as window:
        blocks = list(window)
        facts = window.facts
    frames = np.concatenate([block.frames for block in blocks])
    return Frames(
        frames=frames,
        valid=np.concatenate([block.valid for block in blocks]),
        seconds=np.array([request.clock.tick_seconds(tick) for tick in range(len(frames))]),
        facts=facts,
    )
