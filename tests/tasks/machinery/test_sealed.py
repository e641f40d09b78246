"""A sealed file is read as it was written, or not at all."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tasks.machinery.sealed import add_to_sealed, has_no_seal, read_sealed, write_sealed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=6).filter(lambda name: name != "seal"), VALUES, max_size=4), st.data())
def test_what_was_written_comes_back_and_a_changed_bit_is_noticed(content: dict, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "note.json"
        write_sealed(path, content)
        assert read_sealed(path) == content
        whole = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(whole)
        found = read_sealed(path)
        assert found is None or found == content  # a blank may have become another blank
        path.write_bytes(bytes(whole[: len(whole) // 2]))
        assert read_sealed(path) is None


def test_an_absent_an_empty_and_a_foreign_file_are_not_read(tmp_path: Path) -> None:
    assert read_sealed(tmp_path / "absent.json") is None
    for name, text in (("empty", ""), ("list", "[1]"), ("earlier", '{"key": "a"}'), ("number", "7")):
        (tmp_path / name).write_text(text)
        assert read_sealed(tmp_path / name) is None
        assert has_no_seal(tmp_path / name) == (name == "earlier")


def test_a_sealed_file_of_another_kind_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_sealed(path, {"run": "a", "files": {}})
    assert read_sealed(path, "run", "files") == {"run": "a", "files": {}}
    assert read_sealed(path, "run", "links") is None


def test_adding_keeps_the_time(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    write_sealed(path, {"key": "a"})
    before = path.stat().st_mtime_ns
    content = read_sealed(path)
    assert content is not None
    add_to_sealed(path, content, is_pruned=True)
    assert read_sealed(path) == {"key": "a", "is_pruned": True}
    assert path.stat().st_mtime_ns == before
    assert "seal" in json.loads(path.read_text())
