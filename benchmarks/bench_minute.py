"""What a minute of film costs on a CPU: decoding it and computing its features, by network and stride.

    python -m benchmarks.bench_minute [x3d_s ...] [--strides 4] [--engines torch openvino] [--size 320 240]

The film is made here. Each way is done as the pipeline does it, frames and features written, after one that is not
counted; the loading of the network is in neither.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import models
from benchmarks.bench import machine
from benchmarks.decoding import RATE_HZ, make_film
from benchmarks.network import engines
from seizures.features.extraction import extract_seizure
from seizures.features.schema import FeatureHeader
from seizures.settings import FrameSettings
from seizures.video.frame_cache import write_frames
from seizures.video.window import WindowRequest, open_window

SECONDS = 60.0


def minute(film: Path, folder: Path, network: models.NetworkSpec, engine: str, stride_frames: int) -> tuple[float, int]:
    """Return the seconds of decoding and extracting a minute, and the number of snippets."""
    prepared = models.prepare(models.load_network(network.name, "random:0"), engine=engine)
    settings = FrameSettings(RATE_HZ)
    header = FeatureHeader(
        "P01", "01", "FOS", {}, "0" * 12, network.name, "random:0", network.span_frames, stride_frames, RATE_HZ,
        frame_step=network.frame_step,
    )  # fmt: skip

    def once(until_seconds: float) -> tuple[float, int]:
        started = time.perf_counter()
        request = WindowRequest((film,), None, until_seconds, settings=settings, frame_size=network.frame_size)
        with open_window(request) as window:
            write_frames(folder / "frames.h5", window, attributes={"video_sha256": ""})
        num_snippets = extract_seizure(
            {"large": folder / "frames.h5"},
            prepared,  # type: ignore[arg-type]
            folder / "features.h5",
            header,
            view_attributes={"large": {"use": "all"}},
            batch_size=0,
            device="cpu",
        )
        return time.perf_counter() - started, num_snippets

    once(network.span_frames / RATE_HZ + 0.5)
    return once(SECONDS)


def main() -> None:
    """Measure what is named, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", default=["x3d_s"])
    parser.add_argument("--strides", type=int, nargs="+", default=[4])
    parser.add_argument("--engines", nargs="+", choices=models.ENGINES, default=engines())
    parser.add_argument("--size", type=int, nargs=2, default=[320, 240])
    options = parser.parse_args()
    print("network      Kinetics-400, %   stride  engine    snippets   seconds for a minute")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        film = make_film(folder / "film.mp4", *options.size, 25, round((SECONDS + 1) * 25))
        for name in options.names:
            spec = models.network_spec(name)
            for stride in options.strides:
                for engine in options.engines:
                    seconds, number = minute(film, folder, spec, engine, stride)
                    top1 = "" if spec.kinetics_400_top1_percent is None else f"{spec.kinetics_400_top1_percent:g}"
                    print(f"{name:<24}{top1:>6}{stride:>8}  {engine:<9}{number:>8}{seconds:>14.1f}", flush=True)
    print(f"on {machine()}")


if __name__ == "__main__":
    sys.exit(main())
