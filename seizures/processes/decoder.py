"""Decoding in a child process, so that a film that crashes or hangs the decoder takes nothing else with it.

A decoder is a large C library that is fed what a damaged disk holds. One child serves a process for many windows: it is
started when the first is opened and again after it died, so that importing the decoder is paid for once. It sends a
sign of life while it works; a child that is silent for too long is killed, and so is one whose window is abandoned.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from seizures import provenance
from seizures.errors import PassingError, SeizuresError, SoftwareError, VideoError
from seizures.inspection.verdict import FileFacts
from seizures.video.blocks import FrameBlock, WindowFacts
from seizures.video.request import WindowRequest

LONGEST_SILENCE_SECONDS = 120.0
_SIGN_OF_LIFE_SECONDS = 1.0
_PATIENCE_AT_EXIT_SECONDS = 5.0
_NAMED = ("python", "av")  # libraries, in a message
_KILLED = ("signal SIGKILL", "signal SIGTERM")  # which no film can cause by itself


class IsolatedWindow:
    """The frames of one window, decoded in the child: as `seizures.video.window.Window`, and as much a context manager.

    Iteration raises VideoError also where the child dies, or is silent for `longest_silence_seconds`; and PassingError
    where it is killed, or where disk, network or memory fail; and SoftwareError where any other exception ends it.
    """

    def __init__(self, request: WindowRequest, longest_silence_seconds: float = LONGEST_SILENCE_SECONDS) -> None:
        self.clock = request.clock
        self.frame_size = request.frame_size
        self.name = request.name
        paths = tuple(Path(path).absolute() for path in request.paths)  # the child may live in another folder
        self._request = {"request": dataclasses.replace(request, paths=paths)}
        self._longest_silence_seconds = longest_silence_seconds
        self._facts: WindowFacts | None = None
        self._is_reading = False

    def __enter__(self) -> IsolatedWindow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the child if it still decodes this window."""
        if self._is_reading:
            _stop_child()
            self._is_reading = False

    @property
    def facts(self) -> WindowFacts:
        """What decoding found; known once every block was read."""
        if self._facts is None:
            raise RuntimeError("the facts of a window are known after its last block")
        return self._facts

    def __iter__(self) -> Iterator[FrameBlock]:
        """Yield the blocks as the child sends them."""
        self._is_reading = True
        for kind, value in _answers(self.name, ("decode", self._request), self._longest_silence_seconds):
            if kind == "block":
                yield FrameBlock(*value)
            elif kind == "done":
                self._facts = value
        self._is_reading = False


def survey_isolated(
    path: Path, raw_rate_hz: float = 0.0, longest_silence_seconds: float = LONGEST_SILENCE_SECONDS
) -> FileFacts:
    """Return what `seizures.inspection.survey.survey` finds in a file; a decoder that dies or stalls is its fault."""
    request = {"path": path.absolute(), "raw_rate_hz": raw_rate_hz}
    try:
        answers = list(_answers(path.name, ("survey", request), longest_silence_seconds))
    except VideoError as error:
        return FileFacts(video=path.name, error=str(error).removeprefix(f"{path.name}: "))
    facts: FileFacts = answers[-1][1]
    return facts


def draw_sheet_isolated(path: Path, paths: Sequence[Path], **more: Any) -> None:
    """Do as `seizures.inspection.contact_sheet.draw_sheet`; a decoder that dies or hangs is a VideoError."""
    request = {"path": path.absolute(), "paths": [film.absolute() for film in paths], **more}
    for _ in _answers(";".join(film.name for film in paths), ("sheet", request), LONGEST_SILENCE_SECONDS):
        pass


