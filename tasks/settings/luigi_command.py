"""The command `luigi` of this environment: Luigi's own, which does not stumble over luigi.cfg before we have read it.

Luigi reads luigi.cfg while it is imported, and a file that it cannot parse is a traceback then. So it is imported
without one, and given `files.SettingsParser`. A command for another module than `pipeline` is Luigi's alone.
"""

from __future__ import annotations

import configparser
import contextlib
import itertools
import sys
from collections.abc import Iterator

MODULE = "pipeline"


def main() -> None:
    """Do what the command `luigi` does, with settings as people save them."""
    if not asks_for(MODULE, sys.argv[1:]):
        from luigi.cmdline import luigi_run

        luigi_run(sys.argv[1:])
        return
    with _nothing_to_read():
        from luigi.cmdline import luigi_run
    from luigi.configuration import get_config
    from luigi.setup_logging import BaseLogging

    from tasks.settings.command_line import refuse_unreadable_files

    refuse_unreadable_files()
    BaseLogging.config = get_config()
    luigi_run(sys.argv[1:])


def asks_for(module: str, words: list[str]) -> bool:
    """Tell whether the words of a command line name this module; Luigi takes the beginning of `--module` for it."""
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        name, sign, value = word.partition("=")
        if name.startswith("--m") and "--module".startswith(name):
            return (value if sign else following) == module
    return False


@contextlib.contextmanager
def _nothing_to_read() -> Iterator[None]:
    """Let whoever reads settings in this block find no file."""
    read = configparser.RawConfigParser.read
    configparser.RawConfigParser.read = lambda *_: []  # type: ignore[method-assign]
    try:
        yield
    finally:
        configparser.RawConfigParser.read = read  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
