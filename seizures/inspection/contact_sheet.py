"""One picture of a recording: moments of its seizure with the view's crop and mask drawn in, and what the network sees.

An engineer who looks at it knows whether the times, the boxes and the orientation are right, before hours of computing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFont

from seizures.errors import VideoError
from seizures.manifest.recordings import Box
from seizures.manifest.table import clock_text
from seizures.settings import FrameSettings
from seizures.video.deinterlacing import Deinterlacer
from seizures.video.film import Pieces
from seizures.video.filters import FrameGraph, Picture, picture_of, shown_picture
from seizures.video.open_file import Progress, no_progress
from seizures.video.origin import PixelShapes
from seizures.video.stream import Source

NUM_COLUMNS = 4
_NUM_MOMENTS = 8
_TILE_WIDTH, _MARGIN, _CAPTION_HEIGHT = 300, 10, 20
_BACKGROUND, _INK, _FAINT = (250, 250, 248), (40, 40, 40), (120, 120, 120)
_CROP, _MASK = (20, 150, 60), (210, 40, 40)
_FROM_THE_ENDS = 0.02  # of the duration


@dataclasses.dataclass(frozen=True)
class _Tile:
    """A moment: the picture as shown, as the network sees it where it is sound, and what is wrong where it is not."""

    seconds: float
    shown: Image.Image | None = None
    seen: Image.Image | None = None
    problem: str = ""


def moments(onset_seconds: float, offset_seconds: float) -> list[float]:
    """Return the times of the pictures, from just after the onset to just before the offset."""
    first, last = _FROM_THE_ENDS, 1 - _FROM_THE_ENDS
    shares = [first + (last - first) * index / (_NUM_MOMENTS - 1) for index in range(_NUM_MOMENTS)]
    return [onset_seconds + share * (offset_seconds - onset_seconds) for share in shares]


def draw_sheet(
    path: Path,
    paths: Sequence[Path],
    *,
    onset_seconds: float,
    offset_seconds: float,
    crop: Box | None,
    mask: Box | None,
    settings: FrameSettings,
    starts_at_seconds: float | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write the contact sheet of a recording as PNG.

    Where `starts_at_seconds` is known, the time of day of the first frame, each moment is labelled with its time of
    day, which a clock in the picture should show.

    Raises:
        VideoError: a file cannot be read, or a box does not fit in its picture.

    """
    graph, shapes = FrameGraph(crop, mask, settings.preprocessing, 112), PixelShapes()
    tiles = []
    for seconds in moments(onset_seconds, offset_seconds):
        found, film, problem = _frame_at(paths, seconds, settings, progress)
        if found is None:
            tiles.append(_Tile(seconds, problem=problem))
            continue
        graph.start_film(film)
        picture = picture_of(found, shapes.of(found))
        seen = Image.fromarray(graph.apply(found))
        boxes = [box and graph.scaled(box, picture) for box in (crop, mask)]
        tiles.append(_Tile(seconds, _with_boxes(_as_shown(found, picture), *boxes), seen, problem))
    if all(tile.shown is None for tile in tiles):
        raise VideoError(f"{';'.join(film.name for film in paths)}: not one of {_NUM_MOMENTS} moments can be shown")
    _compose(tiles, starts_at_seconds).save(path, format="PNG", optimize=True)


def _frame_at(
    paths: Sequence[Path], seconds: float, settings: FrameSettings, progress: Progress
) -> tuple[av.VideoFrame | None, Source, str]:
    """Return the frame that is seen at a time, its film, and what is wrong with it, or why there is none."""
    pieces = Pieces(paths, seconds, progress, settings.raw_rate_hz)
    is_broken = False
    try:
        for stamped in Deinterlacer(settings, seconds, progress).apply(pieces.frames()):
            if stamped.start_seconds > seconds:
                return None, pieces.source, "lost: damaged here" if is_broken else "time is missing here"
            if stamped.end_seconds > seconds:
                return stamped.frame, pieces.source, "" if stamped.is_sound else "damaged: not used"
            is_broken = stamped.is_damage
        has_ended = pieces.end_seconds <= seconds
    finally:
        pieces.close()
    problem = f"the film ends at {pieces.end_seconds:.2f} s" if has_ended else "lost: damaged here"
    return None, pieces.source, problem


