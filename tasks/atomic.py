"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPORARY_SUFFIX = ".tmp"


@contextlib.contextmanager
def landing(final: Path) -> Iterator[Path]:
    """Yield a temporary path beside `final` with its suffix; on success flush it and rename it, on failure remove it.

    The temporary name tells the machine and the process, so that what a killed process leaves behind is recognised.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{final.stem}.{socket.gethostname()}.{os.getpid()}{TEMPORARY_SUFFIX}{final.suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(final)
        _flush(final.parent)
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Tell whether `path` is a name that `landing` gives to a file that is not whole yet."""
    return path.name.startswith(".") and path.with_suffix("").name.endswith(TEMPORARY_SUFFIX)


def write_json(final: Path, content: Any) -> None:
    """Write `content` as JSON, whole or not at all."""
    with landing(final) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
