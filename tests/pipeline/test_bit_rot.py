"""Every kind of file in the results, hurt in every way: RunAll notices, names it, and makes it again; nothing uses it.

`BIT_ROT=table pytest -s tests/pipeline/test_bit_rot.py` hurts each kind alone, too, and prints the table of all cases:
what is hurt beside a file may hide what becomes of it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project

from pipeline.verdict import everything_is_complete, verdict

# For each kind a file and a neighbour of the same kind, or of another where there is only one.
KINDS = {
    "film of the demo": ("SimulateRecording/P01_01_large/*.mp4", "SimulateRecording/P01_01_small/*.mp4"),
    "frames": ("DecodeRecording/P01+01+large/*.h5", "DecodeRecording/P01+01+small/*.h5"),
    "features": ("ExtractFeatures/P01+01/*.h5", "ExtractFeatures/P02+01/*.h5"),
    "folds": ("AssignFolds/folds/*.csv", "PoolPredictions/predictions/*.csv"),
    "classifier": ("TrainFold/fold00+seed0/*.pt", "TrainFold/fold01+seed0/*.pt"),
    "predictions": ("EvaluateFold/fold00+seed0/*.csv", "EvaluateFold/fold01+seed0/*.csv"),
    "pooled predictions": ("PoolPredictions/predictions/*.csv", "EvaluateFold/fold00+seed0/*.csv"),
    "scores": ("ScorePredictions/metrics/*[!y].json", "current/summary.json"),
    "pictures": ("DrawPictures/pictures/*.zip", "TrainFold/fold00+seed0/*.pt"),
    "report": ("WriteReport/report/*.html", "AssignFolds/folds/*.csv"),
    "note of frames": ("DecodeRecording/P01+01+large/*.why.json", "DecodeRecording/P01+01+small/*.why.json"),
    "note of features": ("ExtractFeatures/P01+01/*.why.json", "ExtractFeatures/P02+01/*.why.json"),
    "note of scores": ("ScorePredictions/metrics/*.why.json", "AssignFolds/folds/*.why.json"),
    "summary": ("current/summary.json", "AssignFolds/folds/*.why.json"),
    "index": ("current/index.csv", "AssignFolds/folds/*.csv"),
    "picture beside the report": ("current/figures/*.png", "current/index.csv"),
}


def flip(path: Path, _: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path, _: Path) -> None:
    path.write_bytes(b"")


def delete(path: Path, _: Path) -> None:
    path.unlink()


def swap(path: Path, neighbour: Path) -> None:
    content = neighbour.read_bytes()
    path.unlink()
    path.write_bytes(content)


TABLE = bool(os.environ.get("BIT_ROT"))
WAYS: tuple[Callable[[Path, Path], None], ...] = (flip, cut, empty, delete, swap)


def first(project: Project, pattern: str) -> Path:
    found = (path for path in sorted(project.results.glob(pattern)) if not path.name.endswith(".damaged"))
    return next(path for path in found if not is_of_movement(path))


def is_of_movement(path: Path) -> bool:
    """Tell whether a file is of the baselines' features, which have the label of the others."""
    note = path.with_name(f"{path.name.partition('.')[0]}.why.json")
    return "ExtractFeatures" in path.parts and '"network": "movement"' in note.read_text()


@pytest.mark.whole_run
@pytest.mark.parametrize(
    "kinds",
    [list(KINDS), *([kind] for kind in KINDS if TABLE)],
    ids=lambda kinds: kinds[0] if len(kinds) == 1 else "all",
)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_whatever_is_hurt_is_noticed_named_and_made_again(done: Project, finished: Project, way, kinds) -> None:
    """Each of the kinds is hurt, Status and RunAll say so, and all is as it was."""
    wanted = finished.contents()
    hurt = []
    for kind in kinds:
        pattern, neighbour = KINDS[kind]
        path = first(done, pattern)
        way(path, first(finished, neighbour))
        hurt.append((kind, path.relative_to(done.results).as_posix()))
    status = done.luigi("Status")
    assert status.exit_code not in (0, 2), status
    assert "Traceback" not in status.output
    run = done.run_all()
    assert run.exit_code == 0, run
    assert "Traceback" not in run.output
    assert {name: content for name, content in done.contents().items() if not name.endswith(".damaged")} == wanted
    for kind, name in hurt:
        stage = name.split("/")[0]
        if stage != "current":
            assert f"{stage}(" in run.output, kind
        if TABLE and len(kinds) == 1:
            told = "set aside" if f"{name}: damaged" in run.output else "made again"
            print(f"| {kind} | {way.__name__} | Status {status.exit_code}, RunAll: {told}, exit 0 |")
    assert done.luigi("Status", "--thorough").exit_code == 0


