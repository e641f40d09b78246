"""With other labels, every column, word and picture follows them."""

from __future__ import annotations

import csv
import html
import re

import pytest
from small_project import Project

LABELS = {"FOS": "ADL", "TCS": "Big fall (2)"}


@pytest.fixture
def other(project: Project) -> Project:
    """Return a project whose labels are not those of seizures."""
    project.set("Dataset", labels=", ".join(LABELS.values()))
    project.write_rows([{**row, "label": LABELS[row["label"]]} for row in project.rows])
    return project


def test_nothing_that_is_published_tells_of_other_labels(other: Project) -> None:
    run = other.run_all()
    assert run.exit_code == 0, run
    assert not re.search(r"TCS|FOS", run.output)
    swept = other.luigi("RunSweep", "--settings", "protocol=patient,paper", "--Training-num-seeds", "1")
    assert swept.exit_code == 0, swept
    published = [
        path
        for folder in ("current", "sweep")
        for path in (other.results / folder).resolve().rglob("*")
        if path.suffix in (".html", ".csv", ".json")
    ]
    assert len(published) > 10
    for path in published:
        text = html.unescape(re.sub(r"data:image[^\"']+", "", path.read_text(encoding="utf-8")))
        found = re.findall(r".{40}(?:TCS|\bFOS\b|tcs|onic-clonic).{40}", text)
        assert not found, (path.name, found)
    with (other.results / "current" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    assert "probability_big_fall_2" in header
    assert {name for name in header if name.startswith("probability_big_fall_2_")} == {
        "probability_big_fall_2_large", "probability_big_fall_2_small",
    }  # fmt: skip
    page = (other.results / "current" / "report.html").read_text(encoding="utf-8")
    assert "Big fall (2) detected" in page


def test_the_same_predictions_are_made_whatever_the_labels_are_called(other: Project, finished: Project) -> None:
    assert other.run_all().exit_code == 0

    def rows(project: Project) -> list[list[str]]:
        with (project.results / "current" / "predictions.csv").open(newline="", encoding="utf-8") as file:
            return [row[:2] + row[3:9] + row[-1:] for row in csv.reader(file)][1:]

    assert rows(other) == rows(finished)
