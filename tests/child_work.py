"""Work for the children of tests/seizures/processes/test_child.py: each request says what becomes of it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from seizures.errors import DamagedVideoError
from seizures.processes.serving import Reporter, Work


class OwnError(DamagedVideoError):
    """An error that the parent does not know."""


def load() -> Work:
    """Return the work."""
    return work


def load_nothing() -> Work:
    """Fail to import it."""
    import no_such_module  # type: ignore[import-not-found]

    found: Work = no_such_module.work
    return found


def load_and_crash() -> Work:
    """Do as a library that does not fit this machine."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return work


def load_for_ever() -> Work:
    """Do as a disk that does not answer."""
    time.sleep(60)
    return work


def work(request: list[Any], reporter: Reporter) -> Any:
    """Do what the first item of the request says."""
    what, *more = request
    return globals()[f"_{what}"](reporter, *more)


def _echo(_: Reporter, value: Any) -> Any:
    return value


def _pid(_: Reporter) -> int:
    return os.getpid()


def _parts(reporter: Reporter, number: int) -> str:
    for part in range(number):
        reporter.send(part)
    return "end"


def _signal(_: Reporter, number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def _exit(_: Reporter, code: int) -> None:
    os._exit(code)


def _sleep(_: Reporter, seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def _live(reporter: Reporter, seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reporter.progress()
        time.sleep(0.05)
    return "lived"


def _touch(_: Reporter, path: str) -> None:
    """Say that the request has come, and never answer it."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def _stop_in_a_message(reporter: Reporter, seconds: float) -> None:
    """Send more than a pipe holds, to a parent that does not read, and so stop in the middle of it."""
    reporter.send("first")
    reporter.send(b"x" * 2**24)
    time.sleep(seconds)


def _compute(_: Reporter) -> None:
    while True:
        pass


def _allocate(_: Reporter, num_bytes: int) -> int:
    return len(bytearray(num_bytes))


def _write(_: Reporter, path: str) -> None:
    Path(path).write_bytes(bytes(10))


def _environment(_: Reporter) -> list[str]:
    return sorted(os.environ)


def _raise(_: Reporter, what: str) -> None:
    kinds = {"type": TypeError, "os": OSError, "memory": MemoryError, "own": OwnError}
    raise OSError(5, "Input/output error") if what == "os" else kinds[what]("what it says")
