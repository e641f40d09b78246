"""`make bench`: every stage against the peer's way and against the limit, in one table.

Usage: python -m benchmarks.bench [--only decoding training ...] [--repeats 3] [--keep]

Films and features are made here, in a folder that is thrown away. Ways take turns, and ratios are those of medians.
With --keep, the table is written into benchmarks/RESULTS.md, with the machine and the commit.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row

RESULTS = Path(__file__).with_name("RESULTS.md")
SECTIONS = {  # module and function; imported when its turn comes, so that a process holds only what it measures
    "decoding": ("decoding", "rows"),
    "network": ("network", "rows"),
    "networks": ("networks", "rows"),
    "extraction": ("network", "extraction_rows"),
    "training": ("training", "rows"),
    "film-length": ("decoding", "scaling_rows"),
    "set-size": ("training", "scaling_rows"),
}
HEADING = "| what | ours | the peer's way | the limit | times the peer | of the limit | peak memory |"


def main() -> None:
    """Measure what is asked for, and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    started = time.perf_counter()
    lines = [HEADING, "|---|---|---|---|---|---|---|"]
    sys.stdout.write("\n".join(lines) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            module, function = SECTIONS[name]
            measure = getattr(importlib.import_module(f"benchmarks.{module}"), function)
            for row in measure(Path(folder), options.repeats):
                lines.append(line(row))
                sys.stdout.write(lines[-1] + "\n")
                sys.stdout.flush()
    sys.stdout.write(f"{time.perf_counter() - started:.0f} s, on {machine()}\n")
    if options.keep:
        keep(lines)


def line(row: Row) -> str:
    """Write a row of the table."""
    ratios = ("" if value is None else f"{value:.2f}" for value in (row.times_the_peer, row.of_the_limit))
    return f"| {' | '.join((row.what, row.ours, row.peer, row.limit, *ratios, row.memory))} |"


def machine() -> str:
    """Say on what it was measured, and how busy that was."""
    import torch  # not in the processes that are measured

    names = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((entry.partition(":")[2].strip() for entry in names if entry.startswith("model name")), "")
    cores = os.cpu_count()
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{cores} cores of {model or platform.machine()}, {versions}, load {os.getloadavg()[1]:.1f}"


def keep(lines: list[str]) -> None:
    """Put the table into RESULTS.md, above the earlier ones."""
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False).stdout.strip()
    day = datetime.datetime.now(datetime.timezone.utc).date()
    head, _, earlier = RESULTS.read_text(encoding="utf-8").partition("\n## ")
    new = "\n".join([f"## {day}, commit {commit}", "", f"{machine()}.", "", *lines, ""])
    parts = [head.rstrip() + "\n", new] + ([f"## {earlier}"] if earlier else [])
    RESULTS.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
