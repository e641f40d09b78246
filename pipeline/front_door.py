"""What every task that a person names has in common: sound input first, and a message instead of a traceback."""

from __future__ import annotations

from typing import Any

import luigi

from models.errors import ModelsError
from seizures.errors import SeizuresError
from tasks.command_line import on_command_line, refuse
from tasks.preflight import require_sound_input


class FrontDoorTask(luigi.Task):
    """A task that a person names: it refuses unsound input before anything is scheduled.

    On the command line it ends with the message and exit code 2; in Python it raises the error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        try:
            require_sound_input()
        except (SeizuresError, ModelsError) as error:
            if on_command_line():
                refuse(str(error))
            raise
