"""One pass over a video file: every frame decoded, looked at in passing, and nothing kept but counts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from seizures.errors import VideoError
from seizures.inspection.verdict import FileFacts
from seizures.video.clock import TOLERANCE_SECONDS, Stamped
from seizures.video.film import Pieces
from seizures.video.interlacing import NUM_SAMPLED, is_interlaced
from seizures.video.open_file import OpenFile, Progress, no_progress
from seizures.video.planes import levels

_STILL_LEVELS = 0.05  # mean difference of 255; a camera's noise is far above it
_BLACK_LEVEL = 24
_BLACK_SPREAD = 4.0
_COLOURLESS_LEVELS = 2.0
_THINNING = 8  # of rows and columns
_RANGES = {1: "limited", 2: "full"}
_MATRICES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020"}


@dataclasses.dataclass
class _Look:
    """What is seen in passing."""

    num_frames: int = 0
    num_duplicates: int = 0
    first_start_seconds: float = math.nan
    last_start_seconds: float = math.nan
    end_seconds: float = 0.0
    first_damage_seconds: float = math.nan
    gap_seconds: float = 0.0
    missing_seconds: float = 0.0
    frozen_seconds: float = 0.0
    longest_frozen_seconds: float = 0.0
    black_seconds: float = 0.0
    colourless_seconds: float = 0.0


def survey(path: Path, progress: Progress = no_progress) -> FileFacts:
    """Decode a whole file and say what it is; a file that cannot be used says why in `error`."""
    try:
        claims = _claims(path)
    except VideoError as error:
        return FileFacts(video=path.name, error=_plainly(error, path))
    try:
        pieces = Pieces([path], 0.0, progress)
    except VideoError as error:
        return FileFacts(**claims, error=_plainly(error, path))
    look, error_text, first = _Look(), "", None
    try:
        frames = pieces.frames()
        sampled = list(islice(frames, NUM_SAMPLED))
        is_combed, why = is_interlaced([stamped.frame for stamped in sampled])
        claims["interlaced"] = f"{'yes' if is_combed else 'no'}: {why}"
        first = sampled[0].frame if sampled else None
        for _ in _watched(chain(sampled, frames), look):
            pass
    except VideoError as error:
        error_text = _plainly(error, path)
    finally:
        pieces.close()
    return FileFacts(**{**claims, **_measured(pieces, look, first), "error": error_text})


def _plainly(error: VideoError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")


def _claims(path: Path) -> dict[str, Any]:
    """Return what the header says."""
    file = OpenFile(path)
    try:
        return file.claims() | {"video": path.name}
    finally:
        file.close()


def _measured(pieces: Pieces, look: _Look, first: av.VideoFrame | None) -> dict[str, Any]:
    tally, cadence = pieces.tally, pieces.source.cadence
    seen_seconds = look.last_start_seconds - look.first_start_seconds - look.missing_seconds
    found: dict[str, Any] = {field.name: getattr(tally, field.name) for field in dataclasses.fields(tally)}
    found["damage"] = pieces.damage if found.pop("first_damage") or tally.num_lost or tally.num_damaged else ""
    return found | {
        "num_frames": look.num_frames,
        "frame_rate_hz": (look.num_frames - 1) / seen_seconds if seen_seconds > 0 else 1 / cadence.usual_seconds,
        "is_variable_rate": not cadence.is_constant,
        "duration_seconds": max(look.end_seconds, pieces.end_seconds),
        "num_corrupt_packets": pieces.num_corrupt_packets,
        "first_damage_seconds": look.first_damage_seconds,
        "gap_seconds": look.gap_seconds,
        "num_duplicates": look.num_duplicates,
        "longest_frozen_seconds": look.longest_frozen_seconds,
        "black_seconds": look.black_seconds,
        "colourless_seconds": look.colourless_seconds,
        "rotation_degrees": 0 if first is None else first.rotation,
        "colour_range": "" if first is None else _RANGES.get(first.color_range, "not said"),
        "colour_matrix": "" if first is None else _MATRICES.get(first.colorspace, "not said"),
    }


def _watched(frames: Iterable[Stamped[av.VideoFrame]], look: _Look) -> Iterator[None]:
    """Look at each frame in passing."""
    shown: NDArray[np.int16] | None = None
    last: Stamped[av.VideoFrame] | None = None
    for stamped in frames:
        if last is not None and last.end_seconds < stamped.start_seconds - TOLERANCE_SECONDS:
            missing = stamped.start_seconds - last.end_seconds
            look.gap_seconds += 0.0 if last.is_damage else missing
            look.missing_seconds += missing
        is_damaged = stamped.is_damage or not stamped.is_sound
        if is_damaged and math.isnan(look.first_damage_seconds):
            # Of a sound frame with damage behind it, the damage starts where it ends.
            look.first_damage_seconds = stamped.end_seconds if stamped.is_sound else stamped.start_seconds
        luma = _thin(stamped.frame, 0)
        length = stamped.end_seconds - stamped.start_seconds
        is_still = shown is not None and shown.shape == luma.shape and np.abs(luma - shown).mean() < _STILL_LEVELS
        look.num_duplicates += bool(is_still)
        look.frozen_seconds = look.frozen_seconds + length if is_still else length
        look.longest_frozen_seconds = max(look.longest_frozen_seconds, look.frozen_seconds)
        look.black_seconds += length if luma.mean() < _BLACK_LEVEL and luma.std() < _BLACK_SPREAD else 0.0
        look.colourless_seconds += length if _is_colourless(stamped.frame) else 0.0
        if look.num_frames == 0:
            look.first_start_seconds = stamped.start_seconds
        look.num_frames += 1
        look.last_start_seconds, look.end_seconds = stamped.start_seconds, stamped.end_seconds
        shown, last = luma, stamped
        yield


def _thin(frame: av.VideoFrame, index: int) -> NDArray[np.int16]:
    return levels(frame, index, row_step=_THINNING, column_step=_THINNING)


def _is_colourless(frame: av.VideoFrame) -> bool:
    if len(frame.format.components) < 3:
        return True
    if frame.format.is_rgb or len(frame.planes) < 3:
        return False
    return all(np.abs(_thin(frame, index) - 128).mean() < _COLOURLESS_LEVELS for index in (1, 2))
