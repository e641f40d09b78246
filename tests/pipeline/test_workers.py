"""More than one process: workers of one run, and two runs on one scheduler, give what one process gives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import LUIGI, REPOSITORY, Project, Run

from pipeline.shards import deal


def test_two_workers_give_the_same_bytes_as_one(project: Project, finished: Project) -> None:
    run = project.run_all("--workers", "2")
    assert run.exit_code == 0, run
    assert project.contents() == finished.contents()
    assert not list(project.results.glob("attempts/*"))


def test_a_fork_of_a_process_that_has_computed_is_refused_in_words() -> None:
    code = """
        import multiprocessing
        import torch
        from seizures.errors import SettingsError
        from tasks.processes import computing

        def work() -> None:
            try:
                with computing(1):
                    torch.rand(64, 64) @ torch.rand(64, 64)
            except SettingsError as error:
                print(error)

        work()
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join(60)
    """
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "torch has computed in process" in ended.stdout
    assert "set workers = 1" in ended.stdout


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Start a luigid for this test alone; return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    daemon = subprocess.Popen(
        [LUIGI.with_name("luigid"), "--address", "127.0.0.1", "--port", str(port), "--logdir", tmp_path],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/task_list", timeout=5).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < end, "luigid does not answer"
                time.sleep(0.2)
        yield address
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)


@pytest.mark.skipif(os.environ.get("STORM") != "full", reason="takes a while: STORM=full runs it")
def test_two_runs_on_one_luigid_share_the_work(project: Project, finished: Project, scheduler: str) -> None:
    shared = {"LUIGI_CONFIG_PATH": str(REPOSITORY / "cluster" / "luigid.cfg")}
    started = [project.start("RunAll", "--scheduler-url", scheduler, **shared) for _ in range(2)]
    runs = []
    for process in started:
        output, _ = process.communicate(timeout=300)
        runs.append(Run(process.returncode, output))
    # Luigi's own exit code is 25 ("not run") for what another run did; one that finds nothing left to take ends early.
    assert any("RunAll: complete." in run.output for run in runs), runs
    assert project.luigi("Status").exit_code == 0
    assert project.contents() == finished.contents()
    counts = Counter(task for run in runs for task in run.tasks if not task.startswith("RunAll"))
    assert set(counts.values()) == {1}
    assert counts.keys() == {task for task in finished.first_run.tasks if not task.startswith("RunAll")}


@pytest.mark.parametrize("num_shards", [1, 2, 3, 7])
def test_shards_last_about_equally_long_and_an_unknown_duration_counts_as_the_mean(num_shards: int) -> None:
    durations = [600.0, 30.0, None, 45.0, 45.0, 300.0, 20.0, None, 90.0, 15.0, 120.0, 60.0]
    shard_of = deal(durations, num_shards)
    mean = sum(filter(None, durations)) / 10
    loads = [0.0] * num_shards
    for duration, shard in zip(durations, shard_of, strict=True):
        loads[shard] += mean if duration is None else duration
    assert max(loads) <= max(600.0, 4 / 3 * sum(loads) / num_shards)  # what the longest-first rule is known to reach
    assert min(loads) > 0
    assert deal(durations, num_shards) == shard_of


def test_a_shard_that_is_none_is_refused(project: Project) -> None:
    run = project.luigi("ExtractShard", "--shard", "4", "--shards", "4")
    assert run.exit_code == 2
    assert "--shard 4 --shards 4: wanted" in run.output
    early = project.luigi("FoldShard", "--shard", "0", "--shards", "2")
    assert early.exit_code == 2
    assert "6 seizures have no features yet" in early.output
    assert "Traceback" not in run.output + early.output
    assert list((project.results / ".run").iterdir()) == []
