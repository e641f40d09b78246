"""The geometry of a frame as a chain of libavfilter filters: source picture in, RGB square out.

`letterbox` (paper, section 3.1): 320 x 180, 5 % of the columns off each side, black bars up to a square, frame_size.
The same square is reached in one pass: 5 % of the columns are dropped from the source, and what is left is scaled so
that its longer side is frame_size. For 16:9 and 112 that is 112 x 70 between bars of 21 rows, exactly the paper's
(288 x 180 of 288 x 288). A picture of another shape keeps its proportions under the same rule.

`center_crop` (Kinetics): scaled to 171 x 128 whatever the shape of the source, then the 112 x 112 in the middle; other
frame sizes in proportion.

Crop and mask are boxes of the picture as a person sees it: the display matrix is obeyed first. Pixels that are not
square are taken at their shape on the screen. Where the picture changes its size, boxes are scaled with it, as long as
its shape on the screen stays; otherwise they cannot be carried over, which is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from seizures.errors import VideoError
from seizures.manifest.recordings import Box
from seizures.video.orientation import UPRIGHT, Orientation, orientation_of
from seizures.video.origin import PixelShapes
from seizures.video.stream import Source
from seizures.video.tone import tone_mapped, transfer_of

# swscale widens its triangle when it shrinks a picture, so nothing aliases; bicubic costs 15 % more on small films. The
# two other flags keep colours within 2 levels of 255; without them they are up to 4 off.
_SCALE_FLAGS = "bilinear+accurate_rnd+full_chroma_int"
_TO_RGB = ("format=gbrp", "format=rgb24")  # straight to rgb24 takes thrice as long; 1 level in 50,000 is 1 off
_TO_DEEP_RGB = ("format=gbrp16le",)  # to be tone-mapped
_SIDE_FRACTION = Fraction(5, 100)
_UNSPECIFIED_MATRIX = 2  # AVCOL_SPC_UNSPECIFIED
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_LARGEST_SD_SIZE = (1279, 576)
_LARGEST_CHANGE_OF_SHAPE = 0.02


@dataclass(frozen=True)
class Picture:
    """What the chain must know of a source frame; another picture needs another chain.

    `colour_matrix` is for YCbCr that does not say its own; None leaves it to the decoder's flags. `is_full_range` is
    YCbCr whose black is 0, not 16. `transfer` is `HLG` or `PQ` where the picture is to be tone-mapped.
    """

    width: int
    height: int
    pixel_aspect: Fraction = Fraction(1)
    orientation: Orientation = UPRIGHT
    colour_matrix: str | None = None
    is_full_range: bool = False
    transfer: str = ""

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height in pixels once turned as the display matrix asks."""
        return (self.height, self.width) if self.orientation.swaps_axes else (self.width, self.height)

    @property
    def shown_pixel_aspect(self) -> Fraction:
        """Width over height of a pixel once turned."""
        return 1 / self.pixel_aspect if self.orientation.swaps_axes else self.pixel_aspect

    @property
    def shape(self) -> float:
        """Width over height on the screen."""
        width, height = self.shown_size
        return float(width * self.shown_pixel_aspect / height)


def filter_chain(
    picture: Picture, *, crop: Box | None, mask: Box | None, preprocessing: str, frame_size: int
) -> tuple[str, ...]:
    """Return the filters, each as `name=arguments`, that make `picture` an RGB frame (frame_size, frame_size, 3).

    Raises:
        VideoError: a box does not fit in the picture.

    """
    chain, region = _masked(picture, crop, mask)
    if preprocessing == "letterbox":
        return (*chain, *_letterbox(region, picture, frame_size))
    return (*chain, *_center_crop(region, picture, frame_size))


def display_chain(picture: Picture, *, crop: Box | None, mask: Box | None, width: int, height: int) -> tuple[str, ...]:
    """Return the filters that make `picture` an RGB frame (height, width, 3) for people: the view whole, and masked.

    A view of another shape than the frame stands in its middle, between black bars.

    Raises:
        VideoError: a box does not fit in the picture.

    """
    chain, region = _masked(picture, crop, mask)
    across, down = region.width * picture.shown_pixel_aspect, Fraction(region.height)
    scale = min(width / across, height / down)
    # A bar of one column or row is only the rounding to even numbers.
    inner = [
        whole if whole - round(scale * part) < 2 else round(scale * part)
        for whole, part in ((width, across), (height, down))
    ]
    inner_width, inner_height = (max(1, part) for part in inner)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    pad = f"pad={width}:{height}:{left}:{top}:black"
    return (*chain, *_crop(region, picture), _scale(inner_width, inner_height), *_to_rgb(picture), pad)


def display_size(picture: Picture, crop: Box | None, max_height: int) -> tuple[int, int]:
    """Return width and height of the view of a picture in square pixels: even, and never more rows than it has."""
    across, down = (crop.width, crop.height) if crop is not None else picture.shown_size
    height = min(max_height, down)
    width = round(across * picture.shown_pixel_aspect * height / down)
    return max(2, width - width % 2), max(2, height - height % 2)


