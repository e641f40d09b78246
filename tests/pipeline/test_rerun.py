"""After a change, exactly what depends on it is run again: the list of tasks of real runs on videos of one's own."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project, make_small_project

from seizures.simulation import rendering
from tasks.cohort import manifest as cohort

TOLD = ["RunAll()", "TabulateChecklists()", "WriteChecklists()", "WriteProvenance()", "WriteReport()"]
UNFOLDED = ["UnfoldFold(fold=0)", "UnfoldFold(fold=1)", "PoolUnfolding()", "ScoreUnfolding()"]
SCORES = ["CalibrateProbabilities()", "DrawPictures()", "PoolPredictions()", "ScorePredictions()", *UNFOLDED, *TOLD]
FOLDS, SEEDS = range(2), range(2)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with the demo's films as videos of its own, in which RunAll has run."""
    project = make_small_project(tmp_path_factory.mktemp("ran"))
    (project.folder / "videos").mkdir()
    with inside(project):
        for video, recording in cohort.demo().items():
            rendering.render(recording, project.folder / "videos" / video)
    project.set("Demo", enabled="false")
    project.first_run = project.run_all()
    assert project.first_run.exit_code == 0, project.first_run
    return project


@pytest.fixture
def own(ran: Project, tmp_path: Path) -> Project:
    """Return a copy, to change, of that project."""
    shutil.copytree(ran.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def tasks_run(project: Project, *arguments: str) -> list[str]:
    run = project.run_all(*arguments)
    assert run.exit_code == 0, run
    assert "RunAll: complete" in run.output
    return run.tasks


def each(stage: str, folds: range | list[int] = FOLDS, seeds: range | list[int] = SEEDS) -> list[str]:
    return [f"{stage}(fold={fold}, seed={seed})" for fold in folds for seed in seeds]


def folds_without(project: Project, patient_id: str, seizure_id: str) -> list[int]:
    """Return the folds whose classifiers are trained on a seizure: all but the one that holds it out."""
    with (project.results / "current" / "folds.csv").open() as file:
        rows = list(csv.DictReader(file))
    held_out = next(row for row in rows if (row["patient_id"], row["seizure_id"]) == (patient_id, seizure_id))
    return [fold for fold in FOLDS if fold != int(held_out["fold"])]


def test_the_first_run_runs_everything_once(ran: Project) -> None:
    rows = ran.rows
    views = [
        f"DecodeRecording(patient_id={r['patient_id']}, seizure_id={r['seizure_id']}, view={r['view']})" for r in rows
    ]
    seizures = {
        f"ExtractFeatures(patient_id={r['patient_id']}, seizure_id={r['seizure_id']}{network})"
        for r in rows
        for network in ("", ", network=movement")
    }
    wanted = [
        *views,
        *seizures,
        "CompareFeatures()",
        "PackFeatures()",
        "AssignFolds()",
        "PredictBaselines()",
        *each("TrainFold"),
        *each("EvaluateFold"),
        *SCORES,
    ]
    assert ran.first_run.tasks == sorted(wanted)


def test_touched_videos_another_device_and_another_batch_size_rerun_nothing(own: Project) -> None:
    now = time.time() - 10
    for video in (own.folder / "videos").iterdir():
        os.utime(video, (now, now))
    assert tasks_run(own, "--Machine-device", "cpu", "--Machine-snippets-per-batch", "3") == []


def test_an_edited_onset_reruns_its_seizure_and_what_was_made_of_it(own: Project) -> None:
    before, rows = own.rows, own.rows
    for row in rows:
        if (row["patient_id"], row["seizure_id"]) == ("P01", "01"):
            row["onset_seconds"] = f"{float(row['onset_seconds']) + 0.2:.2f}"
    own.write_rows(rows)
    wanted = [f"DecodeRecording(patient_id=P01, seizure_id=01, view={view})" for view in ("large", "small")]
    wanted += [
        "ExtractFeatures(patient_id=P01, seizure_id=01)",
        "ExtractFeatures(patient_id=P01, seizure_id=01, network=movement)",
        "CompareFeatures()",
        "PackFeatures()",
        "AssignFolds()",  # its duration is another
        "PredictBaselines()",
    ]
    wanted += [*each("TrainFold", folds_without(own, "P01", "01")), *each("EvaluateFold"), *SCORES]
    assert tasks_run(own) == sorted(wanted)
    notes = [json.loads(path.read_text()) for path in own.results.glob("DecodeRecording/P01+01+large/*.why.json")]
    assert {str(note["reads"]["onset_seconds"]) for note in notes} == {
        str(float(table[0]["onset_seconds"])) for table in (before, rows)
    }
    page = (own.results / "current" / "report.html").read_text()
    assert "2 recomputed since the last report (P01+01+large, P01+01+small)" in page
    assert "2 recomputed since the last report (P01+01)" in page
    own.write_rows(before)
    assert tasks_run(own) == ["RunAll()"]  # which points results/current back


def test_a_corrected_clonic_onset_reruns_neither_the_decoder_nor_the_network(own: Project) -> None:
    rows = own.rows
    corrected = next((row["patient_id"], row["seizure_id"]) for row in rows if row["clonic_onset_seconds"])
    for row in rows:
        if (row["patient_id"], row["seizure_id"]) == corrected:
            row["clonic_onset_seconds"] = f"{float(row['clonic_onset_seconds']) + 0.2:.2f}"
    own.write_rows(rows)
    ids = "patient_id={}, seizure_id={}".format(*corrected)
    wanted = [f"ExtractFeatures({ids})", f"ExtractFeatures({ids}, network=movement)", "CompareFeatures()"]
    wanted += ["PackFeatures()"]
    wanted += ["PredictBaselines()", *each("TrainFold", folds_without(own, *corrected)), *each("EvaluateFold"), *SCORES]
    run = own.run_all()
    assert run.exit_code == 0, run
    assert run.tasks == sorted(wanted)
    assert run.output.count("no network ran") == 2


def test_a_corrected_use_reruns_neither_the_decoder_nor_the_network(own: Project) -> None:
    rows = own.rows
    row = next(row for row in rows if row["use"] == "all")
    row["use"] = "evaluate"
    own.write_rows(rows)
    corrected = (row["patient_id"], row["seizure_id"])
    ids = "patient_id={}, seizure_id={}".format(*corrected)
    wanted = [f"ExtractFeatures({ids})", f"ExtractFeatures({ids}, network=movement)", "CompareFeatures()"]
    wanted += ["PackFeatures()", "PredictBaselines()"]
    wanted += [*each("TrainFold", folds_without(own, *corrected)), *each("EvaluateFold"), *SCORES]
    run = own.run_all()
    assert run.exit_code == 0, run
    assert run.tasks == sorted(wanted)
    assert run.output.count("no network ran") == 2


def test_a_subgroup_is_scored_and_drawn_and_no_other_picture(own: Project) -> None:
    rows = [{**row, "site": "north"} for row in own.rows]
    own.write_rows(rows)
    drawn = ["DrawPictures()", *TOLD]
    asked = own.run_all("--Evaluation-subgroups", "site")
    assert (asked.exit_code, asked.tasks) == (0, drawn), asked
    assert " pictures drawn: parts\n" in asked.output
    for row in rows:
        row["site"] = "south" if row["patient_id"] == "P01" else "north"
    own.write_rows(rows)
    corrected = own.run_all("--Evaluation-subgroups", "site")
    assert (corrected.exit_code, corrected.tasks) == (0, drawn), corrected
    assert " pictures drawn: parts\n" in corrected.output


def test_another_hidden_size_only_retrains_and_going_back_only_points(own: Project) -> None:
    wanted = sorted([*each("TrainFold"), *each("EvaluateFold"), *SCORES])
    assert tasks_run(own, "--Training-hidden-units", "9") == wanted
    other = (own.results / "current").resolve()
    assert tasks_run(own) == ["RunAll()"]
    assert (own.results / "current").resolve() != other
    assert tasks_run(own) == []


def test_another_seed_count_adds_the_new_seeds(own: Project) -> None:
    wanted = [*each("TrainFold", seeds=[2]), *each("EvaluateFold", seeds=[2]), *SCORES]
    assert tasks_run(own, "--Training-num-seeds", "3") == sorted(wanted)


def test_a_video_replaced_by_another_of_the_same_size_and_time_is_noticed(own: Project) -> None:
    video = own.folder / "videos" / "P02_01_small.mp4"
    content, status = video.read_bytes(), video.stat()
    assert content.count(b"\x08free") == 1  # an empty box of the file format; skip is its other name
    other = video.with_name("other.mp4")
    other.write_bytes(content.replace(b"\x08free", b"\x08skip"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(video)
    assert (video.stat().st_size, video.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    wanted = ["DecodeRecording(patient_id=P02, seizure_id=01, view=small)"]
    wanted += ["ExtractFeatures(patient_id=P02, seizure_id=01)", "CompareFeatures()", "PredictBaselines()"]
    wanted += ["PackFeatures()"]
    wanted += ["ExtractFeatures(patient_id=P02, seizure_id=01, network=movement)"]
    wanted += [*each("TrainFold", folds_without(own, "P02", "01")), *each("EvaluateFold"), *SCORES]
    assert tasks_run(own) == sorted(wanted)