@pytest.mark.whole_run
def test_a_damaged_file_is_named_kept_and_used_by_nothing(done: Project) -> None:
    features = first(done, "ExtractFeatures/P01+01/*.h5")
    other = first(done, "ExtractFeatures/P02+01/*.h5")
    shutil.copy2(other, features)
    name = features.relative_to(done.folder).as_posix()
    status = done.luigi("Status")
    assert status.exit_code == 25, status
    assert f"damaged: {features.relative_to(done.results)}: " in status.output
    assert features.read_bytes() == other.read_bytes()  # a question changes nothing
    run = done.run_all()
    assert run.exit_code == 0, run
    assert f"{name}: damaged: " in run.output
    assert features.with_name(f"{features.name}.damaged").read_bytes() == other.read_bytes()
    assert run.tasks == ["ExtractFeatures(patient_id=P01, seizure_id=01)", "RunAll()"]


@pytest.mark.whole_run
def test_a_sealed_file_of_another_kind_is_no_summary(done: Project) -> None:
    summary = done.results / "current" / "summary.json"
    before = json.loads(summary.read_bytes())
    swap(summary, first(done, "AssignFolds/folds/*.why.json"))
    status = done.luigi("Status")
    assert status.exit_code == 25, status
    pruned = done.luigi("Prune")
    assert "summary.json is damaged or not there" in pruned.output, pruned
    run = done.run_all()
    assert run.exit_code == 0, run
    assert "Traceback" not in status.output + pruned.output + run.output
    assert json.loads(summary.read_bytes()).keys() == before.keys()
    assert done.luigi("Status").exit_code == 0


@pytest.mark.whole_run
def test_rot_that_no_time_stamp_tells_is_found_when_the_file_is_read(done: Project, finished: Project) -> None:
    features = first(done, "ExtractFeatures/P01+01/*.h5")
    before = features.stat()
    flip(features, features)
    os.utime(features, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert done.luigi("Status").exit_code == 0  # which reads nothing
    thorough = done.luigi("Status", "--thorough")
    assert thorough.exit_code == 25, thorough
    for stage in ("TrainFold", "PackFeatures"):  # which would be read in place of the features
        shutil.rmtree(done.results / stage)
    run = done.run_all()
    assert run.exit_code == 0, run
    assert "its content has changed since it was written" in run.output
    assert done.files("current/predictions.csv") == finished.files("current/predictions.csv")


@pytest.mark.whole_run
def test_a_copy_of_the_results_is_hashed_once_and_used(done: Project) -> None:
    for path in done.results.rglob("*"):
        if path.is_file():
            os.utime(path)
    run = done.run_all()
    assert (run.exit_code, run.tasks) == (0, []), run
    assert not list(done.results.rglob("*.damaged"))


@pytest.mark.whole_run
def test_frames_that_prune_deleted_are_not_missed_and_others_are(done: Project) -> None:
    for path in done.results.glob("DecodeRecording/*/*"):
        os.utime(path, (0, 0))
    done.run_all()
    for path in done.results.glob("ExtractFeatures/*/*"):
        os.utime(path, (0, 0))
    pruned = done.luigi("Prune", "--frames-only", "--older-than-days", "0", "--delete")
    assert pruned.exit_code == 0, pruned
    assert not list(done.results.glob("DecodeRecording/*/*.h5"))
    assert done.luigi("Status").exit_code == 0
    run = done.run_all()
    assert (run.exit_code, run.tasks) == (0, []), run


@pytest.mark.whole_run
def test_a_run_that_could_not_make_a_lost_result_again_is_not_called_complete(done: Project) -> None:
    with inside(done):
        assert verdict(everything_is_complete()).count("RunAll: complete") == 1
    first(done, "EvaluateFold/*/*.csv").unlink()
    with inside(done):
        assert "RunAll: NOT complete" in verdict(everything_is_complete())
