"""A network of a person's own: `network = my_module:build` in luigi.cfg (docs/howto/bring-your-own-network.md).

`build()` returns a module that maps (B, 3, T, H, W), RGB in [0, 1], to (B, D), with the attributes
`frames_per_snippet`, `frame_size`, `feature_dim` and, if it wants them, `frame_step`, `colour_mean`, `colour_std` and
`is_size_fixed`. Naming it runs its code. What it is, is found out once, in a process of its own, and remembered under
the hash of its source and its weights; so planning imports no torch. This module imports none either.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from models.errors import ModelsError, UnknownNameError, WeightsError
from models.landing import write_whole
from models.spec import NetworkSpec

SEPARATOR = ":"
_OURS = ("models", "pipeline", "seizures", "tasks")
_LONGEST_SECONDS = 600.0
ANSWER_BYTES = 2**16  # what a pipe holds, so that nobody waits for a reader
_MAX_SAID = 2000


@dataclass(frozen=True)
class Facts:
    """What is known of a network of a person's own.

    Attributes:
        spec: What the registry knows of the others.
        weights_sha256: 64 hex digits of the weights that it has.
    """

    spec: NetworkSpec
    weights_sha256: str


def is_own(name: str) -> bool:
    """Tell whether a network's name is that of a function, `module:function`."""
    return SEPARATOR in name


def source_sha256(name: str) -> str:
    """Return the SHA-256 of the source that a name stands for: the module's file, or all of its package's.

    What else that source imports is not looked at.

    Raises:
        UnknownNameError: There is no such module, or it is one of this software.
    """
    module, _, function = name.partition(SEPARATOR)
    top = module.partition(".")[0]
    if not all(part.isidentifier() for part in (*module.split("."), function)):
        raise UnknownNameError(f"network = {name}: expected module:function, such as my_module:build")
    if top in _OURS:
        raise UnknownNameError(f"network = {name}: {top} is a package of this software; give yours another name")
    found = _find_module(top)
    if found is None:
        here = sorted((path.name for path in Path.cwd().glob("*.py")), key=lambda file: -_likeness(file, f"{top}.py"))
        raise UnknownNameError(
            f"network = {name}: no module {top} in {Path.cwd()} or in this Python; Python files here: "
            f"{', '.join(here[:8]) or 'none'}"
        )
    digest = hashlib.sha256()
    try:
        for said, path in _source_files(found):
            content = path.read_bytes()
            digest.update(f"{said} {len(content)}\n".encode() + content)
    except OSError as error:
        raise ModelsError(f"network = {name}: cannot read {error.filename}: {error.strerror or error}") from error
    return digest.hexdigest()


def _find_module(top: str) -> importlib.machinery.ModuleSpec | None:
    """Return where a module or package is, looked up without running it; None if there is none."""
    with import_from_here():
        importlib.invalidate_caches()
        found = importlib.machinery.PathFinder.find_spec(top)
        if found is None:
            with contextlib.suppress(ValueError):  # what was loaded without a place, as __main__
                found = importlib.util.find_spec(top)  # also what is installed in place (pip install --editable)
    return found if found and (found.has_location or found.submodule_search_locations) else None


def _source_files(found: importlib.machinery.ModuleSpec) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of a module's file, or of all of a package's; hidden ones cannot be imported."""
    if found.submodule_search_locations is None:
        path = Path(found.origin or "")
        yield path.name, path
    for folder in map(Path, found.submodule_search_locations or ()):
        names = (path.relative_to(folder) for path in sorted(folder.rglob("*.py")) if path.is_file())
        yield from ((one.as_posix(), folder / one) for one in names if not any(part[0] == "." for part in one.parts))


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def own_spec(name: str) -> NetworkSpec:
    """Return what the registry would know of it.

    Raises:
        UnknownNameError: There is no such function.
        ModelsError: It is no network as this software takes it; the message says why.
    """
    return facts_of(name, None).spec


def own_identity(name: str, weights: Path | None) -> str:
    """Return what tells its source and its weights from others: `sha256:` and 64 hex digits.

    Raises:
        ModelsError: as `own_spec`, or the weights do not fit.
    """
    both = f"{source_sha256(name)} {facts_of(name, weights).weights_sha256}"
    return f"sha256:{hashlib.sha256(both.encode()).hexdigest()}"


def facts_of(name: str, weights: Path | None) -> Facts:
    """Return what is known of it with its own weights, or with those of a file.

    Raises:
        ModelsError: as `own_spec`, or the weights do not fit.
    """
    told = _told(name, "" if weights is None else str(weights), source_sha256(name), _state(weights))
    if told.get("fault"):
        raise ModelsError(f"network = {name}: {told['fault']}")
    spec: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in told["spec"].items()
    }
    return Facts(NetworkSpec(**spec), told["weights_sha256"])


@contextlib.contextmanager
def import_from_here() -> Iterator[None]:
    """Let modules of the current folder be imported in the block, as `python -m` does and the command `luigi` not."""
    here = str(Path.cwd())
    if here in sys.path or "" in sys.path:
        yield
        return
    sys.path.insert(0, here)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(here)


def forget(name: str) -> None:
    """Forget what is remembered of a network whose weights turned out to be others."""
    for path in _memory().glob(f"{hashlib.sha256(name.encode()).hexdigest()[:16]}-*.json"):
        path.unlink(missing_ok=True)
    _told.cache_clear()


def _state(weights: Path | None) -> tuple[int, int]:
    if weights is None:
        return 0, 0
    try:
        state = weights.stat()
    except OSError as error:
        raise WeightsError(f"Cannot read the weights {weights}: {error.strerror or error}.") from error
    return state.st_size, state.st_mtime_ns


@functools.lru_cache(maxsize=32)
def _told(name: str, weights: str, source: str, state: tuple[int, int]) -> dict[str, Any]:
    """Return what a process that builds the network says of it: remembered, unless it is a fault."""
    said = [field.name for field in fields(NetworkSpec)]  # which another release of this software may extend
    about = json.dumps([weights, source, state, importlib.metadata.version("torch"), said])
    key = f"{hashlib.sha256(name.encode()).hexdigest()[:16]}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
    place = _memory() / f"{key}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):
        return dict(json.loads(place.read_text(encoding="utf-8")))
    told = _ask(name, weights)
    if not told.get("fault"):
        with contextlib.suppress(OSError):  # then it is asked again
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, json.dumps(told))
    return told


def _ask(name: str, weights: str) -> dict[str, Any]:
    code = "import sys; from models.own_building import tell; tell(*sys.argv[1:])"
    answer, told = os.pipe()  # what is printed is the network's own affair
    os.set_blocking(answer, False)  # a process that the network started may outlive it, and hold the other end
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code, name, weights, str(told)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(told,),
            timeout=_LONGEST_SECONDS,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        with contextlib.suppress(BlockingIOError, ValueError):
            return dict(json.loads(os.read(answer, ANSWER_BYTES)))
    except subprocess.TimeoutExpired:
        return {"fault": f"building it takes more than {_LONGEST_SECONDS:.0f} s"}
    finally:
        os.close(answer)
        os.close(told)
    said = ended.stdout.decode(errors="replace").strip()[-_MAX_SAID:]
    return {"fault": f"the process that builds it ended with code {ended.returncode}\n{said}".rstrip()}


def _memory() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gestures" / "networks"
