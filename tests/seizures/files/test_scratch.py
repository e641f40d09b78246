"""Nothing stays in the temporary folder, whatever ends the process that used it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from seizures.files.scratch import scratch_folder

KILLED = """
import os, signal
from seizures.files.scratch import scratch_folder
with scratch_folder() as folder:
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


def test_a_scratch_folder_is_gone_soon_after_its_process_was_killed() -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False, capture_output=True, text=True)
    assert killed.returncode == -9
    folder = Path(killed.stdout.strip())
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
