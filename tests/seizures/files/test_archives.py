"""Zips that would leave their folder, fill the disk, or hide something."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from seizures.errors import FeatureFileError
from seizures.files import archives


def make_zip(path: Path, names: dict[str, bytes], **changes: object) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for key, value in changes.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return path


@pytest.mark.parametrize(
    "name",
    ["../a.h5", "/etc/a.h5", "features/../../a.h5", "C:\\a.h5", "features\\a.h5", "a/b.h5", ".hidden", "features/ä.h5",
     "features/.a.h5", "con\x1b.h5", "features/features/a.h5"],
)  # fmt: skip
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "a.zip", {name: b"x"})
    folder = tmp_path / "in" / "to"
    folder.mkdir(parents=True)
    with pytest.raises(FeatureFileError, match=r"not a name in a bundle|cannot be read"):
        archives.unpack(path, folder)
    assert [item for item in tmp_path.rglob("*") if item.is_file()] == [path]


def test_links_bombs_and_doubles_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    link = make_zip(tmp_path / "l.zip", {"README.md": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    bomb = make_zip(tmp_path / "b.zip", {"README.md": bytes(2**26)})
    double = make_zip(tmp_path / "d.zip", {"README.md": b"x", "README.MD": b"y"})
    for path, reason in ((link, "a link or a device"), (bomb, "declare 67108864 bytes"), (double, "there twice")):
        with pytest.raises(FeatureFileError, match=reason):
            archives.unpack(path, folder)
    assert list(folder.iterdir()) == []


def test_a_member_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"README.md": b"x" * 5000})
    content = path.read_bytes()
    for folder, size in (("a", 10), ("b", 9000)):
        path.write_bytes(content.replace((5000).to_bytes(4, "little"), size.to_bytes(4, "little")))
        (tmp_path / folder).mkdir()
        with pytest.raises(FeatureFileError, match=r"CRC|does not have the size"):
            archives.unpack(path, tmp_path / folder)


def test_damaged_zips_are_refused(tmp_path: Path) -> None:
    whole = make_zip(tmp_path / "a.zip", {"README.md": b"text" * 1000, "manifest.csv": b"x"}).read_bytes()
    for number, cut in enumerate((1, 30, len(whole) // 2, len(whole) - 3)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / "b.zip").write_bytes(whole[:cut])
        with pytest.raises(FeatureFileError, match="cannot be read as a zip"):
            archives.unpack(tmp_path / "b.zip", tmp_path / str(number))


def test_a_damaged_byte_in_a_deflated_member_is_told(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"manifest.csv": b"patient_id,seizure_id\n" * 50})
    content = bytearray(path.read_bytes())
    content[30 + len("manifest.csv")] = 0xFF  # the first byte of the stream; no block is of this type
    path.write_bytes(content)
    (tmp_path / "to").mkdir()
    with pytest.raises(FeatureFileError, match="cannot be read as a zip: Error -3"):
        archives.unpack(path, tmp_path / "to")


@pytest.mark.parametrize("name", ["compress_size", "header_offset"])
@pytest.mark.parametrize("value", [5000, 2**63 + 5])
def test_members_that_lie_beyond_the_zip_are_refused(tmp_path: Path, name: str, value: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.md", b"x")
        setattr(archive.infolist()[0], name, value)  # written into the zip's directory when it is closed
    with pytest.raises(FeatureFileError, match=r"'README.md' does not lie in the zip"):
        archives.unpack(path, tmp_path)


def test_the_same_folder_gives_the_same_zip_and_comes_back(tmp_path: Path) -> None:
    source = tmp_path / "from"
    (source / "features").mkdir(parents=True)
    for name in ("README.md", "features/LAB1-a+s-b.h5"):
        (source / name).write_bytes(name.encode() * 100)
    archives.pack(source, tmp_path / "a.zip")
    archives.pack(source, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    (tmp_path / "to").mkdir()
    archives.unpack(tmp_path / "a.zip", tmp_path / "to")
    found = {path.relative_to(tmp_path / "to").as_posix() for path in (tmp_path / "to").rglob("*.*")}
    assert found == {"README.md", "features/LAB1-a+s-b.h5"}
