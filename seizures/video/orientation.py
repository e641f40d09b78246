"""The display matrix of a frame: how a player turns and mirrors the picture before it shows it.

A matrix that is none of the eight turns and reflections of a square is taken for the nearest of them, and
`Orientation.is_exact` says that it was.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import av
from av.sidedata.sidedata import SideData, SideDataContainer

_SMALLEST_EXACT = 0.9998  # the cosine of one degree, from which ffmpeg turns a picture too
_UNIT = 65536.0  # the matrix holds fixed-point numbers, 16.16


@dataclass(frozen=True)
class Orientation:
    """How a picture is turned to be shown: libavfilter filters in order, and the same in words.

    `swaps_axes`: rows become columns, so that width and height, and the shape of a pixel, change places.
    """

    words: str
    filters: tuple[str, ...]
    swaps_axes: bool = False
    is_exact: bool = True


UPRIGHT = Orientation("", ())
# By (a, b, c, d): a pixel at (x, y), y down, is shown at (a x + c y, b x + d y).
_EIGHT = {
    (1, 0, 0, 1): UPRIGHT,
    (0, 1, -1, 0): Orientation("rotated 90 degrees clockwise", ("transpose=clock",), swaps_axes=True),
    (-1, 0, 0, -1): Orientation("rotated 180 degrees", ("hflip", "vflip")),
    (0, -1, 1, 0): Orientation("rotated 90 degrees counterclockwise", ("transpose=cclock",), swaps_axes=True),
    (-1, 0, 0, 1): Orientation("mirrored left to right", ("hflip",)),
    (1, 0, 0, -1): Orientation("mirrored top to bottom", ("vflip",)),
    (0, 1, 1, 0): Orientation("mirrored about its diagonal", ("transpose=cclock_flip",), swaps_axes=True),
    (0, -1, -1, 0): Orientation("mirrored about its other diagonal", ("transpose=clock_flip",), swaps_axes=True),
}


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """Return how the display matrix of a frame turns it; upright where it has none."""
    # `frame.side_data` would keep the answer in the frame, which then holds itself until the collector comes.
    data = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
    return _nearest(bytes(data)[:36]) if isinstance(data, SideData) else UPRIGHT


def _nearest(content: bytes) -> Orientation:
    a, b, _, c, d = (value / _UNIT for value in struct.unpack("=9i", content)[:5])
    size = (a * a + b * b + c * c + d * d) ** 0.5
    if size == 0:
        return UPRIGHT
    likeness = {key: sum(x * y for x, y in zip(key, (a, b, c, d), strict=True)) for key in _EIGHT}
    best = max(likeness, key=lambda key: likeness[key])
    found = _EIGHT[best]
    if likeness[best] >= _SMALLEST_EXACT * size * 2**0.5:
        return found
    words = f"{found.words or 'upright'}, the nearest to a display matrix that asks for no quarter turn"
    return Orientation(words, found.filters, found.swaps_axes, is_exact=False)
