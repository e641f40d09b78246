"""The features are packed once for all folds; who is trained on them cannot tell, and nobody misses the file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project

from tasks.stages import sequences
from tasks.stages.features import features_of
from tasks.stages.folds import fold_rows
from tasks.stages.packed import PackFeatures
from tasks.stages.training import classifier_of
from tasks.upkeep.plan import StageState, make_plan, stage_states

MADE_OF_IT = ("TrainFold", "EvaluateFold", "UnfoldFold")


def pack_of(project: Project) -> Path:
    (path,) = project.results.glob("PackFeatures/features/*.h5")
    return path


def forget_training(project: Project) -> None:
    for stage in MADE_OF_IT:
        shutil.rmtree(project.results / stage)


def trained(project: Project) -> dict[str, bytes]:
    return {
        name: content
        for stage in MADE_OF_IT
        for name, content in project.files(f"{stage}/*/*").items()
        if not name.endswith(".why.json")
    }


def test_predictions_and_checkpoints_are_those_of_the_feature_files(
    finished: Project, done: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained from a file a seizure, as releases before did, in this process: the same bytes."""

    def from_files(rows, uses, way=""):
        assert way == ""
        return sequences.load_sequences_of("", rows, uses, "")

    forget_training(done)
    with inside(done):
        for stage in ("training", "evaluation", "unfolding"):
            monkeypatch.setattr(f"tasks.stages.{stage}.load_sequences", from_files)
        from tasks.stages.evaluation import all_evaluations
        from tasks.stages.training import all_classifiers
        from tasks.stages.unfolding import PoolUnfolding

        pack_of(done).unlink()
        for one in (*all_classifiers(), *all_evaluations(), *PoolUnfolding().requires()):
            one.run()
    assert trained(done) == trained(finished)
    assert len(trained(done)) == 4 + 4 + 2


def test_no_task_of_a_fold_opens_a_feature_file(done: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_training(done)

    def opened(path, *_, **__):
        raise AssertionError(f"{path} was opened")

    for module in ("seizures.classification.sequences", "seizures.classification.packed"):
        monkeypatch.setattr(f"{module}.open_features", opened)
    with inside(done):
        assert PackFeatures().is_made()
        classifier_of(0, 0).run()
        assert classifier_of(0, 0).is_made()


def test_it_is_in_no_key_and_needed_only_for_what_is_missing(done: Project) -> None:
    shutil.rmtree(done.results / "PackFeatures")
    assert done.luigi("Status").exit_code == 0
    assert done.run_all().tasks == []
    with inside(done):
        assert not any("PackFeatures" in name for name in classifier_of(0, 0).recipe["upstream"])
        assert make_plan().steps == ()
        assert stage_states(make_plan())["PackFeatures"] == StageState(0, 0, 0, not_needed=1)
    shutil.rmtree(done.results / "EvaluateFold")
    run = done.run_all()
    assert run.exit_code == 0, run
    assert "PackFeatures()" in run.tasks
    assert not [task for task in run.tasks if task.startswith("TrainFold")]


def test_it_holds_the_seizures_of_the_folds_and_follows_from_their_features(done: Project) -> None:
    with inside(done):
        keys = {f"ExtractFeatures/{row.name}": features_of(row.id).key for row in fold_rows()}
        assert PackFeatures().recipe["upstream"] == keys
        assert PackFeatures().recipe["reads"] == {"views": {row.name: ["large", "small"] for row in fold_rows()}}


@pytest.mark.parametrize("is_told", [True, False], ids=["other time", "same time"])
def test_a_damaged_file_is_made_again_and_used_by_nothing(done: Project, finished: Project, is_told: bool) -> None:
    path = pack_of(done)
    times, content = path.stat(), bytearray(path.read_bytes())
    content[5000] ^= 1  # features
    path.write_bytes(content)
    if not is_told:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert done.luigi("Status").exit_code == (25 if is_told else 0)
    forget_training(done)
    run = done.run_all()
    assert run.exit_code == 0, run
    assert f"{path.name}: damaged: its content has changed since it was written" in run.output
    assert trained(done) == trained(finished)
    assert pack_of(done).read_bytes() == pack_of(finished).read_bytes()


def test_prune_keeps_the_present_file_alone(done: Project) -> None:
    first = pack_of(done)
    rows = done.rows
    for row in rows[:2]:
        row["label"] = "FOS" if row["label"] == "TCS" else "TCS"
        row["clonic_onset_seconds"] = ""
    done.write_rows(rows)
    run = done.run_all()
    assert run.exit_code == 0, run
    (second,) = set(done.results.glob("PackFeatures/features/*.h5")) - {first}
    pruned = done.luigi("Prune", "--delete", "--older-than-days", "0")
    assert pruned.exit_code == 0, pruned
    assert pack_of(done) == second
    assert len(done.files("TrainFold/*/*.pt")) > 4  # of both runs
    assert done.luigi("Status").exit_code == 0
