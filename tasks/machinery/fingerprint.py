"""What is asked of a file each time something is planned, remembered: its content hash, and when a video starts."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from seizures.manifest.film_names import split_stream
from seizures.settings import digest
from seizures.video.start_times import FilmStart
from tasks.machinery.atomic import may_write
from tasks.machinery.sealed import read_sealed, write_sealed

_BLOCK_BYTES = 1 << 22
_RACY_SECONDS = 2.0
_logger = logging.getLogger(__name__)


def fingerprint(path: Path, memory: Path) -> str:
    """Return the SHA-256 of the film at `path`, from `memory` (a folder) while size, times and inode are unchanged.

    Films that are streams of one file (`film.mkv#2`) share its hash.
    """
    path, _ = split_stream(path)
    return remembered(path, memory, "sha256", lambda: _hash(path))


def remembered(path: Path, memory: Path, what: str, find: Callable[[], str]) -> str:
    """Return what `find` says of a file, from `memory` while the file is unchanged; an empty text is not remembered."""
    note = _Note(path, memory, what)
    known = note.read()
    if known is None:
        known = find()
        if known:
            note.write(known)
    return known


def film_starts(paths: Sequence[Path], memory: Path) -> list[FilmStart]:
    """Return when films start; those that `memory` does not know are opened, in a child process."""
    paths = [split_stream(path)[0] for path in paths]
    notes = [_Note(path, memory, "start") for path in paths]
    texts = [note.read() for note in notes]
    unknown = [index for index, text in enumerate(texts) if text is None]
    asked = {}
    if unknown:
        from seizures.processes.decoder import read_starts

        asked = dict(zip(unknown, read_starts([paths[index] for index in unknown]), strict=True))
    for index, found in asked.items():
        if found.text:
            notes[index].write(found.text)
    return [asked[index] if text is None else FilmStart(text) for index, text in enumerate(texts)]


class _Note:
    """One thing that is remembered of a file.

    What was found in a file that had changed less than two seconds before is not remembered: it may change again
    within the resolution of its time stamp (git calls such a file racy).
    """

    def __init__(self, path: Path, memory: Path, what: str) -> None:
        status = path.stat()
        self._what = what
        self._changed = status.st_ctime  # a person may set the other time, also into the future
        self._signature = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        ending = ".json" if what == "sha256" else f".{what}.json"
        self._path = memory / f"{digest(str(path.absolute()))}{ending}"

    def read(self) -> str | None:
        remembered = read_sealed(self._path, "signature", self._what)
        if remembered is not None and remembered["signature"] == self._signature:
            return str(remembered[self._what])
        return None  # absent or damaged: looking again is always right

    def write(self, found: str) -> None:
        if may_write() and abs(time.time() - self._changed) > _RACY_SECONDS:
            with contextlib.suppress(OSError):  # a full disk: the cache is optional
                write_sealed(self._path, {"signature": self._signature, self._what: found})


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
    _logger.debug("hashed %s", path.name)
    return found.hexdigest()
