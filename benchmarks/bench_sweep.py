"""The paper's 60 cells on a simulated cohort of its size: how long the whole sweep takes, and what it finds.

Usage: python -m benchmarks.bench_sweep FOLDER [--sweep "num_segments=...; ..."] [--epochs 400] [--workers 2]

FOLDER, a new one, gets the features of 183 seizures of 68 patients with two views each
(seizures/simulation/feature_cohort.py), a manifest and settings; then `luigi --module pipeline RunSweep` runs there. In
that cohort order matters and a mean sees little of it. Run it again to go on where it was stopped; the time is then
that of the rest.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from pathlib import Path

from benchmarks.project import run_luigi, write_settings
from seizures.exchange.bundle import MANIFEST_COLUMNS
from seizures.simulation.feature_cohort import NETWORK, VIEWS, CohortSettings, simulate_seizures, write_cohort

COPIED = ("patient_id", "seizure_id", "label", "clonic_onset_seconds")


def make_project(folder: Path, num_epochs: int) -> None:
    """Write features, manifest and settings."""
    folder.mkdir(parents=True)
    write_cohort(folder / "features", CohortSettings())
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, MANIFEST_COLUMNS)
        writer.writeheader()
        for seizure in simulate_seizures():
            for view in VIEWS:
                known = {"view": view, "onset_seconds": 0.0, "offset_seconds": seizure.duration_seconds}
                known |= {name: getattr(seizure, name) for name in COPIED}
                writer.writerow({name: known.get(name, "") for name in MANIFEST_COLUMNS})
    changes = {
        "Dataset": {"manifest": "manifest.csv", "features": "features"},
        "Training": {"num_epochs": str(num_epochs), "num_seeds": "1"},
        "Snippets": {"networks": NETWORK},
    }
    write_settings(folder, changes)


def main() -> None:
    """Make the project where there is none, run the sweep, and print its comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sweep", default="", help="as RunSweep --settings; empty: the paper's 60 cells")
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    started = time.monotonic()
    if not arguments.folder.exists():
        make_project(arguments.folder, arguments.epochs)
        print(f"the cohort was made in {time.monotonic() - started:.1f} s")
    started = time.monotonic()
    settings = ["--settings", arguments.sweep] if arguments.sweep else []
    ended = run_luigi(arguments.folder, "RunSweep", "--workers", str(arguments.workers), *settings)
    print(f"exit {ended} after {time.monotonic() - started:.0f} s with {arguments.workers} workers")
    for name in ("sweep.csv", "comparisons.csv"):
        print((arguments.folder / "results" / "sweep" / name).read_text())
    sys.exit(ended)


if __name__ == "__main__":
    main()
