"""Files appear whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.machinery.atomic import is_temporary, landing, write_json


def test_a_file_lands_under_its_name_and_nothing_else_stays(tmp_path: Path) -> None:
    final = tmp_path / "deep" / "result.h5"
    with landing(final) as temporary:
        assert temporary.parent == final.parent
        assert temporary.suffix == ".h5"
        assert is_temporary(temporary)
        temporary.write_text("whole")
        assert not final.exists()
    assert final.read_text() == "whole"
    assert list(final.parent.iterdir()) == [final]
    assert not is_temporary(final)


def test_a_failure_leaves_the_earlier_file_and_no_other(tmp_path: Path) -> None:
    final = tmp_path / "result.json"
    write_json(final, {"a": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(final, {"half": "written", "b": object()})
    assert json.loads(final.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [final]


def test_a_name_with_several_endings_keeps_the_last(tmp_path: Path) -> None:
    with landing(tmp_path / "0123.bad.json") as temporary:
        assert temporary.name.endswith(".json")
        assert is_temporary(temporary)
        temporary.write_text("{}")
