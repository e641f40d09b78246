"""The authors' layout with every irregularity: what is named, what is taken, what an import leaves when it ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from ended_children import end_while_busy
from gestures_dataset import FOLDER, pack, row, vectors, write_dataset, write_table, write_view

from seizures.errors import FeatureFileError, SoftwareError, TransientError
from seizures.exchange.gestures_dataset import source, views
from seizures.exchange.gestures_dataset.readers import Reader
from seizures.features.file import open_features
from tasks.exchange.public_dataset import Imported, import_gestures
from tasks.machinery.atomic import DiskFullError, temporary_name

NUM = 40


def take(dataset: Path, to: Path, minimum: float = 3.0, readers: int = 1) -> tuple[Imported, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    imported = import_gestures(
        dataset,
        to,
        num_readers=readers,
        minimum_duration_seconds=minimum,
        report_progress=lambda done, total: told.append((done, total)),
    )
    return imported, told


def manifest(to: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with (to / "manifest.csv").open(newline="") as file:
        return {(item["patient_id"], item["seizure_id"], item["view"]): item for item in csv.DictReader(file)}


class Execute:
    """What a hostile pickle holds."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


@pytest.fixture(scope="module")
def irregular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("irregular")
    rows = [
        row("001", "01", Discard="Maybe"),
        row("001", "02", "00:10:00", GTCS="False"),
        row("001", "03", GTCS="True"),
        row("002", "01", "12.5", Discard="Large"),
        row("002", "02", Discard="Small", Duration="99"),
        row("002", "03", "7", Discard="Yes"),
        row("003", "01"),
        row("003", "02", "7", RatioGTCS="1.5"),
        row("004", "01"),
        row("004", "02"),
        row("5", "1"),
        row("../6", "01"),
        row("007", "01"),
        row("007", "01", "9"),
        row("008", "01"),
        row("008", "01"),
        row("009", "01"),
    ]
    write_table(folder, rows)
    for number, item in enumerate(rows[:10]):
        if item["Discard"] == "Yes":
            continue
        for place, view in enumerate("LS"):
            name = f"{item['Subject']}_{item['Seizure']}_{view}"
            if name == "004_01_L":
                continue  # a missing view
            without = (3, 17, 18) if name == "003_01_L" else ()
            length = {"003_02_S": 80, "004_02_L": 20, "004_02_S": 20}.get(name, NUM)
            rows_ = vectors(2 * number + place, length, "FOS")
            write_view(folder, name, rows_, without=without, first=7 if name == "001_01_S" else 0)
    home = folder / "dataset" / FOLDER
    write_view(folder, "005_01_L", vectors(90, 5, "FOS"))
    write_view(folder, "007_01_L", vectors(91, 5, "FOS"))
    write_view(folder, "008_01_L", vectors(92, NUM, "FOS"))
    write_view(folder, "008_01_S", np.ones((NUM, 512), np.float32))  # no network gives that
    write_view(folder, "009_01_L", vectors(93, NUM, "FOS"), without=tuple(range(1, 39)))
    (home / "009_01_S").mkdir()
    (home / "notes").mkdir()
    for frame, content in enumerate(
        (torch.zeros(511), torch.full((512,), torch.nan), [1.0] * 512, torch.zeros(512, dtype=torch.int64), Execute())
    ):
        torch.save(content, home / "001_03_L" / f"001_03_L_{frame:06d}.pth")
    (home / "001_03_L" / "001_03_L_000005.pth").write_bytes(b"no pickle")
    (home / "001_03_L" / "001_03_L_000006.pth").write_bytes(bytes(2**20 + 1))
    (home / "001_03_L" / "Thumbs.db").write_bytes(b"x")
    torch.save(torch.zeros(512), home / "001_02_S" / "again_5.pth")
    return folder


