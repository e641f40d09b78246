"""What a run says at its end about where the time went."""

from __future__ import annotations

import json

import pytest
from small_project import Project

from tasks.stage.costs import StageCost, cost_table


def test_a_run_ends_with_what_its_stages_cost(finished: Project) -> None:
    lines = finished.first_run.output.splitlines()
    table = {line.split()[0]: line for line in lines[-30:] if line.strip()}
    assert "frames/s" in table["DecodeRecording"]
    assert "snippets/s" in table["ExtractFeatures"]
    assert "sequences/s" in table["TrainFold"]
    assert "/s" not in table["AssignFolds"]
    page = (finished.results / "current" / "report.html").read_text()
    assert "snippets/s" in page


def test_the_amounts_are_those_of_the_results(finished: Project) -> None:
    costs = {
        cost["stage"]: cost for cost in json.loads((finished.results / "current/summary.json").read_text())["costs"]
    }
    assert costs["TrainFold"]["num_results"] == 4
    notes = [json.loads(path.read_text()) for path in finished.results.glob("TrainFold/*/*.why.json")]
    assert costs["TrainFold"]["amount"] == sum(note["amount"] for note in notes)
    assert costs["TrainFold"]["seconds"] == pytest.approx(sum(note["seconds"] for note in notes))


def test_the_table_is_read_at_a_glance() -> None:
    rows = [StageCost("DecodeRecording", 2, 4.0, 5000, "frames"), StageCost("AssignFolds", 1, 0.25, 0, "")]
    assert cost_table([row._asdict() for row in rows]).splitlines() == [
        "stage                results   seconds   throughput of one worker",
        "DecodeRecording            2       4.0   1,250 frames/s",
        "AssignFolds                1       0.2",
        "all                        3       4.2",
    ]
