"""Zip files: written the same way every time, and read without trusting a name or a size in them."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seizures.errors import FeatureFileError

MAX_TOTAL_BYTES = 2**36
MAX_INFLATION = 64  # bytes for each byte of the zip; features shrink by a tenth, text and tables tenfold
SLACK_BYTES = 2**22

_BLOCK_BYTES = 1 << 20
_DENSE = (".h5", ".safetensors", ".mp4", ".jpg")
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = stat.S_IFREG | 0o644


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the members of a zip may be called, and how many there may be; `what` names it in messages."""

    what: str
    names: re.Pattern[str]
    folders: re.Pattern[str]
    max_members: int

    @classmethod
    def of_names(cls, what: str, names: Sequence[str]) -> Layout:
        """Return the layout of a zip that holds some members and no others, and no folder."""
        return cls(what, re.compile("|".join(map(re.escape, names))), re.compile("(?!)"), len(names))


BUNDLE = Layout(
    "a bundle", re.compile(r"(features/)?[A-Za-z0-9_-][A-Za-z0-9._+-]*"), re.compile("features/"), max_members=20_000
)

PAGE = Layout("a seizure's page", re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*"), re.compile("(?!)"), max_members=2_000)


def is_zip(path: Path) -> bool:
    """Tell whether a file begins as a zip does."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def pack(folder: Path, path: Path) -> None:
    """Write all files of a folder into a zip, sorted, without dates, owners or compression of what is dense."""
    with zipfile.ZipFile(path, "w") as archive:
        for item in sorted(item for item in folder.rglob("*") if item.is_file()):
            entry = _entry(item.relative_to(folder).as_posix())
            with item.open("rb") as source, archive.open(entry, "w") as target:
                while block := source.read(_BLOCK_BYTES):
                    target.write(block)


def write_members(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip as `pack` does, from what is in memory."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(members.items()):
            archive.writestr(_entry(name), content)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_DATE)
    entry.create_system, entry.external_attr = 3, _MODE << 16
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _DENSE else zipfile.ZIP_DEFLATED
    return entry


def unpack(path: Path, folder: Path, layout: Layout = BUNDLE) -> None:
    """Unpack a zip into an empty folder, after checking every name and size.

    Raises:
        FeatureFileError: a name that leaves the folder or is not one of the layout, a link, an encrypted or too large
            member, or a damaged zip; the folder may then hold some of the files.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in checked_members(archive, path, layout):
                if not member.is_dir():
                    _extract(archive, member, folder)
    except UNREADABLE as error:
        raise FeatureFileError(f"{path}: cannot be read as a zip: {error}; fetch it again") from error


UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error)


def checked_members(archive: zipfile.ZipFile, path: Path, layout: Layout) -> list[zipfile.ZipInfo]:
    """Return the members of an open zip after checking every name and size.

    Raises:
        FeatureFileError: as `unpack`.

    """
    members = archive.infolist()
    faults = list(_member_faults(members, path.stat().st_size, layout))
    if faults:
        more = f"\n  and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise FeatureFileError("\n  ".join([f"{path}: not unpacked:", *faults[:20]]) + more)
    return members


def _member_faults(members: list[zipfile.ZipInfo], num_bytes: int, layout: Layout) -> Iterator[str]:
    if len(members) > layout.max_members:
        yield f"{len(members)} members; at most {layout.max_members} are unpacked"
        return
    total = sum(member.file_size for member in members)
    if total > min(MAX_TOTAL_BYTES, MAX_INFLATION * num_bytes + SLACK_BYTES):
        yield f"its members declare {total} bytes, the zip has {num_bytes}"
    seen: set[str] = set()
    for member in members:
        shown = repr(member.orig_filename[:80])
        kind = stat.S_IFMT(member.external_attr >> 16)
        if member.header_offset < 0 or member.header_offset + member.compress_size > num_bytes:
            yield f"{shown} does not lie in the zip"
        if member.is_dir():
            if not layout.folders.fullmatch(member.filename):
                yield f"{shown} is a folder that {layout.what} does not have"
            continue
        if member.filename != member.orig_filename or not layout.names.fullmatch(member.filename):
            yield f"{shown} is not a name in {layout.what}"
        if kind not in (0, stat.S_IFREG):
            yield f"{shown} is a link or a device"
        if member.flag_bits & 1:
            yield f"{shown} is encrypted"
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield f"{shown} is compressed by method {member.compress_type}; expected none or deflate"
        if member.filename.casefold() in seen:
            yield f"{shown} is there twice"
        seen.add(member.filename.casefold())


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Write one member; `zipfile` ends it where the declared size ends, however much the stream holds."""
    target = folder / member.filename
    target.parent.mkdir(exist_ok=True)
    left = member.file_size
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with archive.open(member) as source, open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
        while block := source.read(_BLOCK_BYTES):
            left -= len(block)
            file.write(block)
    if left:
        raise FeatureFileError(f"{archive.filename}: {member.filename} does not have the size that it declares")
