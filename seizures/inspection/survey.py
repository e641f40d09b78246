"""One pass over a video file: every frame decoded, looked at in passing, and nothing kept but counts."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from seizures.errors import VideoError
from seizures.inspection.pace import pace_of
from seizures.inspection.verdict import FileFacts
from seizures.manifest.film_names import split_stream
from seizures.video.clock import TOLERANCE_SECONDS, Stamped
from seizures.video.film import Pieces
from seizures.video.interlacing import is_combed, levels, scan_film
from seizures.video.open_file import OpenFile, Progress, no_progress
from seizures.video.orientation import orientation_of
from seizures.video.origin import PixelShapes
from seizures.video.tone import transfer_of

_STILL_LEVELS = 0.05  # mean difference of 255; a camera's noise is far above it
_BLACK_LEVEL = 24
_BLACK_SPREAD = 4.0
_COLOURLESS_LEVELS = 2.0
_THINNING = 8  # of rows and columns
_COMBING_EVERY = 5  # frames
_MOST_CHANGES = 3  # that are named
_KEPT = (  # of what is seen in passing, as facts of the same name
    "num_frames", "first_damage_seconds", "gap_seconds", "num_duplicates", "longest_frozen_seconds", "black_seconds",
    "colourless_seconds", "width", "height", "pixel_aspect", "orientation", "transfer", "colour_range", "colour_matrix",
    "num_moving", "num_combed",
)  # fmt: skip
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
    width: int = 0
    height: int = 0
    pixel_aspect: str = "1:1"
    orientation: str = ""
    transfer: str = ""
    colour_range: str = ""
    colour_matrix: str = ""
    num_moving: int = 0
    num_combed: int = 0
    starts: array[float] = dataclasses.field(default_factory=lambda: array("d"))  # of all frames, seconds
    ends: array[float] = dataclasses.field(default_factory=lambda: array("d"))
    shown: str = ""  # the picture's geometry, in words
    changes: list[str] = dataclasses.field(default_factory=list)


def survey(path: Path, raw_rate_hz: float = 0.0, progress: Progress = no_progress) -> FileFacts:
    """Decode a whole file and say what it is; a file that cannot be used says why in `error`.

    Args:
        path: the film, as the manifest names it.
        raw_rate_hz: frame rate of a raw stream that does not state it.
        progress: called for every packet that is read.

    """
    try:
        claims = _claims(path, raw_rate_hz)
    except VideoError as error:
        return FileFacts(video=path.name, error=_plainly(error, path))
    try:
        pieces = Pieces([path], 0.0, progress, raw_rate_hz)
    except VideoError as error:
        return FileFacts(**claims, error=_plainly(error, path))
    look, error_text = _Look(), ""
    try:
        for _ in _watched(pieces.frames(), look):
            pass
        scan = scan_film(path, raw_rate_hz, progress)
        claims["interlaced"] = f"{'yes' if scan.is_interlaced else 'no'}: {scan.why}"
    except VideoError as error:
        error_text = _plainly(error, path)
    finally:
        pieces.close()
    return FileFacts(**{**claims, **_measured(pieces, look), "error": error_text})


def _plainly(error: VideoError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").removeprefix(f"{split_stream(path)[0].name}: ")


def _claims(path: Path, raw_rate_hz: float) -> dict[str, Any]:
    """Return what the header says."""
    with closing(OpenFile(path, raw_rate_hz=raw_rate_hz)) as file:
        return file.claims() | {"video": path.name}


def _measured(pieces: Pieces, look: _Look) -> dict[str, Any]:
    tally, cadence = pieces.tally, pieces.source.cadence
    seen_seconds = look.last_start_seconds - look.first_start_seconds - look.missing_seconds
    found: dict[str, Any] = {field.name: getattr(tally, field.name) for field in dataclasses.fields(tally)}
    found["damage"] = pieces.damage if found.pop("first_damage") or tally.num_lost or tally.num_damaged else ""
    found |= {name: getattr(look, name) for name in _KEPT}
    found |= dataclasses.asdict(pace_of(look.starts, look.ends))
    notes, zero = pieces.notes, pieces.zero_seconds
    found["num_disbelieved"] += notes.num_disbelieved
    return found | {
        "frame_rate_hz": (look.num_frames - 1) / seen_seconds if seen_seconds > 0 else 1 / cadence.usual_seconds,
        "duration_seconds": max(look.end_seconds, pieces.end_seconds),
        "num_corrupt_packets": pieces.num_corrupt_packets,
        "num_restarts": len(notes.restarts_seconds),
        "first_restart_seconds": notes.restarts_seconds[0] - zero if notes.restarts_seconds else math.nan,
        "keyless_from_seconds": max(0.0, notes.keyless_from_seconds - zero),
        "keyless_seconds": notes.keyless_seconds,
        "picture_changes": ", ".join(look.changes),
    }


def _watched(frames: Iterable[Stamped[av.VideoFrame]], look: _Look) -> Iterator[None]:
    """Look at each frame in passing."""
    shown: NDArray[np.int16] | None = None
    shapes = PixelShapes()
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
        _look_at_picture(stamped, last, look, shapes)
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
        look.starts.append(stamped.start_seconds)
        look.ends.append(stamped.end_seconds)
        look.last_start_seconds, look.end_seconds = stamped.start_seconds, stamped.end_seconds
        shown, last = luma, stamped
        yield


def _look_at_picture(
    stamped: Stamped[av.VideoFrame], last: Stamped[av.VideoFrame] | None, look: _Look, shapes: PixelShapes
) -> None:
    """Note what the picture is, where it changes, and whether it is combed."""
    frame, aspect = stamped.frame, shapes.of(stamped.frame)
    orientation = orientation_of(frame)
    if last is None:
        look.width, look.height = frame.width, frame.height
        look.pixel_aspect = f"{aspect.numerator}:{aspect.denominator}"
        look.orientation = orientation.words
        look.transfer = transfer_of(frame)
        look.colour_range = _RANGES.get(frame.color_range, "not said")
        look.colour_matrix = _MATRICES.get(frame.colorspace, "not said")
    words = f"{frame.width}x{frame.height}"
    words += f", pixels of {aspect.numerator}:{aspect.denominator}" if aspect != 1 else ""
    words += f", {orientation.words}" if orientation.words else ""
    if look.shown and words != look.shown and len(look.changes) < _MOST_CHANGES:
        look.changes.append(f"from {stamped.start_seconds:.2f} s on {words}")
    look.shown = words
    if last is not None and look.num_frames % _COMBING_EVERY == 0:
        combed = is_combed(last.frame, frame)
        look.num_moving += combed is not None
        look.num_combed += bool(combed)


def _thin(frame: av.VideoFrame, index: int) -> NDArray[np.int16]:
    return levels(frame, index, row_step=_THINNING, column_step=_THINNING)


def _is_colourless(frame: av.VideoFrame) -> bool:
    if len(frame.format.components) < 3:
        return True
    if frame.format.is_rgb or len(frame.planes) < 3:
        return False
    return all(np.abs(_thin(frame, index) - 128).mean() < _COLOURLESS_LEVELS for index in (1, 2))
