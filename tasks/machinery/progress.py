"""How far a long task is: a bar on a terminal, a line every half minute in a log, a percentage on luigid's page."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator

import luigi
from luigi.rpc import RPCError
from tqdm import tqdm

LOG_SECONDS = 30.0
PAGE_SECONDS = 1.0

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def progress(task: luigi.Task, label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that a library stage calls with what is done and what there is to do, 0 where nobody knows.

    Args:
        task: whose percentage is shown on luigid's page; Luigi gives it the means while it runs.
        label: what is worked on, for people.
        unit: of the counts: frames, snippets, epochs.

    """
    on_terminal = sys.stderr.isatty() and multiprocessing.parent_process() is None  # bars of several workers would mix
    started = logged = shown = time.monotonic()
    with tqdm(desc=label, unit=f" {unit}", leave=False, dynamic_ncols=True, disable=not on_terminal) as bar:

        def report_progress(done: int, total: int) -> None:
            nonlocal logged, shown
            now = time.monotonic()
            bar.total = total or None
            bar.update(done - bar.n)
            if not on_terminal and now - logged >= LOG_SECONDS:
                logged = now
                _logger.info("%s: %s", label, in_words(done, total, unit, now - started))
            if total and now - shown >= PAGE_SECONDS:
                shown = now
                _show(task, 100 * done // total)

        yield report_progress


def in_words(done: int, total: int, unit: str, seconds: float) -> str:
    """Say how much is done after some seconds, and how long the rest will take."""
    if not total:
        return f"{done} {unit}"
    left = round(seconds * (total - done) / done) if done else None
    told = "" if left is None else f", {left // 60}:{left % 60:02d} min left"
    return f"{done} of {total} {unit}, {100 * done // total} %{told}"


def _show(task: luigi.Task, percentage: int) -> None:
    show = getattr(task, "set_progress_percentage", None)  # absent where a task is run without Luigi
    if show is not None:
        with contextlib.suppress(RPCError):  # a page that does not answer is no reason to stop
            show(percentage)
