from __future__ import annotations

import dataclasses
import functools
import html
import math
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seizures.evaluation import over_time
from seizures.evaluation.baselines import score_baselines
from seizures.evaluation.how_early import score_over_time
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.evaluation.summary import summarise
from seizures.manifest.identity import SeizureId
from seizures.report import page as report
from seizures.report import pictures
from seizures.report.methods import WhatWasRun
from seizures.settings import EvaluationSettings, FoldSettings, TrainingSettings


@dataclasses.dataclass(frozen=True)
class Row:
    patient_id: str
    seizure_id: str
    fold: int
    num_patients_in_fold: int


LEFT_OUT = [
    ("P3", "04", "small", "video <P3>.mp4: decoding breaks at 12.4 s & stops"),
    ("P9", "01", "", "too short: 5.2 s, expected at least 15 s"),
]


PATIENTS = [f"P{place // 2 + 1}" for place in range(12)]
IDS = ["01", "02<script>alert(1)</script>"] * 6
DURATIONS = {ids: 20.0 + 10 * place for place, ids in enumerate(zip(PATIENTS, IDS, strict=True))}


def results():
    """Return predictions of two seeds, of which one seizure is wrong, their metrics, and a learning curve."""
    labels = [0, 1] * 6
    tables = []
    for seed in range(2):
        probabilities = np.where(labels, 0.8, 0.2)
        probabilities[0] = 0.7
        tables.append(predictions_for(PATIENTS, IDS, ["large"] * 12, labels, probabilities, 0, seed))
    predictions = pool_predictions(tables)
    history = pd.DataFrame(
        {"repeat": 0, "fold": 0, "seed": 0, "epoch": [1, 2], "loss": [0.7, 0.5], "accuracy": [0.5, 0.8]}
    )
    return predictions, summarise(predictions, EvaluationSettings(num_bootstraps=200)), history


MADE = {
    "network_words": "R(2+1)D-34 with random weights", "feature_dim": 512, "frames_per_snippet": 8,
    "stride_frames": 1, "frame_rate_hz": 15.0, "preprocessing": "letterbox", "deinterlace": "never", "frame_size": 112,
}  # fmt: skip


def draw(folder, predictions, summary, history, durations) -> dict[str, pictures.Picture]:
    drawn = pictures.sketch_pictures(predictions, summary, history, durations, EvaluationSettings(num_bootstraps=100))
    pictures.write_pictures(folder / "pictures.zip", drawn)
    return pictures.read_pictures(folder / "pictures.zip")


def run_of(predictions, summary, history, left_out=(), training=None) -> WhatWasRun:
    return WhatWasRun(
        made=[MADE],
        folds=FoldSettings(num_folds=2, seed=5),
        num_repeats=1,
        training=training or TrainingSettings(num_epochs=2),
        summary=summary,
        predictions=predictions,
        histories=history,
        left_out=left_out,
        minimum_duration_seconds=15,
        num_not_trained_on=0,
        num_cropped=0,
        num_masked=0,
        num_damaged=0,
        simulated=False,
        code="gestures 0.1.0",
    )


@functools.cache
def drawn_pictures() -> dict[str, pictures.Picture]:
    with tempfile.TemporaryDirectory() as folder:
        predictions, summary, history = results()
        return draw(Path(folder), predictions, summary, history, DURATIONS)


def make_inputs(**changes) -> report.ReportInputs:
    predictions, summary, history = results()
    inputs = report.ReportInputs(
        predictions=predictions,
        summary=summary,
        pictures=drawn_pictures(),
        durations_seconds=DURATIONS,
        run=run_of(predictions, summary, history, LEFT_OUT),
        folds=[Row(patient, seizure, 0, 6) for patient, seizure in zip(PATIENTS, IDS, strict=True)],
        left_out=LEFT_OUT,
        settings={"training": {"gamma": 4.0, "aggregation": "blstm"}},
        provenance={"commit": "0123abc", "packages": {"torch": "2.6.0"}},
        weights="random:0",
        timings={"decode": 61.3, "train": 7260.0},
        notes=["The videos are <simulated>."],
    )
    return dataclasses.replace(inputs, **changes)


