"""RunSnippets: networks on single snippets share folds and films, and the page has the paper's numbers beside ours."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from in_process import inside
from small_project import Project

from tasks.stages.snippets import ClassifySnippets

SMALL, FRAMES = "r2plus1d_small", "resnet_34"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_networks_are_compared_on_single_snippets_and_what_is_there_is_taken(done: Project) -> None:
    done.set("Snippets", networks=f"{SMALL}, {FRAMES}")
    run = done.luigi("RunSnippets")
    assert run.exit_code == 0, run
    assert "RunSnippets: complete" in run.output
    counts = Counter(task.partition("(")[0] for task in run.tasks)
    made = ("AssignFolds", "ClassifySnippets", "PoolSnippets", "TabulateSnippets", "DrawSnippets", "WriteSnippets")
    assert [counts[name] for name in made] == [0, 4, 1, 1, 1, 1]
    extracted = [task for task in run.tasks if task.startswith("ExtractFeatures")]
    assert len(extracted) == 6
    assert all(task.endswith(f"network={FRAMES})") for task in extracted)
    movement, frames = rows(done.results / "snippets" / "snippets.csv")
    assert [movement[name] for name in ("network", "frames_per_snippet", "feature_dim")] == [SMALL, "8", "96"]
    assert [frames[name] for name in ("network", "frames_per_snippet", "feature_dim")] == [FRAMES, "1", "512"]
    assert movement["num_seizures"] == frames["num_seizures"] == "6"
    assert int(frames["num_snippets"]) > int(movement["num_snippets"])  # a frame has room where a snippet has not
    assert movement["num_trained_before"] == frames["num_trained_before"]
    assert movement["num_trained_after"] == frames["num_trained_after"] == frames["num_trained_before"]
    assert [row["sampling"] for row in (movement, frames)] == ["balanced"] * 2
    assert (movement["difference"], movement["published_median_accuracy"]) == ("", "")
    assert (frames["published_median_accuracy"], frames["published_iqr_accuracy"]) == ("0.897", "0.277")
    assert (frames["published_median_f1"], frames["published_iqr_f1"]) == ("0.739", "0.236")
    assert (frames["published_median_average_precision"], frames["published_iqr_average_precision"]) == (
        "0.843",
        "0.287",
    )
    assert 0 <= float(movement["median_f1"]) <= 1
    assert 0 < float(movement["median_average_precision"]) <= 1
    assert frames["difference_num_comparisons"] == "1"
    assert frames["difference_can_be_significant"] == "False"  # four patients: 2 / 2^4 at the least
    assert len(rows(done.results / "snippets" / "counts.csv")) == 2 * 12
    assert (done.results / "snippets" / "snippets.png").read_bytes().startswith(b"\x89PNG")
    page = (done.results / "snippets" / "snippets.html").read_text(encoding="utf-8")
    assert "89.7\u00a0% (27.7)" in page
    assert "films of this page are simulated" in page
    assert "The comparison cannot be significant" in page
    assert "https:" not in page

    again = done.luigi("RunSnippets")
    assert (again.exit_code, again.tasks) == (0, [])
    assert done.run_all().tasks == []
    pruned = done.luigi("Prune", "--delete", "--older-than-days", "0", "--keep-runs", "1")
    assert pruned.exit_code == 0, pruned
    assert done.luigi("RunSnippets").tasks == []

    done.set("Snippets", networks=SMALL)
    alone = done.luigi("RunSnippets")
    assert alone.exit_code == 0, alone
    assert not [task for task in alone.tasks if task.startswith(("DecodeRecording", "ExtractFeatures"))]


def test_another_list_of_networks_is_another_training_set(done: Project) -> None:
    keys = {}
    for networks in (SMALL, f"{SMALL}, {FRAMES}", f"{FRAMES}, {SMALL}", f"{SMALL}, r2plus1d_34_8_ig65m, {FRAMES}"):
        done.set("Snippets", networks=networks)
        with inside(done):
            keys[networks] = ClassifySnippets(network=SMALL, fold=0).key
    assert len(set(keys.values())) >= 3
    assert keys[SMALL] != keys[f"{SMALL}, {FRAMES}"] != keys[f"{SMALL}, r2plus1d_34_8_ig65m, {FRAMES}"]
    assert keys[f"{SMALL}, {FRAMES}"] == keys[f"{FRAMES}, {SMALL}"]


def test_all_networks_are_trained_on_the_middles_of_the_same_segments(done: Project) -> None:
    balanced = {}
    with inside(done):
        balanced = {fold: ClassifySnippets(network=SMALL, fold=fold).key for fold in (0, 1)}
    rows_now = done.rows
    for row in rows_now:
        if row["label"] == "TCS":  # so that the middle of a film's only whole segment, at 16 / 15 s, is after it
            row["clonic_onset_seconds"] = f"{float(row['onset_seconds']) + 0.5:.2f}"
    done.write_rows(rows_now)
    done.set("Snippets", networks=f"{SMALL}, {FRAMES}", sampling="middles")
    run = done.luigi("RunSnippets")
    assert run.exit_code == 0, run
    segments = Counter[tuple[str, str]]()
    for row in rows_now:
        num_frames = int(15 * (float(row["offset_seconds"]) - float(row["onset_seconds"])) + 1e-6)
        assert 32 <= num_frames < 64
        if row["use"] == "all":
            segments[row["patient_id"], row["seizure_id"]] += 1
    label = {(row["patient_id"], row["seizure_id"]): row["label"] for row in rows_now}
    folds = {
        (row["patient_id"], row["seizure_id"]): row["fold"] for row in rows(done.results / "current" / "folds.csv")
    }
    for row in rows(done.results / "snippets" / "counts.csv"):
        found = (int(row["num_trained_before"]), int(row["num_trained_after"]))
        wanted = tuple(
            sum(segments[ids] for ids in folds if folds[ids] != row["fold"] and label[ids] == name)
            for name in ("FOS", "TCS")
        )
        assert found == wanted
    for row in rows(done.results / "snippets" / "snippets.csv"):
        assert row["sampling"] == "middles"
    page = (done.results / "snippets" / "snippets.html").read_text(encoding="utf-8")
    assert "the middle of every segment of 32 frames" in page
    with inside(done):
        assert all(ClassifySnippets(network=SMALL, fold=fold).key != key for fold, key in balanced.items())
    assert done.luigi("RunSnippets").tasks == []


def test_segments_that_have_no_middles_are_told_before_anything_is_made(done: Project) -> None:
    done.set("Snippets", networks=SMALL, sampling="middles")
    done.set("Features", stride_frames=17)
    run = done.luigi("RunSnippets")
    assert run.exit_code == 2, run
    assert (
        "stride_frames = 17 a segment of 32 frames may have no snippet near its middle; expected at most 16"
        in run.output
    )
    done.set("Snippets", sampling="middle")
    assert "[Snippets] sampling = middle: expected one of balanced, middles" in done.luigi("RunSnippets").output


def test_features_of_other_networks_are_kept_before_the_experiment_is_complete(done: Project) -> None:
    done.set("Snippets", networks=f"{SMALL}, {FRAMES}")
    assert done.luigi("RunSnippets").exit_code == 0
    num_features = len(done.files("ExtractFeatures/*/*.h5"))
    for link in (done.results / "snippets").resolve().iterdir():
        link.unlink()
    (done.results / "snippets").resolve().rmdir()  # as though it had not been published yet
    assert done.luigi("Prune", "--delete", "--older-than-days", "0").exit_code == 0
    assert len(done.files("ExtractFeatures/*/*.h5")) == num_features == 18  # and those of the baselines


def test_networks_that_cannot_be_compared_are_refused_all_at_once(done: Project) -> None:
    done.set("Snippets", networks="resnet_43, r2plus1d_smal")
    done.set("Dataset", allow_mixed_features="true")
    done.write_rows([{**row, "clonic_onset_seconds": ""} for row in done.rows])
    run = done.luigi("RunSnippets")
    assert run.exit_code == 2, run
    for words in ("4 mistakes", "mean 'resnet_34'?", "mean 'r2plus1d_small'?", "allow_mixed", "no seizure has clonic"):
        assert words in run.output
    assert "Traceback" not in run.output
    assert "NOT complete" not in run.output
    done.set("Snippets", networks=" , ")
    assert "there is none to compare" in done.luigi("RunSnippets").output


def test_a_seizure_without_its_clonic_onset_is_not_counted_and_named(done: Project) -> None:
    fold = {(row["patient_id"], row["seizure_id"]): row["fold"] for row in rows(done.results / "current" / "folds.csv")}
    tcs = sorted({(row["patient_id"], row["seizure_id"]) for row in done.rows if row["label"] == "TCS"})
    sizes = Counter(fold[ids] for ids in tcs)
    patient, seizure = next(ids for ids in tcs if sizes[fold[ids]] > 1)  # so that each fold has another to train on
    unknown = [(row["patient_id"], row["seizure_id"]) == (patient, seizure) for row in done.rows]
    done.write_rows([
        {**row, "clonic_onset_seconds": ""} if is_unknown else row
        for row, is_unknown in zip(done.rows, unknown, strict=True)
    ])  # fmt: skip
    done.set("Snippets", networks=SMALL)
    run = done.luigi("RunSnippets")
    assert run.exit_code == 0, run
    (row,) = rows(done.results / "snippets" / "snippets.csv")
    assert row["num_seizures"] == "5"
    page = (done.results / "snippets" / "snippets.html").read_text(encoding="utf-8")
    assert f"clonic onset is unknown: {patient}+{seizure}." in page
