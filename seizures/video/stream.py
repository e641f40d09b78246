"""What a file says of itself, and how its frames follow each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer

from seizures.video.clock import timestamp_tolerance
from seizures.video.packet_clock import LONGEST_GAP_SECONDS
from seizures.video.streams import describe_choice, describe_raw_rate, frame_rate
from seizures.video.timestamps import Cadence, measure_cadence

_GUESSED_RATE_HZ = 25  # only for a file without rate and without timestamps
MICROSECOND = Fraction(1, 1_000_000)
_DECLARING = {"mov,mp4,m4a,3gp,3g2,mj2"}  # the containers whose frames follow each other without a gap
_AVI_CHUNK_HEADER_BYTES = 8
_INDEX_BLOCK = 512  # entries
_FIELD_ORDERS = {0: "unknown", 1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}


def printable(text: str) -> str:
    """Return a text of a header without the surrogates by which PyAV 19 keeps bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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
    tolerance_seconds: float


def describe(container: InputContainer, stream: av.VideoStream, stamps: Sequence[int]) -> Source:
    """Return what a file says of its stream, and its cadence, measured from the stamps of its first packets."""
    context, name = stream.codec_context, container.format.name
    time_base = stream.time_base or MICROSECOND
    times = [float(stamp * time_base) for stamp in stamps]
    cadence = measure_cadence(times, claimed_seconds(stream), declares_durations=name in _DECLARING)
    return Source(
        name,
        context.name,
        context.width,
        context.height,
        frame_rate(stream),
        time_base,
        stream.sample_aspect_ratio or Fraction(1),
        cadence,
        timestamp_tolerance(time_base, stamps),
    )


def find_first_key(
    packets: Sequence[av.Packet[av.VideoStream]],
    time: Callable[[av.Packet[av.VideoStream]], int | None],
    *,
    needs_key: bool,
) -> int | None:
    """Return the stamp of the first frame that should be seen, also where it turns out to be damaged.

    A broadcast may be cut anywhere and starts at its first key frame (`needs_key`); other files start with one, even if
    damage has made it unrecognisable. `time` gives the stamp of a packet.
    """
    for packet in packets:
        if (at := time(packet)) is not None and not packet.is_discard and (packet.is_keyframe or not needs_key):
            return at
    return None


def from_last_key(
    packets: Iterable[av.Packet[av.VideoStream]], to_seconds: float, seconds: Callable[[int], float]
) -> Iterator[av.Packet[av.VideoStream]]:
    """Leave out packets before the last key frame that is not after `to_seconds`; `seconds` converts stamps."""
    since_key: list[av.Packet[av.VideoStream]] = []
    packets = iter(packets)
    for packet in packets:
        at = packet.dts if packet.dts is not None else packet.pts
        if at is not None and seconds(at) > to_seconds:
            since_key.append(packet)
            break
        is_late = packet.pts is not None and seconds(packet.pts) > to_seconds
        if packet.is_keyframe and not is_late:
            since_key.clear()
        since_key.append(packet)
    yield from since_key
    yield from packets


def claimed_seconds(stream: av.VideoStream) -> float:
    """Return the time between two frames by the header."""
    return 1 / float(frame_rate(stream) or _GUESSED_RATE_HZ)


class ChunkNumbers:
    """The number of each chunk of an AVI by its place, from its index; only the part that is read is looked at.

    The container has no time stamps: the demuxer counts chunks, and counts wrong behind any that it cannot read. Then
    it writes its wrong count into its index, too; so a part of that is taken well before the demuxer comes there.
    """

    def __init__(self, container: InputContainer, stream: av.VideoStream) -> None:
        self._entries = stream.index_entries
        self._num_entries = len(self._entries) if container.format.name == "avi" else 0
        self._next: int | None = None  # entry to be taken; None before the first packet
        self._block_start = -1  # place in the file at which the last block that was taken starts
        self._numbers: dict[int, int] = {}

    def restart(self) -> None:
        """Forget where the file was read; what was taken of the index stays."""
        self._next = None

    def find(self, packet: av.Packet[av.VideoStream]) -> int | None:
        """Return the number of the packet's chunk; None where the index does not know it."""
        if not self._num_entries or packet.pos is None:
            return None
        if self._next is None:
            self._next = max(0, self._entries.search_timestamp(packet.dts or 0, any_frame=True))
            self._block_start = -1
        while packet.pos >= self._block_start and self._next < self._num_entries:
            block = self._entries[self._next : min(self._next + _INDEX_BLOCK, self._num_entries)]
            self._next += len(block)
            self._block_start = block[0].pos
            for entry in block:
                self._numbers.setdefault(entry.pos + _AVI_CHUNK_HEADER_BYTES, entry.timestamp)
        return self._numbers.get(packet.pos)


def sound_lead_seconds(container: InputContainer, picture_seconds: float | None) -> float:
    """Return how much later the first picture is than the first sound; 0 where it is not, or where there is none."""
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in container.streams.audio
        if stream.start_time is not None and stream.time_base is not None
    ]
    lead = picture_seconds - min(starts) if starts and picture_seconds is not None else 0.0
    return lead if 0 < lead < LONGEST_GAP_SECONDS else 0.0


def claims(
    container: InputContainer, stream: av.VideoStream, source: Source, *, has_timestamps: bool
) -> dict[str, str | int | float]:
    """Return what the header says of the file and its stream, named as in `FileFacts`."""
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
        "streams": describe_choice(container, stream),
        "raw_rate": describe_raw_rate(stream),
        "start_time": printable(container.metadata.get("creation_time", "")),
        "field_order_claimed": _FIELD_ORDERS.get(int(getattr(context, "field_order", 0)), "") if has_timestamps else "",
        "frame_rate_claimed_hz": float(source.frame_rate_hz or math.nan),
        "duration_claimed_seconds": duration,
        "num_frames_claimed": stream.frames,
    }


def is_read_whole(stream: av.VideoStream, cadence: Cadence, last_dts: int | None) -> bool:
    """Tell whether the container lists its packets, with the length of each, and the last one was read."""
    if not cadence.declares_durations or last_dts is None:
        return False
    entries = stream.index_entries
    return len(entries) > 0 and last_dts >= entries[-1].timestamp
