"""What a file says of itself, and how its frames follow each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer

from seizures.timing import Cadence, measure_cadence

_GUESSED_RATE_HZ = 25  # only for a file without rate and without timestamps
_MICROSECOND = Fraction(1, 1_000_000)
_DECLARING = {"mov,mp4,m4a,3gp,3g2,mj2"}  # the containers whose frames follow each other without a gap
_AVI_CHUNK_HEADER_BYTES = 8
_FIELD_ORDERS = {0: "unknown", 1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}


@dataclass(frozen=True)
class Source:
    """What a file says of itself, and the cadence of its frames, which is measured."""

    container: str
    codec: str
    width: int
    height: int
    frame_rate_hz: Fraction | None
    time_base: Fraction
    pixel_aspect: Fraction
    cadence: Cadence

    @property
    def is_program_stream(self) -> bool:
        """Tell whether this is MPEG-PS, whose time stamps slip."""
        return self.container == "mpeg"


def describe(container: InputContainer, stream: av.VideoStream, times: Sequence[float]) -> Source:
    """Return what a file says of its stream, and its cadence, measured from the `times` of its first packets."""
    context, name = stream.codec_context, container.format.name
    cadence = measure_cadence(times, claimed_seconds(stream), declares_durations=name in _DECLARING)
    return Source(
        name,
        context.name,
        context.width,
        context.height,
        stream.average_rate or stream.guessed_rate or None,
        stream.time_base or _MICROSECOND,
        stream.sample_aspect_ratio or Fraction(1),
        cadence,
    )


def claimed_seconds(stream: av.VideoStream) -> float:
    """Return the time between two frames by the header."""
    return 1 / float(stream.average_rate or stream.guessed_rate or _GUESSED_RATE_HZ)


def read_index(container: InputContainer, stream: av.VideoStream) -> dict[int, int]:
    """Return the number of each chunk of an AVI by its place; nothing of other containers.

    The container has no time stamps: the demuxer counts chunks, and counts wrong behind any that it cannot read.
    """
    if container.format.name != "avi":
        return {}
    return {entry.pos + _AVI_CHUNK_HEADER_BYTES: entry.timestamp for entry in stream.index_entries}


def claims(
    container: InputContainer, stream: av.VideoStream, source: Source, *, has_timestamps: bool
) -> dict[str, str | int | float]:
    """Return what the header says of the file and its stream, by the names of `seizures.inspection.FileFacts`."""
    context = stream.codec_context
    aspect, duration = source.pixel_aspect, math.nan
    if stream.duration:
        duration = float(stream.duration * source.time_base)
    elif container.duration:
        duration = container.duration / 1e6
    return {
        "container": container.format.name,
        "codec": context.name,
        "width": context.width,
        "height": context.height,
        "pixel_format": context.pix_fmt or "",
        "pixel_aspect": f"{aspect.numerator}:{aspect.denominator}",
        "num_video_streams": len(container.streams.video),
        "start_time": container.metadata.get("creation_time", ""),
        "field_order_claimed": _FIELD_ORDERS.get(int(context.field_order), "") if has_timestamps else "",
        "frame_rate_claimed_hz": float(source.frame_rate_hz or math.nan),
        "duration_claimed_seconds": duration,
        "num_frames_claimed": stream.frames,
    }