class _Page(HTMLParser):
    """Collect tags, what they ask for, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.images: list[dict] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.sources += [values[name] for name in ("src", "href", "srcset", "data", "action") if name in values]
        if tag == "img":
            self.images.append(values)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page_text() -> str:
    return report.render_report(make_inputs())


@pytest.fixture(scope="module")
def page(page_text) -> _Page:
    return _Page(page_text)


def test_the_page_asks_no_network_and_runs_no_script(page, page_text):
    assert not re.search(r"https?://|@import|url\(|//[a-z]", page_text.replace("\n", " "))
    beside = re.compile(r"figures/[a-z]+\.(png|csv)|checklist\.html|provenance\.json")
    assert all(source.startswith(("data:", "#")) or beside.fullmatch(source) for source in page.sources)
    assert "script" not in page.tags
    assert "default-src 'none'" in page_text


def test_eight_pictures_each_say_how_to_read_them(page):
    assert len(page.images) == 8
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in page.images)
    assert all(len(image["alt"]) > 60 for image in page.images)


def test_verdict_comes_first_and_scores_name_their_patients(page):
    text = page.text.replace("\u00a0", " ")
    verdict = text.index("11 of 12 seizures in 6 patients were classified correctly (mean of 2 seeds): 92 %")
    assert verdict < text.index("Sensitivity") < text.rindex("Figures")
    assert text.count("6 patients") >= 1 + 3 + 8
    assert "6 of 6 TCS detected" in text
    assert "5 of 6 FOS identified" in text


def test_random_weights_are_warned_of_before_the_verdict(page):
    text = page.text
    assert text.index(report.RANDOM_WEIGHTS_WARNING) < text.index("classified correctly")
    summary = make_inputs().summary
    better = {**summary, "chance": {**summary["chance"], "accuracy_interval_excludes_chance": True}}
    known = report.render_report(make_inputs(weights="r2plus1d_34_clip8.pth (SHA-256 0aa0550b)", summary=better))
    assert "weights are random" not in known
    assert 'class="card verdict better"' in known
    assert 'class="card verdict better"' not in report.render_report(make_inputs(summary=better))


def test_simulated_films_are_called_so_and_are_never_better():
    inputs = make_inputs()
    summary = {**inputs.summary, "is_simulated": True}
    summary["chance"] = {**summary["chance"], "accuracy_interval_excludes_chance": True}
    run = dataclasses.replace(inputs.run, simulated=True)
    for weights in ("random:0", "r2plus1d_34_clip8.pth (SHA-256 0aa0550b)"):
        text = report.render_report(dataclasses.replace(inputs, run=run, summary=summary, weights=weights))
        assert "<h1>Simulated films: " in text
        assert report.SIMULATED_WARNING in text
        assert "Simulated films, no patients: " in text
        assert 'verdict better"' not in text
        assert "does better" not in text


def test_every_page_says_that_it_is_no_medical_device(page):
    assert report.NOT_A_DEVICE in page.text


def test_everything_left_out_is_listed_with_its_reason(page):
    for patient_id, seizure_id, view, reason in LEFT_OUT:
        assert reason in page.text
        assert re.search(rf"{patient_id}\s*{seizure_id}\s*{view or 'whole seizure'}", page.text)
    nothing = _Page(report.render_report(make_inputs(left_out=[])))
    assert "None: every seizure in the manifest was used." in nothing.text


def test_ids_reasons_and_notes_are_escaped(page, page_text):
    assert "<script>" not in page_text
    assert "<simulated>" not in page_text
    assert html.escape("02<script>alert(1)</script>") in page_text
    assert "02<script>alert(1)</script>" in page.text


def test_wrong_seizures_are_listed(page):
    section = page.text[page.text.index("Misclassified seizures") : page.text.index("Meaning")]
    assert re.search(r"P1\s*01\s*FOS\s*0\.70\s*2 of 2", section)
    assert "P2" not in section


def test_folds_settings_provenance_and_times_are_told(page):
    for words in ("blstm", "4.0", "0123abc", "torch 2.6.0", "1 min 1 s", "2 h 1 min", "random:0", "22 of 24"):
        assert words in page.text
    assert "P1, P2, P3, P4, P5, P6" in page.text


def test_every_seizure_is_in_the_table_with_its_views(page):
    section = page.text[page.text.index("Every seizure", page.text.index("Folds")) :]
    assert len(re.findall(r"(?:FOS|TCS)\s*0\s*0\.\d\d\s*0\.\d\d", section)) == 12


def test_the_same_inputs_make_the_same_page(tmp_path, page_text):
    path = tmp_path / "report.html"
    report.write_report(path, make_inputs())
    assert path.read_text(encoding="utf-8") == page_text


def test_a_baseline_without_scores_has_its_remark_and_no_row():
    predictions, summary, history = results()
    majority = predictions[["patient_id", "seizure_id", "label", "fold", "repeat"]].drop_duplicates()
    beside = score_baselines(
        predictions,
        majority.assign(baseline="majority", probability=0.4),
        EvaluationSettings(num_bootstraps=200),
        positive_label="TCS",
        remarks={"movement": "not computed, because 9 of 12 seizures lack it"},
    )
    summary = {**summary, **beside}
    text = _Page(report.render_report(make_inputs(summary=summary, run=run_of(predictions, summary, history)))).text
    table = text[text.index("Without a network") : text.index("Fitted and scored on the same folds")]
    assert re.findall("The more frequent label alone|Movement alone", table) == [
        "The more frequent label alone",
        "Movement alone",
    ]
    assert "Movement alone: not computed, because 9 of 12 seizures lack it." in table


def test_a_result_with_undefined_scores_still_has_a_page(tmp_path):
    table = predictions_for(["A", "A"], ["1", "2"], ["v", "v"], [0, 0], [0.1, 0.2], 0, 0)
    summary = summarise(table, EvaluationSettings(num_bootstraps=200))
    history = pd.DataFrame(columns=["repeat", "fold", "seed", "epoch", "loss"])
    inputs = make_inputs(
        predictions=table,
        summary=summary,
        pictures=draw(tmp_path, table, summary, history, {}),
        durations_seconds={},
        run=run_of(table, summary, history),
        folds=[],
        timings=None,
    )
    page = _Page(report.render_report(inputs))
    assert "undefined" in page.text
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)
    assert len(page.images) == 6
    assert "duration of FOSunknown" in page.text
    assert "duration of TCSnone" in page.text


def early_scores() -> dict:
    """Return over_time.json of two patients, whose TCS has a clonic onset."""
    seizures = [
        over_time.rows_of(SeizureId(patient, "1"), label, onset, [5, 10, 20], np.array([[0.5, right, right]]))
        for patient, label, onset, right in (("P1", "TCS", 8.0, 0.9), ("P2", "FOS", math.nan, 0.1))
    ]
    return score_over_time(over_time.pool(seizures), 0.95)


def test_how_early_it_is_right_is_said_where_that_is_known() -> None:
    text = report.render_report(make_inputs())
    assert 'id="early"' not in text
    assert "#early" not in text
    predictions, summary, history = results()
    drawn = pictures.sketch_pictures(
        predictions, summary, history, DURATIONS, EvaluationSettings(num_bootstraps=100), over_time=early_scores()
    )
    assert {"over_time", "clonic_onset"} <= set(drawn)
    inputs = make_inputs(over_time=early_scores())
    page = _Page(report.render_report(inputs))
    assert "#early" in page.sources
    words = " ".join(page.text.split()).replace("\xa0", " ")
    assert "How early is it right? Share of seizures classified correctly after 10 s: 100 %" in words
    assert "Of the 1 TCS with a clonic onset, 100 % were called TCS before it" in words
    assert "the classifiers were trained on whole seizures only" in words
    random = dataclasses.replace(inputs.run, training=TrainingSettings(num_epochs=2, beginnings="random"))
    assert "whole seizures only" not in report.render_report(dataclasses.replace(inputs, run=random))
