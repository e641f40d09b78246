"""The rules of the leak scan one by one: what counts where, and where it says that it has found something."""

from __future__ import annotations

import fcntl
import itertools
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from seizures.exchange import leak_scan
from seizures.exchange.leak_scan import LeakFoundError, Searcher, Secret, require_clean, scan
from seizures.features.schema import DESCRIPTIONS

# One of each length at which another rule begins; `ü` has two bytes.
SECRETS = {
    "seven": "jane.doe",
    "six": "kilder",
    "umlaut": "grüne",
    "five": "hanna",
    "four": "anna",
    "three": "dr7",
    "two": "q7",
    "one": "z",
    "digits": "702",
    "long digits": "4711",
    "word": "patience",
}


def searcher(*names: str) -> Searcher:
    return Searcher(Secret(name, SECRETS[name], as_word=name == "word") for name in names or SECRETS)


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"\x00\x01JANE.DOE\xff", {"seven"}),
        (b"..kilder..", {"six"}),
        ("..GRÜNE..".encode(), {"umlaut"}),
        (b"k\0i\0l\0d\0e\0r\0", {"six"}),
        (b"hanna anna dr7 q7 z 702 4711 patience", set()),
        (b"kilde", set()),
    ],
)
def test_in_numbers_only_what_is_long_counts(content: bytes, kinds: set[str]) -> None:
    assert searcher().in_numbers(content) == kinds


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"xJane.Doex", {"seven"}),
        (b"xkilderx", {"six"}),
        (b"xHANNAx", {"four"}),  # which holds the shorter one, and is found by it
        (b"xannax", {"four"}),
        (b"xa\0n\0n\0a\0x", {"four"}),
        (b"x4711x", {"long digits"}),
        (b"dr7", {"three"}),
        (b"Mr-dr7.", {"three"}),
        (b"Mr-DR7.", set()),  # short ones as they are written
        (b"xdr7", set()),
        (b"dr7x", set()),
        (b"dr77", set()),
        (b"9dr7", set()),
        (b"a q7 b", {"two"}),
        (b"a Q7 b", set()),
        (b"aq7", set()),
        (b"q7A", set()),
        (b"Aq7", set()),
        (b"our PATIENCE", {"word"}),
        (b"z 702 z", set()),
        (b"our patience", {"word"}),
        (b"impatience", set()),
        (b"patiences", set()),
    ],
)
def test_in_text_short_ones_count_as_words(content: bytes, kinds: set[str]) -> None:
    assert searcher().in_text(content) == kinds


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (" 702 ", {"digits"}),
        ("z", {"one"}),
        ("Z", set()),
        ("1702", set()),
        ("hers and anna", {"four"}),
        (" Hanna ", {"four", "five"}),  # the whole cell is told apart
        ("dr7", {"three"}),
        ("2019-03-14", {"date"}),
        ("14.3.2019", {"date"}),
        ("12019-03-14", set()),
        ("/home/jdoe/a.mp4", {"path"}),
        ("C:\\films", {"path"}),
        ("file://x", {"path"}),
        ("a/home/b", set()),
        ("702", {"digits"}),
        ("jane.doe 14/03/1987 /mnt/ward7", {"seven", "date", "path"}),
        ("\udc80 broken, of anna", {"four"}),  # what no encoding can write
        ("nothing", set()),
    ],
)
def test_in_a_value_short_numbers_paths_and_dates_count(value: str, kinds: set[str]) -> None:
    assert searcher().in_value(value) == kinds


def test_the_words_of_the_format_itself_are_no_secret() -> None:
    constant = next(text for texts in DESCRIPTIONS.values() for text in texts if len(text) > 8)
    assert Searcher([Secret("patient id", constant)]).in_value(constant) == set()
    assert Searcher([Secret("patient id", constant)]).in_value(f"{constant}!") == {"patient id"}


@pytest.mark.parametrize("texts", [("kilder", "a.kilder"), ("a.kilder", "kilder")])
def test_a_text_that_holds_another_is_found_by_the_shorter_one(texts: tuple[str, str]) -> None:
    assert Searcher(Secret(text, text) for text in texts).in_text(b"A.Kilder") == {"kilder"}


def test_a_long_number_that_is_a_user_s_name_counts_as_a_whole_cell() -> None:
    """Such a number stands in sizes and times too: what counts is the whole cell, name or attribute."""
    one = Searcher([Secret("user name", "20194711", as_word=True)])
    assert one.in_value(" 20194711\n") == {"user name"}
    assert one.in_value("20194711 bytes") == set()


