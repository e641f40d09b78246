"""RunSnippets: networks on single snippets share folds and films, and the page has the paper's numbers beside ours."""

from __future__ import annotations

import csv
from pathlib import Path

from small_project import Project


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_networks_are_compared_on_single_snippets_and_what_is_there_is_taken(done: Project) -> None:
    done.set("Snippets", networks="r2plus1d_small, resnet_34")
    run = done.luigi("RunSnippets")
    assert run.exit_code == 0, run
    assert "RunSnippets: complete" in run.output
    counts = {name: len([task for task in run.tasks if task.startswith(name)]) for name in
              ("AssignFolds", "ClassifySnippets", "TabulateSnippets", "WriteSnippets")}  # fmt: skip
    assert counts == {"AssignFolds": 0, "ClassifySnippets": 4, "TabulateSnippets": 1, "WriteSnippets": 1}
    extracted = [task for task in run.tasks if task.startswith("ExtractFeatures")]
    assert len(extracted) == 6
    assert all(task.endswith("network=resnet_34)") for task in extracted)
    movement, frames = rows(done.results / "snippets" / "snippets.csv")
    assert (movement["network"], movement["frames_per_snippet"], movement["feature_dim"]) == (
        "r2plus1d_small",
        "8",
        "96",
    )
    assert (frames["network"], frames["frames_per_snippet"], frames["feature_dim"]) == ("resnet_34", "1", "512")
    assert movement["num_seizures"] == frames["num_seizures"] == "6"
    assert int(frames["num_snippets"]) > int(movement["num_snippets"])  # a frame has room where a snippet has not
    assert movement["num_trained_per_class"] == frames["num_trained_per_class"]
    assert (movement["difference"], movement["published_median_accuracy"]) == ("", "")
    assert (frames["published_median_accuracy"], frames["published_iqr_accuracy"]) == ("0.897", "0.277")
    assert (done.results / "snippets" / "snippets.png").read_bytes().startswith(b"\x89PNG")
    page = (done.results / "snippets" / "snippets.html").read_text(encoding="utf-8")
    assert "89.7\u00a0% (27.7)" in page
    assert "weights are random" in page
    assert "https:" not in page

    again = done.luigi("RunSnippets")
    assert (again.exit_code, again.tasks) == (0, [])
    assert done.run_all().tasks == []
    pruned = done.luigi("Prune", "--delete", "--older-than-days", "0")
    assert pruned.exit_code == 0, pruned
    assert done.luigi("RunSnippets").tasks == []

    done.set("Snippets", networks="r2plus1d_small")
    alone = done.luigi("RunSnippets")
    assert alone.exit_code == 0, alone
    assert not [task for task in alone.tasks if task.startswith(("DecodeRecording", "ExtractFeatures"))]


def test_networks_that_cannot_be_compared_are_refused_all_at_once(done: Project) -> None:
    done.set("Features", weights="random:0")
    done.set("Snippets", networks="resnet_43, r2plus1d_smal")
    run = done.luigi("RunSnippets")
    assert run.exit_code == 2, run
    assert "2 mistakes" in run.output
    assert "Did you mean 'resnet_34'?" in run.output
    assert "Did you mean 'r2plus1d_small'?" in run.output
    done.set("Snippets", networks=" , ")
    assert "there is none to compare" in done.luigi("RunSnippets").output


def test_a_seizure_without_its_clonic_onset_is_not_counted_and_named(done: Project) -> None:
    tcs = next(row for row in done.rows if row["label"] == "TCS")
    ids = ("patient_id", "seizure_id")
    same = [all(row[name] == tcs[name] for name in ids) for row in done.rows]
    done.write_rows(
        [{**row, "clonic_onset_seconds": ""} if match else row for row, match in zip(done.rows, same, strict=True)]
    )
    done.set("Snippets", networks="r2plus1d_small")
    run = done.luigi("RunSnippets")
    assert run.exit_code == 0, run
    (row,) = rows(done.results / "snippets" / "snippets.csv")
    assert row["num_seizures"] == "5"
    page = (done.results / "snippets" / "snippets.html").read_text(encoding="utf-8")
    assert f"no clonic onset for them: {tcs['patient_id']}+{tcs['seizure_id']}." in page
