"""cluster/slurm.sh on a real Slurm whose node is this machine (`.ci/start_slurm` starts one, as root)."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections import Counter

import pytest
from in_process import inside, put
from small_project import LUIGI, REPOSITORY, Project

from tasks.stages.videos import SimulateRecording

SCRIPT = REPOSITORY / "cluster" / "slurm.sh"
PATIENCE_SECONDS = 300


def why_not() -> str:
    """Return why these tests cannot run here; empty where they can."""
    if shutil.which("sbatch") is None:
        return "no sbatch on this machine (Debian: apt-get install slurm-wlm munge)"
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%n"], capture_output=True, text=True, check=False, timeout=60
    )
    if asked.returncode != 0:
        return f"Slurm does not answer (.ci/start_slurm starts one): {asked.stderr.strip()}"
    if socket.gethostname().split(".")[0] not in asked.stdout.split():
        return "the nodes of this Slurm are other machines, which do not see this test's folder"
    return ""


pytestmark = [pytest.mark.skipif(bool(why_not()), reason=why_not()), pytest.mark.timeout(2 * PATIENCE_SECONDS)]


def submit(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, "--shards", "2", "--fold-shards", "2", *options],
        cwd=project.folder,
        env={**os.environ, "LUIGI": str(LUIGI)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def logs(project: Project, pattern: str = "*") -> str:
    return "\n".join(path.read_text() for path in sorted((project.folder / "slurm-logs").glob(f"{pattern}.log")))


def jobs(submitted: subprocess.CompletedProcess[str]) -> list[str]:
    return [*re.findall(r"job (\d+)", submitted.stderr), submitted.stdout.strip().split(";")[0]]


def stages_started(output: str) -> Counter[str]:
    """Count how often each stage was started; the tasks that a person names start again after each wish."""
    started = re.findall(r" running +(\w+\(.*\))$", output, flags=re.MULTILINE)
    return Counter(task for task in started if not re.match("RunAll|FoldShard|ExtractShard", task))


def test_the_chain_completes_the_cohort_and_runs_no_task_twice(project: Project, finished: Project) -> None:
    ended = submit(project)
    assert ended.returncode == 0, (ended, logs(project))
    started = stages_started(logs(project))
    assert started.keys() == {task for task in finished.first_run.tasks if not task.startswith("RunAll")}
    assert set(started.values()) == {1}
    assert "RunAll: complete." in logs(project, "RunAll-*")
    extracted = [stages_started(logs(project, f"ExtractShard-*_{shard}")) for shard in range(2)]
    assert all(sum("ExtractFeatures" in task for task in part) == 3 for part in extracted)


def test_a_shard_that_was_killed_is_resubmitted_and_completes(done: Project, finished: Project) -> None:
    for stage in ("ExtractFeatures", "AssignFolds", "TrainFold", "EvaluateFold", "WriteReport"):
        shutil.rmtree(done.results / stage)
    submitted = submit(done, "--no-wait")
    extract, folds, last = jobs(submitted)
    end = time.monotonic() + PATIENCE_SECONDS
    while "running   ExtractFeatures" not in logs(done, "ExtractShard-*_0"):
        assert time.monotonic() < end, submitted
        time.sleep(0.1)
    subprocess.run(["scancel", "--signal=KILL", "--batch", f"{extract}_0"], check=True)
    subprocess.run(["scancel", folds, last, f"{extract}_1"], check=True)
    asked = ["squeue", "--noheader", f"--jobs={extract},{folds},{last}"]
    while subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip():
        assert time.monotonic() < end, "the jobs do not end"
        time.sleep(0.2)
    assert "ExtractShard(shard=0, shards=2): " not in logs(done, "ExtractShard-*_0")  # no last words: it was killed
    again = submit(done)
    assert again.returncode == 0, (again, logs(done))
    assert done.files("current/folds.csv") == finished.files("current/folds.csv")


def test_a_corrupt_video_gives_exit_code_30_through_to_the_caller(done: Project) -> None:
    with inside(done):
        put(SimulateRecording(video="P01_01_large.mp4"), b"not a film")
    shutil.rmtree(done.results / "DecodeRecording" / "P01+01+large")
    shutil.rmtree(done.results / "ExtractFeatures" / "P01+01")
    ended = submit(done)
    assert ended.returncode == 30, (ended, logs(done))
    assert "left out: P01+01+large" in logs(done, "RunAll-*").splitlines()[-3]


def test_a_wrong_option_submits_nothing(project: Project) -> None:
    ended = submit(project, "--shard", "3")
    assert ended.returncode == 2
    assert ended.stderr.endswith("--shard: unknown option; see --help\n")
