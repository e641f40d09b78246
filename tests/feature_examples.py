"""Feature files that tests read: sound ones, and 200 that are damaged or hostile, the same ones every time."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seizures.features import checksum
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.validation import FAULT, Examined
from seizures.features.writer import FeatureFileWriter
from seizures.settings import digest

RECIPE: dict[str, Any] = {
    "network": "r2plus1d_small",
    "weights_sha256": "random:0",
    "preprocessing": "letterbox",
    "feature_dim": 6,
    "frames_per_snippet": 8,
    "stride_frames": 2,
    "frame_rate_hz": 16.0,
}
NUM_ROWS = 41
SECRET = "the other file was read"


def header(patient_id: str = "P01", seizure_id: str = "02", label: str = "TCS", **recipe: Any) -> FeatureHeader:
    made = {**RECIPE, **recipe}
    return FeatureHeader(
        patient_id, seizure_id, label, made, digest(made), made["network"], made["weights_sha256"],
        made["frames_per_snippet"], made["stride_frames"], made["frame_rate_hz"],
    )  # fmt: skip


def facts(**changes: Any) -> ViewFacts:
    values = {
        "video_name": "a.mp4", "video_sha256": "00", "onset_seconds": 2.5, "offset_seconds": 8.0,
        "clonic_onset_seconds": None, "use": "all", "source_width": 320, "source_height": 240,
        "source_frame_rate_hz": 25.0, "codec": "h264", "num_frames_decoded": 88, "preprocessing": "scale=112:112",
    }  # fmt: skip
    return ViewFacts(**{**values, **changes})


def rows(seed: int = 0, num_rows: int = NUM_ROWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(num_rows, 6)).astype(np.float32)


def write(
    path: Path, head: FeatureHeader | None = None, views: tuple[str, ...] = ("large", "small"), laboratory: str = ""
) -> Path:
    """Write a file; another seizure, and another laboratory, has other features."""
    first = zlib.crc32(f"{head.patient_id} {head.seizure_id} {laboratory}".encode()) if head else 0
    with FeatureFileWriter(path, head or header()) as file:
        for seed, view in enumerate(views, start=first):
            file.create_view(view, NUM_ROWS, 6, facts(), np.ones(NUM_ROWS, dtype=bool)).write(0, rows(seed))
    return path


def change(path: Path, edit: Callable[[h5py.File], object], *, sealed: bool = True) -> Path:
    """Edit a sound file, and seal it again, as somebody would who means harm."""
    write(path)
    with h5py.File(path, "r+") as file:
        edit(file)
        file.attrs.create(checksum.ATTRIBUTE, checksum.UNSEALED, dtype=h5py.string_dtype("ascii", checksum.NUM_DIGITS))
    if sealed:
        checksum.seal(path)
    return path


def make_bad_files(folder: Path) -> dict[str, Path]:
    """Make 200 files, none of which is good, and what they point to; return them by what is wrong with them."""
    good = write(folder / "good.h5").read_bytes()
    outside = folder / "outside.fifo"  # who opens it to read waits for ever
    os.mkfifo(outside)
    found: dict[str, Path] = {}
    for name, content in _damaged(good):
        found[name] = folder / f"{name}.h5"
        found[name].write_bytes(content)
    for name, edit in _hostile(outside).items():
        found[name] = folder / f"{name}.h5"
        change(found[name], edit)
    return found


def _damaged(good: bytes) -> Iterator[tuple[str, bytes]]:
    rng = random.Random(6)
    for number in range(40):
        yield f"cut {number}", good[: rng.randrange(len(good))]
    for number in range(90):
        flipped = bytearray(good)
        flipped[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        yield f"flip {number}", bytes(flipped)
    for number in range(15):
        noisy = bytearray(good)
        start = rng.randrange(96, len(good) - 64)
        noisy[start : start + 64] = rng.randbytes(64)
        yield f"noise {number}", bytes(noisy)
    for number in range(10):  # lengths and addresses in the metadata become huge
        huge = bytearray(good)
        start = rng.randrange(96, 4096) // 8 * 8
        huge[start : start + 8] = struct.pack("<Q", rng.choice((2**62, 2**40, 2**32 - 1)))
        yield f"huge {number}", bytes(huge)
    yield "empty", b""
    yield "text", b"patient,label\nP01,FOS\n"
    yield "zeros", bytes(len(good))
    yield "bytes after the end", good + b"Jane Doe"
    yield "user block", b"Jane Doe".ljust(512, b"\0") + good
    yield "zip", b"PK\x03\x04" + good
    yield "pickle", b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."


def _hostile(outside: Path) -> dict[str, Callable[[h5py.File], object]]:
    return {**_links(outside), **_shapes(outside), **_types(), **_values()}


def _replaced(name: str, *arguments: Any, **options: Any) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, *arguments, **options)

    return edit


def _linked(name: str, link: Any) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = link

    return edit


def _links(outside: Path) -> dict[str, Callable[[h5py.File], object]]:
    def circle(file: h5py.File) -> None:
        file["views/large/again"] = file["views"]

    def twice(file: h5py.File) -> None:
        file["views/copy"] = file["views/large"]

    def shared(file: h5py.File) -> None:
        del file["views/large/features"]
        file["views/large/features"] = file["views/small/features"]

    return {
        "external link for the features": _linked("views/large/features", h5py.ExternalLink(str(outside), "/x")),
        "external link for a view": _linked("views/large", h5py.ExternalLink(str(outside), "/views/large")),
        "external link for all views": _linked("views", h5py.ExternalLink("/etc/passwd", "/views")),
        "soft link loop": _linked("views/large", h5py.SoftLink("/views/large")),
        "soft link to the root": _linked("views/large/features", h5py.SoftLink("/")),
        "dangling soft link": _linked("views/large/valid", h5py.SoftLink("/nothing")),
        "circle of hard links": circle,
        "a view under two names": twice,
        "features of another view": shared,
        "a committed type": _linked("views/large/type", np.dtype("f8")),
        "a stray group": lambda file: file.create_group("extra"),
        "a stray dataset": lambda file: file.create_dataset("views/large/names", data=[1.0]),
    }


def _shapes(outside: Path) -> dict[str, Callable[[h5py.File], object]]:
    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((NUM_ROWS, 6), "f4")
        layout[:] = h5py.VirtualSource(str(outside), "x", (NUM_ROWS, 6))
        del file["views/large/features"]
        file.create_virtual_dataset("views/large/features", layout)

    def growing(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((NUM_ROWS,), "f8", maxshape=(None,))
        source = h5py.VirtualSource(str(outside), "x", (NUM_ROWS,), maxshape=(None,))
        layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        del file["views/large/start_seconds"]
        file.create_virtual_dataset("views/large/start_seconds", layout)

    def many_views(file: h5py.File) -> None:
        for number in range(70):
            file.create_group(f"views/v{number}")

    features, bomb = "views/large/features", np.zeros((2**21, 6), np.float32)
    return {
        "virtual dataset": virtual,
        "growing virtual dataset": growing,
        "external storage": _replaced(features, (NUM_ROWS, 6), "f4", external=[(str(outside), 0, h5py.h5f.UNLIMITED)]),
        "external storage of passwords": _replaced(features, (NUM_ROWS, 6), "f4", external=[("/etc/passwd", 0, 984)]),
        "huge shape": _replaced(features, (2**40, 512), "f4", chunks=(64, 512)),
        "shape beyond 64 bits": _replaced(features, (2**58, 6), "f4", chunks=(64, 6)),
        "large shape that is not stored": _replaced(features, (2**26, 6), "f4", chunks=(64, 6)),
        "huge times": _replaced("views/large/start_seconds", (2**44,), "f8", chunks=(64,)),
        "filter bomb": _replaced(features, data=bomb, chunks=(2**16, 6), compression=9),
        "filter bomb in one chunk": _replaced(features, data=bomb, chunks=bomb.shape, compression=9),
        "huge chunk": _replaced(features, (NUM_ROWS, 6), "f4", chunks=(2**27, 6), maxshape=(None, 6)),
        "foreign filter": _replaced(features, data=rows(), chunks=(NUM_ROWS, 6), compression="lzf"),
        "no rows": _replaced(features, (0, 6), "f4", maxshape=(None, 6)),
        "no columns": _replaced(features, (NUM_ROWS, 0), "f4"),
        "three axes": _replaced(features, data=rows()[:, :, None]),
        "a single number": _replaced(features, data=1.0),
        "an empty space": _replaced(features, data=h5py.Empty("f4")),
        "fewer flags": _replaced("views/large/valid", data=np.ones(3, bool)),
        "many views": many_views,
    }


def _types() -> dict[str, Callable[[h5py.File], object]]:
    def attribute(name: str, value: Any, **options: Any) -> Callable[[h5py.File], object]:
        return lambda file: file.attrs.create(name, value, **options)

    def reference(file: h5py.File) -> None:
        file.attrs["label"] = file["views"].ref

    def many(file: h5py.File) -> None:
        for number in range(100):
            file["views/large"].attrs[f"a{number}"] = number

    name, count = "views/large/features", (NUM_ROWS, 6)
    texts = np.full(count, "x", dtype=object)
    return {
        "features of doubles": _replaced(name, data=rows().astype(float)),
        "features of the other byte order": _replaced(name, data=rows().astype(">f4")),
        "features of texts": _replaced(name, data=texts, dtype=h5py.string_dtype()),
        "features of lists": _replaced(name, count, h5py.vlen_dtype(np.float32)),
        "features of references": _replaced(name, count, h5py.ref_dtype),
        "features of records": _replaced(name, count, np.dtype([("a", "f4"), ("b", "i8")])),
        "features of opaque bytes": _replaced(name, data=np.zeros(count, "V4")),
        "features of complex numbers": _replaced(name, data=rows().astype(complex)),
        "flags of numbers": _replaced("views/large/valid", data=np.ones(NUM_ROWS, np.int8)),
        "a label of opaque bytes": attribute("label", np.void(b"\x80\x04cposix\nsystem\n")),
        "a label of many": attribute("label", ["TCS"] * 4),
        "a label that is a reference": reference,
        "a label that is a number": attribute("label", 3),
        "an endless label": attribute("label", "T" * 2000),
        "a path for an id": attribute("patient_id", "../../etc/passwd"),
        "a path for a seizure": attribute("seizure_id", "a/b"),
        "an unknown version": attribute("format_version", 99),
        "another format": attribute("format", "seizure-frames"),
        "no version": lambda file: file.attrs.pop("format_version"),
        "not complete": attribute("complete", 0),
        "a recipe that is code": attribute("recipe", "__import__('os').system('true')"),
        "a recipe of another key": attribute("recipe", '{"network":"other"}'),
        "a deep recipe": attribute("recipe", "[" * 30_000),
        "a rate of nothing": attribute("frame_rate_hz", 0.0),
        "a rate that is no number": attribute("frame_rate_hz", float("nan")),
        "a negative stride": attribute("stride_frames", -1),
        "many attributes": many,
    }


def _values() -> dict[str, Callable[[h5py.File], object]]:
    def set_rows(place: Any, value: float) -> Callable[[h5py.File], object]:
        return lambda file: file["views/large/features"].__setitem__(place, value)

    def times(edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[h5py.File], object]:
        return lambda file: file["views/large/start_seconds"].__setitem__(slice(None), edit(np.arange(NUM_ROWS) / 8))

    def said(name: str, value: Any) -> Callable[[h5py.File], object]:
        return lambda file: file["views/large"].attrs.__setitem__(name, value)

    return {
        "a value that is no number": set_rows((7, 3), np.nan),
        "an infinite value": set_rows((0, 0), -np.inf),
        "an impossible value": set_rows((0, 0), 1e30),
        "a row of zeros": set_rows(5, 0.0),
        "nothing but one row": lambda file: file["views/large/features"].__setitem__(slice(None), rows()[:1]),
        "times that fall": times(lambda t: t[::-1]),
        "times of another rate": times(lambda t: t * 2),
        "times that are no numbers": times(lambda t: t * np.nan),
        "no valid snippet": lambda file: file["views/large/valid"].__setitem__(slice(None), False),
        "an offset before the onset": said("offset_seconds", 1.0),
        "a seizure of ten minutes": said("offset_seconds", 602.5),
        "a clonic phase after the end": said("clonic_onset_seconds", 9.0),
        "an onset that is a text": said("onset_seconds", "early"),
        "an unknown use": said("use", "train"),
    }


def faults(outcome: Examined) -> list[str]:
    """Return what is wrong with an examined file; warnings are left out."""
    return [finding.problem for finding in outcome.findings if finding.severity == FAULT]
