"""A picture is drawn again only if what it shows is another; what is copied is what would have been drawn."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from prediction_examples import prediction_cohort, prediction_table

from seizures.evaluation.summary import summarise
from seizures.report import pictures
from seizures.report.flow import FlowRow
from seizures.report.sketch import Sketch
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=100)
STEP = FlowRow("listed", "Listed", is_exclusion=False, num_patients=2, num_seizures=4, num_seizures_by_label={"TCS": 4})
PREDICTIONS = prediction_table(*prediction_cohort())
IDS = list(zip(PREDICTIONS["patient_id"], PREDICTIONS["seizure_id"], strict=True))
DURATIONS = {ids: 20.0 + place for place, ids in enumerate(dict.fromkeys(IDS))}
HISTORY = pd.DataFrame({"repeat": 0, "fold": 0, "seed": 0, "epoch": [1, 2], "loss": [0.7, 0.5], "accuracy": [0.5, 0.8]})
COLUMN = {"site": dict.fromkeys(DURATIONS, "north")}


def sketch(*, prevalences: tuple[float, ...] = (), accuracy: float | None = None, columns=None) -> dict[str, Sketch]:
    summary = {**summarise(PREDICTIONS, SETTINGS), "predictive": list(prevalences)}
    if accuracy is not None:
        metrics = {**summary["metrics"], "accuracy": {**summary["metrics"]["accuracy"], "mean": accuracy}}
        summary = {**summary, "metrics": metrics}
    return pictures.sketch_pictures(PREDICTIONS, summary, HISTORY, DURATIONS, SETTINGS, columns, (STEP,))


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Return a zip with all pictures."""
    path = tmp_path / "first.zip"
    assert pictures.write_pictures(path, sketch()) == list(sketch())
    return path


@pytest.mark.parametrize(
    ("changes", "drawn"),
    [
        ({}, []),
        ({"prevalences": (0.1,)}, []),  # which no picture shows
        ({"accuracy": 0.125}, ["scores", "parts"]),
        ({"columns": COLUMN}, ["parts"]),
    ],
    ids=["nothing", "a score of no picture", "a score", "a subgroup"],
)
def test_only_what_is_another_is_drawn(tmp_path: Path, first: Path, changes, drawn) -> None:
    second, fresh = tmp_path / "second.zip", tmp_path / "fresh.zip"
    assert pictures.write_pictures(second, sketch(**changes), first) == drawn
    pictures.write_pictures(fresh, sketch(**changes))
    assert second.read_bytes() == fresh.read_bytes()
    before, after = members(first), members(second)
    assert {name.partition(".")[0] for name in after if after[name] != before[name]} - {"keys"} == set(drawn)


def test_the_key_is_of_all_that_is_given() -> None:
    one = sketch()["flow"]
    assert one.key == sketch()["flow"].key
    others = [
        one._replace(is_simulated=True),
        sketch()["scores"],
        one._replace(function=type(one.function)(one.function.func, ((dataclasses.replace(STEP, num_patients=3),),))),
    ]
    assert len({one.key, *(other.key for other in others)}) == 4


def test_matplotlib_of_another_version_draws_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sketch()["flow"].key
    monkeypatch.setattr("matplotlib.__version__", "0.1")
    assert sketch()["flow"].key != before
