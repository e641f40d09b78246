"""What a task of a fold pays for its features: a file for each seizure, or one packed file that is mapped.

Usage: python -m benchmarks.bench_packed [--folder DIR] [--repeats 5]   (about 1.4 GB in a folder, removed in the end)

183 seizures of two views with (930, 512) features each. Every task is a process of its own, as with `--workers 2`; its
imports are not counted. Both ways include what tells that the features are sound (SHA-256 of each file; CRC-32 of each
mapped view), and end with one gather of 16 snippets of each view, which is what an epoch reads.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import in_turns
from seizures.classification.packed import open_packed, pack_features
from seizures.classification.sequences import SequenceBank, SequenceSampler, load_bank
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter

NUM_SEIZURES, NUM_ROWS, DIM, VIEWS, LABELS = 183, 930, 512, ("large", "small"), ("FOS", "TCS")
FACTS = ViewFacts("", "", 0.0, None, None, "all", 1920, 1080, 30.0, "h264", NUM_ROWS, "letterbox")
TASKS = {"TrainFold": slice(19, None), "EvaluateFold": slice(19), "all": slice(None)}  # one fold of ten is held out


def write(folder: Path) -> list[Path]:
    """Write the feature files."""
    block = np.abs(np.random.default_rng(0).standard_normal((NUM_ROWS, DIM), dtype=np.float32))
    paths = [folder / f"{number:03d}.h5" for number in range(NUM_SEIZURES)]
    for number, path in enumerate(paths):
        header = FeatureHeader(f"P{number:03d}", "01", LABELS[number % 2], {}, "0" * 12, "toy", "random:0", 8, 1, 15.0)
        with FeatureFileWriter(path, header) as file:
            for view in VIEWS:
                rows = file.create_view(view, NUM_ROWS, DIM, FACTS, np.ones(NUM_ROWS, np.bool_))
                rows.write(0, np.roll(block, number))
    return paths


def gather(bank: SequenceBank) -> float:
    """Return the sum of what one epoch reads."""
    rows = SequenceSampler(bank, 16).draw_rows(4.0, np.random.default_rng(0))
    return float(torch.index_select(bank.values, 0, rows.flatten()).double().sum())


def from_files(paths: list[Path]) -> float:
    """Read as a task did before: hash every file, and read it."""
    for path in paths:
        with path.open("rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 22):
                found.update(block)
    return gather(load_bank(paths, labels=LABELS))


def from_pack(pack: Path, part: slice) -> float:
    """Map the packed file, and compare the checksums of the views that are used."""
    opened = open_packed(pack)
    numbers = [number for found in list(opened.find(("all",)).values())[part] for number in found]
    return gather(opened.bank(numbers, LABELS))


def main() -> None:
    """Write, pack, and measure each task both ways, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to make a folder for the files")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        paths, pack = write(Path(folder)), Path(folder) / "pack.h5"
        started = time.perf_counter()
        pack_features(pack, paths)
        print(f"packed once: {time.perf_counter() - started:.2f} s, {pack.stat().st_size / 1e6:.0f} MB")
        print("| task | files | packed | times as fast | MB, files | MB, packed |\n|---|---|---|---|---|---|")
        for name, part in TASKS.items():
            found = in_turns(
                {"files": (from_files, (paths[part],)), "packed": (from_pack, (pack, part))}, arguments.repeats
            )
            files, packed = found["files"], found["packed"]
            assert files.result == packed.result
            print(
                f"| {name} | {files.seconds:.2f} s | {packed.seconds:.2f} s | {files.seconds / packed.seconds:.1f} | "
                f"{files.peak_megabytes:.0f} | {packed.peak_megabytes:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
