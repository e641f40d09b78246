"""What every task that a person names has in common: sound input first, and a message instead of a traceback."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import luigi

from models.errors import ModelsError
from seizures.errors import SeizuresError
from tasks.cohort.preflight import require_sound_input
from tasks.settings.command_line import on_command_line, refuse


class FrontDoorTask(luigi.Task):
    """A task that a person names: it refuses unsound input before anything is scheduled.

    On the command line it ends with the message and exit code 2; in Python it raises the error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        try:
            self.check_input()
        except (SeizuresError, ModelsError) as error:
            if on_command_line():
                refuse(str(error))
            raise

    def check_input(self) -> None:
        """Raise an error with everything that is wrong with settings and input."""
        require_sound_input()


class Answer(NamedTuple):
    """What a question is answered with."""

    text: str
    exit_code: int


class Question(FrontDoorTask):
    """A task that makes no result: on the command line it answers and ends the process before Luigi schedules anything.

    So it needs no scheduler, is not kept waiting by a run in progress, and its answer is the last thing printed.
    In Python, call `answer`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not on_command_line():
            return
        try:
            text, exit_code = self.answer()
        except (SeizuresError, ModelsError) as error:
            refuse(str(error))
        sys.stdout.write(text)
        raise SystemExit(exit_code)

    def answer(self) -> Answer:
        """Return the answer and the exit code that tells it to a script."""
        raise NotImplementedError
