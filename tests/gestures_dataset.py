"""The layout of the authors' public features, written small."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import torch

FOLDER = "features_fpc_8_fps_15"
COLUMNS = ("", "Subject", "Seizure", "OnsetClonic", "GTCS", "RatioGTCS", "Duration", "Discard")


def vectors(seed: int, num_files: int, label: str) -> np.ndarray:
    """Return (F, 512): noise, and a direction that only a TCS goes in its second half."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(num_files, 512)).astype(np.float32)
    rows[num_files // 2 :, : 64 if label == "TCS" else 0] += 3
    return rows


def write_view(folder: Path, name: str, rows: np.ndarray, *, first: int = 0, without: tuple[int, ...] = ()) -> Path:
    """Write a view, a file a vector."""
    view = folder / "dataset" / FOLDER / name
    view.mkdir(parents=True)
    for frame, row in enumerate(rows, start=first):
        if frame not in without:
            torch.save(torch.from_numpy(row.copy()), view / f"{name}_{frame:06d}.pth")
    return view


def row(patient: str, seizure: str, onset: str = "", **changes: str) -> dict[str, str]:
    """Return a row of the table."""
    values = {"Subject": patient, "Seizure": seizure, "OnsetClonic": onset, "GTCS": str(bool(onset))}
    return {**dict.fromkeys(COLUMNS, ""), **values, **({"RatioGTCS": "0.5"} if onset else {}), **changes}


def write_table(folder: Path, rows: list[dict[str, str]]) -> None:
    """Write seizures.csv with its unnamed index."""
    (folder / "dataset").mkdir(parents=True, exist_ok=True)
    with (folder / "dataset" / "seizures.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**item, "": str(number)} for number, item in enumerate(rows))


def write_dataset(folder: Path, ids: tuple[tuple[str, str, str], ...], num_files: int = 40) -> Path:
    """Write a regular dataset of seizures (patient, seizure, label); return its folder."""
    write_table(folder, [row(one, other, "00:01:02" if label == "TCS" else "") for one, other, label in ids])
    for number, (one, other, label) in enumerate(ids):
        for place, view in enumerate("LS"):
            write_view(folder, f"{one}_{other}_{view}", vectors(2 * number + place, num_files + number, label))
    return folder


def pack(folder: Path, path: Path, *, stored: bool = False) -> Path:
    """Pack a dataset as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for item in sorted(folder.rglob("*")):
            archive.write(item, item.relative_to(folder).as_posix())
    return path
