"""Answers come from files and from the authors, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

from seizures.report.checklists.answers import AUTHORS, PART, RUN, answer_items, read_answers, write_answers
from seizures.report.checklists.inventory import Item

FILES = {
    "metrics": {
        "num_patients": 12,
        "metrics": {"accuracy": {"mean": 0.8125, "low": 0.5, "high": None, "per_seed": [1]}},
    },
    "provenance": {"columns": {}, "flow": [{"title": "Listed", "words": "4 patients"}], "weights": "random:0"},
}


def answered(sources: tuple[str, ...], study: str = "", **written: str) -> tuple[str, str, str]:
    (row,) = answer_items([Item("L", "1", "topic", sources, study)], FILES, written)
    return row.status, row.answer, row.source


def test_a_value_of_the_run_names_its_file_and_key() -> None:
    assert answered(("metrics:num_patients", "provenance:weights")) == (
        RUN, "num_patients: 12; weights: random:0", "metrics.json num_patients; provenance.json weights"
    )  # fmt: skip
    assert answered(("metrics:metrics.accuracy",))[1] == "metrics.accuracy: mean 0.812, low 0.5"
    assert answered(("provenance:flow",))[1] == "flow: Listed: 4 patients"
    assert answered(("file:report.html, methods",)) == (RUN, "see report.html, methods", "report.html")


def test_what_the_run_does_not_have_adds_nothing() -> None:
    assert answered(("provenance:columns.site", "provenance:columns", "metrics:nothing.at.all")) == (RUN, "", "")


def test_the_authors_are_quoted_and_blanks_stay_blank() -> None:
    assert answered((), "ethics") == (AUTHORS, "", "study.toml ethics (blank)")
    assert answered((), "ethics", ethics="<b>Approved; 12 %</b>") == (
        AUTHORS, "<b>Approved; 12 %</b>", "study.toml ethics",
    )  # fmt: skip
    assert answered(("metrics:num_patients",), "sample_size", sample_size="all there were") == (
        PART, "num_patients: 12; all there were", "metrics.json num_patients; study.toml sample_size",
    )  # fmt: skip


def test_a_long_value_is_cut_and_says_so() -> None:
    (row,) = answer_items([Item("L", "1", "t", ("metrics:a",), "")], {"metrics": {"a": ["word"] * 500}}, {})
    assert len(row.answer) < 340
    assert row.answer.endswith("(all of it in the file)")


def test_the_table_comes_back(tmp_path: Path) -> None:
    rows = answer_items([Item("L", "3a", 'a "topic"', ("metrics:num_patients",), "aim")], FILES, {"aim": "x,\ny"})
    write_answers(tmp_path / "checklist.csv", rows)
    assert read_answers(tmp_path / "checklist.csv") == rows
