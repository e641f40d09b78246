"""Whatever ends a child, its parent goes on, says how it ended, and blames the right one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import child_work
import pytest

from seizures.errors import DamagedVideoError, SoftwareError, TransientError
from seizures.processes import child as child_module
from seizures.processes.child import Child, ChildError
from seizures.processes.serving import Work

TESTS = str(Path(__file__).parents[2])
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(child_module.__file__).parents[2]), TESTS])}
MakeChild = Callable[..., Child]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeChild]:
    monkeypatch.setenv("PYTHONPATH", TESTS)
    with contextlib.ExitStack() as stack:

        def start(load: Callable[[], Work] = child_work.load, **more: Any) -> Child:
            words = {"name": "decoder", "input_kind": "film", "advice": "set use = skip"}
            return stack.enter_context(Child(load, **{**words, **more}))

        yield start


def is_running(pid: int) -> bool:
    """Whether a process that need not be a child of this one runs; one that ended but was not waited for does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def wait_until(is_true: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_one_child_answers_many_requests(make: MakeChild) -> None:
    child = make()
    assert child.pid is None  # it is started by the first request
    pid = child.call(["pid"], "a")
    assert child.call(["echo", {"b": (1, b"2")}], "a") == {"b": (1, b"2")}
    answers = child.ask(["parts", 3], "a")
    assert [next(answers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StopIteration) as end:
        next(answers)
    assert end.value.value == "end"
    assert child.call(["pid"], "a") == pid == child.pid


def test_an_abandoned_request_stops_the_child(make: MakeChild) -> None:
    child = make()
    pid = child.call(["pid"], "a")
    answers = child.ask(["parts", 3], "a")
    next(answers)
    answers.close()
    assert child.pid is None
    assert not is_running(pid)
    assert child.call(["echo", 1], "a") == 1


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_crash_is_the_inputs_fault(make: MakeChild, name: str) -> None:
    child = make()
    with pytest.raises(ChildError, match=rf"^crashed \({name}\)$"):
        child.call(["signal", signal.Signals[name]], "a.mp4")
    assert child.call(["echo", 1], "a") == 1


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGUSR2", "SIGXCPU"])
def test_a_killed_child_is_nobodys_fault(make: MakeChild, name: str) -> None:
    words = rf"^a\.mp4: decoder was killed \({name}\), by a person or because memory ran out; run it again, or set use"
    with pytest.raises(TransientError, match=words):
        make().call(["signal", signal.Signals[name]], "a.mp4")


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGUSR1"])
def test_what_a_terminal_sends_to_all_is_the_parents_matter(make: MakeChild, name: str) -> None:
    child = make()
    # Under nohup, or in the background of a shell, they are ignored, which the child would inherit.
    before = signal.signal(signal.Signals[name], signal.SIG_DFL)
    try:
        pid = child.call(["pid"], "a")
    finally:
        signal.signal(signal.Signals[name], before)
    os.kill(pid, signal.Signals[name])
    assert child.call(["pid"], "a") == pid
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.Signals[name]}  # nothing is blocked here


def test_a_child_that_ended_while_idle_is_replaced(make: MakeChild) -> None:
    child = make()
    pid = child.call(["pid"], "a")
    os.kill(pid, signal.SIGSEGV)
    wait_until(lambda: not is_running(pid))
    assert child.call(["pid"], "a") != pid


def test_a_stall_is_the_inputs_fault(make: MakeChild) -> None:
    child = make()
    pid = child.call(["pid"], "a")
    with pytest.raises(ChildError, match=r"^stalled: no progress for 0\.5 s$"):
        child.call(["sleep", 60], "a", silence_seconds=0.5)
    assert not is_running(pid)
    assert child.call(["live", 4], "a", silence_seconds=3) == "lived"  # it says so every second


def test_a_stall_in_the_middle_of_a_message_ends_too(make: MakeChild) -> None:
    child = make()
    answers = child.ask(["stop_in_a_message", 60], "a", silence_seconds=1)
    assert next(answers) == "first"
    pid = child.pid
    assert pid is not None
    time.sleep(0.3)  # until it has filled the pipe
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ChildError, match="stalled"):
        next(answers)


@pytest.mark.parametrize("code", [0, 1, 3])
def test_an_exit_code_is_a_fault_of_the_software(make: MakeChild, code: int) -> None:
    words = rf"^a\.mp4: decoder ended \(exit code {code}\)\. The film is not to blame, but this software .*python 3\."
    with pytest.raises(SoftwareError, match=words):
        make().call(["exit", code], "a.mp4")


@pytest.mark.parametrize("is_distrusted", [False, True])
def test_exceptions_blame_the_right_one(make: MakeChild, is_distrusted: bool) -> None:
    child = make(is_distrusted=is_distrusted)
    pid = child.call(["pid"], "a")
    with pytest.raises(SoftwareError, match=r"(?s)^a\.mp4: TypeError: what it says\. .*Traceback .*in _raise"):
        child.call(["raise", "type"], "a.mp4")
    with pytest.raises(TransientError, match=r"^a\.mp4: cannot be read now: Input/output error; run it again$"):
        child.call(["raise", "os"], "a.mp4")
    with pytest.raises(TransientError, match="MemoryError"):  # it has no limit of its own: the machine has no more
        child.call(["raise", "memory"], "a.mp4")
    with pytest.raises(DamagedVideoError, match=r"^what it says$"):
        child.call(["raise", "own"], "a.mp4")
    assert child.call(["pid"], "a") == pid


