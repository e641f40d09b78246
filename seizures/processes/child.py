"""Work in a child process, which may crash, hang or run out of memory without taking its parent along.

The work is a function that takes a request and a `serving.Reporter`, and returns an answer. `Child` starts an
interpreter that loads it, and hands it one request after the other. It says who is to blame where there is no answer:

- `ChildError`: the child crashed, stalled, or exceeded its memory or computing time: the input is at fault.
- `TransientError`: somebody killed the child, it did not start in time, or a disk, a network or the memory failed.
- `SoftwareError`: any other exception, or an exit code: this software or its installation.
- another SeizuresError: raised by the work itself, and raised again here.

The child ends with its parent, in whatever way that ends: its standard input is a pipe that the parent alone holds.
PR_SET_PDEATHSIG would not do, because it goes by the thread that started the child. Ctrl-C is the parent's matter.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from seizures import errors, provenance
from seizures.errors import SeizuresError, SoftwareError, TransientError
from seizures.processes.serving import OUT_OF_MEMORY, Work

START_SECONDS = 60.0  # until its libraries are imported
SILENCE_SECONDS = 120.0
_PATIENCE_AT_EXIT_SECONDS = 5.0
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
_FOR_THE_PARENT = {signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}  # which a terminal or a scheduler sends to all
_MOST_BYTES = 2**26  # of an answer that is not trusted
_NAMED = ("python", "av", "h5py")  # libraries, in a message
_BARE_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "HDF5_PLUGIN_PRELOAD": "::",  # HDF5's own word for: load no plugins
    "HDF5_USE_FILE_LOCKING": "FALSE",
}


class ChildError(Exception):
    """The child crashed or stalled over its input, or needed more than it is allowed; the text says what happened."""


class Child:
    """One process for many requests: started by the first, and again by the next one after it ended.

    It belongs to the process that started it; a fork of that process starts its own. One thread asks at a time.
    """

    def __init__(
        self,
        load: Callable[[], Work],
        *,
        name: str,
        input_kind: str,
        advice: str = "",
        memory_bytes: int = 0,
        is_distrusted: bool = False,
        may_write: bool = True,
    ) -> None:
        """Describe the child; it is not started yet.

        Args:
            load: a function of a module, called in the child: it imports the work with its libraries, and returns it.
            name: what messages call the child, such as `decoder`.
            input_kind: what messages call its input, such as `video`.
            advice: how to go on without that input, as an imperative.
            memory_bytes: address space beyond what it has once its libraries are imported (Linux); 0 is no limit.
            is_distrusted: hostile input may take the child over. So it inherits no environment, writes nothing on the
                terminal, and answers in JSON: nothing that it sends is ever executed.
            may_write: whether it may write files.

        """
        self._load, self._name, self._input_kind, self._advice = load, name, input_kind, advice
        self._memory_bytes, self._is_distrusted, self._may_write = memory_bytes, is_distrusted, may_write
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._is_cancelled = False

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process id; None where no child runs."""
        return self._process.pid if self._process is not None else None

    def call(self, request: Any, input_name: str, **limits: float) -> Any:
        """Return the answer to one request; `limits` and errors are those of `ask`."""
        answers = self.ask(request, input_name, **limits)
        while True:
            try:
                next(answers)
            except StopIteration as end:
                return end.value

    def ask(
        self, request: Any, input_name: str, *, silence_seconds: float = SILENCE_SECONDS, cpu_seconds: float = 0.0
    ) -> Generator[Any, None, Any]:
        """Yield the parts of the answer to one request, and return its end. A generator closed early stops the child.

        Args:
            request: what the work is given; JSON, or anything that can be pickled.
            input_name: the video or file, for messages.
            silence_seconds: longest time without a part or a sign of life.
            cpu_seconds: computing time for this request; 0 is no limit.

        Raises:
            ChildError, TransientError, SoftwareError: see the head of this module.
            CancelledError: after `cancel`.

        """
        is_over = False
        try:
            self._ready(input_name)
            connection = self._limit_silence(silence_seconds)
            try:
                connection.send((request, cpu_seconds))
                while True:
                    kind, value = self._hear()
                    is_over = kind in ("done", "error")
                    if kind == "error":
                        raise _rebuilt(value, input_name, self._named_fault)
                    if is_over:
                        return value
                    if kind == "part":
                        yield value
            except BlockingIOError:
                raise ChildError(f"stalled: no progress for {silence_seconds:.4g} s") from None
            except (EOFError, OSError):
                raise self._ended(input_name, cpu_seconds) from None
        finally:
            if not is_over:
                self.stop()

    def stop(self) -> None:
        """Kill the child, if there is one, and wait for its end."""
        with self._lock:
            process, connection = self._process, self._connection
            self._process = self._connection = None
        if process is not None and connection is not None:
            process.kill()
            process.wait()
            _close(process, connection)

    def cancel(self) -> None:
        """End the child for good, from any thread: who waits for it gets CancelledError, and so does who asks again."""
        with self._lock:
            self._is_cancelled = True
            if self._process is not None:
                self._process.kill()

    def _ready(self, input_name: str) -> None:
        """Start the child unless it runs, and wait until it has imported its work."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        self._start()
        self._limit_silence(START_SECONDS)
        try:
            kind, value = self._hear()
        except BlockingIOError:
            raise TransientError(
                f"{input_name}: {self._name} did not start within {START_SECONDS:g} s; run it again"
            ) from None
        except (EOFError, OSError):
            try:
                raise self._ended(input_name, 0.0) from None
            except ChildError as error:
                raise SoftwareError(self._named_fault(input_name, f"{self._name} {error} while starting")) from None
        if kind == "error":
            raise _rebuilt(value, input_name, self._named_fault)

    def _start(self) -> None:
        ours, theirs = Pipe()
        order = {
            "load": [self._load.__module__, self._load.__name__],
            "memory_bytes": self._memory_bytes,
            "may_write": self._may_write,
            "is_distrusted": self._is_distrusted,
        }
        with self._lock, _blocked(_FOR_THE_PARENT):  # the child inherits the block, so it has none of them to handle
            if self._is_cancelled:
                raise CancelledError
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from seizures.processes.serving import serve; serve()",
                    str(theirs.fileno()),
                    json.dumps(order),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL if self._is_distrusted else None,
                stderr=subprocess.DEVNULL if self._is_distrusted else None,
                env=_environment(self._is_distrusted),
            )
            self._connection = ours
        theirs.close()
        _running.add(self)

    def _limit_silence(self, seconds: float) -> Connection:
        """Let neither sending nor receiving last longer, also in the middle of a message: BlockingIOError."""
        assert self._connection is not None
        whole, rest = divmod(max(seconds, 1e-6), 1)
        limit = struct.pack("@ll", int(whole), int(rest * 1e6))
        with socket.socket(fileno=os.dup(self._connection.fileno())) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        return self._connection

    def _hear(self) -> tuple[str, Any]:
        assert self._connection is not None
        if not self._is_distrusted:
            kind, value = self._connection.recv()
            return kind, value
        try:
            kind, value = json.loads(self._connection.recv_bytes(_MOST_BYTES))
            if kind == "error":
                name, text, lines = value
                value = str(name), str(text), str(lines)
        except (ValueError, TypeError, RecursionError) as error:  # not what our code sends
            raise EOFError from error
        return kind, value

    def _ended(self, input_name: str, cpu_seconds: float) -> Exception:
        """Return the error that says how the child ended, and whose fault it is."""
        assert self._process is not None
        if self._is_cancelled:
            return CancelledError()
        try:
            code = self._process.wait(timeout=_PATIENCE_AT_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return ChildError("crashed (it closed its connection)")
        if code == OUT_OF_MEMORY and self._memory_bytes:
            return ChildError(f"needed more than {self._memory_bytes / 2**20:.4g} MiB of memory")
        if code >= 0:
            return SoftwareError(self._named_fault(input_name, f"{self._name} ended (exit code {code})"))
        if -code == signal.SIGPROF and cpu_seconds:
            return ChildError(f"took more than {cpu_seconds:.4g} s of computing")
        if -code in _CRASHES:
            return ChildError(f"crashed ({signal_name(-code)})")
        otherwise = f", or {self._advice}" if self._advice else ""
        return TransientError(
            f"{input_name}: {self._name} was killed ({signal_name(-code)}), by a person or because memory ran out; "
            f"run it again{otherwise}"
        )

    def _named_fault(self, input_name: str, what: str, lines: str = "") -> str:
        """Return the message of a SoftwareError."""
        made_by = ", ".join(f"{name} {version}" for name, version in provenance.versions().items() if name in _NAMED)
        otherwise = f", or {self._advice}" if self._advice else ""
        return (
            f"{input_name}: {what}. The {self._input_kind} is not to blame, but this software or its installation "
            f"({provenance.release()}, {made_by}), and nothing is kept of it. Install the tested versions "
            f"(make install) or report these lines{otherwise}{lines}"
        )

    def leave_to_parent(self) -> None:
        """In a fork: let go of the child, which is the parent's, and leave it running."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        self._lock = threading.Lock()  # a thread that has not come along may have held it
        if process is not None and connection is not None:
            process.returncode = 0  # there is nothing to wait for here
            _close(process, connection)


