"""More than one process: two workers give what one gives, and shards share the work out evenly."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from in_process import inside
from small_project import Project

from pipeline.shards import FoldShard, deal
from tasks.stage.publishing import walk
from tasks.stages.features import all_features


def test_two_workers_give_the_same_bytes_as_one(project: Project, finished: Project) -> None:
    run = project.run_all("--workers", "2")
    assert run.exit_code == 0, run
    assert project.contents() == finished.contents()


def test_a_fork_of_a_process_that_has_computed_is_refused_in_words() -> None:
    code = """
        import multiprocessing
        import torch
        from seizures.errors import SettingsError
        from tasks.machinery.processes import computing

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


def test_what_several_parts_need_is_made_by_the_first(finished: Project) -> None:
    with inside(finished):
        parts = [FoldShard(shard=shard, shards=2) for shard in range(2)]
        needed = [{stage.task_id for stage in walk(*part.stages())} for part in parts]
        before = {stage.task_id for stage in walk(*all_features())}
        first = next(parts[1].run())
        assert {stage.task_id for stage in first} == needed[0] & needed[1] - before


def test_a_shard_that_is_none_is_refused(project: Project) -> None:
    run = project.luigi("ExtractShard", "--shard", "4", "--shards", "4")
    assert run.exit_code == 2
    assert "--shard 4 --shards 4: expected" in run.output
    early = project.luigi("FoldShard", "--shard", "0", "--shards", "2")
    assert early.exit_code == 2
    assert "6 seizures have no features yet" in early.output
    assert "Traceback" not in run.output + early.output
    assert not (project.results / ".run").exists()  # it never was at work
