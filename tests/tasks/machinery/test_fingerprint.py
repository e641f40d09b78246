"""A video is hashed once, and again when anything about it changes."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from tasks.machinery import fingerprint as module
from tasks.machinery.fingerprint import fingerprint


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of files that were really read."""
    read: list[Path] = []
    hash_file = module._hash
    monkeypatch.setattr(module, "_hash", lambda path: read.append(path) or hash_file(path))
    monkeypatch.setattr(module, "_RACY_SECONDS", 0.05)
    return read


def film(folder: Path, content: bytes = b"frames") -> Path:
    path = folder / "film.mp4"
    path.write_bytes(content)
    time.sleep(0.1)
    return path


def test_the_hash_is_sha256_and_is_remembered(tmp_path: Path, hashed: list[Path]) -> None:
    path = film(tmp_path)
    wanted = hashlib.sha256(b"frames").hexdigest()
    assert [fingerprint(path, tmp_path / "memory") for _ in range(3)] == [wanted] * 3
    assert len(hashed) == 1


def test_touch_hashes_again_with_the_same_result(tmp_path: Path, hashed: list[Path]) -> None:
    path = film(tmp_path)
    first = fingerprint(path, tmp_path / "memory")
    path.touch()
    time.sleep(0.1)
    assert fingerprint(path, tmp_path / "memory") == first
    assert len(hashed) == 2


def test_another_file_of_the_same_size_and_time_is_noticed(tmp_path: Path, hashed: list[Path]) -> None:
    path = film(tmp_path)
    first, times = fingerprint(path, tmp_path / "memory"), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(b"FRAMES")
    os.utime(path, ns=times)
    assert fingerprint(path, tmp_path / "memory") != first


def test_a_file_that_was_just_written_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path)
    monkeypatch.setattr(module, "_RACY_SECONDS", 60)
    fingerprint(path, tmp_path / "memory")
    assert not (tmp_path / "memory").exists()


def test_a_damaged_memory_is_written_anew(tmp_path: Path, hashed: list[Path]) -> None:
    path = film(tmp_path)
    fingerprint(path, tmp_path / "memory")
    (note,) = (tmp_path / "memory").iterdir()
    note.write_text("{")
    assert fingerprint(path, tmp_path / "memory") == hashlib.sha256(b"frames").hexdigest()
