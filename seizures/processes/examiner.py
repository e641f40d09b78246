"""Feature files from elsewhere, examined in a process of its own, with bounds on its memory and time.

A damaged or hostile file may make the HDF5 library crash, hang, or ask for all the memory there is. So this module
starts itself as a second process that examines one file after the other and reports each as a line of JSON. Where that
process dies or takes too long over a file, the file is refused with that reason, and a new process goes on behind it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seizures.features.validation import FAULT, Examined, FileSummary, Finding, ViewSummary, examine

MEMORY_BYTES = 450 * 2**20
CPU_SECONDS = 4.0
WALL_SECONDS = 60.0  # for a disk that does not answer; work is bounded by the CPU seconds
BYTES_PER_SECOND = 20 * 2**20  # a large file gets a second more for each of these


def examine_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    memory_bytes: int = MEMORY_BYTES,
    cpu_seconds: float = CPU_SECONDS,
    wall_seconds: float = WALL_SECONDS,
    thorough: bool = True,
) -> tuple[Examined, ...]:
    """Examine files that are not trusted, and return the outcomes in their order.

    Args:
        paths: the files.
        memory_bytes: the address space of the examining process, the interpreter included.
        cpu_seconds: computing time for a file, and a second more for each 20 MiB of it.
        wall_seconds: time by the clock for a file, likewise.
        thorough: read all of each file; otherwise only its structure and what it says of itself.

    """
    waiting = [os.fspath(path) for path in paths]
    order = {"memory_bytes": memory_bytes, "cpu_seconds": cpu_seconds, "thorough": thorough}
    done: list[Examined] = []
    while waiting:
        outcomes, reason = _examine_until_it_ends(waiting, order, wall_seconds)
        done += outcomes
        waiting = waiting[len(outcomes) :]
        if waiting:
            done.append(_refused(waiting.pop(0), reason))
    return tuple(done)


def environment() -> dict[str, str]:
    """Return the environment of a process that reads what is not trusted: nothing of this one but what it needs."""
    return {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ},
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(Path(__file__).parents[2]), *filter(None, sys.path)])),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "HDF5_PLUGIN_PRELOAD": "::",  # HDF5's own word for: load no plugins
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }


def _refused(path: str, reason: str) -> Examined:
    return Examined(path, None, (Finding(path, "", FAULT, reason),))


def _examine_until_it_ends(paths: list[str], order: dict[str, Any], wall_seconds: float) -> tuple[list[Examined], str]:
    """Run one process over the files; return the outcomes that it reported, and why it ended before the rest."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**order, "paths": paths}).encode())
        process.stdin.close()
        outcomes: list[Examined] = []
        try:
            for line in _lines(process.stdout.fileno(), paths, wall_seconds):
                outcomes.append(_from_json(json.loads(line)))
        except TimeoutError:
            return outcomes, f"examining it took more than {wall_seconds:g} s"
        finally:
            process.kill()
        process.wait()
        return outcomes, _why(process.returncode, order["cpu_seconds"])


def ending(code: int) -> str:
    """Return how a process ended, by its return code: the name of a signal, or `exit code` and the number."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _why(code: int, cpu_seconds: float) -> str:
    if code == -signal.SIGPROF:
        return f"examining it took more than {cpu_seconds:g} s of computing"
    word = ending(code)
    return f"examining it made the HDF5 library crash ({word})"


def _lines(descriptor: int, paths: list[str], wall_seconds: float) -> Iterator[bytes]:
    """Yield a line a file as they come; TimeoutError where the next one is late."""
    held = b""
    for path in paths:
        deadline = time.monotonic() + wall_seconds + _extra_seconds(path)
        while b"\n" not in held:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            block = os.read(descriptor, 1 << 16)
            if not block:
                return
            held += block
        line, held = held.split(b"\n", 1)
        yield line


def _extra_seconds(path: str) -> float:
    try:
        return Path(path).stat().st_size / BYTES_PER_SECOND
    except OSError:
        return 0.0


def _from_json(content: dict[str, Any]) -> Examined:
    summary = content["summary"]
    if summary is not None:
        views = {name: ViewSummary(**view) for name, view in summary.pop("views").items()}
        summary = FileSummary(**summary, views=views)
    return Examined(content["path"], summary, tuple(Finding(**found) for found in content["findings"]))


def _main() -> None:
    """Examine the files that standard input names; this is the second process."""
    import resource  # not on Windows, and wanted in this process only

    order = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (order["memory_bytes"], order["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    for path in order["paths"]:
        # The signal is not handled, so that it ends the process even inside the HDF5 library.
        signal.setitimer(signal.ITIMER_PROF, order["cpu_seconds"] + _extra_seconds(path))
        outcome = examine(path, thorough=order["thorough"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
