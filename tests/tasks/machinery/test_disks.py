"""The disk of the results: it stays the same one, and has links or not, whatever its inodes and its process ids do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.machinery import disks
from tasks.machinery.atomic import write_json
from tasks.machinery.disks import DiskGoneError, has_links, make_root, require_same_disk


@pytest.fixture(autouse=True)
def _no_roots(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(disks, "_roots", {})
    yield
    has_links.cache_clear()


def test_a_folder_whose_inode_changes_is_the_same_one(tmp_path: Path) -> None:
    """exFAT makes up an inode whenever the folder is looked up anew, as when memory was short."""
    root = tmp_path / "results"
    make_root(root, is_group_writable=False)
    before = root.stat().st_ino
    root.rename(tmp_path / "old")
    root.mkdir()
    assert root.stat().st_ino != before
    write_json(root / "Stage" / "a.json", {})


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    root = tmp_path / "results"
    make_root(root, is_group_writable=False)
    root.rmdir()
    with pytest.raises(DiskGoneError, match="its disk is no longer there"):
        write_json(root / "Stage" / "a.json", {})
    assert list(tmp_path.iterdir()) == []
    require_same_disk(tmp_path / "elsewhere")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk: root only")
def test_another_disk_in_its_place_is_not_written_on(tmp_path: Path) -> None:
    root = tmp_path / "results"
    make_root(root, is_group_writable=False)
    words = ["mount", "-t", "tmpfs", "none", root]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount here")
    try:
        with pytest.raises(DiskGoneError):
            write_json(root / "a.json", {})
        assert list(root.iterdir()) == []
    finally:
        subprocess.run(["umount", root], check=True)


def test_what_a_killed_run_left_of_its_question_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / f".link.{os.getpid()}.tmp").symlink_to("nowhere")
    assert has_links(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f".link.{os.getpid()}.tmp"]
