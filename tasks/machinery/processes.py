"""Several worker processes, and torch: a process that has computed must not be forked to compute again.

With `--workers N` Luigi forks a child for each task and computes nothing itself, which is sound. What hangs, without a
word and for ever, is a fork of a process in which torch has already computed, as when a notebook extracts features and
then starts Luigi with two workers: the child waits for threads that it does not have.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator

import luigi

from seizures.errors import SettingsError

_HEAVY = ("torch", "h5py", "av", "pandas", "models.stcnn", "models.aggregation", "seizures.features.extraction",
          "seizures.classification.training", "seizures.evaluation.summary", "sklearn.model_selection")  # fmt: skip
_computed_in: int | None = None


@contextlib.contextmanager
def computing(num_threads: int | None = None) -> Iterator[None]:
    """Let torch compute in the block with this many threads; None: as many as there are cores.

    Raises:
        SettingsError: torch computed in the process that this one was forked from, and would hang here.

    """
    global _computed_in  # a fact of the process, which its forks inherit
    if _computed_in not in (None, os.getpid()):
        raise SettingsError(
            f"torch has computed in process {_computed_in}, from which this worker was forked, and would hang here; "
            "set workers = 1 and no [worker] timeout, or start Luigi in a process of its own"
        )
    _computed_in = os.getpid()
    from seizures.classification.threads import threads

    with contextlib.nullcontext() if num_threads is None else threads(num_threads):
        yield


def each_task_is_a_fork() -> bool:
    """Tell whether Luigi starts a process for each task, with what this one knows and nothing of what others learnt."""
    return bool(luigi.interface.core().workers > 1)


def import_before_forks() -> None:
    """Import the heavy libraries once, where each task will be a fork; importing computes nothing."""
    if each_task_is_a_fork():
        for name in _HEAVY:
            importlib.import_module(name)
