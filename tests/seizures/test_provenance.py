from __future__ import annotations

import getpass
import json
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seizures import provenance


def _copy(folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy(provenance.__file__, folder))


def _code_version(file: Path) -> str:
    code = f"import runpy; print(runpy.run_path({str(file)!r})['code_version']())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_says_what_computed() -> None:
    found = provenance.collect()
    assert {"python", "torch", "av", "h5py", "numpy"} <= set(found["versions"])
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["device"] == "cpu"
    assert json.loads(json.dumps(found)) == found


def test_names_no_host_person_or_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((socket, "gethostname"), (platform, "node"), (getpass, "getuser")):
        monkeypatch.setattr(module, name, lambda: "ward7-eeg-station")
    monkeypatch.setenv("HOME", "/house/ward7-eeg-station")
    text = json.dumps(provenance.collect())
    for secret in ("ward7-eeg-station", str(Path.cwd())):
        assert secret not in text


def test_imports_nothing_heavy() -> None:
    code = "import sys; from seizures import provenance as p; p.collect(); print({'torch', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_commit_of_a_checkout(tmp_path: Path) -> None:
    file = _copy(tmp_path / "package")
    release = _code_version(file)
    assert release.startswith("gestures ")  # no checkout
    _git(tmp_path, "init")
    (tmp_path / "other").write_text("x")
    _git(tmp_path, "add", "other")
    _git(tmp_path, "commit", "-m", "other")
    assert _code_version(file) == release  # inside a checkout that is not its own
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-m", "all")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    assert _code_version(file) == commit
    (tmp_path / "other").write_text("y")
    assert _code_version(file) == f"{commit}-dirty"
