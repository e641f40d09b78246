"""Processes that take seizures of the public dataset, as many side by side as wanted, each of which may die.

One that crashes over a file takes its seizure with it and nothing else: the seizure is left out with that reason, and a
new one goes on. What failed of the disk or the memory is no reason to leave a seizure out, and ends the import until
the next run.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from seizures.errors import TransientError
from seizures.exchange.gestures_dataset.outcome import Outcome
from seizures.features.validation import FAULT, Finding
from seizures.processes.child import Child, ChildError
from seizures.processes.serving import Work

JobT = TypeVar("JobT")
SECONDS_PER_FILE = 0.5  # on a disk that hardly answers; a hostile file that never ends is given up
LEAST_SECONDS = 120.0
MEMORY_BYTES = 2**30


def load() -> Work:
    """Import torch and HDF5, in the child."""
    from seizures.exchange.gestures_dataset.views import work

    return work


class Reader:
    """One such process, started when it is first needed."""

    def __init__(self) -> None:
        self._child = Child(
            load, name="reading process", input_kind="dataset", is_distrusted=True,
            memory_bytes=MEMORY_BYTES,
        )  # fmt: skip

    def take(self, request: dict[str, Any], name: str, num_files: int) -> Outcome | None:
        """Return the outcome for one seizure; None where it is known already.

        Raises:
            TransientError: the seizure could not be read, or its file not be written, and another time it can.
            SoftwareError: this software or its installation is at fault.
            CancelledError: after `end`.

        """
        allowed = LEAST_SECONDS + SECONDS_PER_FILE * num_files
        try:
            content = self._child.call(request, name, silence_seconds=allowed)
        except ChildError as error:
            finding = Finding(name, "", FAULT, f"left out: the process that read it {error}")
            return Outcome("", (), 0.0, None, None, (finding,))
        except TransientError as error:
            raise TransientError(f"{error}: what is read already is kept") from error
        return None if content is None else Outcome.from_json(content)

    def end(self) -> None:
        """End the process, for good, from any thread."""
        self._child.cancel()

    def close(self) -> None:
        """Wait for the end of the process."""
        self._child.stop()


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
