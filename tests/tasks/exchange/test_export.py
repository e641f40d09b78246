"""An export of a cohort in which names are planted everywhere: none of them is in the bundle, and the scan would know.

Two protections stand behind each other. What is written is made anew from values that a bundle may hold; and the scan
stops an export in which something of the laboratory is left. The first is tested with the scan taken out, by a search
of its own (`planted_names`); the second by taking out the first, one part at a time.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from in_process import inside
from planted_names import PATIENTS, PLANTED, all_bytes, found_in, machine, planted_project, write_bundle
from small_project import Project, make_small_project

from seizures.exchange import bundle, data_card
from seizures.exchange.leak_scan import LeakFoundError, Secret, scan
from seizures.exchange.pseudonyms import Pseudonyms, read_or_make_key
from seizures.features.writer import FeatureFileWriter
from seizures.files import archives
from seizures.provenance import reader_versions
from tasks.exchange import bundles
from tasks.machinery.caches import clear_caches
from tasks.machinery.sealed import write_sealed
from tasks.stages.features import all_features
from tasks.stages.folds import fold_items, in_dealing_order


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with planted_project(tmp_path_factory.mktemp("jane-doe-study")) as planted:
        yield planted


def test_what_is_planted_is_really_there(project: Project) -> None:
    stage = all_features()[0]
    content = b"\n".join([*(item.path.read_bytes() for item in all_features()), stage.file("why.json").read_bytes()])
    with h5py.File(stage.path) as file:
        content += file["views/large/hidden"][()].tobytes()
    content += b"\n".join(str(item.path).encode() for item in all_features())
    content += Path("data_manifest.csv").read_bytes()
    missing = [place for place, text in PLANTED.items() if text.lower().encode() not in content.lower()]
    assert set(missing) == {"host name", "user name"}  # which are no places, but must not be there
    assert len(PLANTED) - 3 >= 20


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_nothing_of_it_is_in_a_bundle_even_without_the_scan(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(bundles, "require_clean", lambda *_: None)
    exported = write_bundle(tmp_path / name)
    assert (exported.num_patients, exported.num_seizures, len(exported.views)) == (3, 6, 12)
    assert found_in(all_bytes(tmp_path / name)) == []


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_no_name_of_a_machine_or_a_person_stops_an_export_by_chance(
    project: Project, tmp_path: Path, name: str
) -> None:
    """Of a few letters, or a word that each bundle holds; ids of all pairs of letters as well."""
    write_bundle(tmp_path / name)
    letters = string.ascii_letters + string.digits
    pairs = [first + second for first in letters for second in letters]
    assert scan(tmp_path / name, [Secret("patient id", pair) for pair in [*letters, *pairs]]) == []
    for host, user in (("vm", "me"), ("a", "root"), ("localhost", "video"), ("n" * 64, "python"), ("It", "seizures")):
        with machine(host, user):
            assert scan(tmp_path / name, bundles.secrets(b"key of the pseudonyms")) == []


def test_the_bundle_has_what_it_should(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported = write_bundle(out, withhold=("clonic",), views=("large",))
    names = sorted(item.relative_to(out).as_posix() for item in out.rglob("*") if item.is_file())
    assert names == sorted(
        ["README.md", "SHA256SUMS", "bundle.json", "drift.json", "manifest.csv"]
        + [f"features/{view.patient_id}+{view.seizure_id}.h5" for view in exported.views]
    )
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["onset_seconds"], row["offset_seconds"], row["clonic_onset_seconds"]) for row in rows} == {
        ("0.0", "5.5", "")
    }
    assert {row["video"] + row["reason"] for row in rows} == {""}
    assert "| TCS | 3 | " in (out / "README.md").read_text()
    assert json.loads((out / "bundle.json").read_text())["made"]["preprocessing"] == "letterbox"
    review = bundles.review_path(out)
    assert f"- {PATIENTS[0]} (LAB1-" not in review.read_text()  # three patients alike: nobody is alone
    assert "The duration of each seizure" in review.read_text()
    assert review.stat().st_mode & 0o077 == 0


def test_the_order_that_is_told_says_nothing_of_the_ids(project: Project, tmp_path: Path) -> None:
    """Whatever the patients are called, the films are dealt in the same order; ids decide where there is no film."""
    rows = project.rows
    names = dict(zip(PATIENTS, (PATIENTS[1], PATIENTS[2], PATIENTS[0]), strict=True))
    films = []
    for table in (rows, [{**row, "patient_id": names[row["patient_id"]]} for row in rows]):
        folder = tmp_path / str(len(films))
        folder.mkdir()
        other = make_small_project(folder)
        other.set("Demo", enabled="false")
        other.set("Dataset", minimum_duration_seconds=2, video_root=str(project.folder / "videos"))
        other.write_rows(table)
        with inside(other):
            stages = in_dealing_order(all_features())
            films.append([stage.seizure.recordings[0].video for stage in stages])
    assert films[0] == films[1]
    write_bundle(tmp_path / "told")
    assert sorted(_orders(tmp_path / "told")) == ["aaaaaa", "aaaaab", "aaaaac", "aaaaad", "aaaaae", "aaaaaf"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "is_dealt_by_id", lambda stage: stage.seizure.label == "FOS")  # as a manifest by hand
        write_bundle(tmp_path / "untold")
    assert _orders(tmp_path / "untold") == {""}
    assert "folds and scores will be slightly others" in (tmp_path / "untold.review.md").read_text()


def test_the_order_that_is_told_is_the_one_that_was_dealt_although_a_film_is_bad(
    project: Project, tmp_path: Path
) -> None:
    def ids(stages: list[Any]) -> list[tuple[str, str]]:
        return [(stage.patient_id, stage.seizure_id) for stage in stages]

    everything = all_features()
    bad = next(  # without its film, its patient would have another place
        one
        for one in everything
        if ids(in_dealing_order([stage for stage in everything if stage != one]))
        != ids([stage for stage in in_dealing_order(everything) if stage != one])
    )
    kept = bad.path.rename(tmp_path / "kept.h5")
    said = {"reason": "cut", "kind": "VideoError", "versions": reader_versions(), "key": bad.key}
    write_sealed(bad.file("bad.json"), said)
    clear_caches()
    try:
        dealt = ids(fold_items())
        write_bundle(tmp_path / "out")
    finally:
        kept.rename(bad.path)
        bad.file("bad.json").unlink()
        clear_caches()
    names = Pseudonyms(read_or_make_key(Path("pseudonyms.key")), "LAB1", dealt)
    with (tmp_path / "out" / "manifest.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["dealing_order"])
    told = list(dict.fromkeys((row["patient_id"], row["seizure_id"]) for row in rows))
    assert told == [(names.patient(patient), names.seizure(patient, seizure)) for patient, seizure in dealt]


def _orders(folder: Path) -> set[str]:
    with (folder / "manifest.csv").open() as file:
        return {row["dealing_order"] for row in csv.DictReader(file)}


def test_a_patient_who_is_alone_in_a_group_is_told(project: Project, tmp_path: Path) -> None:
    one = [stage for stage in all_features() if stage.patient_id != "Q7" or stage.seizure.label == "FOS"]
    exported = bundles.export(tmp_path / "out", one, site="LAB1", key_file=Path("pseudonyms.key"))
    alone = data_card.patients_alone(exported)
    assert ("labels", "FOS") in {tuple(what.removeprefix("alone with ").split(" = ")) for _, what in alone}
    assert "- Q7 (LAB1-" in bundles.review_path(tmp_path / "out").read_text()


def _with_ids(monkeypatch: pytest.MonkeyPatch, own: str) -> None:
    monkeypatch.setattr(bundle.Pseudonyms, own, lambda _, *ids: ids[-1])


def _facts(monkeypatch: pytest.MonkeyPatch, **kept: str) -> None:
    clean = bundle.exchange_facts

    def leaky(view: Any, **options: Any) -> Any:
        said = {field: view.attributes[name] for field, name in kept.items()}
        return dataclasses.replace(clean(view, **options), **said)

    monkeypatch.setattr(bundle, "exchange_facts", leaky)


def _recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = bundle.exchange_header

    def leaky(file: Any, *rest: Any) -> Any:
        own = {**clean(file, *rest).recipe, "label": file.recipe["label"]}
        return dataclasses.replace(clean(file, *rest), recipe=own, recipe_key=bundle.digest(own))

    monkeypatch.setattr(bundle, "exchange_header", leaky)


def _after(monkeypatch: pytest.MonkeyPatch, edit: Any) -> None:
    clean = bundle.write_sums

    def leaky(folder: Path) -> None:
        edit(folder)
        clean(folder)

    monkeypatch.setattr(bundle, "write_sums", leaky)


def _appended(name: str, text: str) -> Any:
    return lambda folder: (folder / name).write_text((folder / name).read_text() + text)


def _hidden_in_features(folder: Path) -> None:
    path = sorted((folder / "features").iterdir())[0]
    with h5py.File(path, "r+") as file:
        view = file["views/large/features"]
        view[3] = np.frombuffer(PATIENTS[0].encode().ljust(24, b" "), "<f4")
    _seal_again(path)


def _hidden_in_the_heap(folder: Path) -> None:
    path = sorted((folder / "features").iterdir())[0]
    with h5py.File(path, "r+") as file:
        h5py.h5o.set_comment(file["views"].id, f"of {PATIENTS[1]}".encode())
    _seal_again(path)


def _seal_again(path: Path) -> None:
    from seizures.features import checksum as seal

    with h5py.File(path, "r+") as file:
        file.attrs.create(seal.ATTRIBUTE, seal.UNSEALED, dtype=h5py.string_dtype("ascii", seal.NUM_DIGITS))
    seal.seal(path)


def _dated_zip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_NO_DATE", (2019, 3, 14, 9, 26, 52))


def _dated_files(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dated(FeatureFileWriter):
        def __init__(self, path: Path, head: Any, *, for_exchange: bool) -> None:
            super().__init__(path, head)

    monkeypatch.setattr(bundle, "FeatureFileWriter", Dated)


REMOVED = {
    "pseudonyms of patients": lambda patch: _with_ids(patch, "patient"),
    "pseudonyms of seizures": lambda patch: _with_ids(patch, "seizure"),
    "a recipe of its own": _recipe,
    "no video names": lambda patch: _facts(patch, video_name="video_name"),
    "no filter graph": lambda patch: _facts(patch, preprocessing="preprocessing"),
    "no dates in files": _dated_files,
    "no dates in the zip": _dated_zip,
    "no reasons": lambda patch: _after(patch, _appended("manifest.csv", f",,,,,,,,,{PLANTED['reason']}\n")),
    "no other columns": lambda patch: _after(patch, _appended("manifest.csv", f",,,,,,,,,{PLANTED['extra column']}\n")),
    "no short ids": lambda patch: _after(patch, _appended("README.md", "\nWith thanks to Q7.\n")),
    "no paths": lambda patch: _after(patch, _appended("README.md", f"\nMade in {Path.cwd()}.\n")),
    "no other paths": lambda patch: _after(patch, _appended("README.md", "\nSee /home/jane/notes.\n")),
    "no host": lambda patch: _after(patch, _appended("README.md", f"\nMade on {PLANTED['host name']}.\n")),
    "no user": lambda patch: _after(patch, _appended("README.md", f"\nMade by {PLANTED['user name']}.\n")),
    "no dates": lambda patch: _after(patch, _appended("README.md", "\nMade on 2019-03-14.\n")),
    "no key": lambda patch: _after(
        patch, lambda folder: (folder / "README.md").write_text(Path("pseudonyms.key").read_text())
    ),
    "no review": lambda patch: _after(
        patch, lambda folder: (folder / "README.md").write_text(f"{PATIENTS[1]} is LAB1-abc")
    ),
    "numbers only": lambda patch: _after(patch, _hidden_in_features),
    "no comments": lambda patch: _after(patch, _hidden_in_the_heap),
}


@pytest.mark.parametrize("protection", REMOVED)
def test_the_scan_stops_an_export_in_which_a_protection_is_missing(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protection: str
) -> None:
    monkeypatch.setattr(bundles, "save_drift_reference", lambda path: path.write_text("{}"))
    monkeypatch.setattr(bundles, "_require_sound", lambda _: None)  # a text for a number is a fault, too
    REMOVED[protection](monkeypatch)
    with pytest.raises(LeakFoundError, match="nothing was exported") as caught:
        write_bundle(tmp_path / "out.zip")
    assert list(tmp_path.iterdir()) == []  # neither a bundle, nor a page, nor a draft
    assert len(str(caught.value).splitlines()) > 1
    assert all(patient not in str(caught.value) for patient in PATIENTS)
