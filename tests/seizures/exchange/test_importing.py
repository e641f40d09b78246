"""Bundles of several laboratories: what fits together is joined, what does not is named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from feature_examples import header, write

from seizures.errors import FeatureFileError
from seizures.exchange import bundle, importing
from seizures.exchange.checking import check_path
from seizures.exchange.pseudonyms import Pseudonyms
from seizures.features.file import open_features
from seizures.files import archives
from seizures.manifest.recordings import read_manifest

LABELS = ("FOS", "TCS")
STATED = {"preprocessing": "letterbox", "deinterlace": "auto", "precision": "float32"}


def make_bundle(
    folder: Path,
    site: str = "LAB1",
    key: bytes = b"k",
    *,
    is_told: bool = False,
    films_of: str = "",
    **recipe: Any,
) -> Path:
    ids = [("P01", "1", "FOS"), ("P02", "1", "TCS")]
    source = folder.with_name(f"{folder.name}-source")
    source.mkdir(parents=True)
    stated = {name: recipe.pop(name, value) for name, value in STATED.items()}
    heads = [dataclasses.replace(header(p, s, label, **recipe), recipe={}) for p, s, label in ids]
    paths = [write(source / f"{head.patient_id}.h5", head, laboratory=films_of or site) for head in heads]
    names = Pseudonyms(key, site, [(patient, seizure) for patient, seizure, _ in ids])
    folder.mkdir()
    exported = bundle.write_features(folder, paths, names, stated=stated, is_order_told=is_told)
    bundle.write_manifest(folder / bundle.MANIFEST_NAME, exported)
    bundle.write_info(folder / bundle.INFO_NAME, exported, names, LABELS)
    bundle.write_sums(folder)
    return folder


def problems(folder: Path) -> str:
    return "\n".join(f"{found.file}: {found.problem}" for found in importing.check_folder(folder, "b").faults)


def test_bundles_of_two_laboratories_are_joined(tmp_path: Path) -> None:
    one, two = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "two", "LAB2", b"other")
    archives.pack(two, tmp_path / "two.zip")
    (tmp_path / "to").mkdir()
    with importing.opened(one) as first, importing.opened(tmp_path / "two.zip") as second:
        assert (first.findings, second.findings) == ((), ())
        importing.require_joinable([first, second])
        importing.join([first, second], tmp_path / "to")
    recordings = read_manifest(tmp_path / "to" / "manifest.csv")
    assert len(recordings) == 8
    assert len({recording.patient_id for recording in recordings}) == 4
    assert {recording.offset_seconds for recording in recordings} == {5.5}
    found, count = check_path(tmp_path / "to")
    assert (found, count) == ([], 4)


def test_one_patient_of_two_laboratories_is_named(tmp_path: Path) -> None:
    one, two = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "two", "LAB2", b"other", films_of="LAB1")
    with importing.opened(one) as first, importing.opened(two) as second:
        with pytest.raises(FeatureFileError) as caught:
            importing.require_joinable([first, second])
        importing.require_joinable([first, second], allow_shared_films=True)
    assert str(caught.value).count("has 41 of 41 rows of features that are those of LAB1-") == 4
    assert "one patient under two ids" in str(caught.value)


def test_the_dealing_order_of_each_is_kept_and_bundles_follow_by_site(tmp_path: Path) -> None:
    one, two = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "two", "LAB2", b"other", is_told=True)
    names = Pseudonyms(b"other", "LAB2", [("P01", "1"), ("P02", "1")])
    told = {row.patient_id: row.dealing_order for row in read_manifest(two / "manifest.csv")}
    assert told == {names.patient("P01"): "aaaaaa", names.patient("P02"): "aaaaab"}
    for number, paths in enumerate([(one, two), (two, one)]):
        folder = tmp_path / f"to{number}"
        folder.mkdir()
        with importing.opened(paths[0]) as first, importing.opened(paths[1]) as second:
            importing.join([first, second], folder)
        orders = {row.patient_id: row.dealing_order for row in read_manifest(folder / "manifest.csv")}
        ordered = sorted(orders, key=lambda name: orders[name])
        assert {name[:4] for name in ordered[:2]} == {"LAB1"}  # among themselves by their content
        assert ordered[2:] == sorted(told, key=lambda name: told[name])
        assert len(set(orders.values())) == 4


def test_what_does_not_fit_together_is_named(tmp_path: Path) -> None:
    one = make_bundle(tmp_path / "one")
    same_site = make_bundle(tmp_path / "same site", "lab1", b"other key")
    again = make_bundle(tmp_path / "again")
    other_way = make_bundle(tmp_path / "other way", "LAB3", network="r2plus1d_34_8_kinetics", stride_frames=4)
    other_rate = make_bundle(tmp_path / "other rate", "LAB4", frame_rate_hz=15.9)

    def joined(other: Path, **options: bool) -> None:
        with importing.opened(one) as first, importing.opened(other) as second:
            importing.require_joinable([first, second], **options)

    with pytest.raises(FeatureFileError, match="different keys under one site name"):
        joined(same_site)
    with pytest.raises(FeatureFileError, match=r"is in one and in again; import one of them"):
        joined(again)
    with pytest.raises(FeatureFileError) as caught:
        joined(other_rate, allow_mixed=True)
    assert "frame_rate_hz: 16.0 (1: one ...); 15.9 (1: other rate ...)" in str(caught.value)
    with pytest.raises(FeatureFileError) as caught:
        joined(other_way)
    assert "span" in str(caught.value) or "network: r2plus1d_small" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("preprocessing", "center_crop"), ("deinterlace", "never"), ("precision", "bfloat16")]
)
def test_whatever_changes_the_numbers_is_compared_and_named(tmp_path: Path, name: str, value: str) -> None:
    one, other = make_bundle(tmp_path / "one"), make_bundle(tmp_path / "other", "LAB2", b"o", **{name: value})
    with importing.opened(one) as first, importing.opened(other) as second:
        with pytest.raises(FeatureFileError) as caught:
            importing.require_joinable([first, second])
        assert f"{name}: {STATED[name]} (1: one ...); {value} (1: other ...)" in str(caught.value)
        assert str(caught.value).count("(1: one ...)") == 1
        importing.require_joinable([first, second], allow_mixed=True)


def test_what_an_imported_file_does_not_state_is_not_made_up(tmp_path: Path) -> None:
    """A file of an earlier exchange has a recipe without some statements; exported again, it still has none."""
    source = write(tmp_path / "a.h5", dataclasses.replace(header(), recipe={"preprocessing": "center_crop"}))
    with open_features(source) as file:
        made = bundle.exchange_header(file, Pseudonyms(b"k", "LAB1", [(file.patient_id, file.seizure_id)]), STATED)
    assert [made.recipe[name] for name in STATED] == ["center_crop", "", ""]


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edit


def _info(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        info = json.loads((folder / "bundle.json").read_text())
        (folder / "bundle.json").write_text(json.dumps({**info, **changes}))

    return edit


def _first(folder: Path) -> Path:
    return sorted((folder / "features").iterdir())[0]


@pytest.mark.parametrize(
    ("edit", "sums", "reason"),
    [
        (lambda folder: _first(folder).write_bytes(b"x"), False, "does not have its checksum"),
        (_edit("manifest.csv", "FOS", "TCS"), False, "does not have its checksum"),
        (lambda folder: _first(folder).unlink(), False, "is missing"),
        (lambda folder: (folder / "manifest.csv").unlink(), True, "is missing"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), False, "is missing"),
        (lambda folder: (folder / "setup.py").write_text("import os"), True, "has no place in a bundle"),
        (lambda folder: (folder / "features" / "a.pkl").write_text("x"), True, "has no place in a bundle"),
        (lambda folder: (folder / "features" / "x.h5").symlink_to("/etc/passwd"), False, "is a link"),
        (_edit("manifest.csv", "FOS", "TCS"), True, "its label is TCS, its file says FOS"),
        (_edit("manifest.csv", "5.5", "5.25"), True, "lasts 5.25 s, its file says 5.5 s"),
        (_edit("manifest.csv", "large", "middle"), True, "views middle are not in its file"),
        (_edit("manifest.csv", "large,,", "large,../x.mp4,"), True, "has a video"),
        (_edit("manifest.csv", "LAB1-", "LAB2-"), True, "has no file features/LAB2-"),
        (lambda folder: write(_first(folder), header("P05")), True, "its file is of P05+02"),
        (_info(format_version=2), True, "this software reads 1; update the software"),
        (_info(format="zip"), True, "expected 'seizure-bundle'"),
        (_info(labels=["FOS", "__class__ "]), True, "not what they should be"),
        (_info(made={"network": []}), True, "not as bundle.json says"),
        (lambda folder: (folder / "bundle.json").write_text("[" * 100_000), True, "cannot be read"),
        (lambda folder: (folder / "SHA256SUMS").write_text("rm -rf /"), False, "is no checksum"),
    ],
)  # fmt: skip
def test_a_bundle_that_was_tampered_with_is_refused(
    tmp_path: Path, edit: Callable[[Path], object], sums: bool, reason: str
) -> None:
    folder = make_bundle(tmp_path / "one")
    edit(folder)
    if sums:
        bundle.write_sums(folder)
    assert reason in problems(folder)
    found, _ = check_path(folder)
    assert found
    with importing.opened(folder) as checked, pytest.raises(FeatureFileError, match="nothing was imported"):
        importing.require_joinable([checked])


def test_a_folder_of_files_made_in_different_ways_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    write(tmp_path / "b.h5", header("P02", weights_sha256="random:1"))
    write(tmp_path / "c.h5")
    found, count = check_path(tmp_path)
    assert count == 3
    assert [item.severity for item in found] == ["warning", "warning"]
    assert "weights_sha256: random:0 (2: a ...); random:1 (1: b ...)" in found[0].problem
    assert found[1].problem == "the same seizure as a"
