"""The files of settings as people save them: any encoding, quotes, percent signs, environment variables.

Luigi's own parser ends with a traceback at a byte order mark, a letter of Latin-1, a section that is there twice, and a
`%` that is not written `%%`. Importing this module puts `SettingsParser` in its place.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import luigi.configuration.core
from luigi.configuration import LuigiConfigParser

from seizures.files.text import decode_text, strip_edges

_QUOTES = {  # the last of each first one
    '"': '"',
    "'": "'",
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
}
_VARIABLE = re.compile(r"\$\{([^}]+)\}")  # as Luigi has it
_REFERENCE = re.compile(r"(?<!%)%\([^)]*\)s")
_SECTION = re.compile(r"\[(?P<name>.+)\]")
_KEY = re.compile(r"(?P<name>[^\s#;=:\[][^=:]*?)\s*[=:]")
_COMMENT = re.compile(r"\s#\s")

Sections = dict[str, dict[str, str]]


class FileRead(NamedTuple):
    """What a file of settings says, and a line for each mistake in how it is written."""

    sections: Sections
    mistakes: list[str]


class SettingsParser(LuigiConfigParser):
    """Luigi's settings, read from our kind of file; a file that cannot be read says nothing here.

    `mistakes.file_mistakes` refuses such a file before anything runs.
    """

    _instance = None
    _DEFAULT_INTERPOLATION = configparser.Interpolation()  # type: ignore[assignment]

    def read(self, filenames: Any, encoding: str | None = None) -> list[Any]:  # noqa: ARG002  # it is found out
        """Read files that exist, later ones over earlier ones; return their names."""
        found = [name for name in filenames if Path(name).is_file()]
        for name in found:
            self.read_dict(read_settings(Path(name)).sections, source=str(name))
        return found


for _kind in ("cfg", "conf", "ini"):
    luigi.configuration.core.PARSERS[_kind] = SettingsParser


def settings_files() -> list[Path]:
    """Return the files that Luigi reads settings from and that exist, the strongest last."""
    return [path for path in map(Path, SettingsParser._config_paths) if path.is_file()]


def read_settings(path: Path) -> FileRead:
    """Read one file: UTF-8 or UTF-16 with a byte order mark or not, or Windows-1252; nothing is raised.

    Quotes around a value are taken off, `${NAME}` is replaced by the environment variable, and `%%` by `%`, as Luigi
    wants it written.
    """
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        return FileRead({}, [f"{path}: cannot be read: {error.strerror}"])
    except ValueError as error:
        return FileRead({}, [f"{path}: {error}; save it as plain text in UTF-8"])
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text, str(path))
    except configparser.MissingSectionHeaderError as error:
        said = f"{error.line.strip()!r} stands before the first section, such as [Dataset]"
        return FileRead({}, [f"{path}: line {error.lineno}: {said}"])
    except configparser.ParsingError as error:
        said = "is neither [section] nor key = value"
        return FileRead({}, [f"{path}: line {number}: {_unquoted(line)!r} {said}" for number, line in error.errors])
    raw = {name: dict(parser.items(name)) for name in parser.sections()}
    mistakes = [f"{path}: {line}" for line in (*_repetitions(text), *_odd_values(raw))]
    return FileRead(
        {name: {key: _meant(value) for key, value in items.items()} for name, items in raw.items()}, mistakes
    )


def expand_path(text: str) -> str:
    """Return a path with `~`, `$NAME` and `${NAME}` replaced.

    Raises:
        ValueError: there is no such variable or user, and no such file either.

    """
    found = os.path.expandvars(os.path.expanduser(text))  # noqa: PTH111  # not a Path: a URL or random:0 stays as it is
    if found.startswith("~") and not Path(found).exists():
        raise ValueError(f"a path, and {found.split('/')[0]} is nobody's home folder")
    unknown = re.search(r"\$(\w+|\{[^}]*\})", found)
    if unknown and not Path(found).exists():
        raise ValueError(f"a path, and there is no environment variable {unknown[0]}")
    return found


def _unquoted(line: str) -> str:
    """Return a line of which configparser says the repr."""
    return line.strip("'\"").removesuffix("\\n")


def _meant(value: str) -> str:
    text = strip_edges(value)
    if len(text) > 1 and text[-1] in _QUOTES.get(text[0], "") and text[0] not in text[1:-1]:
        text = strip_edges(text[1:-1])
    text = _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), text)
    return text.replace("%%", "%")


def _repetitions(text: str) -> Iterator[str]:
    """Find sections and keys that are there twice: one of the two would silently be nothing."""
    section, seen = "", dict[tuple[str, str], int]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _SECTION.match(line):
            section, name = header["name"], ""
        elif key := _KEY.match(line):
            name = key["name"].replace("-", "_")
        else:
            continue
        first = seen.setdefault((section, name), number)
        if first != number and not name:
            yield f"line {number}: [{section}] is there twice, first in line {first}; join the two"
        elif first != number:
            yield f"line {number}: [{section}] {name} is there twice, first in line {first}; remove one"


def _odd_values(sections: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, items in sections.items():
        for key, value in items.items():
            yield from (f"[{name}] {key}: {what}" for what in _oddities(value))


def _oddities(value: str) -> Iterator[str]:
    lines = value.splitlines()
    swallowed = next((line for line in lines[1:] if _KEY.match(line) or _SECTION.match(line)), None)
    if swallowed:
        yield f"the line below, {swallowed!r}, is indented and so belongs to it; remove the spaces before it"
    if _COMMENT.search(value):
        yield "a comment needs a line of its own"
    if reference := _REFERENCE.search(value):
        yield f"{reference[0]} is not replaced here; write out what it stands for"
    yield from (
        f"{match[0]}: there is no such environment variable"
        for match in _VARIABLE.finditer(value)
        if match[1] not in os.environ
    )
