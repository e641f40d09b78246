"""Who is at work in a results folder: a small file that says so, and whether whoever wrote it still lives.

On its own machine a process is asked for by its id and the moment of its birth. Of another machine only the file is
seen: it is touched every half minute, and counts as abandoned after ten minutes of silence.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.machinery.atomic import unfinished, write_json

BEAT_SECONDS = 30.0
SILENCE_SECONDS = 600.0


def own_name() -> str:
    """Return a name that no other process has, now or later."""
    return f"{socket.gethostname()}.{os.getpid()}.{time.time_ns()}"


@contextlib.contextmanager
def presence(path: Path, **facts: Any) -> Iterator[None]:
    """Say at `path` that this process is at work as long as the block lasts; the file survives only if it is killed."""
    me = {"host": socket.gethostname(), "pid": os.getpid(), "birth": _birth(os.getpid()), "boot": _boot()}
    with unfinished(path):
        write_json(path, {**facts, **me, "since": time.strftime("%FT%T%z")})
        over = threading.Event()
        threading.Thread(target=_beat, args=(path, over), name="presence", daemon=True).start()
        try:
            yield
        finally:
            over.set()


def read_presence(path: Path) -> Mapping[str, Any] | None:
    """Return what a file of `presence` says, or None where it is gone or was not written by it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if {"host", "pid", "birth", "boot", "since"} <= set(found) else None
    except (OSError, ValueError, TypeError):
        return None


def is_alive(path: Path, found: Mapping[str, Any]) -> bool:
    """Tell whether the process that wrote `found` to `path` still lives."""
    if found["host"] == socket.gethostname():
        return not is_of_earlier_boot(found) and _is_process(found["pid"], found["birth"])
    try:
        return time.time() - path.stat().st_mtime < SILENCE_SECONDS
    except FileNotFoundError:
        return False


def is_of_earlier_boot(found: Mapping[str, Any]) -> bool:
    """Tell whether this machine was restarted since `found` was written: then the machine ended the process."""
    return bool(found["host"] == socket.gethostname() and found["boot"] != _boot())


def _beat(path: Path, over: threading.Event) -> None:
    while not over.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):
            os.utime(path)


def _is_process(pid: int, birth: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, and is another user's
    return _birth(pid) == birth


def _birth(pid: int) -> str:
    """Return the moment a process began, in ticks since the boot, or nothing where there is no /proc."""
    try:
        # The name of the program, in parentheses, may hold anything; the moment is the 20th field after it.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
