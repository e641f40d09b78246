"""A whole run on films of a cohort of the paper's size: from 366 videos to the report, as a laboratory would run it.

Usage: python -m benchmarks.bench_rehearsal FOLDER [--seizures 183] [--network r2plus1d_small] [--stride 15]

FOLDER gets simulated films of 183 seizures of 68 patients with the paper's spread of durations (106 FOS, 77 TCS, two
views each; 9.4 hours of film) and a manifest; then `InspectVideos` and `RunAll` run there with the paper's settings,
but for the network: the default is the demo's, with random weights, one snippet a second. Run it again to go on where
it was stopped: films, frames and features that are there are kept. With `--seizures`, the first so many of them alone,
and no more folds than patients.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.project import run_luigi, write_settings
from seizures.simulation.cohort import SimulatedRecording, simulate_films, write_manifest
from seizures.simulation.feature_cohort import simulate_seizures
from seizures.simulation.rendering import render


def render_new(recording: SimulatedRecording, folder: Path) -> int:
    """Render a film that is not there yet; return its number of frames, or 0 if it is there."""
    path = folder / recording.video
    if path.exists():
        return 0
    partial = path.with_name(f".{path.name}")
    render(recording, partial)
    partial.replace(path)
    return recording.num_frames


def make_films(folder: Path, num_seizures: int, num_workers: int) -> int:
    """Render the films that are not there yet, and write the manifest of all; return the number of patients."""
    wanted = [(int(item.patient_id[1:]), item.label, item.duration_seconds) for item in simulate_seizures()]
    cohort = simulate_films(wanted[:num_seizures])
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    write_manifest(cohort, folder / "data_manifest.csv")
    started = time.monotonic()
    with ProcessPoolExecutor(num_workers) as pool:
        rendered = sum(pool.map(render_new, cohort, [folder / "videos"] * len(cohort)))
    hours = sum(item.seizure.film_seconds for item in cohort) / 3600
    seconds = time.monotonic() - started
    print(f"{len(cohort)} films, {hours:.2f} h; {rendered} frames rendered in {seconds:.0f} s", flush=True)
    return len({item.patient_id for item in cohort})


def main() -> None:
    """Make the films, inspect them, and run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seizures", type=int, default=183)
    parser.add_argument("--network", default="r2plus1d_small")
    parser.add_argument("--weights", default="random:0", help="a file, random:<seed>, or empty for the public ones")
    parser.add_argument("--stride", type=int, default=15)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    num_patients = make_films(arguments.folder, arguments.seizures, arguments.workers)
    features = {"network": arguments.network, "weights": arguments.weights, "stride_frames": str(arguments.stride)}
    changes = {
        "Dataset": {"manifest": "data_manifest.csv", "video_root": "videos"},
        "Features": features,
        "Folds": {"num_folds": str(min(10, num_patients))},
    }
    write_settings(arguments.folder, changes)
    for task in ("InspectVideos", "RunAll"):
        started = time.monotonic()
        ended = run_luigi(arguments.folder, task, "--workers", str(arguments.workers))
        seconds = time.monotonic() - started
        print(f"{task}: exit {ended} after {seconds:.0f} s with {arguments.workers} workers", flush=True)
    sys.exit(ended)


if __name__ == "__main__":
    main()
