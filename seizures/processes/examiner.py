"""Feature files from elsewhere, examined in a process of its own, with bounds on its memory and time.

A damaged or hostile file may make the HDF5 library crash, hang, or ask for all the memory there is. So a child examines
one file after the other. Where it crashes or takes too long over a file, the file is refused with that reason, and a
new child goes on with the next.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seizures.features.validation import FAULT, Examined, FileSummary, Finding, ViewSummary, examine
from seizures.processes.child import Child, ChildError
from seizures.processes.serving import Reporter, Work

MEMORY_BYTES = 256 * 2**20
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
        memory_bytes: the address space of the examining process, beyond the interpreter and its libraries.
        cpu_seconds: computing time for a file, and a second more for each 20 MiB of it.
        wall_seconds: time by the clock for a file, likewise.
        thorough: read all of each file; otherwise only its structure and what it says of itself.

    Raises:
        TransientError: somebody killed the examining process, or it did not start.
        SoftwareError: this software or its installation is at fault.

    """
    child = Child(
        load,
        name="examining process",
        input_kind="file",
        memory_bytes=memory_bytes,
        is_distrusted=True,
        may_write=False,
    )
    done: list[Examined] = []
    with child:
        for path in [os.fspath(path) for path in paths]:
            extra = _extra_seconds(path)
            limits = {"silence_seconds": wall_seconds + extra, "cpu_seconds": cpu_seconds + extra}
            request = {"path": path, "thorough": thorough}
            try:
                done.append(_from_json(child.call(request, Path(path).name, **limits)))
            except ChildError as error:
                reason = f"the process that examined it {error}"
                done.append(Examined(path, None, (Finding(path, "", FAULT, reason),)))
    return tuple(done)


def load() -> Work:
    """Return what the child does."""
    return _examine_one


def _examine_one(request: dict[str, Any], _: Reporter) -> dict[str, Any]:
    return dataclasses.asdict(examine(**request))


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
