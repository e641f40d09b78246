"""Processes that take seizures of the public dataset, as many side by side as wanted, each of which may die.

A reader is `python -m seizures.gestures_views`: it is given a seizure as a line and answers with a line. One that dies
takes its seizure with it and nothing else: the seizure is left out with that reason, and a new reader goes on.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from seizures.gestures_outcome import Outcome
from seizures.quarantine import environment
from seizures.validation import FAULT, Finding

JobT = TypeVar("JobT")
SECONDS_PER_FILE = 0.5  # on a disk that hardly answers; a hostile file that never ends is given up
LEAST_SECONDS = 120.0


class Reader:
    """One such process, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_ended = False

    def take(self, request: dict[str, Any], name: str, num_files: int) -> Outcome | None:
        """Return the outcome for one seizure; None where it is known already. CancelledError after `end`."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        allowed = LEAST_SECONDS + SECONDS_PER_FILE * num_files
        overdue = threading.Timer(allowed, process.kill)
        overdue.start()
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            overdue.cancel()
        if line.endswith(b"\n"):
            content = json.loads(line)
            return None if content is None else Outcome.from_json(content)
        reason = _ending(process, allowed)
        self.close()
        if self._is_ended:
            raise CancelledError
        finding = Finding(name, "", FAULT, f"left out: reading it ended the reading process ({reason})")
        return Outcome("", (), 0.0, None, None, (finding,))

    def end(self) -> None:
        """End the process, for good."""
        with self._lock:
            self._is_ended = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Wait for the end of the process and close what leads to it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    stream.close() if stream else None

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_ended:
                raise CancelledError
            self._process = subprocess.Popen(
                [sys.executable, "-m", "seizures.gestures_views"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
            return self._process


def in_parallel(
    jobs: Sequence[JobT], take: Callable[[Reader, JobT], Outcome], num_readers: int
) -> Iterator[tuple[JobT, Outcome]]:
    """Yield each job with its outcome, as they come; `take` is called in one thread for each reader.

    An error of `take`, or of who iterates, ends all of it: what is under way is broken off, what waits is dropped.
    """
    free: queue.SimpleQueue[Reader] = queue.SimpleQueue()
    readers = [Reader() for _ in range(min(num_readers, len(jobs)))]
    for reader in readers:
        free.put(reader)

    def with_free_reader(job: JobT) -> tuple[JobT, Outcome]:
        reader = free.get()
        try:
            return job, take(reader, job)
        finally:
            free.put(reader)

    pool = ThreadPoolExecutor(max(1, len(readers)))
    try:
        for done in as_completed([pool.submit(with_free_reader, job) for job in jobs]):
            yield done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for reader in readers:
            reader.end()
        pool.shutdown()
        for reader in readers:
            reader.close()


def _ending(process: subprocess.Popen[bytes], allowed: float) -> str:
    code = process.wait()
    if code == -signal.SIGKILL:
        return f"it was killed, for memory or after {allowed:.0f} s"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
