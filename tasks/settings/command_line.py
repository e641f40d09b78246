"""Mistakes on the command line and in the files of settings, told before Luigi would answer them with a traceback.

Luigi imports the module that `--module` names before it reads the rest of the command line; that is our moment.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import NoReturn

from luigi.cmdline_parser import CmdlineParser

from tasks.settings.files import read_settings, settings_files
from tasks.settings.luigi_command import asks_for
from tasks.settings.mistakes import file_mistakes, nearest

EXIT_REFUSED = 2


def words_for(module: str) -> list[str]:
    """Return the words of the command line if this process is `luigi --module <module> ...`, else none.

    Also where the option is cut short: Luigi takes that, and then it is ours to refuse.
    """
    words = sys.argv[1:]
    return words if asks_for(module, words) else []


def refuse_unreadable_files() -> None:
    """End with a message and exit code 2 if a file of settings cannot be read."""
    mistakes = [line for path in settings_files() for line in read_settings(path).mistakes]
    if mistakes:
        refuse(format_mistakes(mistakes))


def refuse_mistakes(words: list[str], tasks: Sequence[str]) -> None:
    """End with a message and exit code 2 if there is a mistake in the words or in the files of settings.

    `tasks` are the names that may be asked for.
    """
    mistakes = [*file_mistakes(), *_word_mistakes(words, tasks)]
    if mistakes:
        refuse(format_mistakes(mistakes))


def format_mistakes(mistakes: Sequence[str]) -> str:
    """Return the one message of all mistakes."""
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return "\n  ".join([f"nothing was run: {count}", *mistakes])


def on_command_line() -> bool:
    """Tell whether Luigi was called from a shell, and not from Python."""
    return CmdlineParser.get_instance() is not None


def refuse(message: str) -> NoReturn:
    """End the process with a message for a person."""
    sys.stderr.write(f"{message}\n")
    raise SystemExit(EXIT_REFUSED)


def _word_mistakes(words: list[str], tasks: Sequence[str]) -> Iterator[str]:
    if {"--help", "--help-all"} & set(words):
        return
    try:
        root = _parse(CmdlineParser._build_parser(), words)[0].root_task
        parser = CmdlineParser._build_parser(root_task=root)
        _, unknown = _parse(parser, words)
    except ValueError as error:
        yield f"command line: {error}"
        return
    for word in unknown:
        name = word.split("=")[0]
        yield f"command line: {name}: no such option{nearest(name, parser._option_string_actions)}"
    if root not in tasks and not any(
        before in unknown and after == root for before, after in itertools.pairwise(words)
    ):
        told = f"{root}: no such task{nearest(root, tasks)}" if root else "no task is named"
        yield f"{told}; the tasks are {', '.join(tasks)}"


def _parse(parser: argparse.ArgumentParser, words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parse what the parser knows by its whole name; its own errors come as ValueError."""
    parser.allow_abbrev = False
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            known, unknown = parser.parse_known_args(words)
    except SystemExit:
        raise ValueError(said.getvalue().strip().splitlines()[-1].split("error: ")[-1]) from None
    return known, [word for word in unknown if word.startswith("-")] or unknown
