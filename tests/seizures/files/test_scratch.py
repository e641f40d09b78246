"""Nothing stays in the temporary folder, whatever ends the process that used it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seizures.files.scratch import scratch_folder

KILLED = """
import os, pathlib, signal, sys
from seizures.files.scratch import scratch_folder
with scratch_folder(*map(pathlib.Path, sys.argv[1:])) as folder:
    (folder / "features.h5").write_text("of a patient")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_scratch_folder_is_gone_after_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder() as folder:
        assert folder.parent == tmp_path
        (folder / "a").mkdir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_beside", [False, True])
def test_a_scratch_folder_is_gone_soon_after_its_process_was_killed(tmp_path: Path, is_beside: bool) -> None:
    beside = [tmp_path / "bundle.zip"] if is_beside else []
    killed = subprocess.run([sys.executable, "-c", KILLED, *beside], check=False, capture_output=True, text=True)
    assert killed.returncode == -9
    folder = Path(killed.stdout.strip())
    assert (folder.parent == tmp_path) == is_beside
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_else_makes_temporary_files_that_have_a_name() -> None:
    named = re.compile(r"tempfile\.(TemporaryDirectory|NamedTemporaryFile|SpooledTemporaryFile|mk\w+|gettempdir)")
    floors = [Path(__file__).parents[3] / name for name in ("seizures", "tasks", "pipeline", "models")]
    found = {path.name for floor in floors for path in floor.rglob("*.py") if named.search(path.read_text("utf-8"))}
    assert found == {"scratch.py"}
