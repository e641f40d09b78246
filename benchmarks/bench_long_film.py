"""What a window of 60 s costs at the end of a film of six hours, against the same 60 s alone.

    python benchmarks/bench_long_film.py [--hours 6] [--folder FOLDER] [--rounds 3] [--films NAME ...]

The long film is the short one, 360 times in a row, with the clock running on; about 300 MB for each container.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from seizures.video.window import WindowRequest, open_window

RATE, SECONDS, SIZE = 25, 60, (320, 240)
FILMS = {  # name: container options; codec
    "mpeg2.ts": ({}, "mpeg2video"),
    "mpeg2.mpg": ({}, "mpeg2video"),
    "h264.ts": ({}, "libx264"),
    "h264.mp4": ({}, "libx264"),
    "h264.mkv": ({}, "libx264"),
    "h264-no-index.mkv": ({"live": "1"}, "libx264"),
    "h264-fragments.mp4": ({"movflags": "frag_keyframe+empty_moov"}, "libx264"),
    "asp.avi": ({}, "mpeg4"),
    "asp-no-index.avi": ({}, "mpeg4"),
}


def write(path: Path, options: dict[str, str], codec: str, repeats: int) -> None:
    with av.open(str(path), "w", options=options, format="matroska" if "mkv" in path.name else None) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", 12, 100_000
        if codec == "libx264":
            stream.options = {"preset": "ultrafast"}
        stream.codec_context.max_b_frames = 0
        packets = []
        for number in range(RATE * SECONDS):
            image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            image[:, number % 300 : number % 300 + 20] = 200
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        per_second = 1 / packets[0].time_base
        contents = [(bytes(p), p.pts, p.dts, p.is_keyframe, p.time_base) for p in packets]
        for repeat in range(repeats):
            shift = int(repeat * SECONDS * per_second)
            for content, pts, dts, is_key, time_base in contents:
                packet = av.Packet(content)
                packet.pts, packet.dts, packet.time_base, packet.stream = pts + shift, dts + shift, time_base, stream
                packet.duration = int(per_second / RATE)
                packet.is_keyframe = is_key
                container.mux(packet)
    if "no-index.avi" in path.name:
        content = path.read_bytes()
        path.write_bytes(content[: content.rindex(b"idx1")])


def measure(path: Path, onset_seconds: float) -> tuple[float, int]:
    started = time.perf_counter()
    with open_window(WindowRequest((path,), onset_seconds, onset_seconds + SECONDS - 1)) as window:
        num_frames = sum(int(block.valid.sum()) for block in window)
    return time.perf_counter() - started, num_frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--films", nargs="*", default=list(FILMS))
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is told")
    arguments = parser.parse_args()
    repeats = round(arguments.hours * 3600 / SECONDS)
    print(f"{'film':22} {'60 s alone':>11} {f'in {arguments.hours:g} h':>9} {'ratio':>6}  MB  frames")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name in arguments.films:
            paths = []
            for repeat in (1, repeats):
                path = Path(folder) / f"{repeat}-{name}"
                write(path, *FILMS[name], repeat)
                paths.append(path)
            rounds = [
                (measure(paths[0], 0.5), measure(paths[1], (repeats - 1) * SECONDS + 0.5))
                for _ in range(arguments.rounds)
            ]
            alone, inside = (statistics.median(one[side][0] for one in rounds) for side in (0, 1))
            size = paths[1].stat().st_size / 1e6
            counts = f"{rounds[0][0][1]} {rounds[0][1][1]}"
            sys.stdout.write(f"{name:22} {alone:9.2f} s {inside:7.2f} s {inside / alone:6.2f}  {size:.0f}  {counts}\n")
            for path in paths:
                path.unlink()


if __name__ == "__main__":
    main()
