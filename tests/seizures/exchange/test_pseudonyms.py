from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from seizures.errors import SettingsError
from seizures.exchange.pseudonyms import Pseudonyms, read_or_make_key

IDS = [("P10", "01"), ("P02", "01"), ("P02", "02"), ("P2", "01")]


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    key = read_or_make_key(path)
    assert read_or_make_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="other users can read the key"):
        read_or_make_key(path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(SettingsError, match="not a key"):
        read_or_make_key(path)
    assert read_or_make_key(tmp_path / "b.key") != key


def test_the_same_key_gives_the_same_pseudonyms_whoever_else_is_there() -> None:
    few, many = Pseudonyms(b"k", "LAB1", IDS[:2]), Pseudonyms(b"k", "LAB1", [*IDS, ("P99", "07")])
    assert few.patient("P02") == many.patient("P02")
    assert few.seizure("P10", "01") == many.seizure("P10", "01")
    assert re.fullmatch("LAB1-[a-p]{12}", few.patient("P02"))
    other = Pseudonyms(b"l", "LAB1", IDS)
    assert other.patient("P02") != few.patient("P02")
    assert other.key_id != few.key_id == many.key_id
    # The same seizure id of two patients tells nothing.
    assert many.seizure("P02", "01") != many.seizure("P2", "01")


def test_pseudonyms_of_two_sites_cannot_be_the_same() -> None:
    assert Pseudonyms(b"k", "LAB1", IDS).patient("P02") != Pseudonyms(b"k", "LAB2", IDS).patient("P02")


def test_pseudonyms_do_not_sort_as_the_ids_do() -> None:
    ids = sorted(f"P{number}" for number in range(120))
    names = Pseudonyms(b"k", "LAB1", [(name, "1") for name in ids])
    assert sorted(map(names.patient, ids)) != list(map(names.patient, ids))


@pytest.mark.parametrize("site", ["", "1LAB", "LAB 1", "../LAB", "L" * 17, "LAB-1"])
def test_bad_sites_are_refused(site: str) -> None:
    with pytest.raises(SettingsError, match="wanted 2 to 16 letters"):
        Pseudonyms(b"k", site, IDS)
