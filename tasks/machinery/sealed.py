"""Small JSON files that tell by themselves whether they are whole: each holds the hash of the rest of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.machinery.atomic import write_json

_SEAL = "seal"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as JSON with its own hash, whole or not at all."""
    write_json(path, {**content, _SEAL: _seal_of(content)})


def add_to_sealed(path: Path, content: Mapping[str, Any], **more: Any) -> None:
    """Write what a file holds with something more, keeping its time."""
    times = path.stat()
    write_sealed(path, {**content, **more})
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def read_sealed(path: Path, *fields: str) -> dict[str, Any] | None:
    """Return what `write_sealed` wrote; None where the file is absent, cannot be read, or is not as it was written.

    A sealed file without these `fields` is of another kind, in the place of the one that was wanted: None, too.
    """
    try:
        content = json.loads(path.read_bytes())
        seal = content.pop(_SEAL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return dict(content) if seal == _seal_of(content) and content.keys() >= set(fields) else None


def has_no_seal(path: Path) -> bool:
    """Tell whether a file is whole JSON without a seal, as releases before this one wrote it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and _SEAL not in content


def _seal_of(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
