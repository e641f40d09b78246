"""How early is it right, of a real run: its files, its page, and a computation of our own."""

from __future__ import annotations

import csv
import functools
import html
import json
import re

import numpy as np
import pytest
import torch
from small_project import Project

import models
from seizures.classification.checkpoints import load_checkpoint, load_classifier
from seizures.evaluation.how_early import score_over_time
from seizures.evaluation.over_time import read_over_time
from seizures.features.file import open_features
from seizures.prediction.middles import bank_of
from seizures.prediction.unfolding import unfold


def rows_of(project: Project, name: str) -> list[dict[str, str]]:
    with (project.results / "current" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def feature_files(project: Project) -> dict[tuple[str, str], str]:
    found = {}
    for path in sorted(project.results.glob("ExtractFeatures/*/*.h5")):
        with open_features(path) as file:
            if file.network != "movement":  # of the baselines
                found[file.patient_id, file.seizure_id] = str(path)
    return found


def test_the_last_answers_are_the_predictions(finished: Project) -> None:
    last: dict[tuple[str, ...], tuple[float, float]] = {}
    for row in rows_of(finished, "over_time.csv"):
        key = (row["patient_id"], row["seizure_id"], row["label"], row["seed"])
        last[key] = max(last.get(key, (0.0, 0.0)), (float(row["seconds"]), float(row["probability"])))
    predictions = rows_of(finished, "predictions.csv")
    assert len(last) == len(predictions) == 12
    for row in predictions:
        found = last[row["patient_id"], row["seizure_id"], row["label"], row["seed"]]
        assert found[1] == pytest.approx(float(row["probability_tcs"]), abs=1e-6)
        assert 2.5 < found[0] < 4.5


def test_every_answer_is_of_classifiers_that_have_not_seen_the_patient(finished: Project) -> None:
    """Unfold each seizure from its own file with the classifiers of its fold: they give the table, others do not."""
    torch.set_num_threads(1)
    folds = {(row["patient_id"], row["seizure_id"]): int(row["fold"]) for row in rows_of(finished, "folds.csv")}
    fitted = {path.parent.name: path for path in finished.results.glob("TrainFold/*/*.pt")}
    table = read_over_time(finished.results / "current" / "over_time.csv")
    num_others_differ = 0
    for ids, path in feature_files(finished).items():
        with open_features(path) as file:
            bank = bank_of(file, ("FOS", "TCS"))
        settings = load_checkpoint(fitted["fold00+seed0"])[0].settings
        build = functools.partial(
            models.build_aggregation, settings.aggregation, bank.feature_dim, settings.hidden_units
        )
        rows = table[(table["patient_id"] == ids[0]) & (table["seizure_id"] == ids[1])]
        for seed in range(2):
            own, other = (
                unfold(bank, [load_classifier(fitted[f"fold{fold:02d}+seed{seed}"], build)], settings)
                for fold in (folds[ids], 1 - folds[ids])
            )
            found = rows[rows["seed"] == seed]
            np.testing.assert_allclose(found["seconds"], own.seconds)
            np.testing.assert_allclose(found["probability"], own.by_seed[0], atol=1e-6)
            num_others_differ += not np.allclose(found["probability"], other.by_seed[0], atol=1e-4)
        manifest = next(row for row in finished.rows if (row["patient_id"], row["seizure_id"]) == ids)
        onset = manifest["clonic_onset_seconds"]
        wanted = float(onset) - float(manifest["onset_seconds"]) if onset else np.nan
        np.testing.assert_allclose(rows["clonic_onset_seconds"].unique(), [wanted], atol=1e-9)
    assert num_others_differ > 6


def test_the_scores_are_those_of_the_table_and_the_page_tells_them(finished: Project) -> None:
    current = finished.results / "current"
    scores = json.loads((current / "over_time.json").read_text())
    assert scores == score_over_time(read_over_time(current / "over_time.csv"), 0.95)
    metrics = json.loads((current / "metrics.json").read_text())
    for name in ("accuracy", "recall", "specificity"):
        assert scores["at_the_end"][name] == pytest.approx(metrics["metrics"][name]["mean"])
    for end in ("low", "high"):
        assert scores["at_the_end"][end] == pytest.approx(metrics["metrics"]["accuracy"][end])
    assert scores["beginnings"][-1]["brier"] == pytest.approx(metrics["calibration"]["brier"], abs=1e-6)
    drawn = rows_of(finished, "figures/over_time.csv")
    assert [float(row["accuracy"]) for row in drawn] == [row["accuracy"] for row in scores["since_onset"]]
    assert len(drawn) >= 2

    page = html.unescape(re.sub(r"<[^>]+>", " ", (current / "report.html").read_text(encoding="utf-8")))
    text = re.sub(r"\s+", " ", page.replace("\xa0", " "))
    start = text.index("How early is it right? Share of seizures classified correctly after")
    section = text[start : text.index("Misclassified seizures", start)]
    assert f"at the end: {100 * scores['at_the_end']['accuracy']:.0f} %" in section
    assert "TCS with a clonic onset" in section
    assert "Accuracy since the onset" in section
    assert "Around the clonic onset" in section
    assert "What the probabilities of beginnings are worth" in section
    assert "the classifiers were trained on whole seizures only" in section
