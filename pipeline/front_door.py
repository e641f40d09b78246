"""What every task that a person names has in common: sound input first, and a message instead of a traceback."""

from __future__ import annotations

import sys
from typing import Any

import luigi
from luigi.cmdline_parser import CmdlineParser

from models.errors import ModelsError
from seizures.errors import SeizuresError
from tasks.preflight import require_sound_input

EXIT_REFUSED = 2


class FrontDoorTask(luigi.Task):
    """A task that a person names: it refuses unsound input before anything is scheduled."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        try:
            require_sound_input()
        except (SeizuresError, ModelsError) as error:
            refuse(error)


def on_command_line() -> bool:
    """Tell whether Luigi was called from a shell, and not from Python."""
    return CmdlineParser.get_instance() is not None


def refuse(error: Exception) -> None:
    """End with the message of `error` and exit code 2 on the command line; raise it in Python."""
    if not on_command_line():
        raise error
    sys.stderr.write(f"{error}\n")
    raise SystemExit(EXIT_REFUSED) from error
