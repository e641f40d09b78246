"""The report of real runs: what it tells, with little in a fold, and with seizures left out."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image
from small_project import Project

PICTURES = {
    "over_time", "clonic_onset", "seizures", "decision", "flow", "confusion", "scores", "parts",
    "calibration", "roc", "training",
}  # fmt: skip
PICTURES |= {"reliability", "abstention"}


class Words(HTMLParser):
    """Collect the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text_of(page: Path) -> str:
    return re.sub(r"\s+", " ", " ".join(Words(page.read_text(encoding="utf-8")).words))


def test_every_picture_lies_beside_the_page_with_its_numbers(finished: Project) -> None:
    current = finished.results / "current"
    page, folder = (current / "report.html").read_text(encoding="utf-8"), current / "figures"
    assert {path.name for path in folder.iterdir()} == {f"{name}.{end}" for name in PICTURES for end in ("png", "csv")}
    for name in PICTURES:
        assert f'href="figures/{name}.png"' in page
        assert f'href="figures/{name}.csv"' in page
        with Image.open(folder / f"{name}.png") as image:
            assert image.size[0] > 1000
    metrics = json.loads((current / "metrics.json").read_text())
    with (folder / "scores.csv").open(newline="") as file:
        scores = {row["metric"]: row["mean"] for row in csv.DictReader(file)}
    assert float(scores["accuracy"]) == metrics["metrics"]["accuracy"]["mean"]
    with (folder / "seizures.csv").open(newline="") as file:
        assert {row["seizure_id"] for row in csv.DictReader(file)} == {row["seizure_id"] for row in finished.rows}


def test_the_page_says_what_was_run_on_whom(finished: Project) -> None:
    text = text_of(finished.results / "current" / "report.html")
    for words in (
        "Simulated videos of 6 seizures",
        "Snippets of 8 consecutive frames (0.53 s), one starting at every 4 frames (0.27 s)",
        "into vectors of 96 features by a small R(2+1)D network (r2plus1d_small) with random, untrained weights",
        "cut into 2 equal segments",
        "one layer of 8 units in each direction",
        "for 3 epochs",
        "in 2 folds into which patients were dealt",
        "2 seeds (0 and 1)",
        "Wilson's method with an effective number of seizures",
        "doi:10.1007/978-3-030-87240-3_32",
        "view: large",
        "duration: under 30 s",
        "seizures per patient: 1",
        "Brier score",
    ):
        assert words in text, words


def test_seizures_left_out_folds_of_one_patient_and_absent_labels_are_told(done: Project) -> None:
    rows, numbers = done.rows, {}
    for row in rows:
        numbers.setdefault(row["patient_id"], set()).add(row["seizure_id"])
    several = sorted(patient for patient, found in numbers.items() if len(found) > 1)
    skipped, short = [(patient, max(numbers[patient])) for patient in several[:2]]
    for row in rows:
        if (row["patient_id"], row["seizure_id"]) == skipped:
            row |= {"use": "skip", "reason": "the patient is under a blanket"}
        elif (row["patient_id"], row["seizure_id"]) == short:
            row |= {"offset_seconds": f"{float(row['onset_seconds']) + 1.5}", "clonic_onset_seconds": ""}
            row["label"] = "FOS"
    # One seizure is left to each patient: two of each label, so that every fold is one patient, and lacks a label.
    left = sorted({(row["patient_id"], row["seizure_id"]) for row in rows} - {skipped, short})
    labels = dict(zip(left, ("FOS", "TCS", "FOS", "TCS"), strict=True))
    done.write_rows([
        {**row, "label": labels.get((row["patient_id"], row["seizure_id"]), row["label"]), "clonic_onset_seconds": ""}
        for row in rows
    ])  # fmt: skip
    run = done.run_all("--Folds-num-folds", "4", "--Training-num-seeds", "1")
    assert run.exit_code == 0, run
    current = done.results / "current"
    text, metrics = text_of(current / "report.html"), json.loads((current / "metrics.json").read_text())
    assert metrics["num_seizures"] == 4
    assert "Excluded: 2 whole seizures" in text
    assert f"{skipped[0]} {skipped[1]} large the patient is under a blanket" in text
    assert f"{short[0]} {short[1]} whole seizure lasts 1.5 s, under minimum_duration_seconds = 2.5" in text
    assert "2 whole seizures were left out in all." in text
    for fold in range(4):
        assert f"Fold {fold} holds out one patient only." in text
        assert re.search(rf"Fold {fold} holds out no (FOS|TCS); scores are of all folds pooled.", text)
    # The scores are of all folds pooled, and those of the counts; none is said of a fold, or of what a part has not.
    count = metrics["counts"]["mean"]
    assert metrics["metrics"]["accuracy"]["mean"] == (count["TP"] + count["TN"]) / 4
    assert "fold" not in {row["split"] for row in rows_of(current / "figures" / "parts.csv")}
    for row in rows_of(current / "figures" / "parts.csv"):
        assert (row["recall"] == "") == (float(row["TP"]) + float(row["FN"]) == 0)
        assert (row["specificity"] == "") == (float(row["TN"]) + float(row["FP"]) == 0)
        assert (row["accuracy_low"] == "") <= (row["num_patients"] == "1")
    undefined = [name for name, metric in metrics["metrics"].items() if metric["mean"] is None]
    assert ("Undefined for the counts" in text) == bool(undefined)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
