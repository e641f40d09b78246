"""A storm: whatever is at work is killed with kill -9 at random moments, parents and children, and nothing is lost.

`STORM=full pytest tests/pipeline/test_storm.py` makes it 30 kills, 30 of all commands and 5 double runs, instead of 6,
6 and none.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from small_project import LUIGI, Project

from tasks.machinery.atomic import is_temporary

NUM_KILLS, NUM_DOUBLE = (30, 5) if os.environ.get("STORM") == "full" else (6, 0)
LONGEST_TASK_SECONDS = 1.5
COMMANDS = (
    ("RunAll",),
    ("RunAll", "--workers", "2"),
    ("Prune", "--delete", "--older-than-days", "0", "--keep-runs", "1"),
    ("ExportFeatures", "--to", "../bundle", "--site", "LAB1"),
    ("RunSweep", "--settings", "aggregation=mean,blstm"),
)
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def wait_for_tasks(process: subprocess.Popen[str], count: int) -> bool:
    """Wait until that many tasks were started; tell whether the run got so far."""
    assert process.stdout is not None
    for line in process.stdout:
        count -= " running  " in line
        if count <= 0:
            return True
    return False


def kill(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.communicate()


def assert_ends_like(project: Project, finished: Project) -> None:
    """Let a run finish, and see that all results are those of an undisturbed run."""
    run = project.run_all()
    assert run.exit_code == 0, run
    wanted, found = finished.contents(), project.contents()  # other commands have results of their own
    assert {name: content for name, content in found.items() if name in wanted} == wanted
    assert [path for path in (project.results / ".run").iterdir() if not is_temporary(path)] == []
    for path in project.results.rglob("*"):
        if any(is_temporary(part) for part in (path, *path.parents)):
            os.utime(path, (0, 0), follow_symlinks=False)
    assert project.luigi("Prune", "--delete").exit_code == 0
    left = [path.relative_to(project.results) for path in project.results.rglob(".*")]
    assert left == [Path(".run")]


def test_a_run_that_is_killed_again_and_again_ends_like_an_undisturbed_one(project: Project, finished: Project) -> None:
    rng, num_kills = random.Random(3), 0
    while num_kills < NUM_KILLS:
        process = project.start("RunAll")
        if wait_for_tasks(process, rng.randint(1, 8)):
            time.sleep(rng.uniform(0, LONGEST_TASK_SECONDS))
            num_kills += process.poll() is None
            kill(process)
            project.contents()
        else:
            process.communicate()
            assert_ends_like(project, finished)
            shutil.rmtree(project.results)
    assert_ends_like(project, finished)


def children_of(pid: int) -> list[int]:
    try:
        own = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return own + [one for child in own for one in children_of(child)]


def strike(process: subprocess.Popen[str], who: str) -> None:
    """Kill a command's parent, all its children, or both."""
    children = children_of(process.pid)
    if who != "children":
        process.kill()
    if who != "parent":
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    process.communicate()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline, "a child outlives its parent"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds children in /proc")
def test_whatever_is_killed_nothing_is_lost(project: Project, finished: Project) -> None:
    rng = random.Random(5)
    for number in range(NUM_KILLS):
        words = COMMANDS[number % len(COMMANDS)]
        process = project.start(*words)
        time.sleep(rng.uniform(0.5, 6))
        strike(process, rng.choice(("parent", "children", "both")))
        project.contents()
    assert_ends_like(project, finished)
    assert not list(project.results.rglob("*.bad.json"))


@pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces: root only")
def test_pairs_in_namespaces_of_their_own_see_each_other(project: Project, finished: Project) -> None:
    """As two containers do that share a host name: process ids of one mean nothing in the other."""
    if subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces here")
    rng = random.Random(6)
    for _ in range(max(NUM_DOUBLE, 1)):
        for stage in ("DecodeRecording", "ExtractFeatures", "TrainFold", "WriteReport"):
            shutil.rmtree(project.results / stage, ignore_errors=True)  # enough to do for all that follows
        first = start_apart(project, "RunAll")
        assert wait_for_tasks(first, rng.randint(1, 4))
        pruned = start_apart(project, "Prune", "--delete").communicate()[0]
        assert "another run is at work here" in pruned, pruned
        second = start_apart(project, "RunAll")
        assert second.stdout is not None
        assert "another run is at work here" in second.stdout.readline()
        wait_for_tasks(second, rng.randint(1, 10))
        kill(*rng.sample([first, second], 2))
    assert_ends_like(project, finished)


def start_apart(project: Project, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*NAMESPACE, LUIGI, "--module", "pipeline", *words],
        cwd=project.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def limited(num_bytes: int) -> Sequence[str]:
    """Return the words with which a command gets no more memory than that, and is killed where it takes more."""
    group = Path("/sys/fs/cgroup/memory") / f"gestures-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(num_bytes))
    except OSError:
        pytest.skip("no memory cgroup can be made here")
    return ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")


def test_a_run_that_the_out_of_memory_killer_ends_blames_no_film(project: Project, finished: Project) -> None:
    words = limited(120 * 2**20)
    process = subprocess.run(
        [*words, LUIGI, "--module", "pipeline", "RunAll"],
        cwd=project.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.returncode != 0
    assert not list(project.results.rglob("*.bad.json"))
    assert_ends_like(project, finished)


def test_two_runs_side_by_side_are_told_of_each_other_and_survive_kills(project: Project, finished: Project) -> None:
    rng = random.Random(4)
    for _ in range(NUM_DOUBLE):
        first, second = start_two(project, rng)
        wait_for_tasks(second, rng.randint(1, 20))
        kill(*rng.sample([first, second], 2))
        project.contents()
    first, second = start_two(project, rng)
    outputs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert_ends_like(project, finished)


def start_two(project: Project, rng: random.Random) -> tuple[subprocess.Popen[str], subprocess.Popen[str]]:
    """Start two runs in a folder where something is left to do; the second one is told of the first."""
    shutil.rmtree(project.results / "WriteReport", ignore_errors=True)
    first = project.start("RunAll")
    assert wait_for_tasks(first, rng.randint(1, 4))
    second = project.start("RunAll")
    assert second.stdout is not None
    told = second.stdout.readline()
    assert re.search(rf"another run is at work here \(RunAll\(\), process {first.pid} on \S+, since", told), told
    return first, second


def test_what_is_in_the_results_folder_is_known(finished: Project) -> None:
    names = {path.name for path in Path(finished.results).iterdir()}
    stages = {name for name in names if name[0].isupper()}
    assert names - stages == {".run", "current", "runs"}
