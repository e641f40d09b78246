"""One file, opened: its packets and the frames that come out of them, with what does not come out.

Packets say which frames there should be. A frame that the decoder does not hand over is counted as lost before the
next one that it does, so that damage has a place and a length in time. Errors of decoder and demuxer end nothing: the
reading goes on behind them.

Decoding on several threads, libav does not say reliably which frame an error belongs to. So a file is decoded on all
threads until the first sign of damage, and from there on once more on one thread, which tells
(`seizures.video.damage`).
"""

from __future__ import annotations

import heapq
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, dropwhile, islice
from pathlib import Path
from typing import TypeAlias

import av
import av.container

from seizures.errors import VideoError
from seizures.manifest.film_names import split_stream
from seizures.video.clock import TOLERANCE_SECONDS
from seizures.video.damage import DamageMap
from seizures.video.origin import origin_of
from seizures.video.seeking import Padded, Place, is_fragmented, look
from seizures.video.stream import (
    MICROSECOND,
    ChunkNumbers,
    claimed_seconds,
    claims,
    describe,
    find_first_key,
    from_last_key,
    open_film,
)
from seizures.video.streams import choose_stream, raw_options, raw_period_seconds, refusal
from seizures.video.timestamps import LONGEST_REVERSAL_SECONDS, Shot

logger = logging.getLogger(__name__)

_MOST_THREADS = 8  # each holds a frame; more do not help at the sizes that cameras have
_NO_TIMESTAMPS = 0x80  # of libavformat's AVFMT_ flags
_NUM_AHEAD = 64  # packets of a program stream that are read before the first of them is decoded
_NUM_PROBED = 48  # packets, from which the cadence is measured
_MOST_READ_ERRORS = 100  # in a row, without a packet between them
_TAIL_SECONDS = 5.0
STEPS_BACK_SECONDS = (0.0, 3.0, 15.0, 60.0)

FrameShot = Shot[av.VideoFrame]
VideoPacket: TypeAlias = "av.Packet[av.VideoStream]"
Progress = Callable[[], None]


class _DamageError(Exception):
    """There is damage; which frame it has struck is to be found out."""


def no_progress() -> None:
    """Tell nobody."""


