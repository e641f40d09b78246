"""Wrong settings, manifests and command lines: a few lines that say what, where and what to do; never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import Project, make_small_project

DRIVER = Path(__file__).with_name("wrong_input.py")
MOST_LINES = 6
Change = Callable[[Project], object]


def setting(section: str, **values: object) -> Change:
    return lambda project: project.set(section, **values)


def text(name: str, old: str, new: str) -> Change:
    def change(project: Project) -> None:
        path = project.folder / name
        content = path.read_text()
        assert old in content, old
        path.write_text(content.replace(old, new, 1))

    return change


def row(number: int, **cells: str) -> Change:
    """Change cells of a row; rows are counted as a person sees them, the header is row 1."""

    def change(project: Project) -> None:
        rows = project.rows
        rows[number - 2].update(cells)
        project.write_rows(rows)

    return change


def rows(edit: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Change:
    return lambda project: project.write_rows(edit(project.rows))


def own_videos(project: Project) -> None:
    project.set("Demo", enabled="false")


def short_file(project: Project) -> None:
    project.set("Features", weights="weights.pth")
    (project.folder / "weights.pth").write_bytes(b"")


def public_weights_absent(project: Project) -> None:
    project.set("Features", network="r2plus1d_34_8_kinetics", weights="w.pth")


def public_weights_wrong(project: Project) -> None:
    name = "r2plus1d_34_8_ft_kinetics_from_ig65m-0aa0550b.pth".replace("34_8", "34_clip8")
    (project.folder / name).write_bytes(b"not the weights")
    project.set("Features", network="r2plus1d_34_8_kinetics", weights="", weights_dir=".")


def results_is_a_file(project: Project) -> None:
    (project.folder / "results").write_text("")


# name: (what is wrong, words of the command line, words that the message must hold)
# One case a line, however long.
# ruff: noqa: E501
CASES: dict[str, tuple[Change, str, tuple[str, ...]]] = {
    "misspelt section": (setting("Trainings", gamma=2), "RunAll", ("luigi.cfg", "[Trainings]", "[Training]?")),
    "section in lower case": (setting("training", gamma=2), "RunAll", ("[training]", "[Training]?")),
    "misspelt key": (setting("Training", num_epoch=2), "RunAll", ("[Training] num_epoch", "num_epochs?")),
    "key of another section": (setting("Training", stride_frames=2), "RunAll", ("[Training] stride_frames",)),
    "text for a whole number": (setting("Training", num_epochs="many"), "RunAll", ("num_epochs = many", "whole number")),
    "fraction for a whole number": (setting("Folds", num_folds="2.5"), "RunAll", ("num_folds = 2.5", "whole number")),
    "text for a number": (setting("Training", gamma="big"), "RunAll", ("gamma = big", "a number")),
    "decimal comma": (setting("Training", learning_rate="0,01"), "RunAll", ("learning_rate = 0,01", "a number")),
    "neither true nor false": (setting("Demo", enabled="perhaps"), "RunAll", ("enabled = perhaps", "true or false")),
    "gamma below 1": (setting("Training", gamma="0.5"), "RunAll", ("gamma = 0.5", "at least 1")),
    "no epochs": (setting("Training", num_epochs=0), "RunAll", ("num_epochs = 0", "at least 1")),
    "negative learning rate": (setting("Training", learning_rate=-1), "RunAll", ("learning_rate = -1", "above 0")),
    "no seeds": (setting("Training", num_seeds=0), "RunAll", ("num_seeds = 0", "at least 1")),
    "unknown protocol": (setting("Training", protocol="best"), "RunAll", ("protocol = best", "patient, nested, paper")),
    "unknown aggregation": (setting("Training", aggregation="blst"), "RunAll", ("aggregation = blst", "blstm")),
    "one fold": (setting("Folds", num_folds=1), "RunAll", ("num_folds = 1", "at least 2")),
    "more folds than patients": (setting("Folds", num_folds=5), "RunAll", ("5 folds", "4 patients")),
    "stride of 0": (setting("Features", stride_frames=0), "RunAll", ("stride_frames = 0", "at least 1")),
    "unknown network": (setting("Features", network="r2plus1d_smal"), "RunAll", ("r2plus1d_smal", "r2plus1d_small")),
    "weights file absent": (public_weights_absent, "RunAll", ("w.pth",)),
    "weights file with a wrong hash": (public_weights_wrong, "RunAll", ("0aa0550b",)),
    "public weights of a network that has none": (setting("Features", weights=""), "RunAll", ("random:",)),
    "unknown preprocessing": (setting("Frames", preprocessing="crop"), "RunAll", ("preprocessing = crop", "letterbox")),
    "frame rate of 0": (setting("Frames", frame_rate_hz=0), "RunAll", ("frame_rate_hz = 0", "above 0")),
    "too many segments": (setting("Training", num_segments=16), "RunAll", ("16 segments", "minimum_duration_seconds")),
    "one label": (setting("Dataset", labels="FOS"), "RunAll", ("labels = FOS", "FOS, TCS")),
    "a label that is a path": (setting("Dataset", labels="FOS, a/b"), "RunAll", ("labels = FOS, a/b", "'a/b' cannot be a label")),
    "labels that the manifest does not have": (
        setting("Dataset", labels="focal onset, bilateral tonic-clonic"),
        "RunAll",
        ("expected focal onset or bilateral tonic-clonic",),
    ),
    "too few resamples": (setting("Evaluation", num_bootstraps=3), "RunAll", ("num_bootstraps = 3", "100")),
    "a level of 95": (setting("Evaluation", confidence_level=95), "RunAll", ("confidence_level = 95", "between 0 and 1")),
    "fewer than no snippets in a batch": (setting("Machine", snippets_per_batch=-1), "RunAll", ("snippets_per_batch = -1",)),
    "unknown device": (setting("Machine", device="gpu"), "RunAll", ("device = gpu", "cuda")),
    "misspelt key of Luigi's": (setting("retcode", task_faild=30), "RunAll", ("[retcode] task_faild", "task_failed?")),
    "text for workers": (setting("core", workers="two"), "RunAll", ("[core] workers = two", "whole number")),
    "results folder is a file": (results_is_a_file, "RunAll", ("[Results] root = results",)),
    "manifest absent": (setting("Dataset", manifest="none.csv"), "RunAll", ("none.csv",)),
    "missing column": (text("data_manifest.csv", ",label,", ",lable,"), "RunAll", ("lable", "label")),
    "repeated row": (rows(lambda found: [*found, found[0]]), "RunAll", ("row 2", "row")),
    "offset before onset": (row(3, offset_seconds="0.1"), "RunAll", ("row 3", "offset")),
    "time that is no number": (row(3, onset_seconds="soon"), "RunAll", ("row 3", "onset_seconds", "soon")),
    "decimal comma in the manifest": (row(3, onset_seconds="1,5"), "RunAll", ("row 3", "1,5")),
    "unknown label": (row(3, label="GTCS"), "RunAll", ("row 3", "GTCS", "FOS")),
    "two labels for one seizure": (row(2, label="TCS", clonic_onset_seconds=""), "RunAll", ("label",)),
    "one label only": (
        rows(lambda found: [{**item, "label": "FOS", "clonic_onset_seconds": ""} for item in found]),
        "RunAll",
        ("FOS", "TCS"),
    ),
    "an id that leaves the folder": (row(2, patient_id="../P01"), "RunAll", ("row 2", "../P01")),
    "clonic onset of a FOS": (
        rows(lambda found: [{**i, "clonic_onset_seconds": "2"} if i["label"] == "FOS" else i for i in found]),
        "RunAll",
        ("clonic",),
    ),
    "unknown use": (row(2, use="maybe"), "RunAll", ("row 2", "maybe", "evaluate")),
    "empty manifest": (lambda project: (project.folder / "data_manifest.csv").write_text(""), "RunAll", ("empty",)),
    "video missing": (own_videos, "RunAll", ("data_manifest.csv", "P01_01_large.mp4")),
    "demo with own videos": (row(2, video="mine.mp4"), "RunAll", ("mine.mp4", "[Demo] enabled = false")),
    "two spellings of a patient": (row(5, patient_id="P1"), "RunAll", ("row 5, patient_id: 'P1' and 'P01'", "leading zeros")),
    "one film under two patients": (
        rows(lambda found: [*found, {**found[0], "patient_id": "P09"}]),
        "RunAll",
        ("row 14", "the film of patient P01 in row 2", "allow_shared_films"),
    ),
    "one seizure twice": (
        rows(lambda found: [*found, {**found[0], "seizure_id": "09"}]),
        "RunAll",
        ("row 14", "one seizure under two ids"),
    ),
    "no reason for a shared film": (setting("Dataset", allow_shared_films="yes"), "RunAll", ("the reason in words",)),
    "an id as a date": (row(5, seizure_id="02-Jan"), "RunAll", ("row 5, seizure_id", "format the column as text")),
    "merged cells": (row(3, patient_id=""), "RunAll", ("row 3, patient_id", "merged cells")),
    "minutes and seconds": (row(3, onset_seconds="01:23"), "RunAll", ("row 3, onset_seconds: '01:23'", "hh:mm:ss")),
    "a time of the demo's film": (row(3, onset_seconds="00:00:01", offset_seconds="00:00:05", clonic_onset_seconds=""),
                                  "RunAll", ("row 3", "clock time")),
    "per cent for a time": (row(3, onset_seconds="50%"), "RunAll", ("row 3, onset_seconds: '50%' is not a number",)),
    "an error of a formula": (row(3, offset_seconds="#REF!"), "RunAll", ("row 3, offset_seconds: '#REF!'",)),
    "a section twice": (text("luigi.cfg", "[Folds]", "[Folds]\nseed = 1\n[Folds]"), "RunAll", ("[Folds] is there twice", "join")),
    "a key twice": (text("luigi.cfg", "[Folds]", "[Folds]\nseed = 1\nseed = 2"), "RunAll", ("[Folds] seed is there twice",)),
    "a setting before all sections": (text("luigi.cfg", "[Demo]", "seed = 1\n[Demo]"), "RunAll", ("before the first section",)),
    "an unknown variable": (setting("Results", root="$NOBODY_SETS_ME/x"), "RunAll", ("root =", "$NOBODY_SETS_ME")),
    "a comment behind a value": (setting("Folds", seed="1 # one"), "RunAll", ("[Folds] seed", "line of its own")),
    "no logging.cfg": (lambda project: (project.folder / "logging.cfg").unlink(), "RunAll", ("logging_conf_file", "no such file")),
    "half an option": (
        setting("Demo", enabled="true"),
        "RunAll --Training-num-epoch 5",
        ("--Training-num-epoch: no such option", "did you mean --Training-num-epochs?"),
    ),
    "half an option before the task": (
        setting("Demo", enabled="true"),
        "--Training-num-epoch 5 RunAll",
        ("1 mistake", "--Training-num-epoch: no such option"),
    ),
    "half an option with =": (setting("Demo", enabled="true"), "RunAll --log-leve=INFO", ("--log-leve:", "did you mean --log-level?")),
    "half of a task's own option": (setting("Demo", enabled="true"), "TrainFold --fol 0 --seed 0", ("did you mean --fold?",)),
    "text for a number of Luigi's": (setting("Demo", enabled="true"), "RunAll --workers x", ("the value of --workers cannot be read",)),
    "a file where a folder is needed": (
        lambda project: (project.set("Demo", enabled="true"), project.results.mkdir(exist_ok=True),
                         (project.results / "runs").write_text("x"),
                         (project.results / "TrainFold").symlink_to("nowhere")),
        "RunAll",
        ("results/runs: expected a folder", "results/TrainFold: expected a folder"),
    ),
    "an option that is needed": (
        setting("Demo", enabled="true"),
        "ExportFeatures",
        ("2 mistakes", "ExportFeatures needs --to: the bundle", "ExportFeatures needs --site: the name"),
    ),
    "unknown task": (setting("Demo", enabled="true"), "RunAl", ("RunAl", "RunAll?")),
    "no task": (setting("Demo", enabled="true"), "", ("no task", "RunAll")),
    "unknown option": (setting("Demo", enabled="true"), "RunAll --Trainig-gamma 2", ("--Trainig-gamma", "--Training-gamma?")),
    "option without value": (setting("Demo", enabled="true"), "RunAll --Training-gamma", ("--Training-gamma",)),
    "bad value on the command line": (
        setting("Demo", enabled="true"),
        "RunAll --Training-num-epochs ten",
        ("num_epochs = ten", "whole number"),
    ),
    "a stage by name with a bad setting": (
        setting("Training", num_epochs=0),
        "TrainFold --fold 0 --seed 0",
        ("1 mistake", "num_epochs = 0", "at least 1"),
    ),
    "a stage by name with a bad setting on the command line": (
        setting("Demo", enabled="true"),
        "DecodeRecording --patient-id P01 --seizure-id 01 --view large --Frames-frame-rate-hz 0",
        ("1 mistake", "frame_rate_hz = 0", "above 0"),
    ),
    "a stage by name with a bad manifest": (row(3, label="GTCS"), "AssignFolds", ("row 3", "GTCS", "FOS")),
    "a stage of no seizure": (
        setting("Demo", enabled="true"),
        "ExtractFeatures --patient-id P99 --seizure-id 01",
        ("P99+01: no such seizure in data_manifest.csv",),
    ),
    "a stage of no view": (
        setting("Demo", enabled="true"),
        "DecodeRecording --patient-id P01 --seizure-id 01 --view top",
        ("P01+01+top: no such view in data_manifest.csv",),
    ),
    "a stage before its folds": (setting("Demo", enabled="true"), "TrainFold --fold 0 --seed 0", ("run RunAll first",)),
    "a stage without its parameters": (setting("Demo", enabled="true"), "TrainFold", ("TrainFold", "needs --fold", "needs --seed")),
    "text for a stage's number": (setting("Demo", enabled="true"), "TrainFold --fold one --seed 0", ("TrainFold", "'one'")),
    "no luigi.cfg": (lambda project: (project.folder / "luigi.cfg").unlink(), "RunAll", ("no luigi.cfg here",)),
    "two mistakes": (
        lambda project: (project.set("Training", gamm=2), project.set("Folds", nun_folds=2)),
        "RunAll",
        ("2 mistakes", "gamma?", "num_folds?"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """Return how each case ended."""
    cases = []
    for number, (change, words, _) in enumerate(CASES.values()):
        project = make_small_project(tmp_path_factory.mktemp(f"case{number}"))
        change(project)
        cases.append({"folder": str(project.folder), "words": words.split(), "environment": {}})
    listed = tmp_path_factory.mktemp("cases") / "cases.json"
    listed.write_text(json.dumps(cases))
    done = subprocess.run([sys.executable, DRIVER, listed], capture_output=True, text=True, check=True, timeout=300)
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


def test_there_are_at_least_forty() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_in_a_few_lines(name: str, answers: dict[str, dict[str, object]]) -> None:
    output = str(answers[name]["output"])
    assert answers[name]["exit_code"] == 2, output
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) <= MOST_LINES, output
    for words in CASES[name][2]:
        assert words in output, output


def test_nothing_is_written_for_a_mistake(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    project.set("Training", num_epochs="many")
    assert project.run_all().exit_code == 2
    assert not project.results.exists()