def test_work_that_cannot_be_imported_is_a_fault_of_the_software(make: MakeChild) -> None:
    with pytest.raises(SoftwareError, match="a: ModuleNotFoundError: No module named 'no_such_module'"):
        make(child_work.load_nothing).call(["echo", 1], "a")


def test_an_interpreter_that_does_not_start_blames_no_input(make: MakeChild, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SoftwareError, match=r"decoder crashed \(SIGSEGV\) while starting"):
        make(child_work.load_and_crash).call(["echo", 1], "a")
    monkeypatch.setattr(child_module, "START_SECONDS", 1.0)
    with pytest.raises(TransientError, match="a: decoder did not start within 1 s"):
        make(child_work.load_for_ever).call(["echo", 1], "a")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_memory_beyond_its_limit_is_the_inputs_fault(make: MakeChild) -> None:
    child = make(memory_bytes=64 * 2**20)
    assert child.call(["allocate", 2**24], "a") == 2**24
    with pytest.raises(ChildError, match=r"^needed more than 64 MiB of memory$"):
        child.call(["allocate", 2**27], "a")
    assert child.call(["allocate", 2**24], "a") == 2**24
    assert make().call(["allocate", 2**27], "a") == 2**27


def test_computing_time_beyond_its_limit_is_the_inputs_fault(make: MakeChild) -> None:
    child = make()
    with pytest.raises(ChildError, match=r"^took more than 0\.2 s of computing$"):
        child.call(["compute"], "a", cpu_seconds=0.2)
    assert child.call(["echo", 1], "a", cpu_seconds=0.2) == 1


def test_a_child_that_is_not_trusted_gets_and_may_do_little(
    make: MakeChild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.syspath_prepend(TESTS)
    child = make(is_distrusted=True, may_write=False)
    assert "SECRET" in make().call(["environment"], "a")
    assert "SECRET" not in child.call(["environment"], "a")
    assert child.call(["echo", [1, "2"]], "a") == [1, "2"]
    with pytest.raises(SoftwareError, match="not JSON serializable"):  # and nothing pickled comes back
        child.call(["echo", {1, 2}], "a")
    with pytest.raises(TransientError, match="File too large"):
        child.call(["write", str(tmp_path / "a")], "a")
    make().call(["write", str(tmp_path / "a")], "a")


def test_a_fork_leaves_its_parents_child_alone_and_has_its_own(make: MakeChild) -> None:
    child = make()
    pid = child.call(["pid"], "a")
    reading, writing = os.pipe()
    fork = os.fork()
    if fork == 0:
        with contextlib.suppress(BaseException):
            before = child.pid
            os.write(writing, f"{before} {child.call(['pid'], 'a')}".encode())
            child.stop()
        os._exit(0)
    os.close(writing)
    os.waitpid(fork, 0)
    with os.fdopen(reading) as said:
        before, of_fork = said.read().split()
    assert before == "None"
    assert int(of_fork) != pid
    assert child.call(["pid"], "a") == pid
    assert not is_running(int(of_fork))


def test_a_cancelled_child_ends_for_good(make: MakeChild, tmp_path: Path) -> None:
    child, mark = make(), tmp_path / "mark"

    def cancel() -> None:
        wait_until(lambda: mark.exists() and mark.read_text())
        child.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    for _ in range(2):
        with pytest.raises(CancelledError):
            child.call(["touch", str(mark)], "a")
    thread.join()


PARENT = """
import os, sys, threading, time
import child_work
from seizures.processes.child import Child
child = Child(child_work.load, name="decoder", input_kind="film")
child.call(["pid"], "a")
if sys.argv[2] == "fork" and os.fork() == 0:
    time.sleep(60)
child.call(["touch", sys.argv[1]], "a")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("also", ["", "fork"])
def test_a_child_ends_with_its_parent(tmp_path: Path, number: int, also: str) -> None:
    """However it ends, and also where a fork of it lives on."""
    mark = tmp_path / "mark"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(mark), also],
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: mark.exists() and mark.read_text())
        pid = int(mark.read_text())
        assert is_running(pid)
        os.kill(parent.pid, number)
        parent.wait()
        wait_until(lambda: not is_running(pid), 2.0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)


INTERRUPTED = """
import signal, time
import child_work
from seizures.processes.child import Child
signal.signal(signal.SIGINT, signal.default_int_handler)
child = Child(child_work.load, name="decoder", input_kind="film")
try:
    print(child.call(["pid"], "a"), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print(child.call(["pid"], "a"), flush=True)
"""


def test_ctrl_c_goes_to_the_whole_group_and_the_parent_still_has_its_child() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], env=ENVIRONMENT, stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline()
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout.readline() == pid != b""


def test_an_interpreter_that_ends_has_stopped_its_children() -> None:
    code = INTERRUPTED.replace("time.sleep(60)", "")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""  # no ResourceWarning


@pytest.mark.parametrize("platform", ["linux", "other"])
def test_it_ends_when_its_standard_input_does(platform: str) -> None:
    code = (
        f"import sys, time; sys.platform = {platform!r}; from seizures.processes import serving;"
        "serving.end_with_parent(); print('set', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"set\n"
        assert process.poll() is None
        process.stdin.close()
        process.wait(2.0)


def test_it_ends_when_its_parent_has_ended_before() -> None:
    code = (
        "import sys, time; from seizures.processes import serving; sys.stdin.read();"
        "serving.end_with_parent(); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20.0)
