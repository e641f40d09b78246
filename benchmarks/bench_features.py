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

from seizures.feature_file import FeatureFileWriter, FeatureHeader, ViewFacts, open_features
from seizures.settings import digest

NUM_SEIZURES, NUM_ROWS, DIM = 183, 540_000, 512
RECIPE = {"network": "r2plus1d_34_8_kinetics"}
FACTS = ViewFacts("", "", 0.0, None, None, "all", 1920, 1080, 30.0, "mpeg2video", 0, "letterbox")
LAYOUTS: dict[str, tuple[int, dict[str, object]]] = {
    "contiguous": (0, {}),
    "16 rows, fletcher32": (16, {"fletcher32": True}),
    "64 rows, fletcher32": (64, {"fletcher32": True}),
    "1024 rows, fletcher32": (1024, {"fletcher32": True}),
    "64 rows, shuffle, gzip 1": (64, {"shuffle": True, "compression": 1, "fletcher32": True}),
    "64 rows, shuffle, gzip 4": (64, {"shuffle": True, "compression": 4, "fletcher32": True}),
}


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    block = np.abs(rng.standard_normal((NUM_ROWS // NUM_SEIZURES // 2 + 1, DIM), dtype=np.float32))
    num_rows = len(block)
    raw_bytes = NUM_SEIZURES * 2 * block.nbytes
    print(f"{NUM_SEIZURES} seizures, 2 x {num_rows} rows of {DIM} each: {raw_bytes / 1e9:.2f} GB of float32")
    print(f"{'':32}{'write s':>9}{'read s':>9}{'slices s':>9}{'size':>8}")
    measure("raw numpy (.npy)", folder, block, write_numpy, read_numpy, slice_numpy)
    measure("feature files of results", folder, block, write_ours, read_ours, slice_ours)
    measure("feature files of an exchange", folder, block, write_exchange, read_ours, slice_ours)
    small = NUM_SEIZURES // 9
    print(f"other layouts, {small} of the seizures, plain HDF5:")
    for name, (chunk, options) in LAYOUTS.items():
        measure(name, folder, block, hdf5_writer(chunk, options), read_hdf5, slice_hdf5, number=small)


Write = Callable[[Path, np.ndarray], None]
Read = Callable[[Path], None]


def measure(
    name: str, folder: Path, block: np.ndarray, write: Write, read: Read, cut: Read, number: int = NUM_SEIZURES
) -> None:
    """Print seconds to write all files and flush them, to read them from the disk, and to read 100 rows of each."""
    place = folder / "features"
    place.mkdir(parents=True)
    try:
        paths = [place / f"{index}.bin" for index in range(number)]
        started = time.perf_counter()
        for path in paths:
            write(path, block)
        flush(place)
        write_seconds = time.perf_counter() - started
        seconds = []
        for step in (read, cut):
            forget(place)
            started = time.perf_counter()
            for path in paths:
                step(path)
            seconds.append(time.perf_counter() - started)
        size = sum(item.stat().st_size for item in place.iterdir()) / (number * 2 * block.nbytes)
        print(f"{name:32}{write_seconds:9.2f}{seconds[0]:9.2f}{seconds[1]:9.2f}{size:8.3f}", flush=True)
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
