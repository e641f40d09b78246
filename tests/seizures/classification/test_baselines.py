"""Baselines: what they read, on which side, and what they say where there is nothing to read."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from seizures.classification.baselines import BaselineSeizure, fit_and_predict, movement_of, predict_baselines
from seizures.classification.folds import FoldItem, FoldRow, assign_folds
from seizures.errors import LeakError
from seizures.manifest.identity import SeizureId
from seizures.settings import FoldSettings


def cohort(num_patients: int = 20) -> dict[SeizureId, BaselineSeizure]:
    """A FOS of 20 s and a TCS of 80 s or more to each patient; movement says nothing."""
    rng = np.random.default_rng(0)
    found = {}
    for patient in range(num_patients):
        for number, label in enumerate(("FOS", "TCS")):
            movement = rng.normal(size=6)
            seconds = float((20, 80)[number] + rng.uniform(0, 10))
            found[SeizureId(f"P{patient:02d}", str(number))] = BaselineSeizure(label, seconds, movement, movement)
    return found


def folds_of(seizures: dict[SeizureId, BaselineSeizure]) -> tuple[FoldRow, ...]:
    items = [FoldItem(*key, one.label, one.duration_seconds) for key, one in seizures.items()]
    return assign_folds(items, FoldSettings(5))


def test_duration_alone_finds_what_duration_decides() -> None:
    seizures = cohort()
    table = predict_baselines(folds_of(seizures), seizures, label_names=("FOS", "TCS"))
    right = (table["probability"] >= 0.5) == (table["label"] == "TCS")
    shares = right.groupby(table["baseline"]).mean()
    assert shares["duration"] == 1
    assert shares["movement"] < 0.75
    assert shares["duration_and_movement"] > 0.9
    assert table.groupby("baseline").size().to_dict() == dict.fromkeys(
        ("majority", "duration", "movement", "duration_and_movement"), 40
    )
    assert set(table["repeat"]) == {0}


def test_the_majority_says_the_share_of_the_training_side() -> None:
    seizures = {SeizureId(f"P{n}", "1"): BaselineSeizure("TCS" if n % 3 == 0 else "FOS", 30.0, None, None)
                for n in range(12)}  # fmt: skip
    rows = tuple(FoldRow(f"P{n}", "1", n // 6, 6) for n in range(12))
    table = predict_baselines(rows, seizures, label_names=("FOS", "TCS"))
    majority = table[table["baseline"] == "majority"].set_index("patient_id")["probability"]
    assert majority["P0"] == pytest.approx(2 / 6)  # of P6 to P11, P6 and P9 are TCS
    assert set(table["baseline"]) == {"majority", "duration"}  # without movement there is nothing to say


def test_a_held_out_patient_teaches_nothing() -> None:
    """The labels of the held-out fold are turned round: its own predictions stay, the others' change."""
    seizures = cohort()
    rows = folds_of(seizures)
    before = predict_baselines(rows, seizures, label_names=("FOS", "TCS"))
    turned = {
        row.id: BaselineSeizure(
            "TCS" if one.label == "FOS" else "FOS", one.duration_seconds, one.movement, one.movement
        )
        if row.fold == 2
        else one
        for row in rows
        for one in [seizures[row.id]]
    }
    after = predict_baselines(rows, turned, label_names=("FOS", "TCS"))
    is_held_out = before["fold"] == 2
    assert (before["probability"] == after["probability"])[is_held_out].all()
    learnt = ~is_held_out & (before["baseline"] != "majority")  # whose share of TCS stays a half
    assert not (before["probability"] == after["probability"])[learnt].any()


def test_a_leak_is_refused_unless_it_is_meant() -> None:
    seizures = cohort()
    rows = tuple(FoldRow(*key, int(key.seizure_id), 20) for key in seizures)  # each patient on both sides
    with pytest.raises(LeakError):
        predict_baselines(rows, seizures, label_names=("FOS", "TCS"))
    assert len(predict_baselines(rows, seizures, label_names=("FOS", "TCS"), shared_patients=True)) == 4 * 40


def test_views_without_sight_of_the_patient_are_scored_and_not_trained_on() -> None:
    near, far = np.zeros(3), np.full(3, 9.0)
    training = [BaselineSeizure(label, 30.0, far, near + (label == "TCS")) for label in ("FOS", "TCS") * 5]
    hidden = [BaselineSeizure("FOS", 30.0, near + 1, None, is_trained_on=False)] * 50
    asked = [BaselineSeizure("FOS", 30.0, near, near), BaselineSeizure("TCS", 30.0, near + 1, near + 1)]
    found = fit_and_predict("movement", training, asked, positive_label="TCS")
    assert found[0] < 0.5 < found[1]
    assert fit_and_predict("movement", training + hidden, asked, positive_label="TCS").tolist() == found.tolist()


def test_a_seizure_without_the_numbers_gets_the_share() -> None:
    training = [BaselineSeizure(label, 20.0 if label == "FOS" else 90.0, None, None) for label in ("FOS", "TCS", "FOS")]
    asked = [BaselineSeizure("FOS", None, None, None), BaselineSeizure("TCS", 90.0, None, None)]
    found = fit_and_predict("duration", training, asked, positive_label="TCS")
    assert found[0] == pytest.approx(1 / 3)
    assert found[1] > 0.5


def test_movement_is_pooled_over_views_and_valid_snippets() -> None:
    one = np.array([[1.0, 10], [3, 30], [100, 100]], dtype=np.float32), np.array([True, True, False])
    other = np.array([[5.0, 20]], dtype=np.float32), np.array([True])
    found = movement_of([one, other])
    assert found is not None
    assert found.tolist() == pytest.approx([3, 20, np.std([1, 3, 5]), np.std([10, 30, 20]), 5, 30])
    assert movement_of([]) is None
    assert movement_of([(one[0], np.zeros(3, dtype=np.bool_))]) is None


def test_asking_whether_a_baseline_is_absent_imports_nothing_that_takes_long() -> None:
    script = (
        "from seizures.classification.baselines import is_absent; import sys; print(is_absent(2, 10), *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    told, *loaded = done.stdout.split()
    assert told == "True"
    assert not {"pandas", "sklearn", "scipy", "torch"} & set(loaded)
