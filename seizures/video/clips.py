"""Small clips of a seizure that any browser plays, and small pictures of it: what a page shows of a film to a person.

All clips of a seizure start at the same moment before its onset, and have the same rate and number of frames, although
each view has a clock of its own: frame k of each is what its film shows `start_seconds + (k + 1/2) / rate` after its
onset. Times, pieces, rotation, deinterlacing, crop and mask are the pipeline's. Where the pipeline sees no picture to
believe, because it is damaged or time is missing, the clip is black.

A clip is H.264 main without sound: 8 bits, 4:2:0, limited range, square pixels, constant rate, no B-frames (so that
frame k stands at exactly k / rate), and a key frame every half second (so that a jump decodes no more than that). It is
written as it is decoded: memory does not grow with the film.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seizures.errors import SettingsError, VideoError
from seizures.video.clip_plan import (
    LARGEST_CLIP_BYTES,
    LEAD_SECONDS,
    SIZES,
    SLOWEST_RATE,
    TAIL_SECONDS,
    Clip,
    ClipPlan,
)
from seizures.video.clock import Clock, Stamped, choose, is_seen
from seizures.video.deinterlacing import Deinterlacer
from seizures.video.film import Pieces
from seizures.video.filters import DisplayGraph, linked
from seizures.video.open_file import Progress, no_progress
from seizures.video.request import WindowRequest

ENCODER = "libx264"
_LARGEST_BITS_PER_SECOND = 4_000_000
_PICTURE_HEIGHT = 144
_JPEG_QUALITY = 78
_PRIVATE = 0o600
_BT709, _LIMITED = 1, 1  # ITU-T H.273, and AVCOL_RANGE_MPEG


def plan_clips(requests: Sequence[WindowRequest], progress: Progress = no_progress) -> ClipPlan:
    """Return what the clips of all views of one seizure have in common; each view has onset and offset on its own film.

    Before the onset they show up to 3 s, as much as every view has; behind the offset up to 3 s, as much as any has.
    The rate is that of the fastest film, as a whole number from 5 to 25. A long clip has fewer rows and frames: see
    `seizures.video.clip_plan.SIZES`.

    Raises:
        SettingsError: there is no view, or this installation has no encoder for H.264.
        VideoError: a film cannot be opened or decoded.

    """
    if not requests:
        raise SettingsError("clips of a seizure without views: expected at least one")
    if ENCODER not in av.codecs_available:
        raise SettingsError(
            f"this installation of PyAV {av.__version__} has no {ENCODER}, which writes the clips; the wheels of PyPI "
            "have it (pip install --force-reinstall --only-binary av av)"
        )
    probes = [_probe(request, progress) for request in requests]
    lead = min(LEAD_SECONDS, *(request.onset_seconds or 0.0 for request in requests))
    end = max(end for end, _ in probes)
    _, max_height, max_rate = next(size for size in SIZES if lead + end <= size[0])
    rate = min(max_rate, max(SLOWEST_RATE, *(round(rate) for _, rate in probes)))
    return ClipPlan(0.0 - lead, rate, max(1, math.floor((lead + end) * rate + 1e-6)), max_height)


def write_clip(
    request: WindowRequest,
    plan: ClipPlan,
    clip: Path,
    pictures: Sequence[Path] = (),
    *,
    largest_bytes: int = LARGEST_CLIP_BYTES,
    progress: Progress = no_progress,
) -> Clip:
    """Write the clip of one view as MP4, and small pictures as JPEG, evenly spaced; only the owner can read them.

    Args:
        request: the view: its film, its onset on the film's own clock, crop, mask and settings of the decoder.
        plan: of the seizure.
        clip: where to write.
        pictures: where to write the pictures; as many are made, at most one of each frame.
        largest_bytes: what the clip must not be larger than; a long one gets fewer bits per second.
        progress: called for every packet that is read.

    Raises:
        VideoError: the film cannot be opened or decoded, has no frames there, or a box does not fit.

    """
    wanted: dict[int, list[Path]] = {}
    for index, path in enumerate(pictures):
        wanted.setdefault(math.floor((index + 0.5) / len(pictures) * plan.num_frames), []).append(path)
    black: list[int] = []
    with contextlib.ExitStack() as stack:
        film = stack.enter_context(contextlib.closing(_Film(request, plan, progress)))
        writer: _Writer | None = None
        for number, picture in enumerate(film.frames()):
            if writer is None:
                height, width = picture.pixels.shape[:2]
                writer = stack.enter_context(contextlib.closing(_Writer(clip, width, height, plan, largest_bytes)))
            writer.write(picture.pixels)
            for path in wanted.get(number, ()):
                _write_picture(path, picture.pixels)
            black += [number] * picture.is_black
        if writer is None:
            raise VideoError(f"{request.name}: no frames from {film.from_seconds:g} s on")
        nothing = np.zeros((writer.height, writer.width, 3), np.uint8)
        for number in range(writer.num_written, plan.num_frames):  # this film ends before others do
            writer.write(nothing)
            for path in wanted.get(number, ()):
                _write_picture(path, nothing)
            black.append(number)
        writer.finish()
    clip.chmod(_PRIVATE)
    seconds = tuple(plan.seconds(number) for number, paths in sorted(wanted.items()) for _ in paths)
    return Clip(writer.width, writer.height, _spans(black, plan), seconds)


def _spans(numbers: Sequence[int], plan: ClipPlan) -> tuple[tuple[float, float], ...]:
    """Return the stretches of time that successive frames take up."""
    found = set(numbers)
    starts = [number for number in numbers if number - 1 not in found]
    ends = [number + 1 for number in numbers if number + 1 not in found]
    times = [[plan.start_seconds + number / plan.rate for number in some] for some in (starts, ends)]
    return tuple(zip(*times, strict=True))


def _probe(request: WindowRequest, progress: Progress) -> tuple[float, float]:
    """Return how long after its onset a view is shown, and the usual rate of its film in Hz."""
    onset, offset = request.onset_seconds or 0.0, request.offset_seconds
    raw_rate = request.settings.raw_rate_hz
    if offset is None:
        with contextlib.closing(Pieces(request.paths, math.inf, progress, raw_rate)) as pieces:
            return pieces.measure_end() - onset, 1 / pieces.source.cadence.usual_seconds
    with contextlib.closing(Pieces(request.paths, offset, progress, raw_rate)) as pieces:
        until = offset + TAIL_SECONDS
        end = offset
        for stamped in pieces.frames():
            end = max(end, min(until, stamped.end_seconds))
            if stamped.start_seconds >= until:
                end = until
                break
        else:
            end = max(end, min(until, pieces.end_seconds))
        return end - onset, 1 / pieces.source.cadence.usual_seconds


@dataclass(frozen=True)
class _Picture:
    """RGB uint8 (H, W, 3), and whether it is black for want of a picture to believe."""

    pixels: NDArray[np.uint8]
    is_black: bool


class _Film:
    """The frames of a view at the moments of a plan, as a person sees them, read once and in order."""

    def __init__(self, request: WindowRequest, plan: ClipPlan, progress: Progress) -> None:
        self.from_seconds = max(0.0, (request.onset_seconds or 0.0) + plan.start_seconds)
        first_tick = self.from_seconds + 0.5 / plan.rate
        self._clock = Clock(first_tick, first_tick + plan.num_frames / plan.rate, plan.rate)
        self._pieces = Pieces(request.paths, self.from_seconds, progress, request.settings.raw_rate_hz)
        self._interlacing = Deinterlacer(request.settings, self.from_seconds, progress)
        self._graph = DisplayGraph(request.crop, request.mask, plan.max_height)
        self._graph.start_film(self._pieces.source)

    def close(self) -> None:
        self._pieces.close()

    def frames(self) -> Iterator[_Picture]:
        """Yield a picture for each frame of the plan, until the film ends."""
        tolerance = self._pieces.tolerance_seconds
        source = self._interlacing.apply(self._pieces.frames())
        shown: Stamped[av.VideoFrame] | None = None
        picture = black = np.zeros((0, 0, 3), np.uint8)
        for tick, stamped in choose(source, self._clock, tolerance, lambda: self._pieces.end_seconds):
            if stamped is not shown:
                shown, picture = stamped, self._painted(stamped)
                black = black if black.shape == picture.shape else np.zeros_like(picture)
            is_believed = stamped.is_sound and is_seen(stamped, self._clock.tick_seconds(tick), tolerance)
            yield _Picture(picture if is_believed else black, not is_believed)

    def _painted(self, stamped: Stamped[av.VideoFrame]) -> NDArray[np.uint8]:
        try:
            return self._graph.apply(stamped.frame)
        except (av.FFmpegError, VideoError) as error:
            raise VideoError(f"{self._pieces.name}: the frame at {stamped.start_seconds:.3f} s: {error}") from error


class _Writer:
    """Encodes pictures as they come."""

    def __init__(self, path: Path, width: int, height: int, plan: ClipPlan, largest_bytes: int) -> None:
        self.width, self.height = width, height
        self.num_written = 0
        self._time_base = Fraction(1, plan.rate)
        self._output = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._output.add_stream(ENCODER, rate=plan.rate)
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = context.time_base = self._time_base
        context.gop_size = max(1, round(plan.rate / 2))
        context.max_b_frames = 0
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        seconds = plan.num_frames / plan.rate
        # The buffer fills once, in the first second; the rest is for the container.
        bits = min(_LARGEST_BITS_PER_SECOND, round(0.97 * 8 * largest_bytes / (seconds + 1)))
        # Two threads whatever the machine. The bytes are the same nearly always: on a busy machine, one clip in 150 or
        # so was a few bytes longer or shorter, from the same pictures, also with one thread.
        x264 = "scenecut=0:open-gop=0:threads=2:log-level=none"
        stream.options = {
            "crf": "24", "preset": "veryfast", "profile": "main", "maxrate": str(bits), "bufsize": str(bits),
            "x264-params": x264,
        }  # fmt: skip
        self._stream = stream
        self._to_yuv: av.filter.Graph | None = None

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Encode the next picture, RGB uint8 (height, width, 3)."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame.pts, frame.time_base = self.num_written, self._time_base
        if self._to_yuv is None:
            flags = "bilinear+accurate_rnd+full_chroma_int"
            scale = f"scale=out_color_matrix=bt709:out_range=limited:flags={flags}"
            self._to_yuv = linked(frame, [scale, "format=yuv420p"])
        self._to_yuv.vpush(frame)
        coded = self._to_yuv.vpull()
        coded.pts, coded.time_base = self.num_written, self._time_base
        self._output.mux(self._stream.encode(coded))
        self.num_written += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._output.mux(self._stream.encode(None))

    def close(self) -> None:
        self._output.close()


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    image = Image.fromarray(picture)
    height = min(_PICTURE_HEIGHT, image.height)
    small = image.resize((max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS)
    small.save(path, format="JPEG", quality=_JPEG_QUALITY, optimize=True)
    path.chmod(_PRIVATE)
