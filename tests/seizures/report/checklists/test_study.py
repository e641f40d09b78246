"""study.toml: quoted as it stands; every mistake at once, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from seizures.errors import SettingsError
from seizures.report.checklists.study import read_study


def write(folder: Path, content: bytes) -> Path:
    path = folder / "study.toml"
    path.write_bytes(content)
    return path


def test_what_is_written_is_quoted_and_blanks_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffaim = "  Zoë\'s <aim> "\nethics = ""\n# a note\ndates = """two\nlines"""\n'.encode())
    assert read_study(path) == {"aim": "Zoë's <aim>", "dates": "two\nlines"}
    assert read_study(tmp_path / "nowhere.toml") == {}


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_study(write(tmp_path, b'ethic = "x"\nraters = 2\nwhatever = "y"\nfunding = ["a"]\n'))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("study.toml: 4 faults")
    assert [line.strip() for line in lines[1:]] == [
        "ethic: no such key - did you mean ethics?",
        "raters: expected text in quotation marks, found int",
        "whatever: no such key",
        "funding: expected text in quotation marks, found list",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"aim = x", "not TOML"), (b'aim = "caf\xe9"', "not UTF-8"), (b'aim = "a"\naim = "b"', "not TOML")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_study(write(tmp_path, content))