EXPECTED = """
FAULT seizures.csv row 13: left out: Subject '../6' is not an id
FAULT seizures.csv 007+01: left out: rows 14, 15 are of this seizure, and differ
WARNING seizures.csv 008+01: rows 16, 17 are the same; one is taken
WARNING seizures.csv 001+01: row 2: Discard = 'Maybe' is none of Large, Small, Yes; both views are taken
WARNING seizures.csv 001+02: row 3: GTCS = False; taken as TCS, since OnsetClonic has a value
WARNING seizures.csv 001+03: row 4: GTCS = True; taken as FOS, since OnsetClonic is empty
WARNING seizures.csv 003+02: row 9: RatioGTCS = '1.5' is no share of the duration
WARNING 002+03 : left out as the table says: Discard = Yes
FAULT 004+01 large: the view has no folder of features
FAULT 5+1 : left out: it has no folder of features; is it 005_01, and did the table lose its leading zeros?
FAULT features_fpc_8_fps_15/005_01_* : left out: it has no usable row in seizures.csv
FAULT features_fpc_8_fps_15/007_01_* : left out: it has no usable row in seizures.csv
WARNING features_fpc_8_fps_15/notes : not read
WARNING 001+01 small: its first frame index is 7
WARNING 001+01 : its views start at different frame indices (large 0, small 7)
FAULT 001+02 small: left out: 1 frame indices are there twice (again_5.pth)
WARNING 001+03 large: Thumbs.db: not read
WARNING 001+03 large: 7 of 40 files hold no vector of 512 numbers (frame 0: has the shape (511,), frame 1: holds numbers
WARNING 002+02 : Duration = 99 s, its features last 3.1 s
WARNING 003+01 large: gaps in the frame indices: 3 of 40 missing (3, 17-18)
WARNING 003+02 : its views do not last equally long (large 3.1 s, small 5.8 s); its offset is not stated
FAULT 008+01 small: left out: 40 of 40 rows are constant
FAULT 008+01 small: left out: 39 of 40 rows are the same as the row before them
FAULT 009+01 large: gaps
FAULT 009+01 large: left out: more than half of its frames are missing
FAULT 009+01 small: left out: it has no files of features
WARNING 004+02 : lasts 1.8 s, under 3 s: not used
"""


@pytest.fixture(scope="module")
def taken(irregular: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Imported, list[tuple[int, int]], Path]:
    to = tmp_path_factory.mktemp("taken") / "imported"
    return *take(irregular, to), to


def lines(imported: Imported) -> list[str]:
    return [f"{item.severity.upper()} {item.file} {item.place}: {item.problem}" for item in imported.findings]


def test_every_irregularity_is_named_and_what_is_good_is_taken(
    taken: tuple[Imported, list[tuple[int, int]], Path],
) -> None:
    imported, told, to = taken
    said = lines(imported)
    wanted = EXPECTED.strip().splitlines()
    assert [line for line in wanted if not any(found.startswith(line) for found in said)] == []
    assert [found for found in said if not any(found.startswith(line) for line in wanted)] == []
    assert told[-1][0] == told[-1][1] > 500
    assert imported.counts == {"patients": 5, "FOS": 6, "TCS": 3}
    assert imported.differences()[0] == "patients: 5, the paper has 68"
    assert imported.num_clonic_onsets == 2
    rows = manifest(to)
    uses = {key: (item["label"], item["use"], item["reason"]) for key, item in rows.items()}
    assert uses["002", "01", "large"] == ("TCS", "evaluate", "Discard = Large")
    assert uses["002", "01", "small"] == ("TCS", "all", "")
    assert uses["002", "03", "small"] == ("TCS", "skip", "Discard = Yes")
    assert ("004", "01", "large") not in rows
    assert ("001", "02", "small") not in rows
    assert rows["003", "02", "large"]["offset_seconds"] == ""
    assert float(rows["002", "01", "large"]["clonic_onset_seconds"]) == pytest.approx(47 / 15 / 2)
    assert not Path("executed").exists()  # what the hostile pickle would have made
    assert not to.with_name("imported.unfinished").exists()
    assert len(json.loads((to / "import.json").read_text())["warnings"]) == len(said)


