"""One file, opened: its packets and the frames that come out of them, with what does not come out.

Packets say which frames there should be. A frame that the decoder does not hand over is counted as lost before the
next one that it does, so that damage has a place and a length in time. Errors of decoder and demuxer end nothing: the
reading goes on behind them.
"""

from __future__ import annotations

import heapq
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import av
import av.container

from seizures.clock import TOLERANCE_SECONDS
from seizures.errors import VideoError
from seizures.timing import LONGEST_REVERSAL_SECONDS, Cadence, Shot, measure_cadence

logger = logging.getLogger(__name__)

_MOST_THREADS = 8  # each holds a frame; more do not help at the sizes that cameras have
_GUESSED_RATE_HZ = 25  # only for a file without rate and without timestamps
_MICROSECOND = Fraction(1, 1_000_000)
_NUM_AHEAD = 64  # packets of a program stream that are read before the first of them is decoded
_NUM_PROBED = 48  # packets, from which the cadence is measured
_MOST_READ_ERRORS = 100  # in a row, without a packet between them
_DECLARING = {"mov,mp4,m4a,3gp,3g2,mj2"}  # the containers whose frames follow each other without a gap
_AVI_CHUNK_HEADER_BYTES = 8
_TAIL_SECONDS = 5.0

_FIELD_ORDERS = {0: "unknown", 1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}

FrameShot = Shot[av.VideoFrame]
VideoPacket: TypeAlias = "av.Packet[av.VideoStream]"
Progress = Callable[[], None]


def no_progress() -> None:
    """Tell nobody."""


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


