"""What every task that a person names has in common: sound input first, and a message instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.interface import core
from luigi.parameter import ParameterException
from luigi.task_register import Register

from models.errors import ModelsError
from seizures.errors import SeizuresError
from tasks.cohort.preflight import require_sound_input
from tasks.machinery.atomic import only_asking
from tasks.settings.command_line import format_mistakes, on_command_line, refuse, refuse_mistakes, words_for
from tasks.stage.stage import Stage


def check_command_line(module: str, tasks: Sequence[str]) -> None:
    """End with a message and exit code 2 if this process is `luigi --module <module> ...` and cannot succeed.

    Mistakes in words and settings come first. A stage that is named by itself has no front door of its own, so its
    input is checked here, once; `tasks` are the names that may be asked for.
    """
    words = words_for(module)
    if not words:
        return
    refuse_mistakes(words, tasks)
    if {"--help", "--help-all"} & set(words):
        return
    name = CmdlineParser._build_parser().parse_known_args(words)[0].root_task
    task = Register.get_task_cls(name)
    with CmdlineParser.global_instance(words) as line:  # as Luigi does next: settings on the command line count
        try:
            core()
        except ValueError as error:  # it ends with the name of an option of Luigi's own
            option = str(error).rpartition(" ")[2].strip("'").replace("_", "-")
            refuse(f"command line: the value of --{option} cannot be read")
        try:
            given = line._get_task_kwargs()
        except ValueError as error:
            refuse(f"command line: {name}: {error}")
        if missing := list(_missing(task, given)):
            refuse(format_mistakes(missing))
        if not issubclass(task, Stage):
            return
        try:
            require_sound_input()
            line.get_task_obj()
        except (SeizuresError, ModelsError, ParameterException) as error:
            refuse(str(error))


def _missing(task: type[luigi.Task], given: Collection[str]) -> Iterator[str]:
    """Yield one line for each option that a task cannot do without and that is not given."""
    for name, parameter in task.get_params():
        if name not in given and not parameter.has_task_value(task.get_task_family(), name):
            meaning = f": {parameter.description}" if parameter.description else ""
            yield f"command line: {task.get_task_family()} needs --{name.replace('_', '-')}{meaning}"


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
        with only_asking():
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
