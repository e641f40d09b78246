"""The files of a recording: opened, sought, decoded, every frame stamped with its true time.

The decoder starts at the last key frame before the moment that is wanted. Where the container lands late or cannot
seek, it starts further back, in the end at the beginning of the file. A file that breaks is a VideoError that says how
far it got; nothing after the damage is used.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.container

from seizures.clock import TOLERANCE_SECONDS, Stamped, timestamp_tolerance
from seizures.errors import VideoError

logger = logging.getLogger(__name__)

_LONGEST_REVERSAL_SECONDS = 1.0
_MOST_THREADS = 8  # each holds a frame; more do not help at the sizes that cameras have
_SEEK_FROM_SECONDS = 1.0  # an earlier onset is reached sooner by decoding on
_STEPS_BACK_SECONDS = (0.0, 3.0, 15.0, 60.0)
_GUESSED_RATE_HZ = 25  # only for a file without rate and without timestamps
_MICROSECOND = Fraction(1, 1_000_000)

Frames = Iterator[Stamped[av.VideoFrame]]


@dataclass(frozen=True)
class Source:
    """What the file that is open says of itself."""

    codec: str
    width: int
    height: int
    frame_rate_hz: Fraction | None
    time_base: Fraction
    pixel_aspect: Fraction


class Pieces:
    """The frames of the pieces of a recording, one after the other, on the recording's clock, from the onset on."""

    def __init__(self, paths: Sequence[Path], onset_seconds: float) -> None:
        self.name = ";".join(path.name for path in paths)
        self.end_seconds = 0.0  # of the last frame that was read
        self._later = list(paths)
        self._onset_seconds = onset_seconds
        self._start_seconds = 0.0  # of the piece that is open
        self._piece = self._open_first()
        self.source = self._piece.source
        self.tolerance_seconds = timestamp_tolerance(self.source.time_base, self.source.frame_rate_hz)

    def close(self) -> None:
        """Close the file that is open."""
        self._piece.close()

    def frames(self) -> Frames:
        """Yield the frames from the last key frame before the onset to the end of the last piece."""
        while True:
            start_seconds = self._start_seconds
            length_seconds = self._piece.measure() if self._later else math.inf
            for stamped in self._piece.frames(max(0.0, self._onset_seconds - start_seconds)):
                self.end_seconds = start_seconds + stamped.end_seconds
                yield Stamped(start_seconds + stamped.start_seconds, self.end_seconds, stamped.frame)
            self.close()
            if not self._later:
                return
            self._start_seconds += length_seconds
            self._piece = _Piece(self._later.pop(0))

    def _open_first(self) -> _Piece:
        """Open the piece in which the onset is, going by the lengths of the pieces before it, not decoding them."""
        while True:
            piece = _Piece(self._later.pop(0))
            if not self._later:
                return piece
            end_seconds = self._start_seconds + piece.measure()
            if self._onset_seconds + TOLERANCE_SECONDS < end_seconds:
                return piece
            piece.close()
            self._start_seconds = end_seconds


