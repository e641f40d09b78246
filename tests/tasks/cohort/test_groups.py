"""`[Folds] group`: sites are held out whole, and what cannot be held out is reported before anything runs."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest
from small_project import Project


def with_column(project: Project, name: str, values: dict[str, str]) -> None:
    project.write_rows([{**row, name: values.get(row["patient_id"], "")} for row in project.rows])


def test_no_site_is_in_two_folds_and_the_page_says_so(done: Project) -> None:
    labels = defaultdict(set)
    for row in done.rows:
        labels[row["patient_id"]].add(row["label"])
    both = [patient for patient, found in labels.items() if len(found) == 2]
    rest = [patient for patient in labels if patient not in both]
    # Each site has both labels: two patients who have both, or one of each kind.
    first = both[:1] or [next(p for p in rest if labels[p] == {label}) for label in ("FOS", "TCS")]
    with_column(done, "site", {patient: "north" if patient in first else "south" for patient in labels})
    run = done.run_all("--Folds-group", "site")
    assert run.exit_code == 0, run
    assert not [task for task in run.tasks if task.startswith(("DecodeRecording", "ExtractFeatures"))]
    site_of = {row["patient_id"]: row["site"] for row in done.rows}
    folds = defaultdict(set)
    with (done.results / "current" / "folds.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            folds[site_of[row["patient_id"]]].add(row["fold"])
    assert sorted(map(len, folds.values())) == [1, 1]
    page = (done.results / "current" / "report.html").read_text(encoding="utf-8")
    assert "groups of patients by site were dealt" in page
    assert "no site and no patient is in both the training and the test part" in page


@pytest.mark.parametrize(
    ("group", "values", "words"),
    [
        ("sites", "abab", "[Folds] group = sites: data_manifest.csv has no such column - did you mean site?"),
        ("site", "ab", "[Folds] group = site: nothing stands there for P03+01"),
        ("site", "aaaa", "2 folds need at least 2 sites, and there is 1 site"),
    ],
)  # fmt: skip
def test_what_cannot_be_held_out_is_told_in_a_line(done: Project, group: str, values: str, words: str) -> None:
    with_column(done, "site", {f"P{number:02d}": value for number, value in enumerate(values, start=1)})
    run = done.run_all("--Folds-group", group)
    assert run.exit_code == 2, run
    assert words in run.output
    assert "Traceback" not in run.output
    assert run.tasks == []


def test_a_patient_in_two_groups_is_named(done: Project) -> None:
    numbers = {row["patient_id"]: set() for row in done.rows}
    for row in done.rows:
        numbers[row["patient_id"]].add(row["seizure_id"])
    several = next(patient for patient, found in numbers.items() if len(found) > 1)
    done.write_rows([{**row, "camera": row["seizure_id"]} for row in done.rows])
    run = done.run_all("--Folds-group", "camera")
    assert run.exit_code == 2, run
    assert f"[Folds] group = camera: {several}" in run.output
    assert "a patient with two values cannot be held out with one" in run.output
    run = done.run_all("--Folds-group", "camera", "--Folds-dealing", "seizures")
    assert "with seizures dealt into folds, nothing is held out together" in run.output
