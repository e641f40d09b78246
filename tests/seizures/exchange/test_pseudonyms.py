from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from seizures.errors import SettingsError
from seizures.exchange import pseudonyms
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
    with pytest.raises(SettingsError, match="expected 2 to 16 letters"):
        Pseudonyms(b"k", site, IDS)


def test_pseudonyms_stay_what_they_were() -> None:
    """A bundle of next year must have the same names as one of last year: these are not to be changed."""
    found = Pseudonyms(b"k", "LAB1", [("P10", "01"), ("P02", "01")])
    assert (found.site, found.key_id) == ("LAB1", "nablkofdocco")
    assert (found.patient("P02"), found.seizure("P02", "01")) == ("LAB1-deddnlcbloam", "skbnbnafpmdae")


@pytest.mark.parametrize("same", ["patient", "seizure"])
def test_two_ids_with_one_pseudonym_are_refused(monkeypatch: pytest.MonkeyPatch, same: str) -> None:
    code = pseudonyms._code
    monkeypatch.setattr(
        pseudonyms, "_code", lambda key, kind, *ids: "a" * 12 if kind == same else code(key, kind, *ids)
    )
    with pytest.raises(SettingsError) as caught:
        Pseudonyms(b"k", "LAB1", IDS)
    words = "two ids have the same pseudonym, by a chance of one in many millions; use another key"
    assert str(caught.value) == words


def test_what_is_no_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    assert len(read_or_make_key(path)) == 32
    path.write_text("f" * 63 + "\n")
    with pytest.raises(SettingsError) as caught:
        read_or_make_key(path)
    assert str(caught.value) == f"{path}: not a key; expected 64 hex digits; another key gives other pseudonyms"
    with pytest.raises(SettingsError) as caught:
        read_or_make_key(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected a file with the key of the pseudonyms"
    absent = tmp_path / "none" / "a.key"
    with pytest.raises(SettingsError) as caught:
        read_or_make_key(absent)
    assert str(caught.value) == f"{absent}: the key of the pseudonyms cannot be made: No such file or directory"
