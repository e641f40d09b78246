"""RunSweep: cells share folds, features and classifiers; the paper's protocol is named as what it is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project

from seizures.errors import SettingsError
from tasks.settings.cells import expand, make_cell, training_settings
from tasks.stages.evaluation import ScorePredictions
from tasks.stages.folds import AssignFolds
from tasks.stages.training import TrainFold, all_classifiers

SWEEP = "aggregation=mean,blstm; protocol=patient,paper"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_sweep_shares_what_is_there_and_ends_in_a_table_a_comparison_and_a_figure(done: Project) -> None:
    run = done.luigi("RunSweep", "--settings", SWEEP)
    assert run.exit_code == 0, run
    assert "RunSweep: complete, 4 cells" in run.output
    # The present settings are blstm under protocol patient, and their four classifiers are there; three cells are new.
    assert len([task for task in run.tasks if task.startswith("DecodeRecording")]) == 0
    assert len(done.files("TrainFold/*/*.pt")) == 4 * 4
    shown = done.results / "sweep"
    table = {(row["aggregation"], row["protocol"]): row for row in rows(shown / "sweep.csv")}
    assert set(table) == {(name, protocol) for name in ("mean", "blstm") for protocol in ("patient", "paper")}
    assert all(0 <= float(row["accuracy"]) <= 1 and row["published_accuracy"] == "" for row in table.values())
    assert {row["num_seizures"] for row in table.values()} == {"6"}
    compared = rows(shown / "comparisons.csv")
    assert [row["reference"] for row in compared] == ["(present settings)"] * 3
    assert all(float(row["p_value"]) <= float(row["p_value_holm"]) <= 1 for row in compared)
    assert all(0 <= float(row["p_value_mann_whitney_bonferroni"]) <= 1 for row in compared)
    assert (shown / "sweep.png").read_bytes().startswith(b"\x89PNG")
    page = (shown / "protocols.html").read_text(encoding="utf-8")
    assert page.count("Optimism of the paper&#39;s protocol: accuracy under paper minus that under patient") == 2
    assert "is for reproduction only" in page
    assert "https:" not in page
    with inside(done):
        paper = AssignFolds(cell="protocol=paper")
        assert paper.shared_patients
        assert not AssignFolds().shared_patients
        assert "reproduction-only" in paper.label
        assert "REPRODUCTION ONLY" in ScorePredictions(cell="protocol=paper").path.read_text()
        assert "REPRODUCTION" not in ScorePredictions().path.read_text()
        looked_at = TrainFold(fold=0, seed=0, cell="protocol=paper")
        assert set(looked_at.recipe["reads"]["looked_at"]).isdisjoint(looked_at.recipe["reads"]["training"])
        assert "looked_at" not in TrainFold(fold=0, seed=0).recipe["reads"]

    again = done.luigi("RunSweep", "--settings", SWEEP)
    assert (again.exit_code, again.tasks) == (0, [])
    assert done.run_all().tasks == []
    pruned = done.luigi("Prune", "--delete", "--older-than-days", "0")
    assert pruned.exit_code == 0, pruned
    assert len(done.files("TrainFold/*/*.pt")) == 4 * 4


def test_each_part_of_the_papers_protocol_can_be_had_alone(done: Project) -> None:
    sweep = "protocol=patient,paper; dealing=patients,seizures; loss=weighted,paper"
    options = ("--Training-num-seeds", "1", "--Training-num-epochs", "2")
    run = done.luigi("RunSweep", "--settings", sweep, *options)
    assert run.exit_code == 0, run
    found = {(row["protocol"], row["dealing"], row["loss"]): row["is_reproduction"] for row in rows(
        done.results / "sweep" / "sweep.csv")}  # fmt: skip
    assert len(found) == 8
    assert {key for key, only in found.items() if only == "False"} == {
        ("patient", "patients", "weighted"), ("patient", "patients", "paper"),
    }  # fmt: skip
    page = (done.results / "sweep" / "protocols.html").read_text(encoding="utf-8")
    for name in ("patient + dealing", "patient + epoch", "patient + loss", "patient + dealing + epoch", "paper"):
        assert f"<tr><th>{name}</th>" in page
    assert "Optimism of dealing seizures into folds, alone: accuracy under patient + dealing minus" in page


def test_patients_are_dealt_again_with_other_seeds_and_scores_are_the_mean(done: Project) -> None:
    before = done.files("TrainFold/*/*.pt")
    done.set("Folds", num_repeats=2)
    plan = done.luigi("Plan")
    run = done.run_all()
    assert run.exit_code == 0, run
    assert f"TrainFold{' ' * 10}" in plan.output
    made = done.files("TrainFold/*/*.pt")
    assert {name: made[name] for name in before} == before
    dealt_again = [name for name in made if "repeat1" in name]
    assert 0 < len(dealt_again) <= 4
    current = done.results / "current"
    table = rows(current / "predictions.csv")
    seen = [(row["patient_id"], row["seizure_id"], row["repeat"], row["seed"]) for row in table]
    assert len(set(seen)) == len(seen) == 6 * 2 * 2
    folds = [{row["patient_id"]: row["fold"] for row in rows(current / name)} for name in
             ("folds.csv", "folds+repeat1.csv")]  # fmt: skip
    for row in table:
        assert folds[int(row["repeat"])][row["patient_id"]] == row["fold"]
    summary = json.loads((current / "metrics.json").read_text())
    accuracy = summary["metrics"]["accuracy"]
    assert (summary["num_repeats"], summary["seeds"], len(accuracy["per_seed"])) == (2, [0, 1], 4)
    assert accuracy["per_repeat"] == pytest.approx([
        sum(row["correct"] == "True" for row in table if row["repeat"] == repeat) / 12 for repeat in "01"
    ])  # fmt: skip
    assert accuracy["mean"] == pytest.approx(sum(accuracy["per_repeat"]) / 2)
    assert "dealings into folds" in (current / "report.html").read_text(encoding="utf-8")
    assert done.run_all().tasks == []


def test_settings_are_chosen_on_inner_folds_where_every_cell_is_nested(done: Project) -> None:
    # So that three patients of the four always have both labels twice: two with both, one with each.
    labels = {patient: iter(["FOS", "TCS"]) for patient in ("P01", "P02", "P03", "P04")}
    numbers: dict[str, set[str]] = {row["patient_id"]: set() for row in done.rows}
    for row in done.rows:
        numbers[row["patient_id"]].add(row["seizure_id"])
    assert sorted(len(found) for found in numbers.values()) == [1, 1, 2, 2]
    singles = iter(["FOS", "TCS"])
    label_of: dict[tuple[str, str], str] = {}
    for patient, found in sorted(numbers.items()):
        for number in sorted(found):
            label_of[patient, number] = next(singles if len(found) == 1 else labels[patient])
    done.write_rows([
        {**row, "label": label_of[row["patient_id"], row["seizure_id"]], "clonic_onset_seconds": ""}
        for row in done.rows
    ])  # fmt: skip
    options = ("--Training-protocol", "nested", "--Training-num-inner-folds", "2", "--Training-num-seeds", "1")
    options += ("--Training-num-epochs", "2", "--Folds-num-folds", "4")
    run = done.luigi("RunSweep", "--settings", "gamma=1,inf", *options)
    assert run.exit_code == 0, run
    table = rows(done.results / "sweep" / "sweep.csv")
    assert [row["cell"] for row in table] == ["gamma=1", "gamma=inf", "(chosen on inner folds)"]
    assert [row["num_seizures"] for row in table] == ["6"] * 3
    assert {row["protocol"] for row in table} == {"nested"}
    assert [row["gamma"] for row in table] == ["1.0", "inf", ""]


def test_a_cell_is_the_same_however_it_is_written(done: Project) -> None:
    with inside(done):
        assert expand("aggregation=blstm") == [""]
        assert expand("gamma=4.0,2.0,2; aggregation = mean") == ["aggregation=mean", "aggregation=mean; gamma=2"]
        assert make_cell({"gamma": "inf", "aggregation": "mean"}) == "aggregation=mean; gamma=inf"
        one, other = TrainFold(fold=0, seed=0), TrainFold(fold=0, seed=0, cell="aggregation=blstm")
        assert (one.key, one.task_id) == (other.key, other.task_id)
        assert TrainFold(fold=0, seed=0, cell="aggregation=mean").key != one.key
        assert training_settings("protocol=nested").selection == "inner"
        assert expand("num_seeds=1,2; gamma=4") == ["num_seeds=1", ""]
        fewer, present = all_classifiers("num_seeds=1"), all_classifiers()
        assert [stage.seed for stage in fewer] == [0, 0]
        assert {stage.key for stage in fewer} < {stage.key for stage in present}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "agregation=mean",
            "agregation: no such setting of [Training], [Folds] or [Features] - did you mean aggregation?",
        ),
        ("aggregation=mean,blst", "aggregation = blst: expected one of"),
        ("gamma=0.5; num_segments=x", "gamma = 0.5"),
        ("num_segments=64", "needs seizures of at least"),
        ("protocol=seizure", "protocol = seizure: expected one of patient, nested, paper"),
        ("gamma", "gamma: expected name=value"),
        ("", "no setting to sweep"),
        ("num_seeds=0", "num_seeds = 0: expected at least 1"),
    ],
)
def test_a_mistake_in_a_sweep_is_told(done: Project, text: str, words: str) -> None:
    with inside(done), pytest.raises(SettingsError) as caught:
        expand(text)
    assert words in str(caught.value)


def test_a_mistake_on_the_command_line_is_refused_before_anything_runs(done: Project) -> None:
    run = done.luigi("RunSweep", "--settings", "aggregation=blst")
    assert run.exit_code == 2
    assert "aggregation = blst: expected one of" in run.output
    assert "Traceback" not in run.output
