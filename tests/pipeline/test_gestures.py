"""The paper's public features as people take them: import, run, export, import what was exported, run again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from gestures_dataset import pack, row, write_dataset, write_table
from small_project import Project, make_small_project

IDS = tuple(
    (f"{patient:03d}", f"{seizure:02d}", "TCS" if (patient + seizure) % 2 else "FOS")
    for patient in (7, 12, 40, 101)
    for seizure in (1, 2)
)


def project_on(folder: Path, to: str) -> Project:
    """Return a project that starts from an imported folder."""
    folder.mkdir()
    project = make_small_project(folder)
    (folder / "data_manifest.csv").unlink()
    project.set("Demo", enabled="false")
    project.set("Dataset", manifest=f"{to}/manifest.csv", features=f"{to}/features")
    project.set("Features", network="r2plus1d_34_8_kinetics", weights="", stride_frames="1")
    project.set("Training", num_seeds="1")
    return project


def test_imported_exported_and_imported_again_a_dataset_gives_identical_metrics(tmp_path: Path) -> None:
    pack(write_dataset(tmp_path / "authors", IDS), tmp_path / "dataset.zip")
    ours = project_on(tmp_path / "ours", "public")
    run = ours.luigi("ImportGestures", "--dataset", "../dataset.zip", "--to", "public", "--num-readers", "1")
    assert run.exit_code == 0, run
    assert "4 patients, 4 FOS and 4 TCS of at least 2.5 s, NOT as in the paper:" in run.output
    assert "  patients: 4, the paper has 68" in run.output
    assert "  [Dataset]  manifest = public/manifest.csv" in run.output
    run = ours.run_all()
    assert run.exit_code == 0, run
    exported = ours.luigi("ExportFeatures", "--to", "../bundle.zip", "--site", "LAB1")
    assert exported.exit_code == 0, exported
    theirs = project_on(tmp_path / "theirs", "imported")
    run = theirs.luigi("ImportFeatures", "--bundle", "../bundle.zip")
    assert run.exit_code == 0, run
    run = theirs.run_all()
    assert run.exit_code == 0, run
    metrics, others = (
        {key: value for key, value in json.loads((of.results / "current" / "metrics.json").read_text()).items()
         if "baseline" not in key}  # durations travel to a tenth of a second
        for of in (ours, theirs)
    )  # fmt: skip
    assert others == metrics
    assert (metrics["num_patients"], metrics["num_seizures"]) == (4, 8)


def test_a_wrong_dataset_is_told_in_one_line(tmp_path: Path) -> None:
    project = project_on(tmp_path / "project", "imported")
    run = project.luigi("ImportGestures", "--dataset", "../nowhere.zip")
    assert run.exit_code == 2
    assert run.output.splitlines()[-1].startswith("../nowhere.zip: no such file or folder; expected dataset.zip of doi")


def test_the_papers_protocol_deals_a_cohort_of_the_authors_layout_by_their_rule(tmp_path: Path) -> None:
    """24 patients, 55 seizures, two views; some views discarded, and one seizure whose views both are."""
    rng = np.random.default_rng(0)
    owners = sorted([*range(24), *rng.integers(0, 8, 31).tolist()])
    ids = [
        (f"{7 * patient:03d}", f"{owners[:place].count(patient) + 1:02d}", "TCS" if rng.random() < 0.42 else "FOS")
        for place, patient in enumerate(owners)
    ]
    folder = write_dataset(tmp_path / "authors", tuple(ids))
    discards = {ids[3][:2]: "Yes", ids[10][:2]: "Large", ids[20][:2]: "Small"}
    write_table(
        folder,
        [
            row(one, other, "00:01:02" if label == "TCS" else "", Discard=discards.get((one, other), ""))
            for one, other, label in ids
        ],
    )
    project = project_on(tmp_path / "ours", "public")
    run = project.luigi("ImportGestures", "--dataset", "../authors", "--to", "public", "--num-readers", "1")
    assert run.exit_code == 0, run
    run = project.run_all("--Training-protocol", "paper", "--Folds-num-folds", "10", "--Training-num-epochs", "2")
    assert run.exit_code == 0, run
    assert "Reproduction only" in run.output
    with (project.results / "current" / "folds.csv").open(newline="") as file:
        found = {(line["patient_id"], line["seizure_id"]): int(line["fold"]) for line in csv.DictReader(file)}
    kept = [one for one in ids if discards.get(one[:2]) != "Yes"]
    turns = sorted(one[:2] for one in kept if one[2] == "TCS") + sorted(one[:2] for one in kept if one[2] == "FOS")
    assert found == {one: turn % 10 for turn, one in enumerate(turns)}
    metrics = json.loads((project.results / "current" / "metrics.json").read_text())
    assert (metrics["num_patients"], metrics["num_seizures"]) == (len({one for one, _, _ in kept}), 54)
