"""Fetch public weights into a folder that is carried to a machine without internet, with a list of their hashes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.errors import WeightsError
from models.landing import write_whole
from models.pins import SUMS_NAME, read_sums
from models.registry import network_names, network_spec
from models.spec import PublicWeights
from models.weights import check_kept, find_weights, verify, weights_path


@dataclass(frozen=True)
class Fetched:
    """A file of public weights that was asked for.

    Attributes:
        path: Where it is, or would be.
        num_bytes: Its size; 0 if it could not be fetched.
        was_there: Whether it was in the folder before.
        fault: Why it could not be fetched; empty if it is there.
    """

    path: Path
    num_bytes: int
    was_there: bool
    fault: str


def with_public_weights() -> tuple[str, ...]:
    """Return the names of the networks that have public weights."""
    return tuple(name for name in network_names() if network_spec(name).public_weights is not None)


def fetch_weights(names: Iterable[str], folder: Path, say: Callable[[str], None]) -> Iterator[Fetched]:
    """Fetch the public weights of networks, one file after the other; one that fails keeps none of the others back.

    Args:
        names: Networks that have public weights; of several with the same file, it is fetched once.
        folder: Where the files go. `SHA256SUMS` there lists all that are whole, after each file.
        say: Is told of each file and the licence of its weights before it is fetched.

    Raises:
        WeightsError: The folder cannot be written to.
    """
    files: dict[str, tuple[str, PublicWeights]] = {}
    for name in names:
        public = network_spec(name).public_weights
        if public is not None:
            files.setdefault(public.file_name, (name, public))
    _write_sums(folder)  # before a long download ends in a folder that cannot be written to
    for place, (name, public) in enumerate(files.values(), start=1):
        path = weights_path(name, None, folder)
        was_there = path.exists()
        what = "is there, and is checked" if was_there else f"from {public.url}"
        say(f"[{place}/{len(files)}] {name}: {public.file_name} ({public.licence}), {what}")
        try:
            find_weights(name, None, folder)
        except WeightsError as error:
            yield Fetched(path, 0, was_there, str(error))
            continue
        _write_sums(folder)
        yield Fetched(path, path.stat().st_size, was_there, "")


def _write_sums(folder: Path) -> None:
    """List the SHA-256 of all public weights that are whole in a folder, as `sha256sum --check` reads it.

    A file that is not what the list said keeps its line, and the lines of other files stay.
    """
    sums, public = read_sums(folder), {weights_path(name, None, folder) for name in with_public_weights()}
    for path in public:
        if not path.exists():
            sums.pop(path.name, None)
            continue
        with contextlib.suppress(WeightsError):  # it is named when it is asked for
            digest = verify(path)
            check_kept(path, digest)
            sums[path.name] = digest
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / SUMS_NAME, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))
    except OSError as error:
        raise WeightsError(
            f"Cannot write to the folder {folder}: {error.strerror or error}; choose another one."
        ) from error
