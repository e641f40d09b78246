"""The methods paragraph of a real run: each of its figures is that of a recipe, a setting, or a result of the run."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator
from typing import Any

import h5py
import pytest
from small_project import Project

PUBLISHED = ("2021", "1927", "1998", "10.1007/978-3-030-87240-3_32")  # of papers that it cites


def paragraph(project: Project) -> str:
    """Return the paragraph as a person reads it."""
    page = (project.results / "current" / "report.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page)).replace("\xa0", " ")
    start = text.index("Simulated videos of")
    return text[start : text.index("Generated from the settings", start)].strip()


def reads(project: Project, stage: str) -> list[dict[str, Any]]:
    """Return what the recipes of a stage's present results say that it read."""
    return [json.loads(path.read_text())["reads"] for path in sorted(project.results.glob(f"{stage}/*/*.why.json"))]


def views(project: Project) -> Iterator[tuple[dict[str, Any], dict[str, Any], int]]:
    """Yield what each feature file, and each view in it, says of itself, and the number of features."""
    for path in sorted(project.results.glob("ExtractFeatures/*/*.h5")):
        with h5py.File(path) as file:
            if file.attrs["network"] == "movement":  # of the baselines
                continue
            for view in file["views"].values():
                yield dict(file.attrs), dict(view.attrs), view["features"].shape[1]


def test_every_figure_of_the_paragraph_is_one_of_the_recipe(finished: Project) -> None:
    text, known = paragraph(finished), set[str]()

    def expect(sentence: str) -> None:
        assert sentence in text
        known.update(re.findall(r"\d+(?:\.\d+)?", sentence))

    # What was filmed, and how it was looked at: from the feature files.
    files, attributes, dims = zip(*views(finished), strict=True)
    (rate,) = {float(file["frame_rate_hz"]) for file in files}
    (length,) = {int(file["frames_per_snippet"]) for file in files}
    (stride,) = {int(file["stride_frames"]) for file in files}
    (network,) = {(file["network"], file["weights_sha256"]) for file in files}
    (dim,) = set(dims)
    expect(f"at {rate:g} frames per second, deinterlaced where its frames showed combs")
    for view in attributes:
        chain = view["preprocessing"]
        kept, scaled, padded = (re.search(pattern, chain) for pattern in (
            r"crop=(\d+):\d+:(\d+)", r"scale=(\d+):(\d+)", r"pad=(\d+):(\d+)"))  # fmt: skip
        assert None not in (kept, scaled, padded), chain
        width = int(view["source_width"])
        assert int(kept[1]) + 2 * int(kept[2]) == width
        assert int(kept[2]) == pytest.approx(0.05 * width, abs=1)  # even numbers keep the colour planes in step
        size = max(map(int, scaled.groups()))
        assert padded.groups() == (str(size), str(size))
        assert chain.index("crop=") < chain.index("scale=") < chain.index("pad=")
        assert chain.count("scale=") == 1
    expect(
        f"Frames were cropped by 5 % of the columns on each side, scaled once so that the longer side had {size} "
        f"pixels, and padded with black to {size} x {size} pixels."
    )
    expect(f"Snippets of {length} consecutive frames ({length / rate:.2f} s)")
    expect(f"one starting at every {stride} frames ({stride / rate:.2f} s), were turned into vectors of {dim} features")
    for name in network:
        expect(name)
    (precision,) = {found["precision"] for found in reads(finished, "ExtractFeatures")}
    expect(f"computed in {precision}")

    # How it was trained: from the recipes of the classifiers.
    trainings = reads(finished, "TrainFold")
    (settings,) = {json.dumps(found["settings"], sort_keys=True) for found in trainings}
    training = json.loads(settings)
    seeds = sorted({found["seed"] for found in trainings})
    expect(f"{training['num_segments']} equal segments, and one snippet was taken from each")
    expect(f"drawn from Beta({training['gamma']:g}, {training['gamma']:g}), anew in every epoch")
    expect(f"The {training['num_segments']} feature vectors were aggregated by a bidirectional")
    expect(f"one layer of {training['hidden_units']} units in each direction")
    expect(
        f"AdamW (learning rate {training['learning_rate']:g}, weight decay {training['weight_decay']:g}, batches of "
        f"{training['batch_size']} sequences, constant learning rate) for {training['num_epochs']} epochs"
    )
    assert (training["aggregation"], training["loss"], training["selection"]) == ("blstm", "weighted", "last")
    expect("cross-entropy in which a TCS weighs the number of FOS over that of TCS in the training set")
    expect("The classifier of the last epoch was kept.")
    hidden = {(row["patient_id"], row["seizure_id"], row["view"]) for row in finished.rows if row["use"] == "evaluate"}
    expect(f"Scored, but not trained on: {len(hidden)} views without sight of the patient.")

    # Who was held out, and the scores: from the folds and from metrics.json.
    (dealt,) = reads(finished, "AssignFolds")
    current = finished.results / "current"
    with (current / "folds.csv").open(newline="") as file:
        folds = list(csv.DictReader(file))
    metrics = json.loads((current / "metrics.json").read_text())
    num_folds = len({row["fold"] for row in folds})
    assert dealt["settings"]["num_folds"] == num_folds
    expect(f"in {num_folds} folds into which patients were dealt, balanced by label and duration (seed "
           f"{dealt['settings']['seed']})")  # fmt: skip
    expect(f"Each fold was trained with {len(seeds)} seeds ({' and '.join(map(str, seeds))}).")
    negative, positive = metrics["num_seizures_by_label"].items()
    sizes = f"({negative[1]} {negative[0]} and {positive[1]} {positive[0]})"
    patients = len({row["patient_id"] for row in folds})
    expect(f"videos of {len(folds)} seizures {sizes} of {patients} patients, in 2 camera views (large and small)")
    (scored,) = reads(finished, "ScorePredictions")
    expect(f"{100 * scored['settings']['confidence_level']:g} % confidence intervals by Wilson's method")
    expect("at 0.5 or above it is called TCS")
    expect("Seizures of less than 2.5 s were not included")
    for name in ("network (r2plus1d_small)", "a small R(2+1)D network"):
        expect(name)

    version = re.search(r"as implemented in (gestures \S+(?: \(commit [^)]*\))?)", text)
    assert version
    rest = text.replace(version[1], "")
    for name in PUBLISHED:
        rest = rest.replace(name, "")
    assert set(re.findall(r"\d+(?:\.\d+)?", rest)) <= known, "a figure that no recipe, setting or result has"


def test_a_changed_setting_changes_the_paragraph(done: Project) -> None:
    before = paragraph(done)
    run = done.run_all("--Training-loss", "paper", "--Training-gamma", "1", "--Folds-num-repeats", "2")
    assert run.exit_code == 0, run
    text = paragraph(done)
    assert "at a position drawn uniformly, anew in every epoch" in text
    assert "the loss of the original paper" in text
    assert "(seeds 0 to 1, 2 times in all)" in text
    assert "Beta" in before
    assert "Beta" not in text