def test_empty_secrets_are_none_and_spaces_around_one_do_not_hide_it() -> None:
    assert Searcher([Secret("a", ""), Secret("b", "  ")]).in_value("") == set()
    assert Searcher([Secret("a", "  Kilder \n")]).in_value("kilder") == {"a"}


def test_a_digest_hides_only_what_may_be_in_it_by_chance() -> None:
    one = Searcher([Secret("number", "00702"), Secret("longer", "abc007020def"), Secret("word", "f00d", as_word=True)])
    assert one.in_text(b"a" * 30 + b"00702" + b"b" * 30) == set()
    assert one.in_text(b"a" * 25 + b"00702" + b"b" * 29) == {"number"}  # 59 digits are no digest
    assert one.in_text(b"a0070200000b") == set()  # twelve are the key of a recipe
    assert one.in_text(b"000702000000") == {"number"}  # but not where all are digits
    assert one.in_text(b"a" * 60 + b"f00d") == set()
    assert one.in_text(b"a" * 60 + b" f00d ") == {"word"}
    # What stands on both sides of a digest does not become one text.
    assert Searcher([Secret("number", "aabb")]).in_text(b"aa" + b"x" + b"c" * 64 + b"bb") == set()
    assert Searcher([Secret("text", "xx" + "y" * 4)]).in_text(b"xx" + b"c" * 64 + b"yyyy") == set()
    assert Searcher([Secret("text", "00xx")]).in_text(b"00" + b"c" * 64) == set()


def test_where_it_was_found_is_told_and_what_was_found_is_not(tmp_path: Path) -> None:
    secrets = [Secret("patient id", "Kilder"), Secret("seizure id", "702"), Secret("host name", "ward7")]
    (tmp_path / "a.csv").write_text("one,two\n1,702\nx,kilder\n")
    (tmp_path / "b.json").write_text(json.dumps({"top": {"702": [1, {"in": "702"}, "kilder"]}, "kilder": 7}))
    (tmp_path / "c.txt").write_text("one\n702\nby kilder\n")
    assert scan(tmp_path, secrets) == [
        "a.csv: patient id",
        "a.csv, row 2: seizure id",
        "a.csv, row 3: patient id",
        "b.json: patient id",
        "b.json, a key of /top: seizure id",
        "b.json, /top/702/in: seizure id",
        "b.json, /top/702: patient id",
        "b.json, a key of the top: patient id",
        "c.txt: patient id",
        "c.txt, line 2: seizure id",
        "c.txt, line 3: patient id",
    ]
    assert "kilder" not in "".join(scan(tmp_path, secrets)).lower()


def test_names_of_files_and_folders_are_searched_by_their_parts(tmp_path: Path) -> None:
    secrets = [Secret("patient id", "702"), Secret("seizure id", "9.1"), Secret("host name", "ward7")]
    names = ("702/a.txt", "b/702.h", "b/702.tar.gz", "b/a.702.h", "b/a.b+702.x.h", "c/702+1.x", "d/x+702.y")
    for name in (*names, "e/9.1.txt", "f/9.1x.txt", "f/1702.h", "f/a.7021.h", "g/WARD7"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = scan(tmp_path, secrets)
    # Places in the order of the names, which are not repeated, since they are what must not be told.
    assert [line.rpartition(": ")[2] for line in found] == [
        *["patient id"] * (1 + len(names)),  # the folder 702, too
        "seizure id",
        "host name",
    ]
    assert all(line.startswith("the name of file ") for line in found)
    assert scan(tmp_path / "g", [secrets[2]]) == ["the name of file 0: host name"]


def test_what_is_no_plain_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "c").mkdir()
    (tmp_path / "d").symlink_to(tmp_path / "c")
    assert scan(tmp_path, []) == ["b.txt: is a link or no plain file", "d: is a link or no plain file"]


def test_an_export_is_refused_with_at_most_twenty_places(tmp_path: Path) -> None:
    secret = Secret("patient id", "702")
    require_clean(tmp_path, [secret])
    for num_places, more in ((1, 0), (20, 0), (21, 1), (23, 3)):
        (tmp_path / "a.txt").write_text("702\n" * num_places)
        with pytest.raises(LeakFoundError) as caught:
            require_clean(tmp_path, [secret])
        lines = [f"a.txt, line {number}: patient id" for number in range(1, min(20, num_places) + 1)]
        heading = "nothing was exported; what was about to leave the laboratory holds"
        assert str(caught.value).split("\n  ") == [heading, *lines, *([f"and {more} more"] if more else [])]