class OpenFile:
    """A file and its best video stream, read forwards once from wherever `seek` puts it.

    Any method may raise an OSError that is none of libav's: it is of the disk or the network, and not the film's fault.

    Attributes:
        last_end_seconds: end of the last frame that a packet announced, on the file's own clock.
        num_corrupt_packets: packets that the demuxer found damaged.
        num_lost_tail: frames that were announced after the last one that was decoded; known after the last shot.
        first_error: what decoder or demuxer said first.
        is_raw: whether this is a stream without a container that knows the time.

    """

    def __init__(
        self, path: Path, progress: Progress = no_progress, *, has_extent: bool = True, raw_rate_hz: float = 0.0
    ) -> None:
        """Open the file; `raw_rate_hz` is that of a raw stream. `has_extent`: go through all fragments of an MP4."""
        self._raw_rate_hz = raw_rate_hz
        self._progress = progress
        self._is_scanned = has_extent
        self._place: Place | None = None  # at which reading goes on after the beginning
        self._film = path
        self.path, self._number_of_stream = split_stream(path)
        self.last_end_seconds = -math.inf
        self.num_lost_tail = 0
        self.num_corrupt_packets = 0
        self._is_careful = False
        self._is_counted = False  # the clock: by counting frames, so that none can be lost
        self._sought_seconds: float | None = None
        self._announced: list[int] = []  # a heap of the stamps of packets whose frames have not come out
        self.first_error = ""
        self._open()
        times = [self._seconds(packet.pts) for packet in self._probed if packet.pts is not None]
        self.source = describe(self._container, self._stream, times)
        first_key = find_first_key(self._probed, needs_key=self.is_broadcast)
        self.first_key_seconds = None if first_key is None else self._seconds(first_key)
        self.has_timestamps = any(packet.pts is not None or packet.dts is not None for packet in self._probed)
        self._is_counted = not self.has_timestamps or bool(self._container.format.flags & _NO_TIMESTAMPS)
        # A film that begins between two key frames has lost its beginning.
        self._is_headless = any(p.is_keyframe for p in self._probed) and not self._probed[0].is_keyframe
        # What precedes the first key frame cannot be decoded and is not lost: the film was cut there.
        self._lost_from_seconds = self.first_key_seconds if self.first_key_seconds is not None else math.inf

    def _open(self) -> None:
        """Open the file, and read its first packets."""
        # libav takes an error of the disk for the end of the film; a file of Python's raises it.
        self._file = self.path.open("rb", buffering=0)
        shown = Padded(self._file, self._place.padding if self._place else {})
        self._is_scanned = self._is_scanned or not is_fragmented(self._file)
        self._file.seek(0)
        options = raw_options(self._raw_rate_hz) | ({} if self._is_scanned else {"fflags": "+ignidx"})
        try:
            self._container = open_film(shown, options=options)
        except BaseException as error:
            self._file.close()
            if isinstance(error, av.FFmpegError):
                raise VideoError(f"{self.path.name}: cannot be opened as a video: {error.strerror}") from error
            raise
        with refusal(self.path.name, self.close):
            stream = choose_stream(self._container, self._number_of_stream)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 1 if self._is_careful else min(_MOST_THREADS, os.cpu_count() or 1)
        if not self._is_careful:
            stream.codec_context.options = {"err_detect": "explode"}  # so that no damage goes unsaid
        self._stream = stream
        self._time_base = stream.time_base or MICROSECOND
        self._chunk_numbers = ChunkNumbers(self._container, self._stream)
        self._probed = list(islice(self._read(), _NUM_PROBED))
        with refusal(self.path.name, self.close):
            self._raw_seconds = raw_period_seconds(stream, self._raw_rate_hz, len(self._probed))
        self.is_raw = self._raw_seconds is not None
        self._origin = origin_of(self._film, stream)

    def _reopen_carefully(self) -> None:
        """Stand where the last reading began, to decode on one thread."""
        self._is_careful = True
        self.num_corrupt_packets = 0
        self._lost_from_seconds = self.first_key_seconds if self.first_key_seconds is not None else math.inf
        self._reopen(self._place)
        if self._sought_seconds is not None:
            self.seek(self._sought_seconds)

    @property
    def is_broadcast(self) -> bool:
        """Tell whether this is MPEG's program or transport stream, whose clock means something beyond the file."""
        return self._container.format.name in ("mpeg", "mpegts")

    def close(self) -> None:
        """Close the file."""
        self._container.close()
        self._file.close()

    def claims(self) -> dict[str, str | int | float]:
        """Return what the header says of the file and its stream, named as in `FileFacts`."""
        return claims(self._container, self._stream, self.source, has_timestamps=self.has_timestamps)

    def seek(self, seconds: float) -> None:
        """Stand at a key frame that the container believes to be at or before `seconds` of the file's own clock.

        Raises:
            av.FFmpegError: the container cannot.

        """
        self._probed = []
        self._sought_seconds = seconds
        self._chunk_numbers.restart()
        self._container.seek(math.floor(seconds / self._time_base), stream=self._stream)
        self._lost_from_seconds = math.inf

    def search(self, seconds: float) -> bool:
        """In a film without an index, leave out what lies between its beginning and shortly before `seconds`.

        What is left has the last key frame that is not after that; skip to it. Tells whether that was done: otherwise
        the file stands at its beginning.
        """
        film = look(self.path, self._container, self._stream) if self.has_timestamps else None
        if film is None:
            return False
        for step_seconds in STEPS_BACK_SECONDS:
            place = film.find(seconds - step_seconds)
            if place is None:
                break
            self._reopen(place)
            first = next(from_last_key(chain(self._probed, self._read()), seconds, self._seconds), None)
            if first is not None and first.is_keyframe and (first.pos or 0) >= place.position:
                self._reopen(place)
                return True
        if self._place or not self._is_scanned:
            self._is_scanned = True
            self._reopen(None)
        return False

    def _reopen(self, place: Place | None) -> None:
        self.close()
        self._place = place
        self._open()

    def shots(self, skip_to_seconds: float = -math.inf) -> Iterator[FrameShot]:
        """Decode from where the file stands; or from the last key frame before a time, which is sought by reading.

        Times are seconds of the file's own clock. A frame without a time stamp follows the frame before it.
        """
        num_told = 0
        try:
            for shot in self._shots(skip_to_seconds):
                yield shot
                num_told += 1
        except _DamageError:
            logger.debug("%s: damage; decoding once more on one thread", self.path.name)
            self._reopen_carefully()
            yield from islice(self._shots(skip_to_seconds), num_told, None)

    def _shots(self, skip_to_seconds: float) -> Iterator[FrameShot]:
        packets: Iterable[VideoPacket] = chain(self._probed, self._read())
        if skip_to_seconds > -math.inf:
            packets = from_last_key(packets, skip_to_seconds, self._seconds)
            self._lost_from_seconds = math.inf
        if self.is_broadcast and self.first_key_seconds is not None:
            packets = dropwhile(lambda packet: not packet.is_keyframe, packets)
        self._announced.clear()
        expected_seconds = 0.0
        has_damage, awaits_key = False, self._is_headless and self._sought_seconds is None
        damage = DamageMap()
        frames = self._decode(packets, damage)
        for frame, is_damaged in damage.judged(frames) if self._is_careful else ((frame, False) for frame in frames):
            num_lost = self._count_lost(frame.pts)
            start = expected_seconds if frame.pts is None else self._seconds(frame.pts)
            frame.opaque = self._origin
            length = self._raw_seconds or self._seconds(frame.duration or 0) or self.source.cadence.usual_seconds
            awaits_key = awaits_key and not frame.key_frame
            has_damage = has_damage or is_damaged or awaits_key or num_lost > 0
            is_in_doubt = awaits_key or (has_damage and self._is_counted)
            expected_seconds = start + length
            yield Shot(start, length, frame, bool(frame.key_frame), is_damaged or is_in_doubt, num_lost)
        self.last_end_seconds = self._tail(expected_seconds)

    def ahead_seconds(self) -> list[float]:
        """Return the stamps of the frames that are still to come, as far as their packets were read; in any order."""
        return [self._seconds(pts) for pts in self._announced]

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
            num_lost += self._seconds(heapq.heappop(announced)) >= self._lost_from_seconds
        if announced and announced[0] == pts:
            heapq.heappop(announced)
        self._lost_from_seconds = -math.inf
        return num_lost

    def measure(self) -> float:
        """Return the end of the last frame, on the file's own clock; found near the end of the file, undecoded.

        Where the end cannot be sought, all packets are read: no header is believed.

        Raises:
            VideoError: the file cannot be read a second time.

        """
        container_end = (self._container.start_time or 0) + (self._container.duration or 0)
        try:
            self.seek(max(0.0, container_end / 1e6 - _TAIL_SECONDS))
            num_packets = sum(1 for _ in self._read())
        except av.FFmpegError:
            num_packets = 0
        if not num_packets or not math.isfinite(self.last_end_seconds):
            self._probed = []
            self._chunk_numbers.restart()
            try:
                self._container.seek(0)
            except av.FFmpegError as error:
                raise VideoError(f"{self.path.name}: its length cannot be measured: {error.strerror}") from error
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
                    self._number(packet)
                    if packet.pts is not None and not packet.is_discard:
                        usual = self._seconds(packet.duration or 0) or usual
                        end = self._seconds(packet.pts) + (usual or claimed_seconds(self._stream))
                        self.last_end_seconds = max(self.last_end_seconds, end)
                    yield packet
                return
            except av.FFmpegError as error:
                num_errors += 1
                self._note(f"reading: {error.strerror}")

    def _number(self, packet: VideoPacket) -> None:
        """Stamp a packet by the number of its chunk in an AVI, where the index or the place tells it."""
        number = self._chunk_numbers.find(packet)
        if number is not None:
            packet.pts = packet.dts = number
        elif self._container.format.name == "avi":
            self._is_counted = True
        if self._place:
            self._place.renumber(packet)

    def _announce(self, packets: Iterable[VideoPacket], damage: DamageMap) -> Iterator[VideoPacket]:
        waiting: deque[VideoPacket] = deque()
        num_ahead = _NUM_AHEAD if self.source.is_program_stream else 0
        for packet in packets:
            if self._is_careful:
                damage.enter(packet.pts, is_key=packet.is_keyframe)
            if packet.pts is not None and not packet.is_discard:
                heapq.heappush(self._announced, packet.pts)
            if packet.is_corrupt:
                self.num_corrupt_packets += 1
                self._strike("a packet is damaged", packet.pts, damage)
            waiting.append(packet)
            if len(waiting) > num_ahead:
                yield waiting.popleft()
        yield from waiting

    def _decode(self, packets: Iterable[VideoPacket], damage: DamageMap) -> Iterator[av.VideoFrame]:
        for packet in self._announce(packets, damage):
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                self._strike(f"decoding: {error.strerror}", packet.pts, damage)
                continue
            yield from self._checked(frames, damage)
        for _ in range(_MOST_READ_ERRORS):
            try:
                frames = self._stream.codec_context.decode(None)
            except EOFError:
                return
            except av.FFmpegError as error:
                self._strike(f"decoding: {error.strerror}", None, damage)
                continue
            for frame in frames:
                frame.time_base = self._time_base  # only a packet brings it along
            yield from self._checked(frames, damage)
            return

    def _checked(self, frames: Iterable[av.VideoFrame], damage: DamageMap) -> Iterator[av.VideoFrame]:
        for frame in frames:
            if frame.is_corrupt:
                self._strike("the picture is damaged", frame.pts, damage)
            yield frame

    def _strike(self, text: str, pts: int | None, damage: DamageMap) -> None:
        """Take note of damage; the first time, raise _DamageError."""
        self._note(text)
        if not self._is_careful:
            raise _DamageError
        damage.strike(pts)

    def _tail(self, end_seconds: float) -> float:
        """Return the end of the film behind its last frame, going by the packets whose frames did not come out."""
        if self.source.is_program_stream:
            return end_seconds  # its stamps slip, and the last ones stay
        for pts in sorted(self._announced):
            start = self._seconds(pts)
            if end_seconds - TOLERANCE_SECONDS <= start <= end_seconds + LONGEST_REVERSAL_SECONDS:
                self.num_lost_tail += 1
                end_seconds = start + self.source.cadence.usual_seconds
        return end_seconds

    def _seconds(self, ticks: int) -> float:
        return ticks * self._time_base.numerator / self._time_base.denominator  # a Fraction is slow, and no nearer

    def _note(self, text: str) -> None:
        logger.debug("%s: %s", self.path.name, text)
        self.first_error = self.first_error or text