_running: weakref.WeakSet[Child] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for child in list(_running):
        child.leave_to_parent()
    _running.clear()


def _stop_all() -> None:
    for child in list(_running):
        child.stop()


os.register_at_fork(after_in_child=_leave_all_to_parent)
atexit.register(_stop_all)  # which is no more than tidy: they would end anyway


def signal_name(number: int) -> str:
    """Return the name of a signal, or its number where it has none."""
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _close(process: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    if process.stdin is not None:
        process.stdin.close()


@contextlib.contextmanager
def _blocked(signals: set[signal.Signals]) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environment(is_distrusted: bool) -> dict[str, str]:
    """Return the child's environment: this one, or no more of it than an interpreter needs."""
    root = str(Path(__file__).parents[2])
    if not is_distrusted:
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        return {**os.environ, "PYTHONPATH": path}
    return {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ},
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([root, *filter(None, sys.path)])),
        **_BARE_ENVIRONMENT,
    }


def _rebuilt(
    value: tuple[str, str, str], input_name: str, named_fault: Callable[[str, str, str], str]
) -> SeizuresError:
    """Return the error that the child raised, from the name of its class, its text and its traceback."""
    kind, text, lines = value
    if kind == SoftwareError.__name__:
        return SoftwareError(named_fault(input_name, text, f"\n{lines}"))
    if kind == TransientError.__name__:
        return TransientError(f"{input_name}: {text}; run it again")
    found = getattr(errors, kind, None)
    return found(text) if isinstance(found, type) and issubclass(found, SeizuresError) else SeizuresError(text)
