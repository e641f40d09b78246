"""calibration.json: what every cohort gets, however few, and that it is what the parts compute."""

from __future__ import annotations

import json

import numpy as np
import pytest
from prediction_examples import prediction_cohort, prediction_table

from seizures.evaluation.belief import assess_calibration, change_of_loss, squared_errors
from seizures.evaluation.intervals import Cohort
from seizures.prediction.abstention import choose_zone
from seizures.prediction.calibration_fit import cross_fit, fit_calibration, log_losses

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


def test_a_change_has_the_variance_of_patients_and_of_labels() -> None:
    patients, labels = ["A", "A", "B", "B", "C", "C"], np.array([1, 0, 1, 0, 1, 0])
    before, after = np.array([0.6, 0.4, 0.7, 0.6, 0.2, 0.3]), np.array([0.8, 0.2, 0.9, 0.7, 0.1, 0.2])
    found = change_of_loss(patients, labels, before, after, squared_errors, 0.95)
    changes = (after - labels) ** 2 - (before - labels) ** 2
    assert found["difference"] == pytest.approx(changes.mean())
    assert found["difference"] == pytest.approx(found["after"] - found["before"])
    between = np.var([changes[:2].mean(), changes[2:4].mean(), changes[4:].mean()], ddof=1) / 3
    # If the label were the other one, a squared error would change by 2 (before - after) more; 2 of 6 calls are wrong.
    spread = np.maximum(after * (1 - after), 3 / 8 * 5 / 8)
    of_labels = (spread * (2 * (before - after)) ** 2).sum() / 36
    half = 4.302653 * np.sqrt(between + of_labels)  # t of 2 degrees of freedom
    assert [found["low"], found["high"]] == pytest.approx([changes.mean() - half, changes.mean() + half], abs=1e-6)
    assert change_of_loss(["A"] * 6, labels, before, after, squared_errors, 0.95)["low"] is None
    assert change_of_loss(patients, labels, after, after, squared_errors, 0.95)["low"] is None


def test_the_interval_of_a_change_holds_what_it_is_on_other_patients() -> None:
    """Probabilities that are half as extreme as they should be, 30 patients, a fixed correction."""
    rng, held = np.random.default_rng(11), []
    for size in [20000] + [30] * 100:
        patient = np.repeat(np.arange(size), 4)
        logits = rng.normal(0, 2.5, len(patient)) + rng.normal(0, 1, size)[patient]
        labels = (rng.random(len(logits)) < 1 / (1 + np.exp(-logits))).astype(np.int64)
        before, after = 1 / (1 + np.exp(-logits / 2)), 1 / (1 + np.exp(-logits))
        found = change_of_loss([str(one) for one in patient], labels, before, after, log_losses, 0.95)
        if size == 20000:
            truth = found["difference"]
        else:
            held.append(found["low"] <= truth <= found["high"])
    assert np.mean(held) >= 0.93
