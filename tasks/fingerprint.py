"""The content hash of a video, remembered so that it is read once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from pathlib import Path

from seizures.settings import digest
from tasks.atomic import write_json

_BLOCK_BYTES = 1 << 22
_RACY_SECONDS = 2.0
_logger = logging.getLogger(__name__)


def fingerprint(path: Path, memory: Path) -> str:
    """Return the SHA-256 of the file at `path`, from `memory` (a folder) while size, times and inode are unchanged.

    A file changed less than two seconds before it was hashed is not remembered: it may change again within the
    resolution of its time stamp (git calls such a file racy).
    """
    status = path.stat()
    signature = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    note = memory / f"{digest(str(path.absolute()))}.json"
    try:
        remembered = json.loads(note.read_text(encoding="utf-8"))
        if remembered["signature"] == signature:
            return str(remembered["sha256"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass  # absent or damaged: hashing again is always right
    sha256 = _hash(path)
    if time.time() - max(status.st_mtime, status.st_ctime) > _RACY_SECONDS:
        with contextlib.suppress(OSError):  # a full disk: remembering is a comfort
            write_json(note, {"signature": signature, "sha256": sha256})
    return sha256


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
    _logger.debug("hashed %s", path.name)
    return found.hexdigest()
