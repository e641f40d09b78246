"""A zoo of small films in the shapes in which clinical video comes, made at test time.

Every frame shows its number as eight black and white blocks, a bar that moves, and four patches of known colours. The
planes are computed here, by the book and not by the library under test, so that colours have a reference. Each
specimen knows the time at which each of its frames is seen, and where time is missing.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 160, 96
NUM_BITS = 8
COLOURS = ((190, 60, 60), (60, 170, 60), (50, 70, 180), (200, 200, 200))
WRAP_SECONDS = 2**33 / 90_000  # 26.5 h, after which an MPEG clock starts again at 0
MATRICES = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}
TAGS = {"601": 6, "709": 1}


def picture(number: int, *, width: int = WIDTH, height: int = HEIGHT, phase: float = 0.0) -> np.ndarray:
    """Draw frame `number`, uint8 (H, W, 3); `phase` is how far the bar has moved on, in frames."""
    image = np.full((height, width, 3), 110, np.uint8)
    block, third = width // 10, height // 3
    left = round(block + (number + phase) * width / 20) % (8 * block) + block // 2
    image[:third, left : left + block] = 230
    for bit in range(NUM_BITS):
        image[third : 2 * third, (bit + 1) * block : (bit + 2) * block] = 255 * (number >> bit & 1)
    for index, colour in enumerate(COLOURS):
        image[2 * third :, (2 * index + 1) * block : (2 * index + 3) * block] = colour
    return image


def weave(number: int, *, top_first: bool = True, **more) -> np.ndarray:
    """Draw an interlaced frame: its two fields are half a frame apart in time."""
    first, second = picture(number, **more), picture(number, phase=0.5, **more)
    image = first.copy()
    image[int(top_first) :: 2] = second[int(top_first) :: 2]
    return image


def to_planes(image: np.ndarray, *, matrix: str, full_range: bool, bits: int, chroma: tuple[int, int] | None):
    """Convert RGB to Y, Cb and Cr planes by the definition; `chroma` is the subsampling (rows, columns), None grey."""
    red_weight, blue_weight = MATRICES[matrix]
    red, green, blue = np.moveaxis(image / 255.0, -1, 0)
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    scale = 2 ** (bits - 8)
    black, span, chroma_span = (0, 255, 255) if full_range else (16, 219, 224)
    top = 2**bits - 1
    planes = [black * scale + luma * (top if full_range else span * scale)]
    if chroma is not None:
        for part, weight in ((blue, blue_weight), (red, red_weight)):
            difference = (part - luma) / (2 * (1 - weight))
            rows, columns = chroma
            small = difference.reshape(difference.shape[0] // rows, rows, difference.shape[1] // columns, columns).mean(
                axis=(1, 3)
            )
            planes.append(128 * scale + small * (top if full_range else chroma_span * scale))
    return [np.clip(np.rint(plane), 0, top).astype(np.uint8 if bits == 8 else "<u2") for plane in planes]


FORMATS = {
    "yuv420p": (8, (2, 2)), "yuvj420p": (8, (2, 2)), "yuv422p": (8, (1, 2)), "yuvj422p": (8, (1, 2)), "gray": (8, None),
    "yuv444p": (8, (1, 1)), "yuv420p10le": (10, (2, 2)), "yuv422p10le": (10, (1, 2)), "gray10le": (10, None),
}  # fmt: skip


def to_frame(image: np.ndarray, pix_fmt: str, *, matrix: str, full_range: bool) -> av.VideoFrame:
    bits, chroma = FORMATS[pix_fmt]
    frame = av.VideoFrame(image.shape[1], image.shape[0], pix_fmt)
    planes = to_planes(image, matrix=matrix, full_range=full_range, bits=bits, chroma=chroma)
    for plane, values in zip(frame.planes, planes, strict=True):
        padded = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        padded[:, : values.shape[1]] = values
        plane.update(padded.tobytes())
    return frame


@dataclass(frozen=True)
class Specimen:
    """How to make a film, and what a person would see in it.

    `seconds` are the times of its frames, frame i showing number i; time is missing in `gaps` (start, end). `pieces`
    are file name endings with the range of frames that each holds.
    """

    name: str
    codec: str = "libx264"
    rate: Fraction = Fraction(25)
    num_frames: int = 60
    seconds: tuple[float, ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()
    length_seconds: float | None = None
    time_base: Fraction | None = None
    pix_fmt: str = "yuv420p"
    matrix: str = "601"
    tagged: bool = True
    full_range: bool = False
    grey: bool = False
    interlaced: str = ""
    flagged: bool | None = None
    size: tuple[int, int] = (WIDTH, HEIGHT)
    gop: int = 12
    num_b_frames: int = 0
    options: dict[str, str] = field(default_factory=dict)
    mux: dict[str, str] = field(default_factory=dict)
    offset_seconds: float = 0.0
    aspect: Fraction | None = None
    rotation: int = 0
    inset: bool = False
    grain: int = 0
    frozen_from: int = 10_000
    num_streams: int = 1
    format: str | None = None
    finish: Callable[[Path], None] | None = None
    pieces: tuple[tuple[int, int, float], ...] = ()
    colour_atol: float = 3.0

    def times(self) -> tuple[float, ...]:
        return self.seconds or tuple(float(index / self.rate) for index in range(self.num_frames))

    def end_seconds(self) -> float:
        return self.length_seconds if self.length_seconds is not None else self.times()[-1] + float(1 / self.rate)

    def expected(self, ticks: Sequence[float], late_seconds: float = 2e-6) -> list[int | None]:
        """Return the number seen at each tick; None where time is missing."""
        times = self.times()
        seen: list[int | None] = []
        for tick in ticks:
            missing = any(start - 1e-6 <= tick < end - 1e-3 for start, end in self.gaps)
            seen.append(None if missing else max(i for i, second in enumerate(times) if second <= tick + late_seconds))
        return seen

    def draw(self, number: int) -> np.ndarray:
        width, height = self.size
        shape = {"width": width, "height": height}
        if self.inset:
            image = np.full((height, width, 3), 70, np.uint8)
            image[: height // 2, : width // 2] = picture(number, width=width // 2, height=height // 2)
            image[height // 2 :] = picture(255 - number, width=width, height=height // 2)
            return image
        if self.interlaced:
            return weave(number, top_first=self.interlaced == "tff", **shape)
        image = picture(min(number, self.frozen_from), **shape)
        if self.grain:  # as a camera's, so that a frame is as large as those of a camera
            noise = np.random.default_rng(number).integers(-self.grain, self.grain, image.shape[:2])[..., None]
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        if self.rotation:
            image = np.rot90(image, -self.rotation // 90).copy()
        return image

    def make(self, folder: Path) -> list[Path]:
        """Write the film, or its pieces, and return the paths in order."""
        parts = self.pieces or ((0, len(self.times()), 0.0),)
        stem, _, extension = self.name.rpartition(".")
        paths = []
        for index, (start, stop, offset) in enumerate(parts):
            name = f"{stem}-{index}.{extension}" if self.pieces else self.name
            path = folder / name
            self._write(path, range(start, stop), self.times()[start] - offset if self.pieces else 0.0)
            if self.finish is not None:
                self.finish(path)
            paths.append(path)
        return paths

    def _write(self, path: Path, numbers: range, zero_seconds: float) -> None:
        time_base = self.time_base or 1 / self.rate
        with av.open(str(path), "w", format=self.format, options=self.mux) as container:
            streams = [self._add_stream(container, time_base) for _ in range(self.num_streams)]
            for number in numbers:
                image = self.draw(number)
                seconds = self.times()[number] - zero_seconds + self.offset_seconds
                for stream in streams:
                    shown = image if stream is streams[0] else np.zeros_like(image[:48, :80])
                    frame = to_frame(shown, self.pix_fmt, matrix=self.matrix, full_range=self.full_range)
                    frame.pts, frame.time_base = round(seconds / time_base), time_base
                    if self.tagged:
                        frame.colorspace, frame.color_range = TAGS[self.matrix], 2 if self.full_range else 1
                    container.mux(stream.encode(frame))
            for stream in streams:
                container.mux(stream.encode(None))

    def _add_stream(self, container, time_base):
        stream = container.add_stream(self.codec, rate=self.rate)
        stream.width, stream.height = (80, 48) if len(container.streams) > 1 else self.size
        if self.rotation in (90, 270, -90):
            stream.width, stream.height = self.size[1], self.size[0]
        stream.pix_fmt, stream.gop_size = self.pix_fmt, self.gop
        context = stream.codec_context
        context.time_base = time_base
        context.max_b_frames = self.num_b_frames
        context.thread_count = 1  # with more, the bytes would depend on the machine
        if self.tagged:
            context.colorspace, context.color_range = TAGS[self.matrix], 2 if self.full_range else 1
        flagged = bool(self.interlaced) if self.flagged is None else self.flagged
        options = dict(self.options)
        if self.codec == "libx264":
            options = {"preset": "ultrafast", "crf": "6", "bf": str(self.num_b_frames), "sc_threshold": "0", **options}
            if flagged:
                options["x264-params"] = "bff=1" if self.interlaced == "bff" else "tff=1"
        elif self.codec == "libx265":
            options = {"preset": "ultrafast", "crf": "6", "x265-params": "log-level=none:pools=1", **options}
        else:
            context.bit_rate = 4_000_000
            if flagged:
                options |= {"flags": "+ildct+ilme", "field_order": "bb" if self.interlaced == "bff" else "tt"}
        stream.options = options
        if self.aspect is not None:
            context.sample_aspect_ratio = self.aspect
        if self.rotation:
            stream.set_display_rotation(self.rotation)
        return stream


def _patch(path: Path, old: bytes, offset: int, new: bytes) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(old) + offset
    content[at : at + len(new)] = new
    path.write_bytes(content)


def lie_in_avi(path: Path) -> None:
    """Say 9999 frames and 9999 in the stream where there are fewer."""
    _patch(path, b"avih", 8 + 16, struct.pack("<I", 9999))
    _patch(path, b"strh", 8 + 32, struct.pack("<I", 9999))


def lie_in_mp4(path: Path) -> None:
    """Say a duration of 1000 s in the movie's header."""
    _patch(path, b"mvhd", 4 + 16, struct.pack(">I", 1_000_000))


