"""Where the authors' public features lie, a folder or a zip: found without reading them, and read one by one.

Layout: `[dataset/]seizures.csv` and `[dataset/]features_fpc_8_fps_15/<Subject>_<Seizure>_<L|S>/*.pth`, one file per
snippet start frame, whose name ends in `_<frame index>`. A zip is never unpacked: its directory is read once, and a
member is then found by its place. Letters: F files of one view.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from seizures.errors import FeatureFileError
from seizures.exchange.gestures_dataset.table import TABLE_NAME, VIEWS
from seizures.features.validation import WARNING, Finding
from seizures.files import archives

FEATURES_FOLDER = "features_fpc_8_fps_15"
MAX_TABLE_BYTES = 2**24
MAX_FILE_BYTES = 2**20  # a vector has 4 KiB; a saved slice may bring the rest of its tensor along
LAYOUT = archives.Layout(
    "the dataset",
    re.compile(r"(?!/)(?:(?!\.\.?(?:/|$))[^/\\:\x00-\x1f]{1,200}(?:/|$)){1,8}(?<!/)"),
    re.compile(r"(?!/)(?:(?!\.\.?/)[^/\\:\x00-\x1f]{1,200}/){1,8}"),
    max_members=2_000_000,
)

_VIEW = re.compile(r"(.+)_([^_]+)_([LS])")
_FILE = re.compile(r"(?:.*_)?([0-9]{1,9})\.pth")
_LOCAL_HEADER = struct.Struct("<4s22xHH")

ViewKey = tuple[str, str, str]  # Subject, Seizure, view


class Listing(NamedTuple):
    """The files of one view, in no order: their frame indices (F,), their names and contents by place."""

    frames: npt.NDArray[np.int64]
    name: Callable[[int], str]
    read: Callable[[int], bytes]
    stamp: str
    strangers: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class FolderView:
    """One view in a folder of its own."""

    path: str
    num_files: int

    def as_json(self) -> dict[str, Any]:
        """Return what `opened` needs."""
        return {"path": self.path}


@dataclasses.dataclass(frozen=True)
class ZipView:
    """One view in a zip: members (F, 6) int64 of frame, place in the zip, packed size, size, method, CRC-32."""

    path: str
    members: npt.NDArray[np.int64]
    strangers: tuple[str, ...]

    @property
    def num_files(self) -> int:
        """F."""
        return len(self.members)

    def as_json(self) -> dict[str, Any]:
        """Return what `opened` needs."""
        return {"path": self.path, "members": self.members.tolist(), "strangers": list(self.strangers)}


@dataclasses.dataclass(frozen=True)
class Source:
    """A dataset: its table as bytes, its views, and what lies in it that is no view."""

    table: bytes
    views: dict[ViewKey, FolderView | ZipView]
    findings: tuple[Finding, ...]

    @property
    def num_files(self) -> int:
        """Files of features in all views."""
        return sum(view.num_files for view in self.views.values())


def find_source(path: Path) -> Source:
    """Find the table and the views of a dataset.

    Args:
        path: the folder that has `seizures.csv`, the one above it, or the zip.

    Raises:
        FeatureFileError: there is no such dataset, or a zip that is not safe to read.

    """
    if path.is_dir():
        return _find_in_folder(path)
    if not path.is_file() or not archives.is_zip(path):
        found = "no such file or folder" if not path.exists() else "neither a folder nor a zip"
        raise FeatureFileError(f"{path}: {found}; expected dataset.zip of doi 10.5522/04/14781771, or its folder")
    return _find_in_zip(path)


@contextlib.contextmanager
def opened(view: dict[str, Any]) -> Iterator[Listing]:
    """Yield the files of a view, from what its `as_json` returned."""
    if "members" not in view:
        yield _list_folder(Path(view["path"]))
        return
    members = np.array(view["members"], dtype=np.int64).reshape(-1, 6)
    # The place is left out: the same dataset packed anew has the same stamp.
    stamp = hashlib.sha256(members[:, [0, 3, 5]].tobytes()).hexdigest()
    with Path(view["path"]).open("rb") as file:
        yield Listing(
            members[:, 0],
            lambda place: _read_member(file, members[place])[0],
            lambda place: _read_member(file, members[place])[1],
            stamp,
            tuple(view["strangers"]),
        )


def _find_in_folder(path: Path) -> Source:
    homes = [home for home in (path, path / "dataset") if (home / TABLE_NAME).is_file()]
    if not homes or not (homes[0] / FEATURES_FOLDER).is_dir():
        wanted = f"expected {TABLE_NAME} and the folder {FEATURES_FOLDER}, in it or in a folder `dataset`"
        raise FeatureFileError(f"{path}: not the public dataset; {wanted}")
    views: dict[ViewKey, FolderView | ZipView] = {}
    findings = []
    for entry in sorted(os.scandir(homes[0] / FEATURES_FOLDER), key=lambda entry: entry.name):
        match = _VIEW.fullmatch(entry.name)
        if match and entry.is_dir():
            with os.scandir(entry.path) as files:
                count = sum(bool(_FILE.fullmatch(item.name)) for item in files)
            views[match[1], match[2], VIEWS[match[3]]] = FolderView(str(Path(entry.path).absolute()), count)
        elif not entry.name.startswith("."):
            findings.append(_stranger(entry.name))
    with (homes[0] / TABLE_NAME).open("rb") as file:
        return Source(_read_table(path, file), views, tuple(findings))


def _find_in_zip(path: Path) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archives.checked_members(archive, path, LAYOUT)
            homes = [home for home in ("", "dataset/") if f"{home}{TABLE_NAME}" in archive.NameToInfo]
            if not homes:
                raise FeatureFileError(f"{path}: not the public dataset; expected [dataset/]{TABLE_NAME} in it")
            with archive.open(homes[0] + TABLE_NAME) as file:
                table = _read_table(path, file)
            views, findings = _views_in_zip(path, members, f"{homes[0]}{FEATURES_FOLDER}/")
    except archives.UNREADABLE as error:
        raise FeatureFileError(f"{path}: cannot be read as a zip: {error}; fetch it again") from error
    if not views:
        raise FeatureFileError(f"{path}: not the public dataset; it has no {homes[0]}{FEATURES_FOLDER}/")
    return Source(table, views, tuple(findings))


def _read_table(path: Path, file: IO[bytes]) -> bytes:
    content = file.read(MAX_TABLE_BYTES + 1)  # of a member that inflates to more than it declares, no more either
    if len(content) > MAX_TABLE_BYTES:
        raise FeatureFileError(
            f"{path}: {TABLE_NAME} has more than {MAX_TABLE_BYTES >> 20} MiB; expected the dataset's"
        )
    return content


def _views_in_zip(
    path: Path, members: list[zipfile.ZipInfo], home: str
) -> tuple[dict[ViewKey, FolderView | ZipView], list[Finding]]:
    found: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    strangers: dict[str, list[str]] = defaultdict(list)
    for member in members:
        if not member.filename.startswith(home):
            continue
        folder, _, name = member.filename[len(home) :].partition("/")
        if not name:  # a folder's own member, or a file beside the folders
            found[folder] += []
        elif match := _FILE.fullmatch(name):
            place = (member.header_offset, member.compress_size, member.file_size, member.compress_type, member.CRC)
            found[folder].append((int(match[1]), *place))
        else:
            strangers[folder].append(name)
    views: dict[ViewKey, FolderView | ZipView] = {}
    findings = []
    for folder in sorted(found.keys() | strangers.keys()):
        if match := _VIEW.fullmatch(folder):
            packed = np.array(found[folder], dtype=np.int64).reshape(-1, 6)
            key = (match[1], match[2], VIEWS[match[3]])
            views[key] = ZipView(str(path.absolute()), packed, tuple(sorted(strangers[folder])))
        elif folder and not folder.startswith("."):
            findings.append(_stranger(folder))
    return views, findings


def _stranger(name: str) -> Finding:
    return Finding(f"{FEATURES_FOLDER}/{name}", "", WARNING, "not read: no folder <Subject>_<Seizure>_<L or S>")


def _list_folder(folder: Path) -> Listing:
    names, frames, strangers, stamp = list[str](), list[int](), list[str](), hashlib.sha256()
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        match = _FILE.fullmatch(entry.name)
        if not match or not entry.is_file():
            strangers.append(entry.name)
            continue
        status = entry.stat()
        stamp.update(f"{entry.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        names.append(entry.name)
        frames.append(int(match[1]))

    def read(place: int) -> bytes:
        with (folder / names[place]).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)

    indices = np.array(frames, dtype=np.int64)
    return Listing(indices, names.__getitem__, read, stamp.hexdigest(), tuple(strangers))


def _read_member(file: BinaryIO, member: npt.NDArray[np.int64]) -> tuple[str, bytes]:
    """Return name and content of a member; ValueError where the bytes are not what the zip's directory says."""
    _, place, packed_size, size, method, crc = member.tolist()
    if max(size, packed_size) > MAX_FILE_BYTES:
        return "", bytes(MAX_FILE_BYTES + 1)
    file.seek(place)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise ValueError("damaged in the zip")
    magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    name = file.read(name_length).decode("utf-8", "replace")
    file.seek(extra_length, os.SEEK_CUR)
    content = file.read(packed_size)
    if method == zipfile.ZIP_DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
    if magic != b"PK\x03\x04" or len(content) != size or zlib.crc32(content) != crc:
        raise ValueError("damaged in the zip")
    return name.rsplit("/", 1)[-1], content