def _answers(
    name: str, request: tuple[str, dict[str, Any]], longest_silence_seconds: float
) -> Iterator[tuple[str, Any]]:
    """Ask the child, and yield its answers up to the last, which is `done`; raise what it raised."""
    child = _child()
    try:
        child.connection.send(request)
        while True:
            if not child.connection.poll(longest_silence_seconds):
                _stop_child()
                raise VideoError(
                    f"{name}: the decoder hangs: it gave no sign of life for {longest_silence_seconds:g} s and was "
                    "stopped; repair the video or say use = skip"
                )
            kind, value = child.connection.recv()
            if isinstance(value, PassingError):
                raise PassingError(f"{name}: {value}; run it again")
            if isinstance(value, SoftwareError):
                raise SoftwareError(f"{name}: {value}")
            if kind == "error":
                raise value
            yield kind, value
            if kind == "done":
                return
    except (EOFError, OSError) as error:
        how = _death(child.process)
        _stop_child()
        if how in _KILLED:
            raise PassingError(
                f"{name}: the decoder was killed ({how}), by a person or because memory ran out; run it again, or say "
                "use = skip"
            ) from error
        if how.startswith("exit code"):  # which no crash of the decoder has
            raise SoftwareError(f"{name}: {_blamed(f'the process that decodes ended ({how})')}") from error
        raise VideoError(
            f"{name}: the decoder died ({how}); the video is probably damaged: repair it or say use = skip"
        ) from error


@dataclasses.dataclass
class _Child:
    process: subprocess.Popen[bytes]
    connection: Connection
    owner: int


_running: list[_Child] = []


def _child() -> _Child:
    """Return this process's decoder; one that was inherited by a fork belongs to the parent, and is left to it."""
    if _running and _running[0].owner == os.getpid() and _running[0].process.poll() is None:
        return _running[0]
    _running.clear()
    ours, theirs = Pipe()
    package_root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-c", "from seizures.processes.decoder import serve; serve()", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )
    theirs.close()
    _running.append(_Child(process, ours, os.getpid()))
    return _running[0]


def _stop_child() -> None:
    if _running and _running[0].owner == os.getpid():
        child = _running.pop()
        child.connection.close()
        child.process.kill()
        child.process.wait()


def _death(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=_PATIENCE_AT_EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        return "it closed its pipe"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def serve() -> None:
    """Do one thing after the other, as the parent asks; end when the parent does. The child's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's matter, whose end ends this
    connection = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, OSError):
        while True:
            what, arguments = connection.recv()
            answer: tuple[str, Any]
            try:
                answer = "done", _serve(what, arguments, connection)
            except SeizuresError as error:
                answer = "error", error
            except Exception as error:  # noqa: BLE001 - the parent raises it
                answer = "error", _translated(error)
            connection.send(answer)


def _translated(error: Exception) -> SeizuresError:
    """Tell errors of libav, the film's fault, from those of disk, network and machine, and from those of the code."""
    what_failed = getattr(error, "strerror", None) or type(error).__name__
    if type(error).__module__.startswith("av."):
        return VideoError(f"the video cannot be read: {what_failed}")
    if isinstance(error, (OSError, MemoryError)):
        return PassingError(f"cannot be read now: {what_failed}")
    lines = "".join(traceback.format_exception(error)).rstrip()
    return SoftwareError(f"{_blamed(f'{type(error).__name__}: {error}')}\n{lines}")


def _blamed(what: str) -> str:
    """Return the message of a SoftwareError."""
    made_by = ", ".join(f"{name} {version}" for name, version in provenance.versions().items() if name in _NAMED)
    return (
        f"{what}. The film is not to blame, but this software or its installation ({provenance.release()}, {made_by}), "
        "and nothing is kept of it. Install the tested versions (make install) or report these lines; use = skip goes "
        "on without the film"
    )


def _serve(what: str, arguments: dict[str, Any], connection: Connection) -> WindowFacts | FileFacts | None:
    progress = _sign_of_life(connection)
    if what == "survey":  # the decoder is imported here and not above: the parent needs none
        from seizures.inspection.survey import survey

        return survey(**arguments, progress=progress)
    if what == "sheet":
        from seizures.inspection.contact_sheet import draw_sheet

        draw_sheet(**arguments, progress=progress)
        return None
    from seizures.video.window import open_window

    with open_window(**arguments, progress=progress) as window:
        for block in window:
            connection.send(("block", (block.frames, block.valid)))
        return window.facts


def _sign_of_life(connection: Connection) -> Callable[[], None]:
    """Return what the decoder calls for every packet: it tells the parent at most once a second."""
    last = [time.monotonic()]

    def tell() -> None:
        now = time.monotonic()
        if now - last[0] > _SIGN_OF_LIFE_SECONDS:
            last[0] = now
            connection.send(("alive", None))

    return tell