def _as_shown(frame: av.VideoFrame, picture: Picture) -> tuple[Image.Image, float, float]:
    """Return the picture as a person sees it, _TILE_WIDTH wide at most, and the scales of its columns and rows."""
    width, height = picture.shown_size
    shown_width = float(width * picture.shown_pixel_aspect)
    scale = min(_TILE_WIDTH / shown_width, 0.75 * _TILE_WIDTH / height)
    size = max(1, round(shown_width * scale)), max(1, round(height * scale))
    return Image.fromarray(shown_picture(frame, picture, *size)), size[0] / width, size[1] / height


def _with_boxes(shown: tuple[Image.Image, float, float], crop: Box | None, mask: Box | None) -> Image.Image:
    picture, across, down = shown
    canvas = picture.copy()
    draw = ImageDraw.Draw(canvas, "RGBA")
    for box, colour in ((mask, _MASK), (crop, _CROP)):
        if box is None:
            continue
        left, top = box.left * across, box.top * down
        right, bottom = (box.left + box.width) * across - 1, (box.top + box.height) * down - 1
        if colour is _MASK:
            draw.rectangle((left, top, right, bottom), fill=(*_MASK, 70))
            draw.line((left, top, right, bottom), fill=_MASK, width=2)
            draw.line((left, bottom, right, top), fill=_MASK, width=2)
        draw.rectangle((left, top, right, bottom), outline=colour, width=3)
    return canvas


def _compose(tiles: Sequence[_Tile], starts_at_seconds: float | None) -> Image.Image:
    font = ImageFont.load_default(size=13)
    tallest = max(tile.shown.height for tile in tiles if tile.shown is not None)
    seen_size = 112
    cell_width, cell_height = _TILE_WIDTH + _MARGIN, _CAPTION_HEIGHT + tallest + 4 + seen_size + 2 * _MARGIN
    num_rows = -(-len(tiles) // NUM_COLUMNS)
    sheet = Image.new("RGB", (NUM_COLUMNS * cell_width + _MARGIN, num_rows * cell_height + _MARGIN), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, tile in enumerate(tiles):
        left = _MARGIN + (index % NUM_COLUMNS) * cell_width
        top = _MARGIN + (index // NUM_COLUMNS) * cell_height
        draw.text((left, top), _caption(tile.seconds, starts_at_seconds), fill=_INK, font=font)
        top += _CAPTION_HEIGHT
        if tile.shown is None or tile.seen is None:
            draw.rectangle((left, top, left + _TILE_WIDTH - 1, top + tallest - 1), outline=_FAINT)
            draw.text((left + 12, top + tallest // 2 - 8), tile.problem, fill=_MASK, font=font)
            continue
        sheet.paste(tile.shown, (left, top))
        below = top + tallest + 4
        if tile.problem:  # the network is not shown it
            draw.rectangle(
                (left, top, left + tile.shown.width - 1, top + tile.shown.height - 1), outline=_MASK, width=4
            )
            draw.text((left, below), tile.problem, fill=_MASK, font=font)
            continue
        sheet.paste(tile.seen, (left, below))
        draw.text((left + seen_size + 8, below + 4), "what the network sees", fill=_FAINT, font=font)
    return sheet


def _caption(seconds: float, starts_at_seconds: float | None) -> str:
    if starts_at_seconds is None:
        return f"{_clock(seconds)}   ({seconds:.2f} s)"
    return f"{clock_text(math.floor(seconds + starts_at_seconds))} o'clock   ({seconds:.2f} s)"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