class _Piece:
    """One file: its frames in order, stamped in seconds after its own first frame."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container, self._stream = _open_stream(path)
        self.source = _describe(self._stream)
        self._time_base = self.source.time_base.as_integer_ratio()
        self._period_seconds = 1 / float(self.source.frame_rate_hz or _GUESSED_RATE_HZ)
        self._zero_pts: int | None = None
        self._decoder = self._decode()
        try:
            self._first = next(self._decoder, None)
            if self._first is None:
                raise VideoError(f"{path.name}: not one frame can be decoded")
        except VideoError:
            self.close()
            raise
        self._zero_pts = self._first.frame.pts
        if self._zero_pts is not None:
            self._first = self._stamp(self._first.frame, 0.0)

    def close(self) -> None:
        self._container.close()

    def measure(self) -> float:
        """Return the length in seconds by reading the packets, without decoding: no header is believed."""
        period_seconds = self._period_seconds
        end_seconds, num_packets = 0.0, 0
        container, stream = _open_stream(self._path)
        with container:
            try:
                for packet in container.demux(stream):
                    if packet.size == 0 or packet.is_discard:
                        continue
                    num_packets += 1
                    if packet.pts is not None and self._zero_pts is not None:
                        start_seconds = float((packet.pts - self._zero_pts) * self.source.time_base)
                        length_seconds = float((packet.duration or 0) * self.source.time_base) or period_seconds
                        end_seconds = max(end_seconds, start_seconds + length_seconds)
            except av.FFmpegError as error:
                raise VideoError(f"{self._path.name}: cannot be read to its end: {error.strerror}") from error
        return end_seconds or num_packets * period_seconds

    def frames(self, from_seconds: float) -> Frames:
        """Yield the frames from the last key frame not after `from_seconds`, or from an earlier one, to the end."""
        first = self._first
        if from_seconds > _SEEK_FROM_SECONDS:
            first = self._seek(from_seconds)
        if first is not None:
            yield first
            self._first = None
        yield from self._decoder

    def _seek(self, from_seconds: float) -> Stamped[av.VideoFrame] | None:
        """Land on a key frame that is not after `from_seconds` and return it; at worst on the first of the file."""
        time_base = self.source.time_base
        self._first = None
        for step_seconds in _STEPS_BACK_SECONDS:
            target_seconds = from_seconds - step_seconds
            if self._zero_pts is None or target_seconds <= 0:
                break
            try:
                self._container.seek(self._zero_pts + math.floor(target_seconds / time_base), stream=self._stream)
                self._decoder = self._decode()
                landed = next(self._decoder, None)
            except (av.FFmpegError, VideoError) as error:
                logger.debug("%s: cannot seek to %.3f s: %s", self._path.name, target_seconds, error)
                break
            if landed is None or landed.frame.pts is None or not landed.frame.key_frame:
                continue
            if landed.start_seconds <= from_seconds + TOLERANCE_SECONDS:
                return landed
        self.close()
        self._container, self._stream = _open_stream(self._path)
        self._decoder = self._decode()
        return next(self._decoder, None)

    def _decode(self) -> Frames:
        """Decode from where the container stands; frames that a clock running backwards would show late are dropped."""
        num_decoded = 0
        start_seconds, end_seconds = -math.inf, 0.0
        try:
            for frame in self._container.decode(self._stream):
                stamped = self._stamp(frame, end_seconds)
                if stamped.start_seconds < start_seconds - _LONGEST_REVERSAL_SECONDS:
                    raise VideoError(
                        f"{self._path.name}: the clock jumps back from {start_seconds:.3f} s to "
                        f"{stamped.start_seconds:.3f} s after {num_decoded} frames"
                    )
                num_decoded += 1
                if stamped.start_seconds >= start_seconds:
                    start_seconds, end_seconds = stamped.start_seconds, stamped.end_seconds
                    yield stamped
        except av.FFmpegError as error:
            reached = f"decoding broke at {end_seconds:.3f} s, after {num_decoded} frames"
            raise VideoError(f"{self._path.name}: {reached}: {error.strerror}") from error

    def _stamp(self, frame: av.VideoFrame, expected_seconds: float) -> Stamped[av.VideoFrame]:
        """Give a frame its time; one without a timestamp follows the frame before it."""
        # Whole numbers divided are rounded once, as a Fraction would be, and cost nothing beside a small frame.
        numerator, denominator = self._time_base
        start_seconds = expected_seconds
        if frame.pts is not None and self._zero_pts is not None:
            start_seconds = (frame.pts - self._zero_pts) * numerator / denominator
        length_seconds = frame.duration * numerator / denominator or self._period_seconds
        return Stamped(start_seconds, start_seconds + length_seconds, frame)


def _open_stream(path: Path) -> tuple[av.container.InputContainer, av.VideoStream]:
    try:
        # An absolute path cannot be taken for the name of a protocol.
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: cannot be opened as a video: {error.strerror}") from error
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream) or stream.codec_context is None:
        container.close()
        raise VideoError(f"{path}: holds no video stream that this ffmpeg can decode")
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
    return container, stream


def _describe(stream: av.VideoStream) -> Source:
    context = stream.codec_context
    rate_hz = stream.average_rate or stream.guessed_rate
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return Source(
        context.name, context.width, context.height, rate_hz or None, stream.time_base or _MICROSECOND, aspect
    )
