from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import pytest
from feature_examples import write

from seizures.features import checksum


def test_the_seal_is_what_its_description_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path) as file:
        digits = file.attrs[checksum.ATTRIBUTE].decode()
    content = path.read_bytes()
    assert content.count(digits.encode()) == 1
    assert hashlib.sha256(content.replace(digits.encode(), b"0" * 64)).hexdigest() == digits
    assert checksum.is_intact(path, digits)
    assert not checksum.is_intact(path, "0" * 64)
    assert not checksum.is_intact(path, "no digits")


@pytest.mark.parametrize("place", [0, 100, 2000, -1])
def test_every_flipped_bit_is_noticed(tmp_path: Path, place: int) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path) as file:
        digits = file.attrs[checksum.ATTRIBUTE].decode()
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    assert not checksum.is_intact(path, digits)


@pytest.mark.parametrize("offset", [0, 1, (1 << 22) - 64, (1 << 22) - 63, (1 << 22) - 1, 1 << 22, (1 << 23) + 5])
def test_digits_are_found_wherever_blocks_meet(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * offset + b"0" * 64 + b"y" * 1000)
    digits = checksum.seal(path)
    assert checksum.is_intact(path, digits)
    assert path.read_bytes()[offset : offset + 64] == digits.encode()


def test_a_file_without_the_place_or_with_two_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"0" * 63, b"0" * 64 + b"x" + b"0" * 64):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(ValueError, match="expected once"):
            checksum.seal(tmp_path / "a")