def hdf5(path: Path, edit: Callable[[h5py.File], object], **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        edit(file)
    return path


KILDER = [Secret("patient id", "Kilder"), Secret("seizure id", "702")]


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (lambda file: file.create_group("702"), {"the name of an object: seizure id"}),
        (lambda file: file.create_group("a/kilder.h"), {"the name of an object: patient id"}),
        (lambda file: file.attrs.__setitem__("702", 1), {"/, attribute name: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", "702"), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", b"702"), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", ["a", "702"]), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", '{"a": ["702"]}'), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", '["702"]'), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", np.array([b"a", b"702"])), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", np.array([b"\xffkilder"])), {"/, attribute who: patient id"}),
        (lambda file: file.attrs.__setitem__("who", ["{702", "702"]), {"/, attribute who: seizure id"}),
        (lambda file: file.attrs.__setitem__("who", "{702"), set()),
        (lambda file: file.attrs.__setitem__("who", ""), set()),
        (lambda file: file.attrs.__setitem__("number", 702), set()),
        (lambda file: file.create_group("g").attrs.__setitem__("who", "702"), {"/g, attribute who: seizure id"}),
        (
            lambda file: file.create_dataset("d", data=["x"], dtype=h5py.string_dtype()),
            {"/d: an array that is not of numbers"},
        ),
        (
            lambda file: file.create_dataset("d", data=np.frombuffer(b"..kilder..", "u1"), compression=9),
            {"/d: patient id"},
        ),
        (lambda file: file.create_dataset("d", data=np.frombuffer(b"..kilder..", "u1")), {"/d: patient id"}),
        (lambda file: file.create_dataset("d", data=np.frombuffer(b"..hannah..", "u1")), set()),
        (lambda file: file.create_dataset("d", data=np.zeros((0, 3))), set()),
        (lambda file: file.create_dataset("d", data=np.zeros((4, 3)), dtype="f4"), set()),
        (lambda file: file.create_dataset("d", data=np.zeros(3, bool)), set()),
        (lambda file: file.create_dataset("d", data=np.zeros(3, complex)), {"/d: an array that is not of numbers"}),
        (lambda file: file.create_dataset("d", data=np.zeros(3, "i8")), set()),
    ],
)
def test_everything_of_an_hdf5_file_is_searched(
    tmp_path: Path, edit: Callable[[h5py.File], object], found: set[str]
) -> None:
    hdf5(tmp_path / "a.h5", edit)
    lines = {line for line in scan(tmp_path, [*KILDER, Secret("four", "anna")]) if ", its bytes" not in line}
    assert lines == {f"a.h5, {line}" for line in found}