def test_a_zip_gives_the_same_but_for_a_damaged_member(
    irregular: Path, taken: tuple[Imported, list[tuple[int, int]], Path], tmp_path: Path
) -> None:
    path = pack(irregular, tmp_path / "dataset.zip", stored=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/dataset/._seizures.csv", b"x")  # as a Mac packs; it is let be
        offset = archive.getinfo(f"dataset/{FOLDER}/001_01_L/001_01_L_000004.pth").header_offset
    content = bytearray(path.read_bytes())
    content[offset + 1500] ^= 1
    path.write_bytes(content)
    imported, _ = take(path, tmp_path / "imported")
    more = set(lines(imported)) ^ set(lines(taken[0]))
    vector = "1 of 40 files hold no vector of 512 numbers (frame 4: damaged in the zip)"
    assert more == {f"WARNING 001+01 large: {vector}"}
    for file in sorted((taken[2] / "features").iterdir()):
        same = file.read_bytes() == (tmp_path / "imported" / "features" / file.name).read_bytes()
        assert same == (file.stem != "001+01"), file.stem
    one, other = manifest(tmp_path / "imported"), manifest(taken[2])
    orders = [{row.pop("dealing_order") for row in rows.values()} for rows in (one, other)]
    assert (orders[0], one) == (orders[1], other)  # the order itself is by content, and may be another


def test_vectors_stand_at_their_frames_and_gaps_are_marked(
    taken: tuple[Imported, list[tuple[int, int]], Path],
) -> None:
    with open_features(taken[2] / "features" / "003+01.h5") as file:
        view = file.views["large"]
        assert np.flatnonzero(~view.valid).tolist() == [3, 17, 18]
        wanted = vectors(12, NUM, "FOS")
        wanted[[3, 17, 18]] = wanted[[2, 16, 16]]
        assert (view.read() == wanted).all()
        assert view.start_seconds[-1] == pytest.approx((NUM - 1) / 15)
        assert (file.recipe["preprocessing"], file.frames_per_snippet) == ("letterbox", 8)
    with open_features(taken[2] / "features" / "001+03.h5") as file:
        assert np.flatnonzero(~file.views["large"].valid).tolist() == list(range(7))
        assert (file.views["large"].read(0, 7) == vectors(4, NUM, "FOS")[7]).all()


IDS = (("01", "1", "FOS"), ("01", "2", "TCS"), ("02", "1", "TCS"), ("03", "1", "FOS"))


def test_a_broken_off_import_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "from", IDS)
    whole, _ = take(dataset, tmp_path / "whole", readers=2)
    assert whole.findings == ()
    with pytest.raises(KeyboardInterrupt):
        import_gestures(
            dataset,
            tmp_path / "again",
            num_readers=1,
            minimum_duration_seconds=1,
            report_progress=broken_off_after(160),
        )
    unfinished = tmp_path / "again.unfinished"
    assert not (tmp_path / "again").exists()
    names = sorted(path.stem for path in unfinished.glob("*.json"))
    assert names == sorted(path.stem for path in (unfinished / "features").iterdir())
    assert 2 <= len(names) < 4
    assert not list(unfinished.rglob("*.tmp*"))
    victim = (
        dataset / "dataset" / FOLDER / f"{names[0].replace('+', '_')}_L" / f"{names[0].replace('+', '_')}_L_000003.pth"
    )
    torch.save(torch.ones(512) * torch.arange(512), victim)  # it has changed since, and is read again
    imported, _ = take(dataset, tmp_path / "again")
    assert imported.num_kept == len(names) - 1
    for path in sorted((tmp_path / "whole" / "features").iterdir()):
        same = path.read_bytes() == (tmp_path / "again" / "features" / path.name).read_bytes()
        assert same == (path.stem != names[0])
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["features", "import.json", "manifest.csv"]
    with pytest.raises(FeatureFileError, match="already exists"):
        take(dataset, tmp_path / "again")


