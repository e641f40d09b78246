"""What every task that computes has in common: it can be told to stop, says that it is at work, and how it ended."""

from __future__ import annotations

import atexit
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.front_door import FrontDoorTask
from seizures.errors import SeizuresError
from tasks.machinery.atomic import full_disk_told
from tasks.machinery.run_lock import is_alive, own_name, presence, read_presence
from tasks.machinery.stopping import end_orderly_when_told
from tasks.settings.command_line import on_command_line, refuse
from tasks.settings.sections import results_root


class WorkingTask(FrontDoorTask):
    """A task that a person names and that computes; in Python, signals and the last words are the caller's matter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not on_command_line():
            return
        end_orderly_when_told(str(self))
        atexit.register(lambda: sys.stderr.write(self.verdict()))
        sys.stderr.writelines(others_at_work(str(self)))
        try:
            _stay_announced(str(self))
        except SeizuresError as error:
            refuse(str(error))

    def verdict(self) -> str:
        """Return the last words."""
        raise NotImplementedError


def others_at_work(task: str) -> Iterator[str]:
    """Yield one line for each other run that is at work in the results folder; forget those that were killed.

    The shards of one job are meant to work side by side and are not told of each other.
    """
    for path in sorted(_runs_folder().glob("*.json")):
        found = read_presence(path)
        if found is None:
            continue
        if not is_alive(path, found):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            continue
        other = str(found.get("task", "?"))
        if other == task or other.split("(")[0] != task.split("(")[0]:
            who = f"{other}, process {found['pid']} on {found['host']}, since {found['since'][:19].replace('T', ' ')}"
            yield f"{results_root()}: another run is at work here ({who}); that is safe, but work may be done twice\n"


def _runs_folder() -> Path:
    return results_root() / ".run"


def _stay_announced(task: str) -> None:
    """Say in the results folder that this process is at work, until it ends."""
    announced = contextlib.ExitStack()
    with full_disk_told(results_root()):
        announced.enter_context(presence(_runs_folder() / f"{own_name()}.json", task=task))
    atexit.register(announced.close)
