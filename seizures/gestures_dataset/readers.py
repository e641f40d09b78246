"""Processes that take seizures of the public dataset, as many side by side as wanted, each of which may die.

A reader is `python -m seizures.gestures_dataset.views`: it is given a seizure as a line and answers with a line. One
that dies over a file takes its seizure with it and nothing else: the seizure is left out with that reason, and a new
reader goes on. What failed of the disk or the memory is no reason to leave a seizure out, and ends the import until the
next run.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from seizures.errors import PassingError
from seizures.features.validation import FAULT, Finding
from seizures.gestures_dataset.outcome import Outcome
from seizures.processes.examiner import ending, environment

JobT = TypeVar("JobT")
SECONDS_PER_FILE = 0.5  # on a disk that hardly answers; a hostile file that never ends is given up
LEAST_SECONDS = 120.0
KILLED = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")  # by a person, by the system, or because memory ran out


class Reader:
    """One such process, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_ended = False
        self._has_started = False

    def take(self, request: dict[str, Any], name: str, num_files: int) -> Outcome | None:
        """Return the outcome for one seizure; None where it is known already.

        Raises:
            PassingError: the seizure could not be read, or its file not be written, and another time it can.
            CancelledError: after `end`.

        """
        process = self._process or self._start()
        allowed = LEAST_SECONDS + SECONDS_PER_FILE * num_files
        is_overdue = threading.Event()

        def give_up() -> None:
            is_overdue.set()
            process.kill()

        overdue = threading.Timer(allowed, give_up)
        overdue.start()
        try:
            line = self._ask(process, request)
        finally:
            overdue.cancel()
        if line.endswith(b"\n"):
            content = json.loads(line)
            if content is not None and "failed" in content:
                raise _passing(name, content["failed"])
            return None if content is None else Outcome.from_json(content)
        reason = f"it took more than {allowed:.0f} s" if is_overdue.is_set() else ending(process.wait())
        self.close()
        if self._is_ended:
            raise CancelledError
        if not is_overdue.is_set() and (reason in KILLED or not self._has_started):
            raise _passing(name, f"the reading process ended ({reason})")
        # What is left is a file that made the process crash, or that kept it for ever.
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

    def _ask(self, process: subprocess.Popen[bytes], request: dict[str, Any]) -> bytes:
        """Return the line that the process answers, or what there is of it where the process ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            self._has_started = self._has_started or process.stdout.readline() == b"\n"
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            return process.stdout.readline()
        except BrokenPipeError:
            return b""

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_ended:
                raise CancelledError
            self._has_started = False
            self._process = subprocess.Popen(
                [sys.executable, "-m", "seizures.gestures_dataset.views"],
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

    An error of `take`, or of who iterates, ends all of it: running work is interrupted, waiting work is dropped.
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


def _passing(name: str, what: str) -> PassingError:
    advice = "what is read already is kept: see to the disk or the memory and run the same command again"
    return PassingError(f"{name}: cannot be read or written now: {what}; {advice}")