def broken_off_after(num_files: int):  # type: ignore[no-untyped-def]
    def tell(done: int, total: int) -> None:
        if done >= num_files:
            raise KeyboardInterrupt

    return tell


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "01_2_L_3.pth")  # who opens it waits for ever
    with source.opened({"path": str(tmp_path)}) as listing:
        assert (len(listing.frames), listing.strangers) == (0, ("01_2_L_3.pth",))


def test_a_failing_disk_costs_no_seizure_and_the_next_run_goes_on(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "from", IDS[:2])
    to, draft = tmp_path / "imported", tmp_path / "imported.unfinished"
    (draft / "features").mkdir(parents=True)
    temporary_name(draft / "features" / "01+1.h5").symlink_to("/dev/full")  # which the reader is to write
    with pytest.raises(DiskFullError, match="no space left on its disk"):
        take(dataset, to)
    file = dataset / "dataset" / FOLDER / "01_1_L" / "01_1_L_000003.pth"
    file.rename(tmp_path / "sound")
    file.symlink_to("/proc/self/mem")  # whose first bytes give EIO
    with pytest.raises(
        TransientError, match=r"01\+1: .*Input/output error; run it again: what is read already is kept"
    ):
        take(dataset, to)
    assert not to.exists()
    assert [path.name for path in (draft / "features").iterdir()] == ["01+2.h5"]
    (tmp_path / "sound").replace(file)
    imported, _ = take(dataset, to)
    assert (imported.findings, imported.num_kept) == ((), 1)


def test_a_reader_that_is_killed_costs_no_seizure_and_one_that_crashes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader()
    row_ = {**dict.fromkeys(("reason", "clonic_ratio", "duration_seconds")), "patient_id": "1", "seizure_id": "1"}
    request = {"row": {**row_, "label": "FOS", "uses": {}}, "views": {}, "path": f"{tmp_path}/a", "known_stamp": ""}
    try:
        for number in (signal.SIGKILL, signal.SIGSEGV):
            assert reader.take(request, "1+1", 1) is not None
            end_while_busy(reader._child, number, monkeypatch)
            if number == signal.SIGKILL:  # as the system does where memory runs out
                with pytest.raises(TransientError, match=r"1\+1: reading process was killed \(SIGKILL\), .*is kept$"):
                    reader.take(request, "1+1", 1)
            else:
                outcome = reader.take(request, "1+1", 1)
                assert outcome is not None
                assert outcome.findings[0].problem == "left out: the process that read it crashed (SIGSEGV)"
        monkeypatch.setattr(sys, "executable", "/bin/false")  # a process that does not come so far as to read
        with pytest.raises(SoftwareError, match=r"1\+1: reading process ended \(exit code 1\)"):
            reader.take(request, "1+1", 1)
    finally:
        reader.close()


def test_an_odd_file_costs_its_frame_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = write_view(tmp_path, "01_2_L", vectors(1, 6, "FOS"))
    odd = [torch.zeros(512, device="meta"), torch.zeros(512, dtype=torch.complex64).conj().imag]  # neither has numbers
    for frame, content in enumerate(odd, start=2):
        torch.save(content, view / f"01_2_L_{frame:06d}.pth")
    with source.opened({"path": str(view)}) as listing:
        taken, problems = views.read_view(listing)
    assert taken is not None
    assert taken.valid.tolist() == [True, True, False, False, True, True]
    assert (
        "frame 2: cannot be loaded safely (TypeError), frame 3: cannot be loaded safely (RuntimeError)" in problems[0]
    )
    monkeypatch.setattr(views, "SPARE_BYTES", 2**60)  # no process has room for that
    with pytest.raises(MemoryError):
        views.read_vector(b"no pickle")


def test_a_member_at_the_very_end_of_a_zip_costs_its_frame_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(bytes(100))
    for frames, problem in (((3, 4), "frame 3: damaged in the zip"), ((4, 4), "there twice (frame 4: damaged")):
        members = [[frame, 95, 5, 5, 0, 0] for frame in frames]
        with source.opened({"path": f"{tmp_path}/a.zip", "members": members, "strangers": []}) as listing:
            taken, problems = views.read_view(listing)
        assert taken is None
        assert problem in problems[0]


