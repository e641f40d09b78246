"""What importing the authors' layout costs: files per second and peak memory, on files made here.

    python benchmarks/bench_gestures.py [--files 20000] [--readers 2] [--zip] [--folder FOLDER]

Ten seizures of two views, equally long.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from seizures.exchange.gestures_dataset.source import FEATURES_FOLDER
from tasks.exchange.public_dataset import import_gestures

NUM_SEIZURES = 10
PAPERS_FILES = 2 * 298 * 60 * 15  # two views of 298 minutes at 15 Hz


def contents() -> list[bytes]:
    """Return the bytes of some different .pth files; which of them a file has does not change what reading costs."""
    import torch  # in a process of its own, so that its memory is not counted

    rng = np.random.default_rng(0)
    found = []
    for _ in range(64):
        file = io.BytesIO()
        torch.save(torch.from_numpy(rng.normal(size=512).astype(np.float32)), file)
        found.append(file.getvalue())
    return found


def write(folder: Path, num_files: int, *, as_zip: bool) -> Path:
    """Write the dataset as a folder or a zip."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        made = pool.submit(contents).result()
    table = "Subject,Seizure,OnsetClonic\n"
    table += "".join(f"{number:03d},01,{number % 2 or ''}\n" for number in range(NUM_SEIZURES))
    home = folder / "dataset"
    archive = zipfile.ZipFile(folder / "dataset.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) if as_zip else None
    for number in range(NUM_SEIZURES):
        for view in "LS":
            name = f"{number:03d}_01_{view}"
            place = home / FEATURES_FOLDER / name
            place.mkdir(parents=True)
            for frame in range(num_files // (2 * NUM_SEIZURES)):
                content = made[(frame + number) % len(made)]
                if archive:
                    archive.writestr(f"dataset/{FEATURES_FOLDER}/{name}/{name}_{frame:06d}.pth", content)
                else:
                    (place / f"{name}_{frame:06d}.pth").write_bytes(content)
    (home / "seizures.csv").write_text(table)
    if archive is None:
        return folder
    archive.writestr("dataset/seizures.csv", table)
    archive.close()
    return folder / "dataset.zip"


def seconds_of_readers() -> float:
    """Return the seconds of a core that processes took which this one started and which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Memory:
    """The largest memory of this process and its readers at one time, in MiB; what they share is counted once."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            own = os.getpid()
            children = Path(f"/proc/{own}/task").glob("*/children")
            pids = [own, *(int(pid) for path in children for pid in path.read_text().split())]
            now = 0
            for pid in pids:
                with contextlib.suppress(OSError):
                    now += int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0])
            self.peak = max(self.peak, now / 2**10)


def main() -> None:
    """Measure, and extrapolate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--zip", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        dataset = write(Path(scratch), options.files, as_zip=options.zip)
        memory, before = Memory(), seconds_of_readers()
        started = time.perf_counter()
        imported = import_gestures(
            dataset,
            Path(scratch) / "imported",
            num_readers=options.readers,
            minimum_duration_seconds=15.0,
            report_progress=lambda *_: None,
        )
        seconds = time.perf_counter() - started
        computing = seconds_of_readers() - before
        memory.stop()
    rate = options.files / seconds
    sys.stdout.write(
        f"{options.files} files in {seconds:.1f} s: {rate:.0f} files/s; "
        f"{1e6 * computing / options.files:.0f} us of a core for each; peak memory {memory.peak:.0f} MiB in all; "
        f"{len(imported.findings)} findings\n"
        f"at that rate, the paper's {PAPERS_FILES} files take {PAPERS_FILES / rate / 60:.1f} min\n"
    )


if __name__ == "__main__":
    main()
