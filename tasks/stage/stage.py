"""The base of every stage: a key made of all that decides the result, and a result that lands whole, once."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import luigi

from seizures.errors import SeizuresError
from seizures.provenance import reader_versions
from seizures.settings import canonical, digest
from tasks.machinery.atomic import full_disk_told, landing, may_write
from tasks.machinery.sealed import read_sealed, write_sealed
from tasks.settings.sections import results_root
from tasks.stage.integrity import describe_file, fault_of_result, set_aside

BAD_EXTENSION, WHY_EXTENSION = "bad.json", "why.json"


class Amount(NamedTuple):
    """How much a stage worked through, and of what: 450 frames."""

    amount: int
    unit: str


class ChangedInputError(SeizuresError):
    """What a result is made of has changed since its key was made."""


class DamagedResultError(SeizuresError):
    """A result cannot be read, and is not made again by a task that only answers a question."""


class Stage(luigi.Task):
    """A task whose result is `<root>/<stage>/<label>/<key>.<extension>`.

    The key is the digest of the recipe: the stage and its version, what `reads` returns, and the keys of the stages in
    `upstream`. Whatever changes the bytes is in the recipe, and nothing else is, so a result is complete when its file
    exists, and is never edited. Beside it, `<key>.why.json` holds the recipe, the seconds that it took, how much it
    worked through, and what tells that the file is still the one that was written (`tasks/stage/integrity.py`).

    A stage says what it `reads`, and how to `produce` its file at a given path. Errors in `leaves_out` are the
    input's fault: they land as `<key>.bad.json`, which counts as the result, and the run goes on without that input.
    It names the versions of the software that found so; others try the input again.
    """

    version = 1
    device = ""  # what computed, where `produce` says so; it is reported, and is in no key
    copied_from = ""  # the key of the earlier result that `produce` copied, where it says so; noted, and in no key
    extension = "json"
    leaves_out: tuple[type[SeizuresError], ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.task_id = f"{self.task_id}_{self.key}"

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Return the parameters; Luigi looks through all attributes of the class, four times for each new task."""
        return list(super().get_params())  # type: ignore[no-untyped-call]

    @property
    def label(self) -> str:
        """The folder of this stage's results, for people."""
        raise NotImplementedError

    def reads(self) -> dict[str, Any]:
        """Return all that decides the result, besides the upstream results: settings, manifest fields, file hashes."""
        return {}

    def requires(self) -> Sequence[Stage]:
        """Return the stages that must be complete before this one runs."""
        return []

    def upstream(self) -> Sequence[Stage]:
        """Return the stages whose results this one reads."""
        return self.requires()

    def produce(self, path: Path) -> Amount | None:
        """Write the result to `path`; return how much was worked through, where that says how fast the stage is."""
        raise NotImplementedError

    @functools.cached_property
    def recipe(self) -> dict[str, Any]:
        """All that decides the result, as JSON can hold it."""
        recipe = {
            "stage": self.task_family,
            "version": self.version,
            "label": self.label,
            "reads": self.reads(),
            "upstream": self._upstream_keys(),
        }
        return dict(canonical(recipe))

    def _upstream_keys(self) -> dict[str, str | list[str]]:
        """Return the keys of the stages in `upstream`; where several have one name, all of theirs, in order."""
        found: dict[str, list[str]] = {}
        for stage in self.upstream():
            found.setdefault(f"{stage.task_family}/{stage.label}", []).append(stage.key)
        return {name: keys[0] if len(keys) == 1 else keys for name, keys in found.items()}

    @functools.cached_property
    def key(self) -> str:
        """The name of the result: 12 hex digits."""
        return digest(self.recipe)

    def file(self, extension: str) -> Path:
        """Return the path of this key's file with the given extension."""
        return results_root().joinpath(self.task_family, self.label, f"{self.key}.{extension}")

    @functools.cached_property
    def path(self) -> Path:
        """The path of the result."""
        return self.file(self.extension)

    def output(self) -> luigi.LocalTarget:
        """Return the result as Luigi sees it."""
        return luigi.LocalTarget(str(self.path))

    def complete(self) -> bool:
        """Tell whether the result, whole, or the note that its input is bad, exists."""
        return self.is_made() or self._verdict() is not None

    def is_made(self) -> bool:
        """Tell whether the result exists, and is the one that was made."""
        return self.path.exists() and not self.fault()

    def fault(self, *, thorough: bool = False) -> str:
        """Return what is wrong with the result that is there; empty where nothing is. `thorough`: hash it."""
        with contextlib.suppress(FileNotFoundError):
            return fault_of_result(self.path, self.file(WHY_EXTENSION), self.key, thorough=thorough)
        return ""

    def is_pruned(self) -> bool:
        """Tell whether the result was deleted because what is made of it is complete."""
        if self.path.exists():
            return False
        said = read_sealed(self.file(WHY_EXTENSION))
        return said is not None and bool(said.get("is_pruned")) and said.get("key") == self.key

    @property
    def result(self) -> Path:
        """The result, to be read: hashed once a process; one that is damaged is set aside and made again first."""
        if not self.path.exists() or self.fault(thorough=True):
            self._make_again()
        return self.path

    def _make_again(self) -> None:
        if not may_write():
            raise DamagedResultError(f"{self.path}: damaged or not there; RunAll makes it again")
        for needed in self.requires():
            if not needed.complete():
                needed._make_again()
        self.run()

    def bad_reason(self) -> str | None:
        """Return why the input of this stage was left out, or None where it was not."""
        return (self._verdict() or {}).get("reason")

    def bad_kind(self) -> str | None:
        """Return the name of the error for which the input of this stage was left out, or None where it was not."""
        return (self._verdict() or {}).get("kind")

    def _verdict(self) -> dict[str, Any] | None:
        """Return why the input is bad, by these versions of the software; None where it is not, or not known to be."""
        if not self.leaves_out or self.path.exists():
            return None
        said = read_sealed(self.file(BAD_EXTENSION))
        is_ours = said is not None and said.get("key") == self.key and said.get("versions") == reader_versions()
        return said if is_ours else None

    def run(self) -> None:
        """Produce the result and land it, or land why the input is bad."""
        started = time.monotonic()
        with full_disk_told(self.path.parent):
            if fault := self.fault(thorough=True):
                set_aside(self.path, fault)
            try:
                self._check_recipe()
                with landing(self.path) as temporary:
                    amount = self.produce(temporary)
                    self._check_recipe()
                    self._say_why(time.monotonic() - started, amount, {"result": describe_file(temporary)})
            except self.leaves_out as error:
                self._say_why(time.monotonic() - started)
                said = {"reason": str(error), "kind": type(error).__name__, "versions": reader_versions()}
                write_sealed(self.file(BAD_EXTENSION), {**said, "key": self.key})

    def _check_recipe(self) -> None:
        """Refuse to make a result under a key that no longer says what it is made of."""
        now, then = canonical(self.reads()), self.recipe["reads"]
        if now != then:
            names = ", ".join(sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name)))
            raise ChangedInputError(f"{self.label}: {names} changed while the run was at work; run it again")

    def _say_why(self, seconds: float, amount: Amount | None = None, more: Mapping[str, Any] | None = None) -> None:
        made: dict[str, Any] = {"key": self.key, "made": time.strftime("%FT%T%z"), "seconds": round(seconds, 3)}
        if self.device:
            made["device"] = self.device
        if self.copied_from:
            made["copied_from"] = self.copied_from
        if amount is not None:
            made |= amount._asdict()
        write_sealed(self.file(WHY_EXTENSION), {**self.recipe, **made, **(more or {})})
