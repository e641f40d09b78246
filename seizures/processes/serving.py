"""The child's side of `seizures.processes.child`: its limits, its life, and what it tells its parent."""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from seizures import errors
from seizures.errors import SeizuresError, SoftwareError, TransientError

OUT_OF_MEMORY = 86  # an exit code: nothing needs to be allocated to say it
_SIGN_OF_LIFE_SECONDS = 1.0


class Reporter:
    """What the work tells its parent before it is done."""

    def __init__(self, say: Callable[[str, Any], None]) -> None:
        self._say = say
        self._last = time.monotonic()

    def send(self, part: Any) -> None:
        """Hand a part of the answer over."""
        self._say("part", part)

    def progress(self) -> None:
        """Say that the work goes on; to be called often, it is sent once a second."""
        now = time.monotonic()
        if now - self._last > _SIGN_OF_LIFE_SECONDS:
            self._last = now
            self._say("progress", None)


Work = Callable[[Any, Reporter], Any]


def serve() -> None:
    """Answer one request after the other until the parent ends: the child's whole life."""
    end_with_parent()
    connection, order = Connection(int(sys.argv[1])), json.loads(sys.argv[2])

    def say(kind: str, value: Any) -> None:
        if order["is_distrusted"]:
            connection.send_bytes(json.dumps((kind, value)).encode())
        else:
            connection.send((kind, value))

    try:
        module, function = order["load"]
        work: Work = getattr(importlib.import_module(module), function)()
    except Exception as error:  # noqa: BLE001 - the parent raises it
        say("error", _described(error))
        return
    _limit_itself(order["memory_bytes"], order["may_write"])
    say("ready", None)
    while True:
        try:
            request, cpu_seconds = connection.recv()
        except (EOFError, OSError):
            return
        try:
            # Nobody handles the signal, so that it ends the process even inside a C library.
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            say("done", work(request, Reporter(say)))
        except Exception as error:  # noqa: BLE001 - the parent raises it
            if isinstance(error, MemoryError) and order["memory_bytes"]:
                os._exit(OUT_OF_MEMORY)
            say("error", _described(error))


def end_with_parent() -> None:
    """End this process as soon as nobody holds the other end of its standard input."""
    if sys.platform == "linux":  # the kernel does it, whatever C code is at work
        import fcntl

        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
        if select.select([0], [], [], 0)[0]:
            os._exit(1)
    else:
        threading.Thread(target=lambda: os._exit(len(os.read(0, 1))), daemon=True).start()


def _limit_itself(memory_bytes: int, may_write: bool) -> None:
    import resource  # not on Windows, and wanted in the child only

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold what the input holds
    if not may_write:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    statm = Path("/proc/self/statm")
    if memory_bytes and statm.exists():  # on Linux; elsewhere the size of the process is not so easily known
        size = int(statm.read_text().split()[0]) * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _described(error: Exception) -> tuple[str, str, str]:
    """Return the name of the class that the parent is to raise, its text, and the traceback of a software fault."""
    if isinstance(error, SeizuresError):
        kind = next(base.__name__ for base in type(error).__mro__ if base.__module__ == errors.__name__)
        return kind, str(error), ""
    if isinstance(error, (OSError, MemoryError)):
        what = getattr(error, "strerror", None) or type(error).__name__
        return TransientError.__name__, f"cannot be read now: {what}", ""
    lines = "".join(traceback.format_exception(error)).rstrip()
    return SoftwareError.__name__, f"{type(error).__name__}: {error}", lines
