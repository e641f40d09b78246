from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

import models
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.evaluation.summary import summarise
from seizures.report.cohort_facts import cohort_facts, left_out_words
from seizures.report.methods import REFERENCE, WhatWasRun, methods_paragraph
from seizures.settings import EvaluationSettings, FoldSettings, TrainingSettings

MADE = {
    "network_words": "a network (of_mine) trained on my films", "feature_dim": 512, "frames_per_snippet": 8,
    "stride_frames": 1, "frame_rate_hz": 15.0, "preprocessing": "letterbox",
    "deinterlace": "auto", "precision": "float32", "frame_size": 112,
}  # fmt: skip
DEALT = FoldSettings(num_folds=2, dealing="seizures")
LEFT_OUT = [("P1", "1", "small", "broken"), ("P9", "01", "", "short"), ("P9", "02", "large", "skipped")]


def predictions() -> pd.DataFrame:
    patients, seizures = list("AAABC") * 1, ["1", "2", "3", "1", "1"]
    tables = []
    for seed in range(2):
        chances = np.array([0.1, 0.9, 0.2, 0.8, 0.3])
        table = predictions_for(patients, seizures, ["large"] * 5, [0, 1, 0, 1, 0], chances, 0, seed)
        tables.append(table.assign(fold=[0, 0, 0, 1, 1], patient_id=["P1", "P1", "P1", "P2", "P3"]))
    return pool_predictions(tables)


def run(**changes: object) -> WhatWasRun:
    table = predictions()
    rows = [
        {"repeat": 0, "fold": f, "seed": s, "epoch": e, "loss": 1.0}
        for f in (0, 1)
        for s in (0, 1)
        for e in range(1, 8 + f)
    ]
    rows.append({"repeat": 0, "fold": 0, "seed": 0, "epoch": 400, "loss": math.nan})  # after the one that was chosen
    base = WhatWasRun(
        made=[MADE],
        folds=FoldSettings(num_folds=2, seed=5),
        num_repeats=1,
        training=TrainingSettings(),
        summary=summarise(table, EvaluationSettings(num_bootstraps=200, confidence_level=0.9, seed=3)),
        predictions=table,
        histories=pd.DataFrame(rows),
        left_out=[],
        minimum_duration_seconds=15,
        num_not_trained_on=0,
        num_cropped=0,
        num_masked=0,
        num_damaged=0,
        simulated=False,
        code="gestures 0.1.0 (commit 0123456789ab)",
    )
    return dataclasses.replace(base, **changes)


def training(**changes: object) -> TrainingSettings:
    return dataclasses.replace(TrainingSettings(), **changes)


def test_the_paragraph_says_what_was_run_with_every_number() -> None:
    text = methods_paragraph(run())
    for words in (
        "Videos of 5 seizures (3 FOS and 2 TCS) of 3 patients, in 1 camera view (large)",
        "gestures 0.1.0 (commit 0123456789ab). Seizures of less than 15 s were not included. Each video",
        "at 15 frames per second, deinterlaced where its frames showed combs",
        "cropped by 5 % of the columns on each side, scaled once so that the longer side had 112 pixels, and padded",
        "Snippets of 8 consecutive frames (0.53 s), one starting at every frame, were turned into vectors of 512",
        "features by a network (of_mine) trained on my films, which was not trained further and computed in float32",
        "16 equal segments, and one snippet was taken from each, in training at a position drawn from Beta(4, 4)",
        "BLSTM, one layer of 64 units in each direction",
        "AdamW (learning rate 0.01, weight decay 0.01, batches of 64 sequences, constant learning rate) for 400 epochs",
        "in 2 folds into which patients were dealt, balanced by label and duration (seed 5)",
        "Each fold was trained with 2 seeds (0 and 1)",
        "90 % confidence intervals by Wilson's method with an effective number of seizures",
    ):
        assert words in text
    assert text.endswith(f"Reference: {REFERENCE}.")
    assert "doi:10.1007/978-3-030-87240-3_32" in text


