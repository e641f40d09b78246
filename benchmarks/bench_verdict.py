"""What a verdict on a new seizure costs: at most 1.2 times decoding its window with ffmpeg and its snippets alone.

    python -m benchmarks.bench_verdict [--seconds 93] [--repeats 5] [--network r2plus1d_34_8_kinetics] [--folder FOLDER]

Ours is what `Predict --verdict-only` does for one view of a seizure in the middle of a film: decode the window onto the
clock, write the frames, compute the middle snippets of 16 segments, and ask a classifier. Beside it stands what nobody
can do without: ffmpeg decodes the same window, scales it and throws it away, and the same network computes the same
number of snippets. They take turns in one process; imports and the loading of the network are in neither.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import models
from benchmarks.decoding import RATE_HZ, make_film
from seizures.prediction.asked import extract_asked
from seizures.prediction.ensemble import Classifier
from seizures.processes.decoder import IsolatedWindow
from seizures.settings import FrameSettings, TrainingSettings
from seizures.video.frame_cache import write_frames
from seizures.video.request import WindowRequest

ONSET_SECONDS, NUM_SEGMENTS, NUM_SEEDS = 30.0, 16, 3
FILMS = {"320x240": (320, 240, 25), "1920x1080": (1920, 1080, 30)}


def verdict(film: Path, seconds: float, network: torch.nn.Module, classifier: Classifier, folder: Path) -> float:
    """Decode, compute the middles, and ask; return the probability."""
    frames = folder / "frames.h5"
    settings = FrameSettings(RATE_HZ)
    request = WindowRequest(
        (film,), ONSET_SECONDS, ONSET_SECONDS + seconds, settings=settings, frame_size=network.frame_size
    )
    with IsolatedWindow(request) as window:
        write_frames(frames, window, attributes={"video_sha256": ""})
    how = {"num_segments": NUM_SEGMENTS, "stride_frames": 1, "batch_size": 0, "device": "cpu"}
    return classifier.answer(extract_asked("new+film", {"film": frames}, network, **how).middles).probability


def ffmpeg(film: Path, seconds: float) -> None:
    """Decode and scale the window, and throw it away."""
    window = ["-ss", str(ONSET_SECONDS), "-i", str(film), "-t", str(seconds)]
    filters = ["-vf", f"fps={RATE_HZ:g},scale=171:128", "-f", "null", "-"]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *window, *filters], check=True)


def snippets(network: torch.nn.Module) -> None:
    """Compute as many snippets as a verdict needs, at once."""
    size = network.frame_size
    with torch.inference_mode():
        network(torch.rand(NUM_SEGMENTS, 3, network.frames_per_snippet, size, size))


def make_classifier(feature_dim: int) -> Classifier:
    """Return an untrained classifier: what it says does not matter here."""
    training = TrainingSettings(num_segments=NUM_SEGMENTS)
    nothing = {"method": "none", "slope": 1.0, "intercept": 0.0}
    info = {"labels": ["FOS", "TCS"], "features": {"feature_dim": feature_dim}, "training": vars(training),
            "calibration": nothing, "decision": None}  # fmt: skip
    build = (models.build_aggregation("blstm", feature_dim, training.hidden_units).eval() for _ in range(NUM_SEEDS))
    return Classifier(info, tuple(build), torch.zeros(feature_dim), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=93.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--network", default="r2plus1d_34_8_kinetics")
    parser.add_argument("--engine", default="auto", choices=models.ENGINES)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    network = models.prepare(
        models.load_network(options.network, "random:0"), engine=options.engine, device="cpu", num_threads=0
    )
    classifier = make_classifier(network.feature_dim)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print("film       verdict   ffmpeg  snippets    ratio")
        for name, (width, height, rate_hz) in FILMS.items():
            num_frames = round((ONSET_SECONDS + options.seconds + 5) * rate_hz)
            film = make_film(folder / f"{name}.mp4", width, height, rate_hz, num_frames)
            verdict(film, options.seconds, network, classifier, folder)  # what is done once: kernels, caches
            times: dict[str, list[float]] = {"verdict": [], "ffmpeg": [], "snippets": []}
            ways = {
                "verdict": lambda film=film: verdict(film, options.seconds, network, classifier, folder),
                "ffmpeg": lambda film=film: ffmpeg(film, options.seconds),
                "snippets": lambda: snippets(network),
            }
            for _ in range(options.repeats):
                for way, do in ways.items():
                    started = time.perf_counter()
                    do()
                    times[way].append(time.perf_counter() - started)
            found = {way: statistics.median(values) for way, values in times.items()}
            ratio = found["verdict"] / (found["ffmpeg"] + found["snippets"])
            print(f"{name:<10}" + "".join(f"{found[way]:8.2f} s" for way in times) + f"{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
