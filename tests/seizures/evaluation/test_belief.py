"""calibration.json: what every cohort gets, however few, and that it is what the parts compute."""

from __future__ import annotations

import json

import numpy as np
import pytest
from prediction_examples import prediction_cohort, prediction_table

from seizures.evaluation.belief import assess_calibration, mean_change_interval
from seizures.evaluation.intervals import Cohort
from seizures.prediction.abstention import choose_zone
from seizures.prediction.calibration_fit import cross_fit, fit_calibration

TWELVE = [f"P{place}" for place in range(12) for _ in range(3)]
ALTERNATING = [place % 2 for place in range(36)]


def assess(patients, labels, probabilities, target=0.95, **settings):
    found = assess_calibration(prediction_table(patients, labels, probabilities), target, 0.95, **settings)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_it_is_what_its_parts_compute() -> None:
    patients, labels, probabilities = prediction_cohort(20, 4, 3)
    found = assess(patients, labels, probabilities)
    mean = probabilities.mean(axis=0)
    fitted = fit_calibration(patients, labels, mean)
    assert {name: found["calibration"][name] for name in ("method", "slope", "intercept")} == pytest.approx(
        {"method": fitted.method, "slope": fitted.slope, "intercept": fitted.intercept}
    )
    after = cross_fit(patients, labels, mean)
    assert found["scores"]["brier"]["before"] == pytest.approx(((mean - labels) ** 2).mean())
    assert found["scores"]["brier"]["after"] == pytest.approx(((after - labels) ** 2).mean())
    assert found["scores"]["log_loss"]["after"] == pytest.approx(
        -np.log(np.where(labels == 1, after, 1 - after)).mean()
    )
    zone, decision = choose_zone(patients, labels, after, 0.95), found["decision"]
    assert decision["no_call"] == list(zone.no_call)
    assert decision["no_call"][0] == round(1 - decision["no_call"][1], 12)
    called = (after >= zone.threshold) | (after <= 1 - zone.threshold)
    assert decision["share_called"] == pytest.approx(called.mean())
    right = ((after >= 0.5) == labels)[called]
    accuracy = decision["accuracy_called"]
    assert accuracy["mean"] == pytest.approx(right.mean())
    interval = Cohort(list(np.array(patients)[called]), labels[called], after[None, called], 0.95).interval("accuracy")
    assert [accuracy["low"], accuracy["high"]] == pytest.approx([interval.low, interval.high])
    assert [row["threshold"] for row in decision["curve"]][:2] == [0.5, 0.51]
    for when in ("before", "after"):
        assert sum(one["num_seizures"] for one in found["reliability"][when]) == 80


def test_it_has_no_ids_and_does_not_depend_on_them() -> None:
    patients, labels, probabilities = prediction_cohort(20, 4, 3)
    found = assess([f"{name}-Miller" for name in patients], labels, probabilities)
    assert "Miller" not in json.dumps(found)
    order = np.random.default_rng(1).permutation(80)
    other = assess([f"z{patients[place][::-1]}" for place in order], labels[order], probabilities[:, order])
    assert other == found


def test_dealings_and_seeds_are_one_ensemble() -> None:
    patients, labels, probabilities = prediction_cohort(20, 4, 3)
    mean = assess(patients, labels, [probabilities.mean(axis=0)])["calibration"]
    found = assess(patients, labels, probabilities)["calibration"]
    for name in ("slope", "intercept"):
        assert found[name] == pytest.approx(mean[name])
    assert found["ece_after"] == pytest.approx(mean["ece_after"])


@pytest.mark.parametrize(
    ("patients", "labels", "probabilities", "method", "why"),
    [
        (TWELVE, [1] * 36, [0.9] * 36, "none", "all seizures have one label"),
        (TWELVE, [0] * 3 + [1] * 33, [0.1] * 3 + [0.9] * 33, "none", "one label rests on one patient"),
        (["A"] * 4, [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.9], "none", "one label rests on one patient"),
        (["A"], [1], [0.5], "none", "all seizures have one label"),
        (["A", "B"], [1, 0], [0.5, 0.2], "none", "one label rests on one patient"),
        (TWELVE, ALTERNATING, [0.5] * 36, "none", ""),
        (TWELVE, ALTERNATING, [float(label) for label in ALTERNATING], "none", ""),
        (TWELVE, ALTERNATING, [0.1 + 0.8 * label for label in ALTERNATING], "temperature", ""),
        (TWELVE, ALTERNATING, [0.9 - 0.8 * label for label in ALTERNATING], "platt", ""),
    ],
)
def test_every_cohort_gets_a_sensible_answer(patients, labels, probabilities, method, why) -> None:
    found = assess(patients, labels, [probabilities])
    calibration, decision = found["calibration"], found["decision"]
    assert (calibration["method"], calibration["why_none"]) == (method, why)
    accuracy = decision["accuracy_called"]
    if decision["reached"]:
        assert accuracy["mean"] >= 0.95
        assert accuracy["low"] < accuracy["high"]
    else:
        assert decision["no_call"] == [0.05, 0.95]
    if accuracy["mean"] is None:
        assert accuracy["why_no_interval"] == "nothing is called"
        assert decision["share_called"] == 0
    if method == "none":
        assert found["scores"]["brier"]["low"] is None
        assert found["scores"]["brier"]["difference"] == 0


def test_wrong_way_round_is_called_at_chance_and_never_reached() -> None:
    found = assess(TWELVE, ALTERNATING, [[0.9 - 0.8 * label for label in ALTERNATING]])
    assert found["calibration"]["slope"] == 0  # all are about a half: nothing is known
    assert found["decision"]["reached"] is False
    assert found["decision"]["share_called"] == 0


def test_a_change_of_a_mean_has_the_interval_of_its_patients() -> None:
    differences = np.array([0.1, 0.1, -0.2, 0.0, 0.3, 0.3])
    found = mean_change_interval(["A", "A", "B", "B", "C", "C"], differences, 0.95)
    # Equal numbers: the mean of three patients' means, 0.1, -0.1, 0.3; t of 2 degrees of freedom is 4.303.
    half = 4.30265 * np.std([0.1, -0.1, 0.3], ddof=1) / np.sqrt(3)
    assert [found.low, found.high] == pytest.approx([0.1 - half, 0.1 + half], abs=1e-5)
    assert mean_change_interval(["A", "A"], differences[:2], 0.95).low is None