def _masked(picture: Picture, crop: Box | None, mask: Box | None) -> tuple[list[str], Box]:
    """Return the filters that turn and mask a picture, and the region of it that is the view."""
    width, height = picture.shown_size
    chain = [] if picture.colour_matrix is None else [f"setparams=colorspace={picture.colour_matrix}"]
    chain += picture.orientation.filters
    for name, box in (("mask", mask), ("crop", crop)):
        if box is not None:
            _check_box(name, box, width, height)
    if mask is not None:
        if picture.is_full_range:
            chain.append("format=rgb24")  # in YCbCr drawbox knows only the black of limited range
        chain.append(f"drawbox=x={mask.left}:y={mask.top}:w={mask.width}:h={mask.height}:color=black:t=fill")
    return chain, crop if crop is not None else Box(0, 0, width, height)


def _letterbox(region: Box, picture: Picture, frame_size: int) -> tuple[str, ...]:
    # Even numbers keep the colour planes of 4:2:0 in step; a region of one or two columns loses none.
    side = 2 * round(region.width * _SIDE_FRACTION / 2)
    kept = Box(region.left + side, region.top, region.width - 2 * side, region.height)
    shown_width = kept.width * picture.shown_pixel_aspect
    longest = max(shown_width, Fraction(kept.height))
    width = max(1, round(frame_size * shown_width / longest))
    height = max(1, round(frame_size * kept.height / longest))
    left, top = (frame_size - width) // 2, (frame_size - height) // 2
    pad = f"pad={frame_size}:{frame_size}:{left}:{top}:black"
    return (*_crop(kept, picture), _scale(width, height), *_to_rgb(picture), pad)


def _center_crop(region: Box, picture: Picture, frame_size: int) -> tuple[str, ...]:
    width, height = round(Fraction(171, 112) * frame_size), round(Fraction(128, 112) * frame_size)
    # Halves round to even, as torchvision's CenterCrop does: 30 columns and 8 rows for 112.
    left, top = round(Fraction(width - frame_size, 2)), round(Fraction(height - frame_size, 2))
    square = f"crop={frame_size}:{frame_size}:{left}:{top}"
    return (*_crop(region, picture), _scale(width, height), *_to_rgb(picture), square)


def _crop(box: Box, picture: Picture) -> tuple[str, ...]:
    if (box.width, box.height) == picture.shown_size:
        return ()
    return (f"crop={box.width}:{box.height}:{box.left}:{box.top}:exact=1",)


def _to_rgb(picture: Picture) -> tuple[str, ...]:
    return _TO_DEEP_RGB if picture.transfer else _TO_RGB


def _scale(width: int, height: int) -> str:
    return f"scale={width}:{height}:flags={_SCALE_FLAGS}"


def _check_box(name: str, box: Box, width: int, height: int) -> None:
    fits = 0 <= box.left < box.left + box.width <= width and 0 <= box.top < box.top + box.height <= height
    if not fits:
        text = f"{box.left},{box.top},{box.width},{box.height}"
        raise VideoError(f"{name} = {text} (left,top,width,height) does not fit in the picture of {width}x{height}")


def scaled_box(box: Box, drawn: Picture, shown: Picture) -> Box:
    """Return the same region in a picture of another size.

    Args:
        box: in pixels of `drawn`.
        drawn: the picture in which the box was drawn, the first of the film.
        shown: the picture as it is now.

    Raises:
        VideoError: the picture has another shape on the screen, so that the region is not known.

    """
    (width, height), (old_width, old_height) = shown.shown_size, drawn.shown_size
    if (width, height) == (old_width, old_height):
        return box
    if abs(shown.shape / drawn.shape - 1) > _LARGEST_CHANGE_OF_SHAPE:
        raise VideoError(
            f"the picture changes from {old_width}x{old_height} to {width}x{height}, of another shape: crop and mask "
            "cannot be carried over; cut the film there, and give each part its own"
        )
    left, right = (round(edge * width / old_width) for edge in (box.left, box.left + box.width))
    top, bottom = (round(edge * height / old_height) for edge in (box.top, box.top + box.height))
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def picture_of(frame: av.VideoFrame, pixel_aspect: Fraction) -> Picture:
    """Return what there is to know of a decoded frame whose pixels have this shape."""
    full_range = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return Picture(
        width=frame.width,
        height=frame.height,
        pixel_aspect=pixel_aspect,
        orientation=orientation_of(frame),
        colour_matrix=_unsaid_matrix(frame),
        is_full_range=full_range and _has_chroma(frame),
        transfer=transfer_of(frame),
    )


