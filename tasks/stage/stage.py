"""The base of every stage: a key made of all that decides the result, and a result that lands whole, once."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import luigi

from seizures.errors import SeizuresError
from seizures.provenance import reader_versions
from seizures.settings import canonical, digest
from tasks.machinery.atomic import full_disk_told, landing, write_json
from tasks.machinery.attempts import attempt
from tasks.settings.sections import results_root

BAD_EXTENSION = "bad.json"


class Amount(NamedTuple):
    """How much a stage worked through, and of what: 450 frames."""

    amount: int
    unit: str


class ChangedInputError(SeizuresError):
    """What a result is made of has changed since its key was made."""


class Stage(luigi.Task):
    """A task whose result is `<root>/<stage>/<label>/<key>.<extension>`.

    The key is the digest of the recipe: the stage and its version, what `reads` returns, and the keys of the stages in
    `upstream`. Whatever changes the bytes is in the recipe, and nothing else is, so a result is complete when its file
    exists, and is never edited. Beside it, `<key>.why.json` holds the recipe, the seconds that it took, and
    how much it worked through.

    A stage says what it `reads`, and how to `produce` its file at a given path. Errors in `leaves_out` are the
    input's fault: they land as `<key>.bad.json`, which counts as the result, and the run goes on without that input.
    It names the versions of the software that found so; others try the input again.
    """

    version = 1
    device = ""  # what computed, where `produce` says so; it is reported, and is in no key
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
        """Tell whether the result, or the note that its input is bad, exists."""
        return self.path.exists() or self._verdict() is not None

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
        try:
            said = dict(json.loads(self.file(BAD_EXTENSION).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        return said if said.get("versions") == reader_versions() else None

    def run(self) -> None:
        """Produce the result and land it, or land why the input is bad."""
        started = time.monotonic()
        with full_disk_told(self.path.parent):
            try:
                self._check_recipe()
                with self._attempt(), landing(self.path) as temporary:
                    amount = self.produce(temporary)
                    self._check_recipe()
                    self._say_why(time.monotonic() - started, amount)
            except self.leaves_out as error:
                self._say_why(time.monotonic() - started)
                said = {"reason": str(error), "kind": type(error).__name__, "versions": reader_versions()}
                write_json(self.file(BAD_EXTENSION), said)

    def _check_recipe(self) -> None:
        """Refuse to make a result under a key that no longer says what it is made of."""
        now, then = canonical(self.reads()), self.recipe["reads"]
        if now != then:
            names = ", ".join(sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name)))
            raise ChangedInputError(f"{self.label}: {names} changed while the run was at work; run it again")

    def _attempt(self) -> contextlib.AbstractContextManager[None]:
        """Mark the attempt where a bad input may kill the process: after two such ends, the input is left out."""
        if not self.leaves_out:
            return contextlib.nullcontext()
        name = f"{self.task_family}+{self.label}+{self.key}"
        return attempt(results_root() / "attempts", name, remedy=f"delete {self.path.parent}")

    def _say_why(self, seconds: float, amount: Amount | None = None) -> None:
        made: dict[str, Any] = {"key": self.key, "made": time.strftime("%FT%T%z"), "seconds": round(seconds, 3)}
        if self.device:
            made["device"] = self.device
        if amount is not None:
            made |= amount._asdict()
        write_json(self.file("why.json"), {**self.recipe, **made})