class OpenFile:
    """A file and its best video stream, read forwards once from wherever `seek` puts it.

    Attributes:
        last_end_seconds: end of the last frame that a packet announced, on the file's own clock.
        num_corrupt_packets: packets that the demuxer found damaged.
        num_lost_tail: frames that were announced after the last one that was decoded; known after the last shot.
        first_error: what decoder or demuxer said first.

    """

    def __init__(self, path: Path, progress: Progress = no_progress) -> None:
        self._progress = progress
        self.path = path
        self.last_end_seconds = -math.inf
        self.num_lost_tail = 0
        self.num_corrupt_packets = 0
        self._has_failed = False  # the decoder, since the frame that came out last
        self._announced: list[int] = []  # a heap of the stamps of packets whose frames have not come out
        self.first_error = ""
        try:
            # An absolute path cannot be taken for the name of a protocol.
            self._container = av.open(str(path.absolute()), metadata_errors="replace")
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"{path}: cannot be opened as a video: {error.strerror}") from error
        stream = self._container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.codec_context is None:
            self._container.close()
            raise VideoError(f"{path}: holds no video stream that this ffmpeg can decode")
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
        self._stream = stream
        self._time_base = stream.time_base or _MICROSECOND
        self._indexed = self._read_index()
        self._probed = list(islice(self._read(), _NUM_PROBED))
        self.source = self._describe()
        self.first_key_seconds = self._find_first_key()
        self.has_timestamps = any(packet.pts is not None or packet.dts is not None for packet in self._probed)
        # What precedes the first key frame cannot be decoded and is not lost: the film was cut there.
        self._lost_from_seconds = self.first_key_seconds if self.first_key_seconds is not None else math.inf

    @property
    def is_broadcast(self) -> bool:
        """Tell whether this is MPEG's program or transport stream, whose clock means something beyond the file."""
        return self._container.format.name in ("mpeg", "mpegts")

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def claims(self) -> dict[str, str | int | float]:
        """Return what the header says of the file and its stream, by the names of `seizures.inspection.FileFacts`."""
        stream, context, container = self._stream, self._stream.codec_context, self._container
        aspect, duration = self.source.pixel_aspect, math.nan
        if stream.duration:
            duration = float(stream.duration * self._time_base)
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
            "field_order_claimed": _FIELD_ORDERS.get(int(context.field_order), "") if self.has_timestamps else "",
            "frame_rate_claimed_hz": float(self.source.frame_rate_hz or math.nan),
            "duration_claimed_seconds": duration,
            "num_frames_claimed": stream.frames,
        }

    def seek(self, seconds: float) -> None:
        """Stand at a key frame that the container believes to be at or before `seconds` of the file's own clock.

        Raises:
            av.FFmpegError: the container cannot.

        """
        self._probed = []
        self._container.seek(math.floor(seconds / self._time_base), stream=self._stream)
        self._lost_from_seconds = math.inf

    def shots(self, skip_to_seconds: float = -math.inf) -> Iterator[FrameShot]:
        """Decode from where the file stands; or from the last key frame before a time, which is sought by reading.

        Times are seconds of the file's own clock. A frame without a time stamp follows the frame before it.
        """
        packets: Iterable[VideoPacket] = chain(self._probed, self._read())
        if skip_to_seconds > -math.inf:
            packets = self._skip(packets, skip_to_seconds)
            self._lost_from_seconds = math.inf
        self._announced.clear()
        damaged: set[int] = set()
        expected_seconds = 0.0
        for frame in self._decode(packets, damaged):
            num_lost = self._count_lost(frame.pts)
            start = expected_seconds if frame.pts is None else float(frame.pts * self._time_base)
            length = float((frame.duration or 0) * self._time_base) or self.source.cadence.usual_seconds
            # The frame after an error of the decoder may be what was left in its buffers.
            is_damaged = frame.is_corrupt or frame.pts in damaged or self._has_failed
            self._has_failed = False
            if is_damaged:
                self._note("the picture is damaged")
            expected_seconds = start + length
            yield Shot(start, length, frame, bool(frame.key_frame), is_damaged, num_lost)
        self.last_end_seconds = self._tail(expected_seconds)

    def ahead_seconds(self) -> list[float]:
        """Return the stamps of the frames that are still to come, as far as their packets were read; in any order."""
        return [float(pts * self._time_base) for pts in self._announced]

    def _count_lost(self, pts: int | None) -> int:
        """Count the frames that should have come before the one with this stamp, and forget them.

        The stamps of a program stream slip, and nothing can be told from them.
        """
        num_lost, announced = 0, self._announced
        if pts is None:
            return 0
        if self.source.is_program_stream:
            if pts in announced:
                announced.remove(pts)
            return 0
        while announced and announced[0] < pts:
            num_lost += float(heapq.heappop(announced) * self._time_base) >= self._lost_from_seconds
        if announced and announced[0] == pts:
            heapq.heappop(announced)
        self._lost_from_seconds = -math.inf
        return num_lost

    def measure(self) -> float:
        """Return the end of the last frame, on the file's own clock; found near the end of the file, undecoded.

        Where the end cannot be sought, all packets are read: no header is believed.
        """
        container_end = (self._container.start_time or 0) + (self._container.duration or 0)
        try:
            self.seek(max(0.0, container_end / 1e6 - _TAIL_SECONDS))
            num_packets = sum(1 for _ in self._read())
        except av.FFmpegError:
            num_packets = 0
        if not num_packets or not math.isfinite(self.last_end_seconds):
            self._probed = []
            self._container.seek(0)
            num_packets = sum(1 for _ in self._read())
        if math.isfinite(self.last_end_seconds):
            return self.last_end_seconds
        return num_packets * self.source.cadence.usual_seconds

    def _read(self) -> Iterator[VideoPacket]:
        """Read the packets of the stream to the end of the file, past whatever cannot be read."""
        num_errors = 0
        usual = 0.0
        while num_errors < _MOST_READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    num_errors = 0
                    self._progress()
                    if packet.size == 0:
                        continue
                    if self._indexed and packet.pos in self._indexed:
                        packet.pts = packet.dts = self._indexed[packet.pos]
                    if packet.pts is not None and not packet.is_discard:
                        usual = float((packet.duration or 0) * self._time_base) or usual
                        end = float(packet.pts * self._time_base) + (usual or self._claimed_seconds())
                        self.last_end_seconds = max(self.last_end_seconds, end)
                    yield packet
                return
            except av.FFmpegError as error:
                num_errors += 1
                self._note(f"reading: {error.strerror}")

    def _announce(self, packets: Iterable[VideoPacket], damaged: set[int]) -> Iterator[VideoPacket]:
        waiting: deque[VideoPacket] = deque()
        num_ahead = _NUM_AHEAD if self.source.is_program_stream else 0
        for packet in packets:
            if packet.pts is not None and not packet.is_discard:
                heapq.heappush(self._announced, packet.pts)
                if packet.is_corrupt:
                    self.num_corrupt_packets += 1
                    damaged.add(packet.pts)
            waiting.append(packet)
            if len(waiting) > num_ahead:
                yield waiting.popleft()
        yield from waiting

    def _decode(self, packets: Iterable[VideoPacket], damaged: set[int]) -> Iterator[av.VideoFrame]:
        for packet in self._announce(packets, damaged):
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                self._note(f"decoding: {error.strerror}")
                self._has_failed = True
        for _ in range(_MOST_READ_ERRORS):
            try:
                for frame in self._stream.codec_context.decode(None):
                    frame.time_base = self._time_base  # only a packet brings it along
                    yield frame
                return
            except EOFError:
                return
            except av.FFmpegError as error:
                self._note(f"decoding: {error.strerror}")
                self._has_failed = True

    def _skip(self, packets: Iterable[VideoPacket], to_seconds: float) -> Iterator[VideoPacket]:
        """Leave out the packets before the last key frame that is not after `to_seconds`."""
        since_key: list[VideoPacket] = []
        packets = iter(packets)
        for packet in packets:
            at = packet.dts if packet.dts is not None else packet.pts
            if at is not None and float(at * self._time_base) > to_seconds:
                since_key.append(packet)
                break
            is_late = packet.pts is not None and float(packet.pts * self._time_base) > to_seconds
            if packet.is_keyframe and not is_late:
                since_key.clear()
            since_key.append(packet)
        yield from since_key
        yield from packets

    def _tail(self, end_seconds: float) -> float:
        """Return the end of the film behind its last frame, going by the packets whose frames did not come out."""
        if self.source.is_program_stream:
            return end_seconds  # its stamps slip, and the last ones stay
        for pts in sorted(self._announced):
            start = float(pts * self._time_base)
            if end_seconds - TOLERANCE_SECONDS <= start <= end_seconds + LONGEST_REVERSAL_SECONDS:
                self.num_lost_tail += 1
                end_seconds = start + self.source.cadence.usual_seconds
        return end_seconds

    def _read_index(self) -> dict[int, int]:
        """Return the number of each chunk of an AVI by its place.

        The container has no time stamps: the demuxer counts chunks, and counts wrong behind any that it cannot read.
        """
        if self._container.format.name != "avi":
            return {}
        return {entry.pos + _AVI_CHUNK_HEADER_BYTES: entry.timestamp for entry in self._stream.index_entries}

    def _describe(self) -> Source:
        stream, context = self._stream, self._stream.codec_context
        rate_hz = stream.average_rate or stream.guessed_rate
        name = self._container.format.name
        times = [float(packet.pts * self._time_base) for packet in self._probed if packet.pts is not None]
        cadence = measure_cadence(times, self._claimed_seconds(), declares_durations=name in _DECLARING)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        return Source(
            name, context.name, context.width, context.height, rate_hz or None, self._time_base, aspect, cadence
        )

    def _find_first_key(self) -> float | None:
        """Return when the first frame should be seen, also where it turns out to be damaged.

        A broadcast may be cut anywhere and starts at its first key frame; other files start with one, even if damage
        has made it unrecognisable.
        """
        for packet in self._probed:
            if packet.pts is not None and not packet.is_discard and (packet.is_keyframe or not self.is_broadcast):
                return float(packet.pts * self._time_base)
        return None

    def _claimed_seconds(self) -> float:
        return 1 / float(self._stream.average_rate or self._stream.guessed_rate or _GUESSED_RATE_HZ)

    def _note(self, text: str) -> None:
        logger.debug("%s: %s", self.path.name, text)
        self.first_error = self.first_error or text
