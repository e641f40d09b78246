"""What every task that computes has in common: it can be told to stop, says that it is at work, and how it ended."""

from __future__ import annotations

import atexit
import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.front_door import FrontDoorTask
from seizures.errors import SeizuresError
from tasks.machinery.atomic import full_disk_told
from tasks.machinery.disks import has_links
from tasks.machinery.run_lock import is_alive, own_name, presence, read_presence
from tasks.machinery.stopping import end_orderly_when_told
from tasks.settings.command_line import on_command_line, refuse
from tasks.settings.sections import results_root

_WAIT_SECONDS = 0.5


class WorkingTask(FrontDoorTask):
    """A task that a person names and that computes; in Python, signals and the last words are the caller's matter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not on_command_line():
            return
        end_orderly_when_told(str(self))
        atexit.register(lambda: sys.stderr.write(self.verdict()))
        if not has_links(results_root()):
            sys.stderr.write(
                f"{results_root()}: this disk has no symbolic links: results/current will hold copies of the small "
                "files, and index.csv names the others\n"
            )
        try:
            mark = _stay_announced(str(self))
        except SeizuresError as error:
            refuse(str(error))
        sys.stderr.writelines(others_at_work(str(self), mark))
        _wait_for_prune(mark)

    def verdict(self) -> str:
        """Return the last words."""
        raise NotImplementedError


def others_at_work(task: str, own: Path | None = None) -> Iterator[str]:
    """Yield one line for each other run that is at work in the results folder; forget those that were killed.

    `own` is the file of this run.

    The shards of one job are meant to work side by side and are not told of each other.
    """
    for found in _at_work(own):
        other = str(found.get("task", "?"))
        if other == task or other.split("(")[0] != task.split("(")[0]:
            who = f"{other}, process {found['pid']} on {found['host']}, since {found['since'][:19].replace('T', ' ')}"
            yield f"{results_root()}: another run is at work here ({who}); that is safe, but work may be done twice\n"


@contextlib.contextmanager
def deleting(task: str) -> Iterator[None]:
    """Delete results in the block, while no run is at work; one that begins meanwhile waits.

    Raises:
        SeizuresError: a run is at work.

    """
    own = _runs_folder() / f"{own_name()}.json"
    with presence(own, task=task):
        others = list(others_at_work(task, own))
        if others:
            raise SeizuresError(
                "".join(["nothing was deleted, because what a run is making is not named yet:\n", *others]).rstrip()
            )
        yield


def _wait_for_prune(own: Path) -> None:
    told = False
    while any(str(found.get("task", "")).startswith("Prune(") for found in _at_work(own)):
        if not told:
            sys.stderr.write(f"{results_root()}: Prune is deleting results here; this run begins when it is done\n")
            told = True
        time.sleep(_WAIT_SECONDS)


def _at_work(own: Path | None) -> Iterator[Mapping[str, Any]]:
    """Yield what each other process at work says of itself; remove what killed ones have left."""
    for path in sorted(_runs_folder().glob("*.json")):
        found = read_presence(path)
        if path == own or found is None:
            continue
        if is_alive(path, found):
            yield found
            continue
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _runs_folder() -> Path:
    return results_root() / ".run"


def _stay_announced(task: str) -> Path:
    """Say in the results folder that this process is at work, until it ends; return the file that says so."""
    announced, path = contextlib.ExitStack(), _runs_folder() / f"{own_name()}.json"
    with full_disk_told(results_root()):
        announced.enter_context(presence(path, task=task))
    atexit.register(announced.close)
    return path
