"""Every mistake in the configuration at once: Luigi ignores a misspelt section and only warns of a misspelt key."""

from __future__ import annotations

import configparser
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

import luigi
from luigi.configuration import LuigiConfigParser
from luigi.task_register import Register

from seizures.errors import SeizuresError
from tasks.config import SECTIONS, Dataset, section

_LUIGI_SECTIONS = {"core", "email", "execution_summary", "logging", "resources", "retcode", "scheduler", "worker"}
_WANTED = {
    luigi.IntParameter: "a whole number",
    luigi.FloatParameter: "a number",
    luigi.BoolParameter: "true or false",
}


def config_mistakes() -> list[str]:
    """Return one line for each mistake in the configuration files, and in the values of files and command line."""
    files = [path for path in map(Path, LuigiConfigParser._config_paths) if path.is_file()]
    if not any(path.name == "luigi.cfg" for path in files):
        return [f"{Path.cwd()}: no luigi.cfg here; run from the project's folder, or name one in LUIGI_CONFIG_PATH"]
    return [mistake for path in files for mistake in _file_mistakes(path)] + list(_value_mistakes())


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` - did you mean ...?` for the known name nearest to `name`, or nothing where none is near."""
    folded = {item.lower(): item for item in known}
    found = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f" - did you mean {folded[found[0]]}?" if found else ""


def _file_mistakes(path: Path) -> Iterator[str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        yield f"{path}: cannot be read as settings: {' '.join(str(error).split())}"
        return
    ours = {item.get_task_family(): item for item in SECTIONS}
    theirs = {name: item for name, item in Register._get_reg().items() if name in _LUIGI_SECTIONS}
    for name in parser.sections():
        if name in ours:
            known = [key for key, _ in ours[name].get_params()]
            for key in parser.options(name):
                if key.replace("-", "_") not in known:
                    yield f"{path}: [{name}] {key}: no such key{nearest(key, known)}"
        elif name in theirs:
            known = [key for key, _ in theirs[name].get_params()]
            for key in parser.options(name):
                guess = nearest(key, known)
                if key.replace("-", "_") not in known and guess and name != "core":
                    yield f"{path}: [{name}] {key}: no such key{guess}"
        elif name not in _LUIGI_SECTIONS:
            guess = nearest(f"[{name}]", (f"[{item}]" for item in (*ours, *_LUIGI_SECTIONS)))
            yield f"{path}: [{name}]: no such section{guess}"


def _value_mistakes() -> Iterator[str]:
    for kind in SECTIONS:
        family, sound = kind.get_task_family(), True
        for name, parameter in kind.get_params():
            try:
                parameter.task_value(family, name)
            except ValueError as error:
                sound = False
                found = luigi.configuration.get_config().get(family, name, "")
                yield f"[{family}] {name} = {found}: wanted {_WANTED.get(type(parameter), str(error))}"
        if sound and hasattr(kind, "settings"):
            try:
                section(kind).settings()
            except SeizuresError as error:
                yield f"[{family}] {error}"
    labels = [label.strip() for label in section(Dataset).labels.split(",")]
    if len(labels) != 2 or len(set(labels)) != 2 or not all(labels):
        yield f"[Dataset] labels = {section(Dataset).labels}: wanted two with a comma between them, as in FOS, TCS"
