"""The section "May I believe the number?": one sentence for each kind of finding, and figures of the same numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from prediction_examples import prediction_cohort, prediction_table

from seizures.evaluation.belief import assess_calibration
from seizures.report import belief, style

TWELVE = [f"P{place}" for place in range(12) for _ in range(3)]
ALTERNATING = [place % 2 for place in range(36)]


def assess(patients, labels, probabilities, target=0.95, **settings):
    return assess_calibration(prediction_table(patients, labels, probabilities), target, 0.95, **settings)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (prediction_cohort(12, 3), ["corrected by a temperature", "no call between 25 % and 75 %", "chosen on other"]),
        ((TWELVE, [1] * 36, [[0.9] * 36]), ["is not corrected, because all seizures have one label", "none of these"]),
        ((["A"] * 4, [0, 1, 0, 1], [[0.1, 0.2, 0.3, 0.9]]), ["(no interval)", "at its word: there is no call between"]),
        ((TWELVE, ALTERNATING, [ALTERNATING]), ["off by no more than chance", "every seizure is called, 100 %"]),
        ((TWELVE, ALTERNATING, [[0.5] * 36]), ["no correction was clearly better on other patients"]),
    ],
)  # fmt: skip
def test_one_sentence_says_what_was_found(case, said) -> None:
    sentence = belief.belief_sentence(assess(*case))
    for words in said:
        assert words in sentence
    assert sentence.startswith("P(TCS)")
    assert sentence.endswith(".")
    assert ". " not in sentence


def test_other_labels_are_named() -> None:
    patients, labels, probabilities = prediction_cohort(12, 3)
    table = prediction_table(patients, labels, probabilities)
    table["label"] = table["label"].map({"TCS": "fall", "FOS": "walk"})
    section = belief.belief_section(assess_calibration(table, 0.9, 0.95, positive_label="fall", negative_label="walk"))
    text = str(section)
    assert "P(fall)" in text
    assert "64 % of them are fall" in text
    assert "TCS" not in text


def test_a_reproduction_says_that_it_holds_for_nobody_new() -> None:
    section = belief.belief_section(assess(*prediction_cohort(12, 3), is_reproduction=True))
    assert section is not None
    assert section["caution"].startswith("Reproduction only")
    assert belief.belief_section(None) is None


@pytest.mark.parametrize(
    "case",
    [prediction_cohort(30, 4), (TWELVE, [1] * 36, [[0.9] * 36]), (["A"], [1], [[0.5]])],
    ids=("some", "one label", "one"),
)
def test_the_figures_draw_the_numbers_of_the_file(case) -> None:
    found = assess(*case)
    drawn = belief.sketch_belief(found)
    assert set(drawn) == set(belief.CAPTIONS)
    bins, curve = drawn["reliability"].numbers, drawn["abstention"].numbers
    assert bins.groupby("probabilities")["num_seizures"].sum().to_dict() == {
        "before": len(case[1]),
        "after": len(case[1]),
    }
    assert curve["num_called"].iloc[0] == len(case[1])
    assert np.allclose(curve["num_called"], curve["share_called"] * len(case[1]))
    for sketch in drawn.values():
        with Image.open(io.BytesIO(style.to_png(sketch.draw(), 50))) as image:
            assert len(set(image.convert("RGB").resize((60, 60)).tobytes())) > 10