def drop_avi_index(path: Path) -> None:
    """Cut off the index, as a recorder that lost power does."""
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"idx1")])


def drop_frames(first: int, last: int, rate: int = 25) -> Callable[[Path], None]:
    """Return a step that copies the packets of a film without those of some frames."""

    def step(path: Path) -> None:
        copy = path.with_name(f"copy-{path.name}")
        with av.open(str(path)) as source, av.open(str(copy), "w") as target:
            stream = source.streams.video[0]
            out = target.add_stream_from_template(stream)
            zero = None
            for packet in source.demux(stream):
                if packet.size == 0:
                    continue
                zero = packet.pts if zero is None else zero
                if not first <= round(float((packet.pts - zero) * stream.time_base) * rate) < last:
                    packet.stream = out
                    target.mux(packet)
        copy.replace(path)

    return step


def copy_to(format_name: str, change: Callable[[av.Packet], None] | None = None) -> Callable[[Path], None]:
    """Return a step that copies the packets of a film into another container, as changed."""

    def step(path: Path) -> None:
        copy = path.with_name(f"copy-{path.name}")
        with av.open(str(path)) as source, av.open(str(copy), "w", format=format_name) as target:
            source.flags &= ~1  # no made-up stamps
            stream = source.streams.video[0]
            out = target.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.size:
                    if change is not None:
                        change(packet)
                    packet.stream = out
                    target.mux(packet)
        copy.replace(path)

    return step


