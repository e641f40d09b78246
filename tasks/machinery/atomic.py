"""Files that appear whole or not at all, and nothing left behind by a process that was asked to stop."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seizures.errors import SeizuresError
from tasks.machinery.disks import require_same_disk

TEMPORARY_SUFFIX = ".tmp"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_unfinished: dict[Path, int] = {}  # what must not outlive a process, and which one: a fork inherits the list
_is_only_asking = False


class DiskFullError(SeizuresError):
    """There is no room for a result; what was there before is untouched."""


@contextlib.contextmanager
def only_asking() -> Iterator[None]:
    """Remember nothing in the results in the block: it only answers a question."""
    global _is_only_asking  # a fact of the process
    before, _is_only_asking = _is_only_asking, True
    try:
        yield
    finally:
        _is_only_asking = before


def may_write() -> bool:
    """Tell whether what is found out on the way may be remembered in the results."""
    return not _is_only_asking


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Yield `path`, a file or folder that this process removes when the block ends and when it is told to stop."""
    _unfinished[path] = os.getpid()
    try:
        yield path
    finally:
        _remove(path)
        _unfinished.pop(path, None)


def remove_unfinished() -> None:
    """Remove what this process would leave behind if it ended here."""
    for path, owner in list(_unfinished.items()):
        if owner == os.getpid():
            _remove(path)


@contextlib.contextmanager
def landing(final: Path) -> Iterator[Path]:
    """Yield a temporary path beside `final` with its suffix; on success flush it and rename it, on failure remove it.

    The temporary name tells the machine and the process, so that what a killed process leaves behind is recognised.
    """
    require_same_disk(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(temporary_name(final)) as temporary:
        yield temporary
        require_same_disk(final)
        _flush(temporary)
        temporary.replace(final)
        with contextlib.suppress(OSError):  # some disks cannot flush a folder
            _flush(final.parent)


def temporary_name(final: Path) -> Path:
    """Return the name, in the same folder and with the same suffix, under which this process makes `final`."""
    return final.with_name(f".{final.stem}.{socket.gethostname()}.{os.getpid()}{TEMPORARY_SUFFIX}{final.suffix}")


def is_temporary(path: Path) -> bool:
    """Tell whether `path` has a name that `temporary_name` gives to what is not whole yet."""
    return path.name.startswith(".") and TEMPORARY_SUFFIX in (path.suffix, path.with_suffix("").suffix)


def write_json(final: Path, content: Any) -> None:
    """Write `content` as JSON, whole or not at all."""
    with landing(final) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@contextlib.contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Turn an error of the block that comes from a full disk into one for a person."""
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        raise DiskFullError(
            f"{folder}: no space left on its disk (or in its quota); nothing is damaged: free some space and run the "
            "same command again"
        ) from error


def _is_full(error: BaseException | None) -> bool:
    # Libraries wrap the system's error, HDF5 and torch as text only.
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(os.strerror(number) in str(error) for number in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
