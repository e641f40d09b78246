"""Every mistake in the configuration at once: Luigi ignores a misspelt section and only warns of a misspelt key."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register

from seizures.errors import SeizuresError
from seizures.manifest.table import as_one_line, label_problem
from seizures.video.start_times import find_zone
from tasks.settings.files import read_settings, settings_files
from tasks.settings.sections import SECTIONS, Dataset, Evaluation, Folds, Training, section

_LUIGI_SECTIONS = {"core", "email", "execution_summary", "logging", "resources", "retcode", "scheduler", "worker"}
# Keys that Luigi reads from [core] without declaring them.
_UNDECLARED = {"autoload_range", "default_scheduler_host", "default_scheduler_port", "default_scheduler_url"}
_FEWEST_WORDS = 2  # of a reason
_WANTED = {
    luigi.IntParameter: "a whole number",
    luigi.FloatParameter: "a number",
    luigi.BoolParameter: "true or false",
}


def file_mistakes() -> list[str]:
    """Return one line for each mistake in the names of sections and keys, and in the values of Luigi's own keys."""
    named = os.environ.get("LUIGI_CONFIG_PATH")
    if named and not Path(named).is_file():
        return [f"LUIGI_CONFIG_PATH = {named}: no such file"]
    files = settings_files()
    if not any(path.name == "luigi.cfg" or str(path) == named for path in files):
        return [f"{Path.cwd()}: no luigi.cfg here; run from the project's folder, or name one in LUIGI_CONFIG_PATH"]
    return [mistake for path in files for mistake in _mistakes_in(path)]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` - did you mean ...?` for the known name nearest to `name`, or nothing where none is near."""
    folded = {item.lower(): item for item in known}
    found = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f" - did you mean {folded[found[0]]}?" if found else ""


def _found(family: str, name: str) -> str:
    """Return the text that was given for a setting, on the command line or in a file."""
    words = CmdlineParser.get_instance()
    given = getattr(words.known_args, f"{family}_{name}", None) if words else None
    return str(given or luigi.configuration.get_config().get(family, name, ""))


def _mistakes_in(path: Path) -> Iterator[str]:
    sections, mistakes = read_settings(path)
    yield from mistakes
    ours = {item.get_task_family(): item for item in SECTIONS}
    theirs = {name: item for name, item in Register._get_reg().items() if name in _LUIGI_SECTIONS}
    for name, items in sections.items():
        if name in ours:
            known = [key for key, _ in ours[name].get_params()]
            for key in items:
                if key.replace("-", "_") not in known:
                    yield f"{path}: [{name}] {key}: no such key{nearest(key, known)}"
        elif name in theirs:
            yield from _mistakes_in_luigis_own(path, name, items)
        elif name not in _LUIGI_SECTIONS:
            guess = nearest(f"[{name}]", (f"[{item}]" for item in (*ours, *_LUIGI_SECTIONS)))
            yield f"{path}: [{name}]: no such section{guess}"
    logs = sections.get("core", {}).get("logging_conf_file", "")
    if logs and not Path(logs).is_file():
        yield f"{path}: [core] logging_conf_file = {logs}: no such file; copy it from the repository"


def _mistakes_in_luigis_own(path: Path, name: str, items: dict[str, str]) -> Iterator[str]:
    """Luigi reads keys that it does not declare, so that only a near miss of a declared one is a mistake."""
    known = dict(Register._get_reg()[name].get_params())
    for key, value in items.items():
        parameter, guess = known.get(key.replace("-", "_")), nearest(key, known)
        if parameter is None and guess and key.replace("-", "_") not in _UNDECLARED:
            yield f"{path}: [{name}] {key}: no such key{guess}"
        elif parameter is not None:
            try:
                parameter.parse(value)
            except ValueError:
                yield f"{path}: [{name}] {key} = {value}: expected {_WANTED.get(type(parameter), 'another value')}"


def value_mistakes() -> Iterator[str]:
    """Yield one line for each of our settings that has an impossible value, from a file or the command line."""
    unsound = set()
    for kind in SECTIONS:
        family = kind.get_task_family()
        for name, parameter in kind.get_params():
            try:
                parameter.task_value(family, name)
            except ValueError as error:
                unsound.add(kind)
                found = _found(family, name)
                yield f"[{family}] {name} = {found}: expected {_WANTED.get(type(parameter), str(error))}"
    for kind in SECTIONS:
        # What [Folds] deals may be left to the protocol in [Training].
        if hasattr(kind, "settings") and unsound.isdisjoint({kind, Training} if kind is Folds else {kind}):
            try:
                section(kind).settings()
            except SeizuresError as error:
                yield f"[{kind.get_task_family()}] {error}"
    if Evaluation not in unsound:
        try:
            section(Evaluation).calibration()
        except SeizuresError as error:
            yield f"[Evaluation] {error}"
    if Dataset in unsound:
        return
    if not section(Dataset).minimum_duration_seconds >= 0:
        yield f"[Dataset] minimum_duration_seconds = {section(Dataset).minimum_duration_seconds}: expected at least 0"
    try:
        find_zone(section(Dataset).time_zone)
    except SeizuresError as error:
        yield f"[Dataset] time_zone = {error}"
    reason = section(Dataset).allow_shared_films
    if reason and len(reason.split()) < _FEWEST_WORDS:
        yield f"[Dataset] allow_shared_films = {reason}: expected the reason in words, which the report will quote"
    labels = [as_one_line(label) for label in section(Dataset).labels.split(",")]
    if len(labels) != 2 or len(set(labels)) != 2 or not all(labels):
        yield f"[Dataset] labels = {section(Dataset).labels}: expected two with a comma between them, as in FOS, TCS"
        return
    for label in labels:
        if problem := label_problem(label):
            yield f"[Dataset] labels = {section(Dataset).labels}: {label!r} {problem}"