def drop_packet(number: int, path: Path) -> None:
    """Take one packet out of a film, by its place in the order of decoding."""
    seen = itertools.count()
    copy = path.with_name(f"copy-{path.name}")
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        source.flags &= ~1
        stream = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size and next(seen) != number:
                packet.pts = packet.dts if packet.pts is None else packet.pts
                packet.stream = out
                target.mux(packet)
    copy.replace(path)


def forget_order(packet: av.Packet) -> None:
    """Stamp a packet by the order of decoding alone."""
    packet.pts = packet.dts


def twice(path: Path) -> None:
    """Join a film to itself, as `cat` does: its clock starts again."""
    path.write_bytes(path.read_bytes() * 2)


def _times(*gaps: float, repeat: int = 1) -> tuple[float, ...]:
    return tuple(np.cumsum([0.0, *(gaps * repeat)]).round(3).tolist())


_JITTER = _times(0.04, 0.03, 0.1, 0.05, 0.2, 0.033, 0.067, repeat=8)
_MISSING = ((0.96 + 0.5, 2.0),)  # the last picture before the pause stays for half a second
_PAUSED = (*(i / 25 for i in range(25)), *(2 + i / 25 for i in range(25)))  # 25 frames, a second of nothing, 25 frames
_SKIPPED = tuple(n / 25 for n in range(150) if n % 40 != 39)  # of a capture card, or a browser
_LATE = tuple(n / 25 + 0.035 * (n in (30, 75)) for n in range(100))
_LAPSE = (*(n / 25 for n in range(20)), *(1.0 + 5 * n for n in range(20)))  # nothing moves, and a recorder saves space
_SLOWER = (*(n / 25 for n in range(50)), *(2 + n / 12.5 for n in range(40)))  # in the dark
_SPARSE = tuple(n / 25 for n in range(150) if n < 60 or n > 69)  # a pause of ten frames
_LONG = {"gop": 250}
_NTSC = Fraction(30_000, 1001)
_KEYED = {"gop": 5}  # one key frame every 0.2 s

PLAIN = (
    Specimen("mpeg2.mpg", "mpeg2video"),
    Specimen("mpeg2-b.mpg", "mpeg2video", num_b_frames=2),
    Specimen("mpeg2-ntsc.mpg", "mpeg2video", rate=_NTSC),
    Specimen("mpeg1.mpg", "mpeg1video"),
    Specimen("mpeg2.ts", "mpeg2video", num_b_frames=2),
    Specimen("mpeg2.mkv", "mpeg2video"),
    Specimen("asp.avi", "mpeg4"),
    Specimen("asp-b.mp4", "mpeg4", num_b_frames=2),
    Specimen("asp-15.avi", "mpeg4", rate=Fraction(15), num_frames=40),
    Specimen("h264.mp4", num_b_frames=2),
    Specimen("h264-ntsc.mkv", rate=_NTSC, num_b_frames=2, time_base=Fraction(1, 90_000)),
    Specimen("h264-30.ts", rate=Fraction(30), num_b_frames=2),
    Specimen("h264-50.mov", rate=Fraction(50), num_frames=100),
    Specimen("h264.flv", num_b_frames=2),
    Specimen("h264-12.avi", rate=Fraction(25, 2), num_frames=30),
    Specimen("hevc.mp4", "libx265"),
    Specimen("hevc.mkv", "libx265"),
    Specimen("hevc.ts", "libx265"),
    Specimen("mjpeg.avi", "mjpeg", pix_fmt="yuvj420p", full_range=True),
    Specimen("ffv1.mkv", "ffv1"),
    Specimen("vp9.webm", "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
)
INTERLACED = (
    Specimen("tff.mpg", "mpeg2video", interlaced="tff"),
    Specimen("tff.ts", "mpeg2video", interlaced="tff"),
    Specimen("bff.mpg", "mpeg2video", interlaced="bff"),
    Specimen("tff-30.ts", "mpeg2video", interlaced="tff", rate=_NTSC),
    Specimen("tff-h264.ts", interlaced="tff"),
    Specimen("unflagged.avi", "mpeg4", interlaced="tff", flagged=False),
    Specimen("unflagged-bff.mp4", interlaced="bff", flagged=False),
)
NOT_INTERLACED = (
    Specimen("progressive-flagged.mpg", "mpeg2video", flagged=True),
    Specimen("progressive-flagged.ts", flagged=True),
)
TIMES = (
    Specimen("variable.mp4", seconds=_JITTER, time_base=Fraction(1, 1000), num_b_frames=2),
    Specimen("variable.mkv", seconds=_JITTER, time_base=Fraction(1, 1000), num_b_frames=2),
    Specimen("declared-pause.mp4", seconds=_PAUSED, gop=25, time_base=Fraction(1, 12_800)),
    Specimen("pause.ts", "mpeg2video", seconds=_PAUSED, gop=25, gaps=_MISSING, time_base=Fraction(1, 25)),
    Specimen("pause.mkv", seconds=_PAUSED, gop=25, gaps=_MISSING, time_base=Fraction(1, 1000)),
    Specimen(
        "pause.mpg",
        "mpeg2video",
        size=(320, 192),
        seconds=_PAUSED,
        gop=1,
        gaps=_MISSING,
        time_base=Fraction(1, 25),
    ),
    Specimen("wrong-counts.avi", "mpeg4", finish=lie_in_avi),
    Specimen("wrong-duration.mp4", finish=lie_in_mp4),
    Specimen("no-index.avi", "mpeg4", finish=drop_avi_index),
    Specimen("no-index.mkv", format="matroska", mux={"live": "1"}),
    Specimen("fragments.mp4", mux={"movflags": "frag_keyframe+empty_moov"}),
    Specimen("raw.h264"),
    Specimen("raw.m2v", "mpeg2video"),
    Specimen("wraps.ts", "mpeg2video", offset_seconds=round(WRAP_SECONDS - 2), mux={"mpegts_copyts": "1"}),
    Specimen("wraps-h264.ts", offset_seconds=round(WRAP_SECONDS - 1), num_b_frames=2, mux={"mpegts_copyts": "1"}),
    Specimen("wraps.mpg", "mpeg2video", offset_seconds=round(WRAP_SECONDS - 1)),
    Specimen("starts-at-7-h.ts", "mpeg2video", offset_seconds=25_200),
    Specimen("starts-late.mp4", offset_seconds=3.0),
    Specimen("long-gop.mp4", gop=250, num_b_frames=3),
)
_MS, _MPEG = Fraction(1, 1000), Fraction(1, 90_000)
FIELD = (
    Specimen("h264-b.avi", num_frames=100, num_b_frames=3, gop=50),
    Specimen("asp-b.avi", "mpeg4", num_frames=100, num_b_frames=2, gop=50),
    Specimen("wmv2.wmv", "wmv2", num_frames=100, gop=50, time_base=_MS),
    Specimen("msmpeg4.asf", "msmpeg4", num_frames=100, gop=50, time_base=_MS),
    Specimen("h264-b.asf", num_frames=100, num_b_frames=3, gop=50, time_base=_MS),
    Specimen(
        "from-avi.mkv", num_frames=100, num_b_frames=3, gop=50, format="avi", finish=copy_to("matroska", forget_order)
    ),
    Specimen(
        "from-asp.mkv",
        "mpeg4",
        num_frames=100,
        num_b_frames=2,
        gop=50,
        format="avi",
        finish=copy_to("matroska", forget_order),
    ),
    Specimen("no-ctts.mp4", num_frames=100, num_b_frames=3, gop=50, finish=copy_to("mp4", forget_order)),
    Specimen("skipped.mkv", seconds=_SKIPPED, num_b_frames=2, time_base=_MS, **_LONG),
    Specimen(
        "skipped.webm",
        "libvpx-vp9",
        seconds=_SKIPPED,
        time_base=_MS,
        options={"deadline": "realtime", "cpu-used": "8"},
        **_LONG,
    ),
    Specimen("skipped.ts", seconds=_SKIPPED, num_b_frames=2, time_base=_MPEG, **_LONG),
    Specimen("skipped.flv", seconds=_SKIPPED, time_base=_MS, **_LONG),
    Specimen("skipped.avi", "mpeg4", seconds=_SKIPPED, **_LONG),  # with empty chunks
    Specimen("lapse.mkv", seconds=tuple(5.0 * n for n in range(20)), time_base=_MS, **_LONG),
    Specimen("lapses.mkv", seconds=_LAPSE, time_base=_MS, **_LONG),
    Specimen("sparse.mkv", seconds=_SPARSE, time_base=_MS, **_LONG),
    Specimen("late.ts", seconds=_LATE, time_base=_MPEG, **_LONG),
    Specimen("late.mkv", seconds=_LATE, time_base=_MS, **_LONG),
    Specimen("slower.mkv", seconds=_SLOWER, num_b_frames=2, time_base=_MS, **_LONG),
    Specimen("slower.ts", seconds=_SLOWER, num_b_frames=2, time_base=_MPEG, **_LONG),
    Specimen("slower.flv", seconds=_SLOWER, time_base=_MS, **_LONG),
    Specimen("slower.mpg", seconds=_SLOWER, time_base=_MPEG, size=(320, 192), grain=20, **_LONG),
    Specimen("refresh.mp4", num_frames=200, gop=25, options={"x264-params": "intra-refresh=1"}),
    Specimen("refresh.ts", num_frames=200, gop=25, options={"x264-params": "intra-refresh=1"}),
)
PICTURES = (
    Specimen("full-range.mp4", pix_fmt="yuvj420p", full_range=True),
    Specimen("bt709.mp4", matrix="709"),
    Specimen("bt601-untagged.mp4", tagged=False),
    Specimen("bt709-untagged-hd.mp4", tagged=False, matrix="709", size=(1280, 768), num_frames=12),
    Specimen("10-bit.mp4", "libx265", pix_fmt="yuv420p10le"),
    Specimen("10-bit-709-full.mkv", "ffv1", pix_fmt="yuv422p10le", matrix="709", full_range=True),
    Specimen("422.mpg", "mpeg2video", pix_fmt="yuv422p"),
    Specimen("422.mp4", pix_fmt="yuv422p"),
    Specimen("444.mp4", pix_fmt="yuv444p"),
    Specimen("grey.mkv", "ffv1", pix_fmt="gray", grey=True, full_range=True),
    Specimen("grey-h264.mp4", pix_fmt="gray", grey=True),
    Specimen("wide-pixels.mkv", aspect=Fraction(4, 3), size=(120, 96)),
    Specimen("turned-90.mp4", rotation=90),
    Specimen("turned-180.mov", rotation=180),
    Specimen("turned-270.mp4", rotation=270),
    Specimen("two-streams.mkv", num_streams=2),
)
PIECES = (
    Specimen("pieces.mpg", "mpeg2video", pieces=((0, 20, 0.0), (20, 41, 0.0), (41, 60, 0.0))),
    Specimen("pieces.mp4", num_b_frames=2, pieces=((0, 20, 0.0), (20, 60, 0.0))),
    Specimen(
        "running-clock.ts",
        "mpeg2video",
        seconds=(*(i / 25 for i in range(25)), *(1.6 + i / 25 for i in range(35))),
        gaps=((1.0, 1.6),),
        gop=5,
        offset_seconds=100,
        pieces=((0, 25, 0.0), (25, 60, 1.6)),
    ),
)
ALL = (*PLAIN, *INTERLACED, *NOT_INTERLACED, *TIMES, *FIELD, *PICTURES, *PIECES)


def is_whole(frame: np.ndarray, number: int) -> bool:
    """Tell whether a letterboxed frame (112, 112, 3) shows a number in clean blocks, and the bar that belongs to it."""
    levels = frame.mean(axis=2)
    blocks = [levels[52:60, round((bit + 1) * 112 / 9)].mean() for bit in range(NUM_BITS)]
    clean = all(level < 60 or level > 195 for level in blocks)
    left = round(16 + number * WIDTH / 20) % 128 + 8
    centre = round((left + 8 - 8) / 144 * 112)
    return clean and bool(levels[24:36, max(0, centre - 2) : centre + 3].mean() > 180)


def is_available(specimen: Specimen) -> bool:
    """Tell whether the encoder is there."""
    try:
        av.Codec(specimen.codec, "w")
    except ValueError:
        return False
    return True
