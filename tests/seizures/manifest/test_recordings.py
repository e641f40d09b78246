"""The manifest: what people save is read, what cannot be meant is refused with its row."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import ManifestError
from seizures.manifest.faults import fault_message
from seizures.manifest.recordings import (
    Box,
    Recording,
    check_videos,
    group_seizures,
    read_manifest,
    resolve_videos,
)
from seizures.manifest.table import label_problem

HEADER = "patient_id,seizure_id,view,video,onset_seconds,offset_seconds,label,clonic_onset_seconds,use,reason,crop,mask"
GOOD = (
    "001,01,large,a.mp4,1.5,30,FOS,,,,,",
    '001,01,small,a.mp4,1.5,30,FOS,,evaluate,out of sight,"0,0,800,450",',
    "P02,01,large,b.mp4;c.mp4,,,TCS,12,all,,,",
    "P02,02,large,d.mp4,2,60,TCS,,skip,broken,,",
)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_lines(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "data_manifest.csv"
        path.write_bytes("\n".join([header, *rows, ""]).encode())
        return path

    return write_lines


def fault_of(path: Path) -> str:
    """Return the message, less its heading when there is a single fault."""
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    text = str(caught.value)
    return text.removeprefix(f"{path}: 1 fault\n  ")


def test_rows_become_recordings(write: Write) -> None:
    one, two, three, four = read_manifest(write(*GOOD))
    assert one == Recording("001", "01", "large", ("a.mp4",), 1.5, 30.0, "FOS", None, "all", "", None, None, 2)
    assert (two.use, two.reason, two.crop, two.row) == ("evaluate", "out of sight", Box(0, 0, 800, 450), 3)
    assert three.video == ("b.mp4", "c.mp4")
    assert (three.onset_seconds, three.offset_seconds, three.clonic_onset_seconds) == (None, None, 12.0)
    assert (four.use, four.name) == ("skip", "P02+02+large")


def test_seizures_join_their_views(write: Write) -> None:
    one, two = group_seizures(read_manifest(write(*GOOD)))
    assert (one.name, [view.view for view in one.recordings], one.duration_seconds) == (
        "001+01",
        ["large", "small"],
        28.5,
    )
    assert (two.name, two.duration_seconds, two.onset_seconds, two.offset_seconds) == ("P02+01", None, None, None)
    assert (two.label, two.clonic_onset_seconds) == ("TCS", 12.0)


def test_a_duration_without_an_onset_starts_with_the_video(write: Write) -> None:
    rows = ["A,1,v,a.mp4,,30,FOS,,,,,", "B,1,v,a.mp4,,30,TCS,,,,,"]
    assert group_seizures(read_manifest(write(*rows)))[0].duration_seconds == 30


def test_what_excel_saves(write: Write) -> None:
    path = write(*GOOD)
    wanted, text = read_manifest(path), path.read_text()
    tabs = text.replace(",", "\t").replace('"0\t0\t800\t450"', '"0,0,800,450"').replace("\n", "\r\n")
    semicolons = text.replace(",", ";").replace("b.mp4;c.mp4", '"b.mp4;c.mp4"').replace('"0;0;800;450"', "0,0,800,450")
    for content in (
        tabs.encode("utf-16"),  # Unicode text
        text.replace("\n", "\r").encode(),  # of an old Macintosh
        text.replace("out of sight", "h\u00f4pital").encode("cp1252"),
        text.replace("P02,", "P02\u00a0,").replace("001,", "\u200b001 ,").encode(),
    ):
        path.write_bytes(content)
        assert [replace(row, reason="") for row in read_manifest(path)] == [replace(row, reason="") for row in wanted]
    for first in ("sep=;", '"sep=;"', "SEP=;;;;;", "Epilepsy unit;;;;;", "Who;;;Film;;\r\n;;;;;"):
        path.write_text(f"{first}\n{semicolons}")
        above = 1 + first.count("\n")
        assert list(read_manifest(path)) == [replace(row, row=row.row + above) for row in wanted], first


@pytest.mark.parametrize("found", ["02-Jan", "1-Feb", "Jan-02", "2. Mrz", "1.00E+05"])
def test_an_id_that_a_spreadsheet_turned_into_something_else(write: Write, found: str) -> None:
    fault = fault_of(write(*GOOD, f"P3,{found},v,a.mp4,3,9,FOS,,,,,"))
    assert fault.startswith(f"row 6, seizure_id: '{found}' is what a spreadsheet makes of an id such as 1-2")


@given(st.text(alphabet=st.sampled_from('P01,;\t"\r\n =sepview\u00a0\u2028'), max_size=80), st.booleans())
def test_no_text_is_another_exception(tmp_path_factory: pytest.TempPathFactory, text: str, has_header: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(f"{text}\n{HEADER if has_header else ''}\n{text}".encode())
    with contextlib.suppress(ManifestError):
        read_manifest(path)


def test_a_date_that_is_an_id_stays_one(write: Write) -> None:
    read_manifest(write(*GOOD, "P3,2020-02-01,v,e.mp4,3,9,FOS,,,,,", "May-flower,Marc-2,v,f.mp4,3,9,FOS,,,,,"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: (
            text.replace(",", ";").replace('"0;0;800;450"', '"0,0,800,450"').replace("b.mp4;c.mp4", '"b.mp4;c.mp4"')
        ),
        lambda text: text.replace(",", "\t").replace('"0\t0\t800\t450"', " 0, 0 ,800,450"),
        lambda text: text.replace(",", " , ").replace('"0 , 0 , 800 , 450"', ' "0, 0, 800, 450" '),
        lambda text: text + ",,,,,,,,,,,\n\n",
        lambda text: text.rstrip("\n"),
        lambda text: "\n".join(f"{line},note {at}" for at, line in enumerate(text.splitlines())),
        lambda text: "\n".join(f"{line},," for line in text.splitlines()),
        lambda text: "\n".join(line.rstrip(",") for line in text.splitlines()),
    ],
    ids=[
        "bom",
        "crlf",
        "semicolon",
        "tab",
        "spaces",
        "blank rows",
        "no last newline",
        "other column",
        "unnamed",
        "short",
    ],
)
def test_csv_as_people_save_it(write: Write, change: Callable[[str], str]) -> None:
    path = write(*GOOD)
    wanted = read_manifest(path)
    path.write_bytes(change(path.read_text()).encode())
    assert read_manifest(path) == wanted


def test_clock_times_cross_midnight(write: Write) -> None:
    row = "P3,1,{},a.mp4,23:59:50,0:00:20.25,TCS,00:00:05,,,,"
    found = read_manifest(write(*GOOD, row.format("large"), row.format("small")))[-2:]
    assert all(item.has_clock_times for item in found)
    assert found[0].onset_seconds == 86_390
    (seizure,) = group_seizures(found)
    assert seizure.duration_seconds == 30.25
    assert seizure.clonic_onset_seconds == 86_405


def test_the_times_of_a_seizure_are_those_of_its_first_view_by_name() -> None:
    large = Recording("P1", "1", "large", ("a.mp4",), 10.0, 40.0, "TCS", 20.0, "all", "", None, None, 2)
    small = replace(large, view="small", onset_seconds=12.5, offset_seconds=42.5, clonic_onset_seconds=22.5, row=3)
    for rows in ((large, small), (small, large)):  # whose films start at different moments
        (seizure,) = group_seizures(rows)
        assert (seizure.onset_seconds, seizure.offset_seconds, seizure.clonic_onset_seconds) == (10.0, 40.0, 20.0)
        assert seizure.recordings == rows


def test_row_numbers_count_blank_lines(write: Write) -> None:
    path = write(GOOD[0], "", GOOD[1], ",,,,,,,,,,,", "P02,01,large,b.mp4,-1,,TCS,,,,,")
    assert fault_of(path).startswith("row 6, onset_seconds: '-1' is before the first frame")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('P3,1,v,a.mp4,"1,5",30,FOS,,,,,', "row 6, onset_seconds: '1,5' has a decimal comma; write a decimal point"),
        ("P3,1,v,a.mp4,0:05,30,FOS,,,,,", "row 6, onset_seconds: '0:05' is not a clock time; expected hh:mm:ss"),
        ("P3,1,v,a.mp4,24:00:00,,FOS,,,,,", "row 6, onset_seconds: '24:00:00' is not a clock time"),
        ("P3,1,v,a.mp4,8:15:30 PM,,FOS,,,,,", "row 6, onset_seconds: '8:15:30 PM' is not a clock time"),
        ('P3,1,v,a.mp4,"8:15:30,5",,FOS,,,,,', "row 6, onset_seconds: '8:15:30,5' has a decimal comma"),
        (
            "P3,1,v,a.mp4,8:15:30,30,FOS,,,,,",
            "row 6, onset_seconds: '8:15:30' is a clock time, but offset_seconds is in seconds; write all times",
        ),
        (
            "P3,1,v,a.mp4,,8:15:30,FOS,,,,,",
            "row 6, onset_seconds: empty, but offset_seconds is a clock time; expected that of the onset",
        ),
        (
            "P3,1,v,a.mp4,8:15:30,8:15:10.50,FOS,,,,,",
            "row 6, offset_seconds: 08:15:10.5 (onset_seconds 08:15:30) is not after the onset (nor up to 12 h after",
        ),
        ("P3,1,v,a.mp4,8:15:30,08:15:30,FOS,,,,,", "row 6, offset_seconds: 08:15:30 (onset_seconds 08:15:30) is not"),
        (
            "P3,1,v,a.mp4,23:59:50,0:00:20,TCS,0:00:20,,,,",
            "row 6, clonic_onset_seconds: 00:00:20 (from 23:59:50 to 00:00:20) is not between onset and offset",
        ),
        ("P3,1,v,a.mp4,9:00:00,,TCS,8:59:59,,,,", "clonic_onset_seconds: 08:59:59 (from 09:00:00 to the end) is not"),
        (
            "001,01,third,a.mp4,9:00:00,9:00:30,FOS,,,,,",
            "row 6, onset_seconds: 09:00:00 is a clock time, but row 2 has seconds; write all times of a seizure in",
        ),
        ("P3,1,v,a.mp4,nan,30,FOS,,,,,", "row 6, onset_seconds: 'nan' is not a number of seconds"),
        ("P3,1,v,a.mp4,1e999,,FOS,,,,,", "row 6, onset_seconds: '1e999' is not a number of seconds"),
        ("P3,1,v,a.mp4,1_0,30,FOS,,,,,", "row 6, onset_seconds: '1_0' is not a number"),
        ("P3,1,v,a.mp4,,-3,FOS,,,,,", "row 6, offset_seconds: '-3' is before the first frame"),
        ("P3,1,v,a.mp4,30,30,FOS,,,,,", "row 6, offset_seconds: 30 (onset_seconds 30) is not after the onset"),
        ("P3,1,v,a.mp4,,0,FOS,,,,,", "row 6, offset_seconds: 0 (onset_seconds 0) is not after the onset"),
        ("P3,1,v,a.mp4,3,9,TCS,2,,,,", "row 6, clonic_onset_seconds: 2 (from 3 to 9) is not between onset and offset"),
        ("P3,1,v,a.mp4,3,9,TCS,9,,,,", "row 6, clonic_onset_seconds: 9 (from 3 to 9) is not between onset and offset"),
        ("P3,1,v,a.mp4,3,,TCS,1,,,,", "row 6, clonic_onset_seconds: 1 (from 3 to the end) is not between"),
        ("P3,1,v,a.mp4,3,9,FOS,5,,,,", "row 6, clonic_onset_seconds: FOS cannot have a clonic onset; only TCS can"),
        ("P3,1,v,a.mp4,3,9,fos,,,,,", "row 6, label: 'fos' is not a label; expected FOS or TCS"),
        ("P3,1,v,a.mp4,3,9,,,,,,", "row 6, label: '' is not a label"),
        ("P3,1,v,a.mp4,3,9,FOS,,no,,,", "row 6, use: 'no' expected all, evaluate, skip or nothing"),
        ("../P3,1,v,a.mp4,3,9,FOS,,,,,", "row 6, patient_id: '../P3' is not an id; expected letters, digits"),
        ("P+3,1,v,a.mp4,3,9,FOS,,,,,", "row 6, patient_id: 'P+3' is not an id"),
        ("Pé,1,v,a.mp4,3,9,FOS,,,,,", "row 6, patient_id: 'Pé' is not an id"),
        ("P3,,v,a.mp4,3,9,FOS,,,,,", "row 6, seizure_id: '' is empty; write it in every row (merged cells"),
        ("P3,..,v,a.mp4,3,9,FOS,,,,,", "row 6, seizure_id: '..' is not an id"),
        ("P3,1.,v,a.mp4,3,9,FOS,,,,,", "row 6, seizure_id: '1.' cannot name a file on Windows"),
        ("P3,1,con.a,a.mp4,3,9,FOS,,,,,", "row 6, view: 'con.a' cannot name a file on Windows"),
        ("P3,1,a\x07b,a.mp4,3,9,FOS,,,,,", "row 6, view: 'a\\x07b' is not an id"),
        (f"{'P' * 65},1,v,a.mp4,3,9,FOS,,,,,", "is too long; expected at most 64 letters"),
        ("P3,1,v,a.mp4;;b.mp4,3,9,FOS,,,,,", "row 6, video: 'a.mp4;;b.mp4' holds an empty path"),
        ("P3,1,v,a.mp4;a.mp4,3,9,FOS,,,,,", "row 6, video: 'a.mp4;a.mp4' names a file twice"),
        ("P3,1,v,a\x01.mp4,3,9,FOS,,,,,", "row 6, video: 'a\\x01.mp4' holds a control character"),
        (
            'P3,1,v,a.mp4,3,9,FOS,,,,"0,0,0,5",',
            "row 6, crop: '0,0,0,5' is not a region; expected left,top,width,height",
        ),
        ('P3,1,v,a.mp4,3,9,FOS,,,,,"0,0,5"', "row 6, mask: '0,0,5' is not a region"),
        ('P3,1,v,a.mp4,3,9,FOS,,,,,"-1,0,5,5"', "row 6, mask: '-1,0,5,5' is not a region"),
        ("P3,1,v,a.mp4,3,9,FOS,,,,0,0,5,5", "row 6: more cells than the 12 of the header; put quotation marks"),
        ("001,01,large,a.mp4,1.5,30,FOS,,,,,", "row 6: 001+01+large is already in row 2; one row per view"),
        ("001,01,Large,a.mp4,1.5,30,FOS,,,,,", "row 6, view: 'Large' and 'large' (row 2) differ in case only"),
        ("p02,09,v,a.mp4,1.5,30,FOS,,,,,", "row 6, patient_id: 'p02' and 'P02' (row 4) differ in case only"),
        ("P2,09,v,a.mp4,1.5,30,FOS,,,,,", "row 6, patient_id: 'P2' and 'P02' (row 4) differ in leading zeros only"),
        ("P-02,09,v,a.mp4,1.5,30,FOS,,,,,", "row 6, patient_id: 'P-02' and 'P02' (row 4) differ in punctuation only"),
        ("001,1,large,a.mp4,1.5,30,FOS,,,,,", "row 6, seizure_id: '1' and '01' (row 2) differ in leading zeros only"),
        ("001,01,third,a.mp4,1.5,30,TCS,,,,,", "row 6, label: TCS but FOS in row 2; the views of one seizure share"),
        ("001,01,third,a.mp4,2.5,30,FOS,,,,,", "row 6, onset_seconds: 2.5 but 1.5 in row 2; the views of one seizure"),
        ("001,01,third,a.mp4,1.5,,FOS,,,,,", "row 6, offset_seconds: empty but 30 in row 2; the views of one seizure"),
        ('P3,1,v,a.mp4,3,9,FOS,,,"oh,,', "row 6: a quotation mark is opened and never closed"),
    ],
)
def test_one_mistake_is_one_line_with_its_row(write: Write, row: str, message: str) -> None:
    fault = fault_of(write(*GOOD, row))
    assert message in fault
    assert "\n" not in fault


def test_one_spelling_of_an_id_may_end_another(write: Write) -> None:
    read_manifest(write(*GOOD, "P3,a-b_c.d,v,,,,FOS,,,,,", "CONNOR,1,nul1,,,,FOS,,,,,"))


def test_times_of_a_skipped_view_may_differ(write: Write) -> None:
    read_manifest(write(*GOOD, "001,01,third,a.mp4,2.5,30,FOS,,skip,camera moved,,"))


def test_all_faults_are_in_one_message_in_the_order_of_rows(write: Write) -> None:
    path = write('A,1,v,a.mp4,"1,5",3,FOS,,,,,', "B,1,v,a.mp4,9,3,TCS,,,,,", "C,/,v,a.mp4,1,3,F,,maybe,,,")
    lines = fault_of(path).splitlines()
    assert lines[0] == f"{path}: 5 faults"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  row 2, onset_seconds",
        "  row 3, offset_seconds",
        "  row 4, label",
        "  row 4, seizure_id",
        "  row 4, use",
    ]


def test_one_mistake_in_a_thousand_rows_is_a_short_message(write: Write) -> None:
    rows = [f'P{number},1,v,a.mp4,"{number},5",,FOS,,,,,' for number in range(1000)]
    path = write(*rows)
    lines = fault_of(path).splitlines()
    assert lines[0] == f"{path}: 1000 faults"
    assert lines[1].startswith("  rows 2, 3, 4, 5, 6 and 995 more, onset_seconds: '0,5' and others has a decimal comma")
    assert len(lines) == 2


def test_a_long_list_of_faults_is_cut() -> None:
    message = fault_message("m.csv", [f"row {row}: bad" for row in range(50)])
    assert message.splitlines()[0] == "m.csv: 50 faults"
    assert message.splitlines()[-1] == "  and 30 more"
    assert len(message.splitlines()) == 22


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("onset_second", "onset_seconds"),
        ("Onset seconds", "onset_seconds"),
        ("ofset_seconds", "offset_seconds"),
        ("clonic_onset", "clonic_onset_seconds"),
        ("onset", "onset_seconds"),
        ("offset (s)", "offset_seconds"),
        ("Patient_ID", "patient_id"),
        ("used", "use"),
        ("Mask", "mask"),
        ("lable", "label"),
        ("videos", "video"),
        ("maks", "mask"),
        ("ues", "use"),
        ("uze", "use"),
        ("clonic_onest_second", "clonic_onset_seconds"),
    ],
)
def test_a_column_that_is_nearly_known_is_an_error(write: Write, found: str, meant: str) -> None:
    path = write(*GOOD, header=",".join(found if name == meant else name for name in HEADER.split(",")))
    fault = fault_of(path)
    assert fault.startswith("row 1")
    assert f"'{found}' is not a column; did you mean {meant}?" in fault


@pytest.mark.parametrize(
    "name", ["eeg_onset_seconds", "age", "cause", "audio", "duration_seconds", "patient_age", "onset_s", "tasks"]
)
def test_another_column_is_ignored(write: Write, name: str) -> None:
    read_manifest(write(*(f"{row},x" for row in GOOD), header=f"{HEADER},{name}"))


def test_missing_and_repeated_columns_are_named(write: Write) -> None:
    fault = fault_of(write("A,1,x", header="patient_id,seizure_id,notes"))
    assert fault == "row 1: no column view, video, label; found 'patient_id, seizure_id, notes'"
    fault = fault_of(write(*(f"{row},FOS" for row in GOOD), header=f"{HEADER},label"))
    assert fault == "row 1, label: there are 2 columns of this name"


def test_a_file_without_a_header_is_a_short_message(write: Write) -> None:
    path = write(*GOOD[1:], header=GOOD[0])
    assert fault_of(path).startswith(
        "row 1: no column patient_id, seizure_id, view, video, label; found '001, 01, large"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (HEADER.encode(), "there is a header and no row below it"),
        (HEADER.encode("utf-16")[:-1], "text in UTF-16 that breaks off"),
        (b"PK\x03\x04spreadsheet", "not a text file, but a spreadsheet; save it from the spreadsheet as `CSV UTF-8`"),
        (b"\x00\x01\x02", "not a text file"),
        (HEADER.encode() + b"\nP\x81,1", "line 2: neither UTF-8 nor Windows-1252; save it"),
        (b'a,"' + b"x" * 200_000, "not a table"),
    ],
)
def test_what_is_no_manifest_is_said_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data_manifest.csv"
    path.write_bytes(content)
    fault = fault_of(path)
    assert fault.startswith(f"{path}: {message}")
    assert "\n" not in fault


def test_a_missing_file_or_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "none.csv").startswith(f"{tmp_path}/none.csv: no such file")
    assert fault_of(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


def test_one_label_only_and_all_skipped_are_refused(write: Write) -> None:
    assert fault_of(write(*GOOD[:2])) == "label: every seizure is FOS; a classifier needs FOS and TCS"
    assert fault_of(write(GOOD[3])) == "use: every row is skipped"
    assert "every seizure is FOS" in fault_of(write(*GOOD[:2], GOOD[3]))


def test_other_labels(write: Write) -> None:
    rows = ["A,1,v,a.mp4,,,sleep,,,,,", "B,1,v,a.mp4,,,wake,4,,,,"]
    assert [row.label for row in read_manifest(write(*rows), labels=("sleep", "wake"))] == ["sleep", "wake"]


def test_labels_of_several_words(write: Write) -> None:
    rows = ["A,1,v,a.mp4,,,focal  onset,,,,,", "B,1,v,b.mp4,,,bilateral\u00a0tonic-clonic,4,,,,"]
    labels = ("focal onset", "bilateral tonic-clonic")
    assert tuple(row.label for row in read_manifest(write(*rows), labels=labels)) == labels
    assert [label_problem(label) for label in (*labels, "TCS", "G\u00e9n\u00e9ralis\u00e9", "1+2 (b)")] == [None] * 5


@pytest.mark.parametrize(
    "label", ["", " a", "a/b", "../a", "=1+1", "+a", "a\tb", "a  b", "a" * 41, "<b>", "a,b", "a;b"]
)
def test_what_is_no_label(label: str) -> None:
    assert "cannot be a label" in str(label_problem(label))


def test_videos_are_found_below_the_root(write: Write, tmp_path: Path) -> None:
    root = tmp_path / "videos"
    (root / "far").mkdir(parents=True)
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (root / name).touch()
    recordings = read_manifest(write(*GOOD))
    assert check_videos(recordings, root) == []  # d.mp4 is missing, and skipped
    assert resolve_videos(recordings[2], root) == (root / "b.mp4", root / "c.mp4")
    (root / "a.mp4").unlink()
    assert check_videos(recordings, root) == [f"rows 2, 3, video: 'a.mp4' does not exist in video_root {root}"]


def test_videos_outside_the_root_need_leave(write: Write, tmp_path: Path) -> None:
    root = tmp_path / "videos"
    root.mkdir()
    outside = tmp_path / "film.mp4"
    outside.touch()
    (root / "link.mp4").symlink_to(outside)
    rows = [
        "A,1,v,../film.mp4,,,FOS,,,,,",
        f"B,1,v,{outside},,,TCS,,,,,",
        "C,1,v,link.mp4,,,TCS,,,,,",
        "D,1,v,x/../link.mp4,,,TCS,,,,,",
    ]
    recordings = read_manifest(write(*rows))
    lines = check_videos(recordings, root)
    assert [line.split(";")[0] for line in lines] == [
        f"row 2, video: '../film.mp4' lies outside video_root {root}",
        f"row 3, video: '{outside}' lies outside video_root {root}",
        f"row 4, video: 'link.mp4' is a link out of video_root {root}",
        f"row 5, video: 'x/../link.mp4' is a link out of video_root {root}",
    ]
    assert check_videos(recordings, root, allow_outside=True) == []
    assert resolve_videos(recordings[0], root) == (outside,)
    assert resolve_videos(recordings[1], root) == (outside,)


def test_a_relative_root_and_a_sibling_with_the_same_beginning(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("videos", "videos2"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.mp4").touch()
    monkeypatch.chdir(tmp_path)
    recordings = read_manifest(write("A,1,v,a.mp4,,,FOS,,,,,", "B,1,v,../videos2/a.mp4,,,TCS,,,,,"))
    assert [line[:6] for line in check_videos(recordings, "videos")] == ["row 3,"]
    assert resolve_videos(recordings[0], "videos") == (Path("videos/a.mp4"),)


def test_other_troubles_with_videos(write: Write, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    rows = ["A,1,v,,,,FOS,,,,,", "B,1,v,folder.mp4,,,TCS,,,,,", "C,1,v,x\\a.mp4,,,TCS,,,,,"]
    lines = check_videos(read_manifest(write(*rows)), tmp_path)
    assert lines[0] == "row 2, video: empty; expected a path below video_root"
    assert lines[1].startswith("row 3, video: 'folder.mp4' is not a file")
    assert lines[2].endswith("write / between folders")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_video_without_permission(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch(mode=0o000)
    recordings = read_manifest(write("A,1,v,a.mp4,,,FOS,,,,,", "B,1,v,a.mp4,,,TCS,,,,,"))
    assert "cannot be read" in check_videos(recordings, tmp_path)[0]


def test_planning_stays_light() -> None:
    code = "import sys, seizures.manifest.recordings; print({'pandas', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