@pytest.mark.parametrize(
    ("changes", "words", "not_words"),
    [
        ({"training": training(gamma=math.inf)}, "in the middle of the segment", "Beta"),
        ({"training": training(gamma=1.0)}, "drawn uniformly, anew in every epoch", "Beta"),
        ({"training": training(aggregation="mean")}, "aggregated by their mean and one linear layer", "LSTM"),
        ({"training": training(aggregation="other")}, "aggregated by other (64 units)", "LSTM"),
        ({"training": training(selection="inner")}, "lowest loss on 5 inner folds", "last epoch"),
        ({"training": training(selection="inner")}, "(7 to 8 epochs)", "400 to"),
        ({"training": training(selection="held_out")}, "not as an estimate for new patients: Cl", "last epoch"),
        ({"training": training(selection="held_out"), "folds": DEALT}, "Seizures, not patients, were d", "no patient"),
        ({"training": training(loss="paper")}, "two independent sigmoid outputs", "in which a TCS weighs"),
        ({"training": training(beginnings="random")}, "with probability 1/2 and anew in every epoch, replaced by a "
         "beginning of it, of a length drawn uniformly", "  "),
        ({"training": training()}, "one snippet was taken from each", "beginning of it"),
        ({"num_repeats": 3}, "label and duration (seeds 5 to 7, 3 times in all)", "  "),
        ({"made": [{**MADE, "stride_frames": 3}]}, "one starting at every 3 frames (0.20 s)", "every frame,"),
        ({"made": [{**MADE, "preprocessing": ""}]}, "were turned into", "scaled"),
        ({"made": [MADE, {**MADE, "stride_frames": 3}]}, "In a part of the features, each video", "  "),
        ({"left_out": LEFT_OUT}, "2 whole seizures and 1 view of other seizures were left out in all", "  "),
        ({"num_not_trained_on": 2}, "not trained on: 2 views without sight of the patient", "  "),
        ({"num_cropped": 3, "num_masked": 1}, "Of the frames of 3 views, a part given beforehand was taken. In the "
         "frames of 1 view, a part given beforehand was blacked out. Each sequence", "decoded"),
        ({"num_damaged": 2}, "Parts of 2 views could not be decoded; a snippet that touched them was", "blacked"),
        ({"made": [{**MADE, "network_words": "ResNet-34", "frames_per_snippet": 1}]},
         "Single frames were turned into vectors of 512 features by ResNet-34, which was not trained", "Snippets of"),
        ({"made": [{**MADE, "frames_per_snippet": 1, "stride_frames": 4}]},
         "Single frames, one of every 4 frames (0.27 s), were turned into", "consecutive"),
        ({"made": [{**MADE, "frames_per_snippet": 31, "frame_step": 2}]}, "Snippets of 31 consecutive frames (2.07 s), "
         "of which the network takes every second, one starting at every frame, were turned", ",,"),
        ({"simulated": True}, "Simulated videos of 5 seizures", "  "),
    ],
)  # fmt: skip
def test_each_setting_has_its_own_words(changes: dict[str, object], words: str, not_words: str) -> None:
    text = methods_paragraph(run(**changes))
    assert words in text
    assert not_words not in text


def test_the_cohort_is_counted() -> None:
    durations = {("P1", "1"): 20.0, ("P1", "2"): 61.5, ("P1", "3"): 30.0}
    facts = cohort_facts(predictions(), durations)
    assert facts == {
        "patients": "3: 1 with FOS only, 1 with TCS only, 1 with both",
        "seizures": "5: 3 FOS, 2 TCS",
        "seizures per patient": "median 1 (1 to 3)",
        "duration of FOS": "median 25 s (20 to 30 s)",
        "duration of TCS": "median 61.5 s (61.5 to 61.5 s)",
        "views": "large (5 seizures)",
    }


def test_what_was_left_out_is_counted_by_seizures_and_views() -> None:
    assert left_out_words([], predictions()) == ""
    assert left_out_words([("P2", "1", "small", "")], predictions()) == "1 view of other seizures"
    both_views = [("P9", "1", "small", ""), ("P9", "1", "large", "")]
    assert left_out_words(both_views, predictions()) == "1 whole seizure"


@pytest.mark.parametrize("name", models.aggregation_names())
def test_every_aggregation_has_its_words(name: str) -> None:
    text = methods_paragraph(run(training=training(aggregation=name)))
    assert f"aggregated by {name} (" not in text
    assert "{" not in text
