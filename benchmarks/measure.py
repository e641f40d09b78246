"""Measuring honestly on a machine where other work runs: interleaved, in processes of their own, medians, peak memory.

Ways that are compared take turns, so that what disturbs one disturbs the other; a ratio is that of their medians.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple


class Run(NamedTuple):
    """One run of a way: wall-clock and processor seconds, the peak of resident memory, and what it returned."""

    seconds: float
    processor_seconds: float
    peak_megabytes: float
    result: Any = None


class Row(NamedTuple):
    """A line of the table; `None` where there is nothing to compare with."""

    what: str
    ours: str
    peer: str = ""
    limit: str = ""
    times_the_peer: float | None = None
    of_the_limit: float | None = None
    memory: str = ""


def once(way: Callable[..., Any], *arguments: Any) -> Run:
    """Run a way here."""
    start, used = time.perf_counter(), _processor_seconds()
    result = way(*arguments)
    seconds, processor_seconds = time.perf_counter() - start, _processor_seconds() - used
    return Run(seconds, processor_seconds, _peak_megabytes(), result)


def apart(way: Callable[..., Any], *arguments: Any) -> Run:
    """Run a way in a fresh process: its start and its imports are not counted, its peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_warmed, way, arguments).result()


def _warmed(way: Callable[..., Any], arguments: tuple[Any, ...]) -> Run:
    return once(way, *arguments)


def in_turns(
    ways: Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]], repeats: int, run: Callable[..., Run] = apart
) -> dict[str, Run]:
    """Run every way `repeats` times, in turns; return the medians, and the result of the last run."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (way, arguments) in ways.items():
            runs[name].append(run(way, *arguments))
    return {name: median(found) for name, found in runs.items()}


def median(runs: list[Run]) -> Run:
    """Return the medians of several runs."""
    columns = list(zip(*runs, strict=True))
    return Run(*(statistics.median(column) for column in columns[:3]), runs[-1].result)


def seconds(value: float) -> str:
    """Write seconds, or milliseconds where they say more."""
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.1f} ms"


def megabytes(value: float) -> str:
    """Write megabytes."""
    return f"{value:,.0f} MB"


def _peak_megabytes() -> float:
    """Return the peak of resident memory of this process; getrusage would count that of its parent, too."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1024


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
