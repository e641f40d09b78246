"""A project in which a name is planted in every place that there is, and a search for them beside the scan's own."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import io
import platform
import re
import socket
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from feature_examples import NUM_ROWS, facts, header
from in_process import inside
from small_project import Project, make_small_project

from seizures.exchange import bundle
from seizures.features.writer import FeatureFileWriter
from tasks.exchange import bundles
from tasks.machinery.sealed import write_sealed
from tasks.stage.integrity import describe_file
from tasks.stages.features import all_features

PATIENTS = ("Doe-Jane-1987", "MR4711", "Q7")
PLANTED = {
    "patient id": PATIENTS[0],
    "another patient id": PATIENTS[1],
    "seizure id": "sz-tuesday",
    "video folder": "ward7north",
    "video name": "EEG_jdoe_0031",
    "extra column": "Jane B. Doe",
    "reason": "seen with her sister Anna",
    "extra attribute of the file": "St. Elsewhere Hospital",
    "extra attribute of a view": "left-handed teacher",
    "attribute of a dataset": "made for Dr. Kildare",
    "comment of a group": "call 555-0199 first",
    "dataset of texts": "born in Little Hintock",
    "compressed chunk": "Compressed-Jane-Doe",
    "user block": "Userblock-Jane-Doe",
    "bytes after the end": "Trailing-Jane-Doe",
    "filter graph": "movie=/mnt/ward7north/jane.mp4",
    "recipe": "stage of Doe-Jane-1987",
    "why.json": "Why-Jane-Doe",
    "created_by": "exported by jdoe@ward7",
    "created_at": "2019-03-14T09:26:53",
    "hash of the video": "9f86d081884c7d659a2feaa0c55ad015",
    "deleted attribute": "Deleted-Jane-Doe",
    "host name": "ward7-eeg-station",
    "user name": "jdoe-technician",
    "key": "",
}


@contextlib.contextmanager
def planted_project(folder: Path) -> Iterator[Project]:
    """Be in a project whose features are written here, with something planted in every place that there is."""
    project = make_small_project(folder)
    project.set("Demo", enabled="false")
    project.set("Dataset", minimum_duration_seconds=2, video_root=str(folder / "videos"))
    project.set("Training", num_segments=2)
    project.write_rows(list(_rows(folder)))
    with inside(project), machine(PLANTED["host name"], PLANTED["user name"]):
        for stage in all_features():
            stage.path.parent.mkdir(parents=True)
            _write_planted(stage.path, stage.patient_id, stage.seizure_id, stage.seizure.label)
            note = {"label": PLANTED["why.json"], "key": stage.key, "result": describe_file(stage.path)}
            write_sealed(stage.file("why.json"), note)
        yield project


@contextlib.contextmanager
def machine(host: str, user: str) -> Iterator[None]:
    """Be on a machine of this name as this user, whatever the tests run on."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((socket, "gethostname"), (socket, "getfqdn"), (platform, "node")):
            patch.setattr(module, name, lambda *_: host)
        patch.setattr(getpass, "getuser", lambda: user)
        patch.setenv("HOME", f"/house/{user}")
        yield


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for number, patient in enumerate(PATIENTS * 2):
        label = ("FOS", "TCS")[(number % 3 + number // 3) % 2]
        for view in ("large", "small"):
            video = f"{PLANTED['video folder']}/{PLANTED['video name']}_{number}_{view}.mp4"
            (folder / "videos" / video).parent.mkdir(parents=True, exist_ok=True)
            (folder / "videos" / video).write_text(video)
            yield {
                "patient_id": patient,
                "seizure_id": f"{PLANTED['seizure id']}-{number // 3}",
                "view": view,
                "video": video,
                "onset_seconds": "2.5",
                "offset_seconds": "8",
                "label": label,
                "clonic_onset_seconds": "4.25" if label == "TCS" else "",
                "use": "evaluate" if number == 0 and view == "small" else "all",
                "reason": PLANTED["reason"],
                "name": PLANTED["extra column"],
            }


def _write_planted(path: Path, patient_id: str, seizure_id: str, label: str) -> None:
    head = dataclasses.replace(
        header(patient_id, seizure_id, label), recipe={**header().recipe, "label": PLANTED["recipe"]}
    )
    said = facts(
        video_name=f"{PLANTED['video name']}_0_large.mp4",
        video_sha256=PLANTED["hash of the video"],
        preprocessing=PLANTED["filter graph"],
        clonic_onset_seconds=4.25 if label == "TCS" else None,
    )
    plain = path.with_suffix(".plain")
    with FeatureFileWriter(plain, head) as file:
        for seed, view in enumerate(("large", "small")):
            rows = np.random.default_rng(seed).normal(size=(NUM_ROWS, 6)).astype(np.float32)
            file.create_view(view, NUM_ROWS, 6, said, np.ones(NUM_ROWS, bool)).write(0, rows)
    with h5py.File(plain) as source, h5py.File(path, "w", userblock_size=512) as file:
        source.copy("views", file)
        file.attrs.update(source.attrs)
        file.attrs["created_by"], file.attrs["created_at"] = PLANTED["created_by"], PLANTED["created_at"]
        file.attrs["hospital"] = PLANTED["extra attribute of the file"]
        file["views/large"].attrs["comment"] = PLANTED["extra attribute of a view"]
        file["views/large/features"].attrs["description"] = PLANTED["attribute of a dataset"]
        h5py.h5o.set_comment(file["views"].id, PLANTED["comment of a group"].encode())
        file.create_dataset("notes", data=[PLANTED["dataset of texts"]] * 9, dtype=h5py.string_dtype())
        hidden = np.frombuffer(PLANTED["compressed chunk"].encode() * 50, np.uint8)
        file.create_dataset("views/large/hidden", data=hidden, compression=9)
        file.attrs["gone"] = PLANTED["deleted attribute"]
        del file.attrs["gone"]
    plain.unlink()
    with path.open("r+b") as file:
        file.write(PLANTED["user block"].encode())
        file.seek(0, io.SEEK_END)
        file.write(PLANTED["bytes after the end"].encode())


def write_bundle(to: Path, **options: Any) -> bundle.Export:
    return bundles.export(to, all_features(), site="LAB1", key_file=Path("pseudonyms.key"), **options)


def all_bytes(path: Path) -> bytes:
    """Return every byte of a bundle: of its files, of the members of a zip, and of what is compressed in them."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = "\n".join(archive.namelist()).encode()
            parts = [_opened(name, archive.read(name)) for name in archive.namelist()]
        return b"\n".join([path.read_bytes(), names, *parts])
    files = [item for item in path.rglob("*") if item.is_file()]
    names = "\n".join(item.relative_to(path).as_posix() for item in files).encode()
    return b"\n".join([names, *(_opened(item.name, item.read_bytes()) for item in files)])


def _opened(name: str, content: bytes) -> bytes:
    parts = [content]
    for match in re.finditer(rb"x[\x01\x5e\x9c\xda]", content):
        try:
            parts.append(zlib.decompressobj().decompress(content[match.start() :]))
        except zlib.error:
            continue
    if name.endswith(".h5"):
        with h5py.File(io.BytesIO(content)) as file:
            file.visititems(
                lambda _, item: (
                    parts.append(repr(dict(item.attrs)).encode())
                    or (parts.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
                )
            )
    return b"\n".join(parts)


def found_in(content: bytes) -> list[str]:
    lower = content.lower()
    texts = {**PLANTED, "key": Path("pseudonyms.key").read_text().strip(), "folder": str(Path.cwd())}
    found = [
        place
        for place, text in texts.items()
        for kind in ("utf-8", "utf-16-le", "utf-16-be")
        if text.lower().encode(kind) in lower
    ]
    return found + ["short id"] * (b"q7" in b" ".join(line for line in lower.split() if line.isascii()))
