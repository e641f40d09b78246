"""Whether a file is the one that was written: by its size and time stamp, and by its hash where they differ.

What was found sound is remembered as long as the process lives and the file keeps its stamp. A copy of the results may
have other time stamps: it is hashed once, and its note then says the new ones.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tasks.machinery.atomic import may_write
from tasks.machinery.sealed import add_to_sealed, read_sealed

DAMAGED_SUFFIX = ".damaged"
_BLOCK_BYTES = 1 << 22
_FRESH_SECONDS, _PATIENCE_SECONDS, _MOST_LOOKS = 60.0, 0.25, 4
_known: dict[Path, _Known] = {}
_logger = logging.getLogger(__name__)


class _Stamps(NamedTuple):
    num_bytes: int
    mtime_ns: int


class _Known(NamedTuple):
    """A file that this process found sound, and whether it was hashed."""

    stamps: _Stamps
    is_hashed: bool


def describe_file(path: Path, sha256: str = "") -> dict[str, Any]:
    """Return what tells this file from any other, for a note beside it: its hash, its size, and when it was written."""
    return {"sha256": sha256 or sha256_of(path), **_stamps_of(path)._asdict()}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hex digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
    return found.hexdigest()


def fault_of_file(path: Path, said: Mapping[str, Any], *, thorough: bool = False) -> str:
    """Return how a file differs from what `describe_file` said of it; empty where it does not.

    Args:
        path: of the file.
        said: of it when it was written.
        thorough: hash it even if its size and time stamp are what they were.

    """
    try:
        stamps = _stamps_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return "it is not there"
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return "it is a link to itself"
    known = _known.get(path)
    if known is not None and known.stamps == stamps and (known.is_hashed or not thorough):
        return ""
    if stamps.num_bytes != said["num_bytes"]:
        return f"it has {stamps.num_bytes:,} bytes, and was written with {said['num_bytes']:,}"
    is_hashed = thorough or stamps.mtime_ns != said["mtime_ns"]
    if is_hashed and sha256_of(path) != said["sha256"]:
        return "its content has changed since it was written"
    _known[path] = _Known(stamps, is_hashed)
    return ""


def fault_of_result(path: Path, note: Path, key: str, *, thorough: bool = False) -> str:
    """Return what is wrong with a result that is there, by the note beside it; empty where nothing is.

    Another run may be writing the same result at this moment, its note first: what is fresh is looked at again.

    Args:
        path: of the result.
        note: of the file that says how it was made.
        key: of the result.
        thorough: as for `fault_of_file`.

    Raises:
        FileNotFoundError: the result is not there.

    """
    for looks_left in range(_MOST_LOOKS - 1, -1, -1):
        stamps = _stamps_of(path)
        if not thorough and path in _known and _known[path].stamps == stamps:
            return ""
        fault = _fault_by_note(path, note, key, thorough=thorough)
        is_fresh = time.time() - stamps.mtime_ns / 1e9 < _FRESH_SECONDS
        if not fault or not is_fresh or not looks_left:
            break
        time.sleep(_PATIENCE_SECONDS)
    return fault


def _fault_by_note(path: Path, note: Path, key: str, *, thorough: bool) -> str:
    said = read_sealed(note)
    if said is None:
        return f"its note {note.name} is {'damaged' if note.exists() else 'not there'}"
    if said.get("key") != key or not isinstance(said.get("result"), dict):
        return f"its note {note.name} is another result's"
    fault = fault_of_file(path, said["result"], thorough=thorough)
    if not fault and _stamps_of(path).mtime_ns != said["result"]["mtime_ns"] and may_write():
        with contextlib.suppress(OSError):
            add_to_sealed(note, said, result=describe_file(path, said["result"]["sha256"]))
    return fault


def set_aside(path: Path, fault: str) -> None:
    """Rename a damaged file, so that nothing uses it, and say so."""
    damaged = path.with_name(path.name + DAMAGED_SUFFIX)
    with contextlib.suppress(FileNotFoundError):
        path.replace(damaged)
        _logger.warning("%s: damaged: %s. It is kept as %s, and made again", path, fault, damaged.name)


def _stamps_of(path: Path) -> _Stamps:
    found = path.stat()
    return _Stamps(found.st_size, found.st_mtime_ns)
