"""Who is at work in a results folder: a small file that says so, and whether whoever wrote it still lives.

The file is locked as long as its process lives, which every process of the machine sees, in whatever container. Of
another machine the lock may not be seen, and some file systems have no locks: the file is touched every half minute,
too, and counts as abandoned after ten minutes of silence. Without locks, a process of the same machine and of the same
namespace is asked for by its id and the moment of its birth.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tasks.machinery.atomic import temporary_name, unfinished

BEAT_SECONDS = 30.0
SILENCE_SECONDS = 600.0


def own_name() -> str:
    """Return a name that no other process has, now or later."""
    return f"{socket.gethostname()}.{os.getpid()}.{time.time_ns()}"


@contextlib.contextmanager
def presence(path: Path, **facts: Any) -> Iterator[None]:
    """Say at `path` that this process is at work as long as the block lasts; the file survives only if it is killed."""
    me = {"host": socket.gethostname(), "pid": os.getpid(), "birth": _birth(os.getpid()), "boot": _boot()}
    said = {**facts, **me, "pid_namespace": _pid_namespace(), "since": time.strftime("%FT%T%z")}
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path), unfinished(temporary_name(path)) as draft, draft.open("w", encoding="utf-8") as file:
        json.dump({**said, "is_locked": _lock(file)}, file)  # locked before anybody can see it
        file.flush()
        draft.replace(path)
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
    """Tell whether the process that wrote `found` to `path`, or a fork of it, still lives."""
    try:
        silence_seconds = time.time() - path.stat().st_mtime
        if found.get("is_locked") and _is_locked(path):
            return True
        is_here = found["boot"] == _boot() != ""
        if is_here and found.get("is_locked"):
            return False
        if is_here and found.get("pid_namespace") == _pid_namespace() != "":
            return _is_process(found["pid"], found["birth"])
        return silence_seconds < SILENCE_SECONDS
    except FileNotFoundError:
        return False


def _lock(file: IO[str]) -> bool:
    """Lock a file until it is closed, in this process and in its forks; tell whether the file system can."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


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


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
