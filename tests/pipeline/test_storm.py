"""A storm: RunAll is killed with kill -9 at random moments, alone and side by side with another, and loses nothing.

`STORM=full pytest tests/pipeline/test_storm.py` makes it 30 kills and 5 double runs, instead of 6 and none.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

from small_project import Project

from tasks.machinery.atomic import is_temporary

NUM_KILLS, NUM_DOUBLE = (30, 5) if os.environ.get("STORM") == "full" else (6, 0)
LONGEST_TASK_SECONDS = 1.5


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
    found = {name: content for name, content in project.contents().items() if not name.endswith(".damaged")}
    assert found == finished.contents()
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
