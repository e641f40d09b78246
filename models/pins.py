"""Hashes that stand beside files of weights: of those that nobody published one for, and of those that were fetched.

`X3D_S.pyth` gets `X3D_S.pyth.sha256` at its first use, as `sha256sum` writes it, so that `sha256sum --check` reads it
too; it is checked ever after. `FetchWeights` lists all files of a folder in `SHA256SUMS`, so that one that was damaged
on the way to another machine is named. Imports no torch.
"""

from __future__ import annotations

import re
from pathlib import Path

from models.errors import WeightsError
from models.landing import write_whole

SUMS_NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")  # of sha256sum: text or binary, which are the same but on Windows


def pin_path(path: Path) -> Path:
    """Return where the hash of a file of weights is kept."""
    return path.with_name(f"{path.name}.sha256")


def read_pin(path: Path) -> str:
    """Return the 64 hex digits that were kept for a file of weights, empty if none were.

    Raises:
        WeightsError: What was kept cannot be read, or is no hash.
    """
    place = pin_path(path)
    try:
        text = place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise WeightsError(f"Cannot read {place}, the SHA-256 of the weights: {error.strerror or error}.") from error
    found = re.match(r"[0-9a-f]{64}\b", text)
    if not found:
        raise WeightsError(
            f"{place}: expected the 64 hex digits of a SHA-256, as sha256sum writes it; found another text."
        )
    return found[0]


def check_pin(path: Path, sha256: str) -> None:
    """Check a file's SHA-256 against the one that was kept; nothing is wrong where none was.

    Raises:
        WeightsError: They differ.
    """
    kept = read_pin(path)
    if kept and kept != sha256:
        raise WeightsError(
            f"{path}: expected SHA-256 {kept[:8]}..., that of the first download (kept in {pin_path(path).name}), got "
            f"{sha256[:8]}...: it is damaged or another file. Delete it to download it again. If the publisher "
            f"replaced it, delete {pin_path(path).name} too, and make all features anew."
        )


def keep_pin(path: Path, sha256: str) -> None:
    """Keep a file's SHA-256 beside it unless one is kept already.

    Raises:
        WeightsError: The folder cannot be written to.
    """
    place = pin_path(path)
    if place.exists():
        return
    try:
        write_whole(place, f"{sha256}  {path.name}\n", mode=path.stat().st_mode & 0o666)
    except OSError as error:
        raise WeightsError(
            f"Cannot write {place}: {error.strerror or error}. Nobody published a hash of {path.name}, so that of the "
            "first use is kept there. Let somebody who may write there run "
            f"'sha256sum {path.name} > {place.name}' in that folder."
        ) from error


def read_sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that `SHA256SUMS` lists in a folder; none where there is no such list.

    Raises:
        WeightsError: It cannot be read.
    """
    place = folder / SUMS_NAME
    try:
        lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise WeightsError(f"Cannot read {place}: {error.strerror or error}.") from error
    found = [match for match in map(_LINE.fullmatch, lines) if match]
    return {match[2]: match[1] for match in found}


def check_sums(path: Path, sha256: str) -> None:
    """Check a file's SHA-256 against `SHA256SUMS` beside it; nothing is wrong where that does not list it.

    Raises:
        WeightsError: They differ.
    """
    listed = read_sums(path.parent).get(path.name)
    if listed and listed != sha256:
        raise WeightsError(
            f"{path}: expected SHA-256 {listed[:8]}..., as {SUMS_NAME} beside it says, got {sha256[:8]}...: it was "
            f"damaged on the way, or is another file. Copy it again, or delete it to download it again; if you "
            f"replaced it, delete its line in {SUMS_NAME}."
        )
