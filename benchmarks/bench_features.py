"""Write and read the full-size cohort as feature files, beside raw numpy files, and with other chunks and filters.

Run: python benchmarks/bench_features.py [folder]  (about 1.1 GB at a time in `folder`, removed in the end)

183 seizures, 540,000 rows of 512 in all, half in each of two views. The numbers are absolute values of Gaussian noise:
features that were averaged behind a ReLU are positive and hardly ever 0, and their mantissas are random.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from seizures.features.file import open_features
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter
from seizures.settings import digest

NUM_SEIZURES, NUM_ROWS, DIM = 183, 540_000, 512
NUM_ROUNDS = 3
RECIPE = {"network": "r2plus1d_34_8_kinetics"}
FACTS = ViewFacts("", "", 0.0, None, None, "all", 1920, 1080, 30.0, "mpeg2video", 0, "letterbox")
LAYOUTS: dict[str, tuple[int, dict[str, object]]] = {
    "plain HDF5, contiguous": (0, {}),
    "plain HDF5, 64 rows, fletcher32": (64, {"fletcher32": True}),
    "plain HDF5, 64 rows, gzip 1": (64, {"shuffle": True, "compression": 1, "fletcher32": True}),
    "plain HDF5, 64 rows, gzip 4": (64, {"shuffle": True, "compression": 4, "fletcher32": True}),
}
STEPS = ("write", "read", "slices")
Write = Callable[[Path, np.ndarray], None]
Read = Callable[[Path], None]
Way = tuple[Write, Read, Read]


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    block = np.abs(rng.standard_normal((NUM_ROWS // NUM_SEIZURES // 2 + 1, DIM), dtype=np.float32))
    raw_bytes = NUM_SEIZURES * 2 * block.nbytes
    print(f"{NUM_SEIZURES} seizures, 2 x {len(block)} rows of {DIM} each: {raw_bytes / 1e9:.2f} GB of float32")
    print(
        "seconds: medians of rounds, in which the ways take turns. Each file is written and then flushed (fsync) before"
    )
    print("the clock stops; before it is read, it is dropped from the page cache. x raw: ratio of the medians.")
    ways: dict[str, Way] = {
        "raw numpy (.npy)": (write_numpy, read_numpy, slice_numpy),
        "feature files of results": (write_ours, read_ours, slice_ours),
        "feature files of an exchange": (write_exchange, read_ours, slice_ours),
    }
    compare(folder, block, ways, NUM_SEIZURES, NUM_ROUNDS)
    ways |= {name: (hdf5_writer(*layout), read_hdf5, slice_hdf5) for name, layout in LAYOUTS.items()}
    print(f"\n{NUM_SEIZURES // 9} of the seizures")
    compare(folder, block, ways, NUM_SEIZURES // 9, NUM_ROUNDS)


def compare(folder: Path, block: np.ndarray, ways: dict[str, Way], number: int, num_rounds: int) -> None:
    """Measure the ways in turns, and print the median of each beside its ratio to the first, which is raw."""
    seconds: dict[str, list[list[float]]] = {name: [] for name in ways}
    size: dict[str, float] = {}
    for turn in range(num_rounds):
        for name in list(ways)[:: 1 if turn % 2 == 0 else -1]:
            found, size[name] = measure(folder, block, ways[name], number)
            seconds[name].append(found)
    print(f"{'':34}" + "".join(f"{step + ' s':>9}{'x raw':>7}" for step in STEPS) + f"{'size':>8}")
    raw = np.median(seconds[next(iter(ways))], axis=0)
    for name, rounds in seconds.items():
        middle = np.median(rounds, axis=0)
        cells = "".join(f"{value:9.2f}{value / base:7.2f}" for value, base in zip(middle, raw, strict=True))
        print(f"{name:34}{cells}{size[name]:8.3f}", flush=True)


def measure(folder: Path, block: np.ndarray, way: Way, number: int) -> tuple[list[float], float]:
    """Return seconds to write all files and flush them, to read them from the disk, and 100 rows of each; and size."""
    place = folder / "features"
    place.mkdir(parents=True)
    write, *reads = way
    try:
        paths = [place / f"{index}.bin" for index in range(number)]
        started = time.perf_counter()
        for path in paths:
            write(path, block)
        flush(place)
        seconds = [time.perf_counter() - started]
        for step in reads:
            forget(place)
            started = time.perf_counter()
            for path in paths:
                step(path)
            seconds.append(time.perf_counter() - started)
        return seconds, sum(item.stat().st_size for item in place.iterdir()) / (number * 2 * block.nbytes)
    finally:
        shutil.rmtree(place)


def flush(place: Path) -> None:
    for item in place.iterdir():
        descriptor = os.open(item, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def forget(place: Path) -> None:
    """Drop the files from the page cache, so that they are read from the disk."""
    for item in place.iterdir():
        descriptor = os.open(item, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def write_numpy(path: Path, block: np.ndarray) -> None:
    for view in ("a", "b"):
        np.save(path.with_suffix(f".{view}.npy"), block)


def read_numpy(path: Path) -> None:
    for view in ("a", "b"):
        np.load(path.with_suffix(f".{view}.npy"))


def slice_numpy(path: Path) -> None:
    for view in ("a", "b"):
        np.array(np.load(path.with_suffix(f".{view}.npy"), mmap_mode="r")[500:600])


def write_exchange(path: Path, block: np.ndarray) -> None:
    write_ours(path, block, for_exchange=True)


def write_ours(path: Path, block: np.ndarray, *, for_exchange: bool = False) -> None:
    header = FeatureHeader("P", "1", "FOS", RECIPE, digest(RECIPE), "r2plus1d_34_8_kinetics", "0" * 8, 8, 1, 15.0)
    with FeatureFileWriter(path, header, for_exchange=for_exchange) as file:
        for view in ("large", "small"):
            writer = file.create_view(view, len(block), DIM, FACTS, np.ones(len(block), bool))
            for start in range(0, len(block), 64):
                writer.write(start, block[start : start + 64])


def read_ours(path: Path) -> None:
    with open_features(path) as file:
        for view in file.views.values():
            view.read()


def slice_ours(path: Path) -> None:
    with open_features(path) as file:
        for view in file.views.values():
            view.read(500, 600)


def hdf5_writer(chunk: int, options: dict[str, object]) -> Write:
    def write(path: Path, block: np.ndarray) -> None:
        with h5py.File(path, "w") as file:
            for view in ("a", "b"):
                file.create_dataset(view, data=block, chunks=(chunk, DIM) if chunk else None, **options)

    return write


def read_hdf5(path: Path) -> None:
    with h5py.File(path) as file:
        for view in ("a", "b"):
            file[view][:]


def slice_hdf5(path: Path) -> None:
    with h5py.File(path) as file:
        for view in ("a", "b"):
            file[view][500:600]


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/bench_features"))
