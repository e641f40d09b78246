"""The checksum that a feature file carries of itself, so that a damaged byte anywhere in it is noticed.

The attribute `file_sha256` of the root is a text of 64 hex digits: the SHA-256 of the file's bytes, computed while
those digits themselves are 64 zeros. It needs no HDF5 to check: find the digits, put zeros in their place, hash.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

ATTRIBUTE = "file_sha256"
NUM_DIGITS = 64
UNSEALED = "0" * NUM_DIGITS

_BLOCK_BYTES = 1 << 22


def seal(path: str | os.PathLike[str]) -> str:
    """Write the checksum of an unsealed file into it, in the place of its 64 zeros, and return it.

    Raises:
        ValueError: the zeros do not stand in the file exactly once.

    """
    found, places = _hash_without(path, UNSEALED)
    if len(places) != 1:
        raise ValueError(f"{path}: {NUM_DIGITS} zeros in a row stand in it {len(places)} times, expected once")
    with Path(path).open("r+b") as file:
        file.seek(places[0])
        file.write(found.encode())
    return found


def is_intact(path: str | os.PathLike[str], stated: str) -> bool:
    """Tell whether the bytes of the file have the checksum that it states."""
    if not re.fullmatch("[0-9a-f]{64}", stated):
        return False
    found, places = _hash_without(path, stated)
    return len(places) == 1 and found == stated


def _hash_without(path: str | os.PathLike[str], digits: str) -> tuple[str, list[int]]:
    """Return the SHA-256 of the file with zeros for the digits, and where they stand; memory stays small."""
    wanted, blank = digits.encode(), UNSEALED.encode()
    found, held, start = hashlib.sha256(), b"", 0
    places: list[int] = []
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            held += block
            if wanted in held:
                places += [start + match.start() for match in re.finditer(wanted, held)]
            if places and wanted != blank:  # at most once in a file that is intact
                held = held.replace(wanted, blank)
            # What may be the beginning of the digits waits for the next block.
            ready = len(held) - NUM_DIGITS + 1
            if ready > 0:
                found.update(held[:ready])
                held, start = held[ready:], start + ready
    found.update(held)
    return found.hexdigest(), places
