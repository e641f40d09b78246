"""A classifier's file: what is written is read, and what is hostile is refused in time, with nothing executed."""

from __future__ import annotations

import stat
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from classifier_files import (
    CARD,
    HOSTILE,
    INFO,
    SUMS,
    TENSORS,
    content,
    familiarity,
    members_of,
    write,
    write_raw,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import models
import seizures
from seizures.errors import SeizuresError
from seizures.exchange.classifier_assembly import familiarity_of
from seizures.exchange.classifier_file import (
    ClassifierFileError,
    modules_of,
    read_classifier,
    write_classifier,
)

LONGEST_SECONDS = 2.0


def test_what_is_written_is_read_and_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    one = content(familiar=True)
    for name in ("a.zip", "b.zip"):
        write_classifier(tmp_path / name, one, "# A card\n")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    found = read_classifier(tmp_path / "a.zip", models.build_aggregation)
    assert found.info == one.info
    assert {name: value.tolist() for name, value in found.tensors.items()} == {
        name: value.tolist() for name, value in one.tensors.items()
    }
    networks = modules_of(found, models.build_aggregation)
    assert [network.training for network in networks] == [False] * 3
    assert torch.equal(networks[2].fc.bias, one.tensors["seed2.fc.bias"])
    familiar = familiarity_of(found)
    snippets = np.random.default_rng(0).normal(size=(4, 6))
    assert familiar is not None
    assert familiar.share_of_limit(snippets) == pytest.approx(familiarity().share_of_limit(snippets))


def test_the_door_opens_it_and_the_id_follows_from_the_content(tmp_path: Path) -> None:
    one = seizures.open_classifier(write(tmp_path / "a.zip"))
    other = seizures.open_classifier(write(tmp_path / "b.zip", site="LAB2"))
    again = seizures.open_classifier(write(tmp_path / "c.zip", created_by="9.9"))
    assert one.id == again.id != other.id
    assert len(one.networks) == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_time_and_nothing_is_executed(tmp_path: Path, name: str) -> None:
    change, said = HOSTILE[name]
    canary = tmp_path / "canary"
    good = members_of(write(tmp_path / "good.zip", familiar=True))
    path = write_raw(tmp_path / "bad.zip", change(good, canary))
    started = time.perf_counter()
    with pytest.raises(ClassifierFileError) as caught:
        seizures.open_classifier(path)
    assert time.perf_counter() - started < LONGEST_SECONDS
    assert said in str(caught.value)
    assert len(str(caught.value)) < 3000
    assert not canary.exists()


@pytest.mark.parametrize("member", [INFO, TENSORS, CARD])
def test_a_member_that_was_changed_behind_its_hash_is_named(tmp_path: Path, member: str) -> None:
    good = members_of(write(tmp_path / "good.zip"))
    path = write_raw(tmp_path / "bad.zip", {**good, member: good[member] + b" "}, sums=False)
    with pytest.raises(ClassifierFileError, match=f"{member} is not what SHA256SUMS says"):
        read_classifier(path)


def test_hashes_that_are_missing_or_of_nobody_are_refused(tmp_path: Path) -> None:
    good = members_of(write(tmp_path / "good.zip"))
    with pytest.raises(ClassifierFileError, match="is not what SHA256SUMS says"):
        read_classifier(write_raw(tmp_path / "a.zip", {**good, SUMS: b""}, sums=False))
    with pytest.raises(ClassifierFileError, match="which is no member"):
        read_classifier(write_raw(tmp_path / "b.zip", {**good, SUMS: good[SUMS] + b"00  evil\n"}, sums=False))


def test_a_bomb_a_link_and_a_member_twice_are_refused(tmp_path: Path) -> None:
    good = members_of(write(tmp_path / "good.zip"))
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in good.items():
            archive.writestr(name, b"\0" * 2**28 if name == CARD else value)
    link = tmp_path / "link.zip"
    with zipfile.ZipFile(link, "w") as archive:
        for name, value in good.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK if name == CARD else stat.S_IFREG) << 16
            archive.writestr(entry, value)
    twice = tmp_path / "twice.zip"
    with zipfile.ZipFile(twice, "w") as archive:
        for name, value in list(good.items())[:3]:
            archive.writestr(name, value)
        name, value = next(iter(good.items()))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(name, value)
    for path, said in ((bomb, "bytes"), (link, "is a link"), (twice, "is there twice")):
        started = time.perf_counter()
        with pytest.raises(ClassifierFileError, match=said):
            read_classifier(path)
        assert time.perf_counter() - started < LONGEST_SECONDS


def test_what_is_no_file_at_all_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    (tmp_path / "empty.zip").touch()
    torch.save({"lstm": torch.zeros(3)}, tmp_path / "renamed.zip")
    for name, said in (
        ("none.zip", "no such file"),
        ("", "a folder; expected"),
        ("text.zip", "not a classifier's file"),
        ("empty.zip", "not a classifier's file"),
        ("renamed.zip", "at most 4 are unpacked"),
    ):
        with pytest.raises(ClassifierFileError, match=said):
            read_classifier(tmp_path / name)


def test_what_would_be_refused_is_not_written(tmp_path: Path) -> None:
    one = content()
    bad = type(one)(one.info, {**one.tensors, "baseline": torch.full((6,), float("nan"))})
    with pytest.raises(ClassifierFileError, match="not finite"):
        write_classifier(tmp_path / "a.zip", bad, "")
    assert not any(tmp_path.iterdir())


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_was_damaged_anywhere_is_refused_or_says_the_same(tmp_path: Path, data: st.DataObject) -> None:
    good = tmp_path / "good.zip"
    if not good.exists():
        write(good)
    whole = bytearray(good.read_bytes())
    if data.draw(st.booleans()):
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        whole = whole[: data.draw(st.integers(0, len(whole) - 1))]
    bad = tmp_path / "bad.zip"
    bad.write_bytes(whole)
    try:
        found = read_classifier(bad, models.build_aggregation)
    except SeizuresError:
        return
    assert found.info == read_classifier(good).info
