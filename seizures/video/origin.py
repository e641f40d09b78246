"""What a frame does not say itself: the file that it comes from, and the shape of its pixels.

Each frame carries its origin (`frame.opaque`, which libavfilter hands on), because a recording of several files, and a
film that changes, hand over frames of several shapes one behind the other. Each has an object of its own: PyAV knows
objects by their address, and forgets one when the first frame that carries it is freed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.filter

from seizures.video.streams import is_raw

_CONTAINERS_WITHOUT_ASPECT = ("mpeg", "mpegts", "flv")  # and raw streams: the frames alone state it
_ASPECT_UNITS = 5040  # columns for square pixels; the usual shapes (16:11, 64:45, 59:54, ...) are told apart
_LARGEST_TERM = 255
_CORNER = (16, 4)  # columns and rows; the coarsest planes of colour have one sample of 4 x 4


@dataclass(frozen=True)
class Origin:
    """The film of a frame, as the manifest names it, and the pixel aspect (width over height) that holds for all of it.

    `pixel_aspect` is None where the container states none: then each frame states its own.
    """

    film: Path
    pixel_aspect: Fraction | None


def origin_of(film: Path, stream: av.VideoStream) -> Origin:
    """Return the origin of the frames of a file; as in a player, the container's aspect wins over the frames'."""
    is_unstated = is_raw(stream.container) or stream.container.format.name in _CONTAINERS_WITHOUT_ASPECT
    return Origin(film, None if is_unstated else stream.sample_aspect_ratio or Fraction(1))


class PixelShapes:
    """Reads the pixel aspect of frames, which PyAV does not hand out: libavfilter scales a corner by it.

    One graph serves as long as size and format stay; 40 microseconds a frame.
    """

    def __init__(self) -> None:
        self._key: tuple[int, int, str] | None = None
        self._graph = av.filter.Graph()

    def of(self, frame: av.VideoFrame) -> Fraction:
        """Return width over height of the pixels of a frame as decoded, before any turn."""
        origin = frame.opaque
        if isinstance(origin, Origin) and origin.pixel_aspect is not None:
            return origin.pixel_aspect
        key = (frame.width, frame.height, frame.format.name)
        if key != self._key:
            self._graph, self._key = _probe(frame), key
        self._graph.vpush(frame)
        width: int = self._graph.vpull().width
        return Fraction(width, _ASPECT_UNITS).limit_denominator(_LARGEST_TERM)


def _probe(frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    source = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
    source += f":colorspace={frame.colorspace}:range={frame.color_range}"
    # `scale` evaluates its expressions anew where the aspect of the frames changes.
    nodes = [
        graph.add("buffer", source),
        graph.add("crop", f"{min(_CORNER[0], frame.width)}:{min(_CORNER[1], frame.height)}:0:0"),
        graph.add("scale", f"w=clip(round(sar*{_ASPECT_UNITS})\\,1\\,60000):h=2:eval=frame:flags=neighbor"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph
