"""Films whose picture is not simply what is coded: turned, mirrored, of high dynamic range, of changing shape, or raw.

Each is drawn and coded here; what a person sees is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import zoo

RATE = Fraction(25)
NUM_FRAMES = 40
H264 = {"preset": "ultrafast", "crf": "6", "bf": "0", "sc_threshold": "0"}
WHITE_CD_M2, PEAK_CD_M2 = 203.0, 1000.0
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def images(num_frames: int = NUM_FRAMES, *, start: int = 0, **more) -> Iterator[np.ndarray]:
    """Yield the numbered pictures of the zoo."""
    return (zoo.picture(number, **more) for number in range(start, start + num_frames))


def write(
    path: Path,
    pictures: Iterator[np.ndarray] | Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    aspect: Fraction | None = None,
    matrix: tuple[float, ...] | None = None,
    format: str | None = None,  # noqa: A002 - as av.open says it
) -> Path:
    """Write a film of RGB pictures, with a pixel aspect and a display matrix (a, b, c, d) of its own."""
    pictures = list(pictures)
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.gop_size = width, height, 12
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        if codec == "libx264":
            stream.options = dict(H264)
        else:
            stream.codec_context.bit_rate = 4_000_000
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if matrix is not None:
            a, b, c, d = (round(65536 * value) for value in matrix)
            stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
        for number, image in enumerate(pictures):
            frame = zoo.to_frame(image, stream.pix_fmt, matrix="601", full_range=codec == "mjpeg")
            frame.pts, frame.time_base = number, 1 / RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# What each display matrix (a, b, c, d) asks for, and the picture that must be coded for it to be shown upright.
CODED_FOR: dict[tuple[int, ...], Callable[[np.ndarray], np.ndarray]] = {
    (1, 0, 0, 1): lambda shown: shown,
    (0, 1, -1, 0): lambda shown: np.rot90(shown, 1),  # a player turns it clockwise
    (-1, 0, 0, -1): lambda shown: np.rot90(shown, 2),
    (0, -1, 1, 0): lambda shown: np.rot90(shown, -1),
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda shown: shown.swapaxes(0, 1),
    (0, -1, -1, 0): lambda shown: np.rot90(shown.swapaxes(0, 1), 2),
}


def high_dynamic_range(image: np.ndarray, transfer: str) -> np.ndarray:
    """Return an RGB picture of BT.709 as a phone records it: BT.2020 primaries in HLG or PQ, float64 0 to 1."""
    light = (image / 255.0) ** 2.4 @ TO_BT2020.T * WHITE_CD_M2
    if transfer == "HLG":
        scene = (light / PEAK_CD_M2) ** (1 / 1.2)
        a = 0.17883277
        b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (light / 10_000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def write_high_dynamic_range(path: Path, transfer: str) -> Path:
    """Write a 10-bit film whose frames state BT.2020 and the transfer, as a lossless one."""
    red_weight, blue_weight = 0.2627, 0.0593
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = zoo.WIDTH, zoo.HEIGHT, "yuv420p10le"
        number_of = {"HLG": 18, "PQ": 16}[transfer]
        names = {"HLG": "arib-std-b67", "PQ": "smpte2084"}[transfer]
        stream.options = {
            "preset": "ultrafast",
            "crf": "4",
            "x265-params": f"log-level=none:pools=1:colorprim=bt2020:transfer={names}:colormatrix=bt2020nc",
        }
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, number_of, 9, 1
        for number in range(NUM_FRAMES):
            red, green, blue = np.moveaxis(high_dynamic_range(zoo.picture(number), transfer), -1, 0)
            luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
            planes = [64 + 876 * luma]
            for part, weight in ((blue, blue_weight), (red, red_weight)):
                difference = (part - luma) / (2 * (1 - weight))
                small = difference.reshape(zoo.HEIGHT // 2, 2, zoo.WIDTH // 2, 2).mean(axis=(1, 3))
                planes.append(512 + 896 * small)
            frame = av.VideoFrame(zoo.WIDTH, zoo.HEIGHT, "yuv420p10le")
            for plane, values in zip(frame.planes, planes, strict=True):
                padded = np.zeros((plane.height, plane.line_size // 2), "<u2")
                padded[:, : values.shape[1]] = np.clip(np.rint(values), 0, 1023)
                plane.update(padded.tobytes())
            frame.pts, frame.time_base = number, 1 / RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_changing(path: Path, *parts: tuple[Sequence[np.ndarray], Fraction]) -> Path:
    """Write one transport stream whose picture changes: `parts` are pictures and the aspect of their pixels."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        number = 0
        for index, (pictures, aspect) in enumerate(parts):
            context = stream.codec_context if index == 0 else av.CodecContext.create("libx264", "w")
            context.height, context.width = pictures[0].shape[:2]
            context.pix_fmt, context.time_base, context.framerate = "yuv420p", 1 / RATE, RATE
            context.sample_aspect_ratio, context.options, context.thread_count = aspect, dict(H264), 1
            for image in (*pictures, None):
                frame = None if image is None else zoo.to_frame(image, "yuv420p", matrix="601", full_range=False)
                if frame is not None:
                    frame.pts, frame.time_base = number, 1 / RATE
                    number += 1
                for packet in context.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
    return path


def write_streams(path: Path, sizes: Sequence[tuple[int, int]], *, default: int = 0, with_cover: bool = False) -> Path:
    """Write a file of several films; stream s shows the numbers from 50 s on. Stream `default` has the default flag."""
    with av.open(str(path), "w") as container:
        streams = []
        for width, height in sizes:
            stream = container.add_stream("libx264", rate=RATE)
            stream.width, stream.height, stream.pix_fmt, stream.options = width, height, "yuv420p", dict(H264)
            streams.append(stream)
        for number, stream in enumerate(streams):
            stream.disposition = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
        if with_cover:
            cover = container.add_stream("mjpeg", rate=RATE)
            cover.width, cover.height, cover.pix_fmt = 1200, 800, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic
        for number in range(NUM_FRAMES):
            for index, stream in enumerate(streams):
                image = zoo.picture(50 * index + number, width=stream.width, height=stream.height)
                frame = zoo.to_frame(image, "yuv420p", matrix="601", full_range=False)
                frame.pts, frame.time_base = number, 1 / RATE
                container.mux(stream.encode(frame))
        if with_cover:
            image = np.full((800, 1200, 3), 90, np.uint8)
            frame = zoo.to_frame(image, "yuvj420p", matrix="601", full_range=True)
            frame.pts, frame.time_base = 0, 1 / RATE
            container.mux(cover.encode(frame))
            container.mux(cover.encode(None))
        for stream in streams:
            container.mux(stream.encode(None))
    return path