def test_a_reader_that_hangs_is_ended_and_the_reason_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write_dataset(tmp_path / "from", IDS[:1], 3)
    monkeypatch.setattr("seizures.exchange.gestures_dataset.readers.LEAST_SECONDS", 0.01)
    monkeypatch.setattr("seizures.exchange.gestures_dataset.readers.SECONDS_PER_FILE", 0.0)
    with pytest.raises(FeatureFileError, match=r"the process that read it stalled: no progress for 0.01 s"):
        take(dataset, tmp_path / "other")


@pytest.mark.parametrize("name", ["../a.pth", "/a.pth", "dataset/../../a.pth", "dataset\\a.pth", "C:/a.pth"])
def test_hostile_names_in_the_zip_are_refused(tmp_path: Path, name: str) -> None:
    path = pack(write_dataset(tmp_path / "from", IDS[:1], 3), tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name.replace("\\", "|"), b"x")
    path.write_bytes(path.read_bytes().replace(b"dataset|a.pth", b"dataset\\a.pth"))
    with pytest.raises(FeatureFileError, match="is not a name in the dataset"):
        source.find_source(path)


def test_a_damaged_or_outlying_zip_is_told(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "from", IDS[:1], 3)
    for name in ("compress_size", "header_offset"):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for item in sorted(dataset.rglob("*.*")):
                archive.write(item, item.relative_to(dataset).as_posix())
            setattr(archive.infolist()[0], name, 2**63 + 5)  # no number of 64 bits with a sign
        with pytest.raises(FeatureFileError, match=r"_000000.pth' does not lie in the zip"):
            source.find_source(path)
    path = pack(dataset, tmp_path / "damaged.zip")
    with zipfile.ZipFile(path) as archive:
        table = archive.getinfo("dataset/seizures.csv")
    content = bytearray(path.read_bytes())
    content[table.header_offset + 30 + len(table.filename)] = 0xFF  # no block of deflate is of this type
    path.write_bytes(content)
    with pytest.raises(FeatureFileError, match="cannot be read as a zip: Error -3"):
        source.find_source(path)


def test_a_table_beyond_all_measure_is_refused_and_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write_dataset(tmp_path / "from", IDS[:1], 3)
    honest = pack(dataset, tmp_path / "honest.zip")
    monkeypatch.setattr(source, "MAX_TABLE_BYTES", 2**16)
    assert source.find_source(honest).table == source.find_source(dataset).table
    (dataset / "dataset" / "seizures.csv").write_bytes(b"x" * (2**16 + 1))
    for path in (dataset, pack(dataset, tmp_path / "larger.zip")):
        with pytest.raises(FeatureFileError, match=r"seizures.csv has more than"):
            source.find_source(path)
    lying = tmp_path / "lying.zip"
    with zipfile.ZipFile(lying, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("seizures.csv", bytes(2**25))
        archive.infolist()[0].file_size = 1000
    tracemalloc.start()
    with pytest.raises(FeatureFileError, match="cannot be read as a zip"):
        source.find_source(lying)
    assert tracemalloc.get_traced_memory()[1] < 2**21
    tracemalloc.stop()


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "a", [row("1", "1")])
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04")
    for name, problem in (("a", "not the public dataset"), ("b.zip", "cannot be read as a zip"), ("c", "no such file")):
        with pytest.raises(FeatureFileError, match=problem):
            take(tmp_path / name, tmp_path / "imported")
    dataset = write_dataset(tmp_path / "d", IDS[:1], 3)
    table = dataset / "dataset" / "seizures.csv"
    table.write_text(table.read_text().replace("OnsetClonic", "Onset"))
    with pytest.raises(FeatureFileError, match="no column OnsetClonic"):
        take(dataset, tmp_path / "imported")
