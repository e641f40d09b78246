"""Runs see each other alive across namespaces, and dead when they are; forks end with a run that is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.machinery import run_lock
from tasks.machinery.run_lock import SILENCE_SECONDS, is_alive, presence, read_presence

AT_WORK = """
import pathlib, sys, time
from tasks.machinery.run_lock import presence
with presence(pathlib.Path(sys.argv[1]), task="RunAll()"):
    print("at work", flush=True)
    time.sleep(60)
"""
FORKS = """
import os, signal, sys, time
from tasks.machinery.stopping import end_orderly_when_told
end_orderly_when_told("RunAll()")
child = os.fork()
if child:
    print(child, flush=True)
time.sleep(60)
"""
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def start(code: str, *arguments: object, before: Sequence[str] = ()) -> tuple[subprocess.Popen[str], str]:
    words = [*before, sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def can_make_namespaces() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], check=False).returncode == 0


@pytest.mark.parametrize("is_apart", [False, True], ids=["beside", "in another namespace"])
def test_a_run_is_alive_until_it_is_killed(tmp_path: Path, is_apart: bool) -> None:
    if is_apart and not can_make_namespaces():
        pytest.skip("needs the right to make namespaces")
    path = tmp_path / "run.json"
    process, said = start(AT_WORK, path, before=NAMESPACE if is_apart else ())
    assert said == "at work"
    found = read_presence(path)
    assert found is not None
    assert found["task"] == "RunAll()"
    assert is_alive(path, found)
    process.kill()
    process.communicate()
    while is_alive(path, found):  # the kernel ends the namespace a moment later
        time.sleep(0.05)
    assert path.exists()


@pytest.mark.parametrize(("silence", "namespace", "alive"), [(0, "apart", True), (2, "apart", False), (2, "", True)])
def test_without_locks_a_process_is_asked_for_or_its_file_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silence: int, namespace: str, alive: bool
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "run.json"
    with presence(path, task="RunAll()"):
        found = read_presence(path)
        assert found is not None
        then = time.time() - silence * SILENCE_SECONDS
        os.utime(path, (then, then))
        if namespace:
            monkeypatch.setattr(run_lock, "_pid_namespace", lambda: namespace)
        assert is_alive(path, found) == alive
    assert not is_alive(path, found)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_a_fork_ends_with_a_run_that_is_killed() -> None:
    process, child = start(FORKS)
    assert Path(f"/proc/{child}").exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()  # which ends when nobody holds the pipe any more
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}/status").exists() and "Z (zombie)" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
