"""Provenance, checklists and the flow of a real run."""

from __future__ import annotations

import csv
import json

from small_project import Project


def rows(project: Project, name: str) -> list[dict[str, str]]:
    with (project.results / "current" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_the_authors_wrote_reaches_the_checklists_alone(done: Project) -> None:
    (done.folder / "study.toml").write_text('ethics = "Committee <of> one"\nsample_size = "all films"\n')
    rows_before = rows(done, "checklist.csv")
    run = done.run_all()
    assert run.exit_code == 0, run
    assert [task.partition("(")[0] for task in run.tasks] == [
        "RunAll",
        "TabulateChecklists",
        "WriteChecklists",
        "WriteReport",
    ]
    found = {(row["list"], row["item"]): row for row in rows(done, "checklist.csv")}
    assert len(found) == len(rows_before) == 178
    assert found["TRIPOD+AI", "17"]["answer"] == "Committee <of> one"
    assert found["TRIPOD+AI", "10"]["answer"].endswith("all films")
    page = (done.results / "current" / "checklist.html").read_text(encoding="utf-8")
    assert "Committee &lt;of&gt; one" in page
    assert "https:" not in page
    assert 'href="checklist.html"' in (done.results / "current" / "report.html").read_text(encoding="utf-8")
    assert done.run_all().tasks == []
    (done.folder / "study.toml").write_text('ethic = "x"\nraters = 1\n')
    run = done.run_all()
    assert (run.exit_code, run.tasks) == (2, [])
    assert "ethic: no such key - did you mean ethics?" in run.output
    assert "raters: expected text in quotation marks" in run.output


def test_provenance_says_what_was_run(finished: Project) -> None:
    found = json.loads((finished.results / "current" / "provenance.json").read_text(encoding="utf-8"))
    assert found["is_simulated"] is True
    assert found["settings"]["Training"]["num_epochs"] == 3
    assert "/" not in found["settings"]["Dataset"]["manifest"]
    assert [row["name"] for row in found["flow"]] == ["listed", "skipped", "short", "unusable", "scored"]
    assert found["flow"][-1]["num_seizures"] == 6
    assert len(found["training"]) == 4
    assert {one["num_epochs_used"] for one in found["training"]} == {3}
    assert found["weights"] == "random:0"
    assert found["software"]["versions"]["python"]


def test_the_flow_counts_what_is_skipped_and_whom_the_columns_describe(done: Project) -> None:
    several = next(row for row in done.rows if sum(r["patient_id"] == row["patient_id"] for r in done.rows) > 2)
    skipped = (several["patient_id"], several["seizure_id"])
    sexes = {"P01": "f", "P02": "m"}
    done.write_rows([
        {**row, "sex": sexes.get(row["patient_id"], ""),
         "use": "skip" if (row["patient_id"], row["seizure_id"]) == skipped else row["use"]} for row in done.rows
    ])  # fmt: skip
    run = done.run_all()
    assert run.exit_code == 0, run
    found = json.loads((done.results / "current" / "provenance.json").read_text(encoding="utf-8"))
    assert found["columns"] == {"sex": {"f": 1, "m": 1, "not stated": 2}}
    steps = {row["step"]: int(row["num_seizures"]) for row in rows(done, "figures/flow.csv")}
    assert (steps["listed"], steps["skipped"], steps["scored"]) == (6, 1, 5)
    assert "Skipped by the manifest" in (done.results / "current" / "report.html").read_text(encoding="utf-8")
