"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from tasks.machinery.atomic import (
    DiskFullError,
    full_disk_told,
    is_temporary,
    landing,
    remove_unfinished,
    temporary_name,
    write_json,
)


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


def test_a_fork_leaves_alone_what_its_parent_is_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.getpid()
    with landing(tmp_path / "a.json") as temporary:
        temporary.write_text("{}")
        monkeypatch.setattr(os, "getpid", lambda: owner + 1)  # as the fork of a worker would see it
        remove_unfinished()
        assert temporary.exists()
        monkeypatch.setattr(os, "getpid", lambda: owner)
        remove_unfinished()
        assert not temporary.exists()
        temporary.write_text("{}")
    remove_unfinished()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OSError(errno.ENOSPC, "..."), True),
        (OSError(errno.EDQUOT, "..."), True),
        (OSError(errno.EIO, "..."), False),
        (RuntimeError(f"Can't write data (error message = '{os.strerror(errno.ENOSPC)}')"), True),  # as HDF5 says it
        (RuntimeError("no idea"), False),
    ],
)
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_full_disk_is_told_whoever_says_it(tmp_path: Path, error: Exception, is_full: bool, is_wrapped: bool) -> None:
    def fail() -> None:
        if not is_wrapped:
            raise error
        try:
            raise error
        except Exception as reason:
            raise ValueError("the classifier cannot be saved") from reason

    with pytest.raises((DiskFullError, type(error), ValueError)) as caught, full_disk_told(tmp_path):
        fail()
    assert isinstance(caught.value, DiskFullError) == is_full
    assert (f"{tmp_path}: no space left on its disk" in str(caught.value)) == is_full


def test_a_write_that_the_disk_refuses_leaves_the_earlier_file(tmp_path: Path) -> None:
    final = tmp_path / "a.json"
    write_json(final, {"a": 1})
    temporary_name(final).symlink_to("/dev/full")
    with pytest.raises(DiskFullError), full_disk_told(tmp_path):
        write_json(final, {"a": 2})
    assert json.loads(final.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [final]
