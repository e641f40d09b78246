"""CalibrateProbabilities in a real run: the file, the section of the page, and what a change of the target computes."""

from __future__ import annotations

import csv
import html
import json
import re

import pytest
from small_project import Project

from seizures.evaluation.belief import assess_calibration
from seizures.evaluation.predictions import read_predictions
from seizures.report.belief import belief_sentence


def test_the_file_and_the_page_say_what_the_predictions_give(finished: Project) -> None:
    current = finished.results / "current"
    found = json.loads((current / "calibration.json").read_text(encoding="utf-8"))
    again = assess_calibration(read_predictions(current / "predictions.csv"), 0.95, 0.95, is_simulated=True)
    assert found == again
    assert found["calibration"]["num_seizures"] == 6
    assert found["decision"]["reached"] is False  # six seizures show no such thing
    page = html.unescape((current / "report.html").read_text(encoding="utf-8")).replace("\u00a0", " ")
    assert "May I believe the number?" in page
    assert belief_sentence(found) in page
    assert re.search(r'href="#belief"', page)
    with (current / "figures" / "abstention.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["threshold"]) for row in rows] == [row["threshold"] for row in found["decision"]["curve"]]
    assert [float(row["share_called"]) for row in rows] == [row["share_called"] for row in found["decision"]["curve"]]


def test_another_target_computes_what_rests_on_it_and_nothing_else(done: Project) -> None:
    done.set("Evaluation", target_accuracy=0.75)
    run = done.run_all()
    assert run.exit_code == 0, run
    assert [task.partition("(")[0] for task in run.tasks] == [
        "CalibrateProbabilities", "DrawPictures", "RunAll", "TabulateChecklists", "WriteChecklists",
        "WriteProvenance", "WriteReport",
    ]  # fmt: skip
    found = json.loads((done.results / "current" / "calibration.json").read_text(encoding="utf-8"))
    assert found["decision"]["target_accuracy"] == 0.75
    assert found["decision"]["least_called"] == 4
    assert done.run_all().tasks == []


@pytest.mark.parametrize("value", ["0.5", "1", "95", "nan"])
def test_a_target_that_cannot_be_is_named_before_anything_runs(project: Project, value: str) -> None:
    project.set("Evaluation", target_accuracy=value)
    run = project.run_all()
    assert (run.exit_code, run.tasks) == (2, [])
    assert re.search(r"\[Evaluation\] target_accuracy = \S+: expected above 0.5 and below 1", run.output)
    assert not list(project.results.glob("[A-Z]*"))


def test_a_reproduction_says_so(done: Project) -> None:
    done.set("Training", protocol="paper")
    run = done.run_all()
    assert run.exit_code == 0, run
    current = done.results / "current"
    assert json.loads((current / "calibration.json").read_text(encoding="utf-8"))["is_reproduction"] is True
    assert "Reproduction only: classifiers may have seen" in (current / "report.html").read_text(encoding="utf-8")
