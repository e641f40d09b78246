"""An export of a cohort in which names are planted everywhere: none of them is in the bundle, and the scan would know.

Two protections stand behind each other. What is written is made anew from values that a bundle may hold; and the scan
stops an export in which something of the laboratory is left. The first is tested with the scan taken out, by a search
of this file's own; the second by taking out the first, one part at a time.
"""

from __future__ import annotations

import csv
import dataclasses
import getpass
import io
import json
import re
import socket
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from feature_examples import NUM_ROWS, facts, header
from in_process import inside
from small_project import Project, make_small_project

from seizures.exchange import bundle, data_card
from seizures.exchange.leak_scan import LeakFoundError
from seizures.exchange.pseudonyms import Pseudonyms, read_or_make_key
from seizures.features.file import FeatureFileWriter
from seizures.files import archives
from tasks.exchange import bundles as exchange
from tasks.machinery.memory import forget
from tasks.stages.features import all_features
from tasks.stages.folds import fold_items, in_dealing_order

PATIENTS = ("Doe-Jane-1987", "MR4711", "Q7")
PLANTED = {
    "patient id": PATIENTS[0],
    "another patient id": PATIENTS[1],
    "seizure id": "sz-tuesday",
    "video folder": "ward7north",
    "video name": "EEG_jdoe_0031",
    "extra column": "Jane B. Doe",
    "reason": "seen with her sister Anna",
    "extra attribute of the file": "St. Elsewhere Hospital",
    "extra attribute of a view": "left-handed teacher",
    "attribute of a dataset": "made for Dr. Kildare",
    "comment of a group": "call 555-0199 first",
    "dataset of texts": "born in Little Hintock",
    "compressed chunk": "Compressed-Jane-Doe",
    "user block": "Userblock-Jane-Doe",
    "bytes after the end": "Trailing-Jane-Doe",
    "filter graph": "movie=/mnt/ward7north/jane.mp4",
    "recipe": "stage of Doe-Jane-1987",
    "why.json": "Why-Jane-Doe",
    "created_by": "exported by jdoe@ward7",
    "created_at": "2019-03-14T09:26:53",
    "hash of the video": "9f86d081884c7d659a2feaa0c55ad015",
    "deleted attribute": "Deleted-Jane-Doe",
    "host name": socket.gethostname(),
    "key": "",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Be in a project whose features are written here, with something planted in every place that there is."""
    folder = tmp_path_factory.mktemp("jane-doe-study")
    project = make_small_project(folder)
    project.set("Demo", enabled="false")
    project.set("Dataset", minimum_duration_seconds=2, video_root=str(folder / "videos"))
    project.set("Training", num_segments=2)
    project.write_rows(list(_rows(folder)))
    with inside(project):
        for stage in all_features():
            stage.path.parent.mkdir(parents=True)
            _write_planted(stage.path, stage.patient_id, stage.seizure_id, stage.seizure.label)
            stage.file("why.json").write_text(json.dumps({"label": PLANTED["why.json"]}))
        yield project


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for number, patient in enumerate(PATIENTS * 2):
        label = ("FOS", "TCS")[(number % 3 + number // 3) % 2]
        for view in ("large", "small"):
            video = f"{PLANTED['video folder']}/{PLANTED['video name']}_{number}_{view}.mp4"
            (folder / "videos" / video).parent.mkdir(parents=True, exist_ok=True)
            (folder / "videos" / video).write_text(video)
            yield {
                "patient_id": patient,
                "seizure_id": f"{PLANTED['seizure id']}-{number // 3}",
                "view": view,
                "video": video,
                "onset_seconds": "2.5",
                "offset_seconds": "8",
                "label": label,
                "clonic_onset_seconds": "4.25" if label == "TCS" else "",
                "use": "evaluate" if number == 0 and view == "small" else "all",
                "reason": PLANTED["reason"],
                "name": PLANTED["extra column"],
            }


def _write_planted(path: Path, patient_id: str, seizure_id: str, label: str) -> None:
    head = dataclasses.replace(
        header(patient_id, seizure_id, label), recipe={**header().recipe, "label": PLANTED["recipe"]}
    )
    said = facts(
        video_name=f"{PLANTED['video name']}_0_large.mp4",
        video_sha256=PLANTED["hash of the video"],
        preprocessing=PLANTED["filter graph"],
        clonic_onset_seconds=4.25 if label == "TCS" else None,
    )
    plain = path.with_suffix(".plain")
    with FeatureFileWriter(plain, head) as file:
        for seed, view in enumerate(("large", "small")):
            rows = np.random.default_rng(seed).normal(size=(NUM_ROWS, 6)).astype(np.float32)
            file.create_view(view, NUM_ROWS, 6, said, np.ones(NUM_ROWS, bool)).write(0, rows)
    with h5py.File(plain) as source, h5py.File(path, "w", userblock_size=512) as file:
        source.copy("views", file)
        file.attrs.update(source.attrs)
        file.attrs["created_by"], file.attrs["created_at"] = PLANTED["created_by"], PLANTED["created_at"]
        file.attrs["hospital"] = PLANTED["extra attribute of the file"]
        file["views/large"].attrs["comment"] = PLANTED["extra attribute of a view"]
        file["views/large/features"].attrs["description"] = PLANTED["attribute of a dataset"]
        h5py.h5o.set_comment(file["views"].id, PLANTED["comment of a group"].encode())
        file.create_dataset("notes", data=[PLANTED["dataset of texts"]] * 9, dtype=h5py.string_dtype())
        hidden = np.frombuffer(PLANTED["compressed chunk"].encode() * 50, np.uint8)
        file.create_dataset("views/large/hidden", data=hidden, compression=9)
        file.attrs["gone"] = PLANTED["deleted attribute"]
        del file.attrs["gone"]
    plain.unlink()
    with path.open("r+b") as file:
        file.write(PLANTED["user block"].encode())
        file.seek(0, io.SEEK_END)
        file.write(PLANTED["bytes after the end"].encode())


def write_bundle(to: Path, **options: Any) -> bundle.Export:
    return exchange.export(to, all_features(), site="LAB1", key_file=Path("pseudonyms.key"), **options)


def all_bytes(path: Path) -> bytes:
    """Return every byte of a bundle: of its files, of the members of a zip, and of what is compressed in them."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = "\n".join(archive.namelist()).encode()
            parts = [_opened(name, archive.read(name)) for name in archive.namelist()]
        return b"\n".join([path.read_bytes(), names, *parts])
    files = [item for item in path.rglob("*") if item.is_file()]
    names = "\n".join(item.relative_to(path).as_posix() for item in files).encode()
    return b"\n".join([names, *(_opened(item.name, item.read_bytes()) for item in files)])


def _opened(name: str, content: bytes) -> bytes:
    parts = [content]
    for match in re.finditer(rb"x[\x01\x5e\x9c\xda]", content):
        try:
            parts.append(zlib.decompressobj().decompress(content[match.start() :]))
        except zlib.error:
            continue
    if name.endswith(".h5"):
        with h5py.File(io.BytesIO(content)) as file:
            file.visititems(
                lambda _, item: (
                    parts.append(repr(dict(item.attrs)).encode())
                    or (parts.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
                )
            )
    return b"\n".join(parts)


def found_in(content: bytes) -> list[str]:
    lower = content.lower()
    texts = {**PLANTED, "key": Path("pseudonyms.key").read_text().strip(), "folder": str(Path.cwd())}
    user = getpass.getuser()
    texts |= {"user name": user} if user != "root" else {}
    found = [
        place
        for place, text in texts.items()
        for kind in ("utf-8", "utf-16-le", "utf-16-be")
        if text.lower().encode(kind) in lower
    ]
    return found + ["short id"] * (b"q7" in b" ".join(line for line in lower.split() if line.isascii()))


def test_what_is_planted_is_really_there(project: Project) -> None:
    stage = all_features()[0]
    content = b"\n".join([*(item.path.read_bytes() for item in all_features()), stage.file("why.json").read_bytes()])
    with h5py.File(stage.path) as file:
        content += file["views/large/hidden"][()].tobytes()
    content += b"\n".join(str(item.path).encode() for item in all_features())
    content += Path("data_manifest.csv").read_bytes()
    missing = [place for place, text in PLANTED.items() if text.lower().encode() not in content.lower()]
    assert set(missing) <= {"host name"}  # which is no place, but something that must not be there
    assert len(PLANTED) - 2 >= 20


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_nothing_of_it_is_in_a_bundle_even_without_the_scan(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(exchange, "require_clean", lambda *_: None)
    exported = write_bundle(tmp_path / name)
    assert (exported.num_patients, exported.num_seizures, len(exported.views)) == (3, 6, 12)
    assert found_in(all_bytes(tmp_path / name)) == []


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
    review = exchange.review_path(out)
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
        patch.setattr(exchange, "is_dealt_by_id", lambda stage: stage.seizure.label == "FOS")  # as a manifest by hand
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
    bad.file("bad.json").write_text(json.dumps({"reason": "cut", "kind": "VideoError"}))
    forget()
    try:
        dealt = ids(fold_items())
        write_bundle(tmp_path / "out")
    finally:
        kept.rename(bad.path)
        bad.file("bad.json").unlink()
        forget()
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
    exported = exchange.export(tmp_path / "out", one, site="LAB1", key_file=Path("pseudonyms.key"))
    alone = data_card.patients_alone(exported)
    assert ("labels", "FOS") in {tuple(what.removeprefix("alone with ").split(" = ")) for _, what in alone}
    assert "- Q7 (LAB1-" in exchange.review_path(tmp_path / "out").read_text()


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
    "no host": lambda patch: _after(patch, _appended("README.md", f"\nMade on {socket.gethostname()}.\n")),
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
    monkeypatch.setattr(exchange, "save_drift_reference", lambda path: path.write_text("{}"))
    monkeypatch.setattr(exchange, "_require_sound", lambda _: None)  # a text for a number is a fault, too
    REMOVED[protection](monkeypatch)
    with pytest.raises(LeakFoundError, match="nothing was exported") as caught:
        write_bundle(tmp_path / "out.zip")
    assert list(tmp_path.iterdir()) == []  # neither a bundle, nor a page, nor a draft
    assert len(str(caught.value).splitlines()) > 1
    assert all(patient not in str(caught.value) for patient in PATIENTS)