def test_the_bytes_of_an_hdf5_file_outside_its_arrays_are_text(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", lambda file: None, userblock_size=512)
    for text in (b"anna", b"made for anna"):
        with path.open("r+b") as file:
            file.write(text)
        assert scan(tmp_path, [Secret("four", "anna")]) == ["a.h5, its bytes: four"]
    with path.open("ab") as file:
        file.write(b"\0dr7\0")
    assert scan(tmp_path, [Secret("three", "dr7")]) == []  # a short one stands among bytes by chance


@pytest.mark.parametrize("options", [{}, {"chunks": (8,)}, {"chunks": (8,), "compression": 1}])
def test_the_arrays_themselves_are_no_text(tmp_path: Path, options: dict[str, Any]) -> None:
    """Short texts stand in numbers by chance, also where the array is stored in one piece, or in chunks."""
    data = np.frombuffer(b"anna" * 32, "u1")

    def edit(file: h5py.File) -> None:
        for name in ("first", "second", "third"):
            file.create_dataset(name, data=data, **options)

    hdf5(tmp_path / "a.h5", edit)
    assert scan(tmp_path, [Secret("four", "anna"), Secret("two", "aa")]) == []


@pytest.mark.parametrize(
    ("ranges", "outside"),
    [
        ([], b"0123456789"),
        ([(2, 4)], b"01\xff456789"),
        ([(7, 8), (2, 4)], b"01\xff456\xff89"),
        ([(0, 1), (9, 10)], b"12345678"),
        ([(2, 4), (4, 6)], b"01\xff6789"),
        ([(2, 8), (3, 5)], b"01\xff89"),
        ([(0, 10)], b""),
    ],
)
def test_bytes_outside_the_arrays_stay_apart(tmp_path: Path, ranges: list[tuple[int, int]], outside: bytes) -> None:
    """What stands before and after an array does not become one text."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    assert leak_scan._outside(path, ranges) == outside


def test_a_file_that_another_program_has_locked_is_searched(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", lambda file: file.attrs.__setitem__("who", "702"))
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert scan(tmp_path, KILDER) == ["a.h5, /, attribute who: seizure id"]


@pytest.mark.parametrize("kind", ["<u4", "u1"])
@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_a_text_that_lies_across_blocks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, kind: str
) -> None:
    monkeypatch.setattr(leak_scan, "BLOCK_BYTES", np.dtype(kind).itemsize * rows)
    texts = (b"kilder", "kilder".encode("utf-16-le"))
    for start, text in itertools.product(range(20), texts):
        content = (b"." * start + text).ljust(32, b".")
        hdf5(
            tmp_path / "a.h5",
            lambda file, content=content: file.create_dataset("d", data=np.frombuffer(content, kind)),
        )
        assert scan(tmp_path, KILDER) == ["a.h5, /d: patient id"], start
    table = np.frombuffer(b"........kilder..", "u1").reshape(4, 4)
    hdf5(tmp_path / "a.h5", lambda file: file.create_dataset("d", data=table))
    assert scan(tmp_path, KILDER) == ["a.h5, /d: patient id"]


PLAIN_DATE = (1980, 1, 1, 0, 0, 0)


def zipped(path: Path, members: dict[str, bytes], **more: Any) -> Path:
    with zipfile.ZipFile(path, "w", more.get("method", zipfile.ZIP_DEFLATED)) as archive:
        archive.comment = more.get("comment", b"")
        for name, content in members.items():
            info = zipfile.ZipInfo(name, more.get("date", PLAIN_DATE))
            info.extra, info.comment = more.get("extra", b""), more.get("note", b"")
            info.compress_type = more.get("method", zipfile.ZIP_DEFLATED)
            archive.writestr(info, content)
    return path


def test_a_zip_is_searched_inside_its_members_and_between_them(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    clean = {"a.txt": b"nothing\n" * 50, "b.csv": b"1,2\n"}
    assert scan(zipped(path, clean), KILDER) == []
    assert scan(zipped(path, {**clean, "c.txt": b"x\n702\n"}), KILDER) == ["zip member 3, line 2: seizure id"]
    assert scan(zipped(path, {**clean, "c.csv": b"x,702\n"}), KILDER) == ["zip member 3, row 1: seizure id"]
    assert scan(zipped(path, {"702.txt": b""}), KILDER) == ["zip member 1, name: seizure id"]
    outside = "the zip, outside its members: patient id"
    comments, extras = (
        [f"zip member {number}, {what}: patient id" for number in (1, 2)] for what in ("comment", "extra field")
    )
    assert scan(zipped(path, clean, comment=b"by kilder"), KILDER) == ["the zip's comment: patient id", outside]
    assert scan(zipped(path, clean, comment=b"\xffkilder"), KILDER) == ["the zip's comment: patient id", outside]
    assert scan(zipped(path, clean, note=b"by kilder"), KILDER) == [*comments, outside]
    assert scan(zipped(path, clean, extra=b"\x99\x99\x06\x00kilder"), KILDER) == [*extras, outside]
    assert scan(zipped(path, clean, comment=b"702"), KILDER) == ["the zip's comment: seizure id"]
    assert scan(zipped(path, {"a.txt": b"", "b.txt": b""}, date=(2019, 3, 14, 9, 26, 52)), []) == [
        "zip member 1: date",
        "zip member 2: date",
    ]
    with zipped(path, clean).open("ab") as file:
        file.write(b"kilder")
    assert scan(path, KILDER) == [outside]


@pytest.mark.parametrize(
    "extra", [b"", *(b"\x99\x99" + size.to_bytes(2, "little") + b"x" * size for size in (3, 12, 256))]
)
@pytest.mark.parametrize("name", ["a.h5", "übung.h5"])
def test_the_members_bytes_are_left_to_the_search_in_them(tmp_path: Path, extra: bytes, name: str) -> None:
    """A short text in an array that is stored as it is stands there by chance, whatever the member is called."""
    data = np.frombuffer(b"anna" * 400, "u1")
    hdf5(tmp_path / "d.h5", lambda file: file.create_dataset("d", data=data))
    path = zipped(tmp_path / "a.zip", {name: (tmp_path / "d.h5").read_bytes()}, method=zipfile.ZIP_STORED, extra=extra)
    assert scan(path, [Secret("four", "anna")]) == []
    short = zipped(tmp_path / "b.zip", {"ann": b"abc"}, method=zipfile.ZIP_STORED)  # no text of name and content
    assert scan(short, [Secret("four", "anna")]) == []
    with path.open("r+b") as file:  # the first byte and the last of what is outside
        content = file.read()
        place = content.index(b"PK\x01\x02")
        file.seek(place - 4)
        file.write(b"anna")
    found = scan(path, [Secret("four", "anna")])
    assert "the zip, outside its members: four" not in found