def linked(frame: av.VideoFrame, chain: Sequence[str]) -> av.filter.Graph:
    """Return the graph of a chain of filters, each `name=arguments`, for frames as this one."""
    graph = av.filter.Graph()
    graph.threads = 1  # one small picture is sooner scaled than shared out
    source = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
    source += f":colorspace={frame.colorspace}:range={frame.color_range}"
    nodes = [graph.add("buffer", source)]
    nodes += [graph.add(*text.split("=", 1)) for text in chain]
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def shown_picture(frame: av.VideoFrame, picture: Picture, width: int, height: int) -> NDArray[np.uint8]:
    """Return a frame as a person sees it, whole, turned and tone-mapped: RGB uint8 (height, width, 3)."""
    chain = [] if picture.colour_matrix is None else [f"setparams=colorspace={picture.colour_matrix}"]
    chain += [*picture.orientation.filters, f"scale={width}:{height}", *_to_rgb(picture)]
    graph = linked(frame, chain)
    graph.vpush(frame)
    return _rgb(graph.vpull(), picture, frame)


class FrameGraph:
    """The filter graph, made anew only where the picture of the film changes."""

    def __init__(self, crop: Box | None, mask: Box | None, preprocessing: str, frame_size: int) -> None:
        self.frame_size = frame_size
        self._boxes = {"crop": crop, "mask": mask}
        self._preprocessing = preprocessing
        self._shapes = PixelShapes()
        self._key: tuple[object, ...] | None = None
        self._texts: list[str] = []
        self._graph = av.filter.Graph()
        self._picture = Picture(0, 0)
        self._drawn: Picture | None = None  # in which the boxes were drawn; None: the first that comes
        self._film: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The chain of filters as ffmpeg writes it; several with ` | ` between where the picture changes."""
        return " | ".join(self._texts)

    def start_film(self, source: Source) -> None:
        """Say how the film begins: crop and mask are in pixels of its first picture, and are scaled to others."""
        self._film = {"width": source.width, "height": source.height, "pixel_aspect": source.pixel_aspect}

    def apply(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Return the RGB frame, uint8 (frame_size, frame_size, 3).

        Raises:
            VideoError: crop or mask do not fit in the picture, or its shape has changed.

        """
        aspect = self._shapes.of(frame)
        kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range, frame.color_trc)
        key = (*kind, aspect, orientation_of(frame))
        if key != self._key:
            self._build(frame, aspect)
            self._key = key
        self._graph.vpush(frame)
        return _rgb(self._graph.vpull(), self._picture, frame)

    def scaled(self, box: Box, picture: Picture) -> Box:
        """Return a box of crop or mask as it lies in a later picture of the film; raises VideoError as `apply` does."""
        return scaled_box(box, self._drawn or picture, picture)

    def _build(self, frame: av.VideoFrame, pixel_aspect: Fraction) -> None:
        self._picture = picture = picture_of(frame, pixel_aspect)
        self._drawn = self._drawn or replace(picture, **self._film)
        boxes = {name: box and self.scaled(box, picture) for name, box in self._boxes.items()}
        chain = self._chain(picture, **boxes)
        self._graph = linked(frame, chain)
        text = ",".join([*chain, *([f"{picture.transfer} to BT.709"] if picture.transfer else [])])
        if text not in self._texts:
            self._texts.append(text)

    def _chain(self, picture: Picture, *, crop: Box | None, mask: Box | None) -> tuple[str, ...]:
        return filter_chain(
            picture, crop=crop, mask=mask, preprocessing=self._preprocessing, frame_size=self.frame_size
        )


class DisplayGraph(FrameGraph):
    """The same for people who look at a view: as large as its first picture allows, in its own shape.

    Attributes:
        size: width and height in pixels, both even; known after the first frame.

    """

    def __init__(self, crop: Box | None, mask: Box | None, max_height: int) -> None:
        super().__init__(crop, mask, "", 0)
        self.size: tuple[int, int] | None = None
        self._max_height = max_height

    def _chain(self, picture: Picture, *, crop: Box | None, mask: Box | None) -> tuple[str, ...]:
        self.size = self.size or display_size(picture, crop, self._max_height)
        width, height = self.size
        return display_chain(picture, crop=crop, mask=mask, width=width, height=height)


def _rgb(frame: av.VideoFrame, picture: Picture, source: av.VideoFrame) -> NDArray[np.uint8]:
    if picture.transfer:
        return tone_mapped(np.asarray(frame.to_ndarray(), np.uint16), picture.transfer, source.color_primaries)
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)


def _unsaid_matrix(frame: av.VideoFrame) -> str | None:
    """Return the YCbCr matrix of a frame that does not say it, by size as players do; None where it is known."""
    if frame.colorspace != _UNSPECIFIED_MATRIX or not _has_chroma(frame):
        return None
    if transfer_of(frame):
        return "bt2020nc"
    width, height = _LARGEST_SD_SIZE
    return "bt709" if frame.width > width or frame.height > height else "smpte170m"


def _has_chroma(frame: av.VideoFrame) -> bool:
    return not frame.format.is_rgb and len(frame.format.components) >= 3
