"""How early the classifier is right, as the report tells it: words, table, figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seizures.evaluation.how_early import score_over_time
from seizures.evaluation.over_time import pool, rows_of
from seizures.manifest.identity import SeizureId
from seizures.report.over_time import beginning_rows, early_rows, early_words, sketch_over_time


def scores_of(labels: tuple[str, str] = ("FOS", "TCS"), *, clonic: float = 35.0, end: int = 50) -> dict[str, Any]:
    """Return the scores of ten patients: the negative seizures are right from the start, the others from 25 s on."""
    seconds, tables = np.arange(2.0, end + 1), []
    for place in range(20):
        positive = place % 2 == 1
        probability = np.where(seconds >= 25, 0.9, 0.3) if positive else np.full(len(seconds), 0.2)
        ids, onset = SeizureId(f"P{place // 2}", str(place)), clonic if positive else math.nan
        tables.append(rows_of(ids, labels[positive], onset, seconds, np.array([probability, probability])))
    return score_over_time(pool(tables), 0.9, negative_label=labels[0], positive_label=labels[1])


def test_the_sentences_say_what_was_found() -> None:
    text = early_words(scores_of())
    assert text.startswith("Share of seizures classified correctly after 10 s: 50 % (90 % interval ")
    assert ", 20 s: 50 % (" in text
    assert ", 30 s: 100 % (" in text
    assert "60 s" not in text  # all have ended by then
    assert ", at the end: 100 % (" in text
    assert "From 25 s on, accuracy stays within 5 percentage points of its final value." in text
    assert "From 25 s on, its interval lies above always answering TCS (50 %)." in text
    assert "Of the 10 TCS with a clonic onset, 100 % (90 % interval " in text
    assert "were called TCS before it, and from then on." in text
    assert (
        "right without a break since 14 s after the onset (median; middle half 2 to 25 s; FOS 2 s and TCS 25 s)" in text
    )


def test_the_sentences_of_other_labels_and_without_clonic_onsets() -> None:
    text = early_words(scores_of(("ADL", "FALL"), clonic=math.nan))
    assert (
        "Nothing can be said of the time around the clonic onset: no FALL has a clonic onset in the manifest." in text
    )
    assert "always answering FALL (50 %)" in text
    assert "ADL 2 s and FALL 25 s" in text
    assert "TCS" not in text
    assert "FOS" not in text


def test_what_is_late_or_never_is_said() -> None:
    found = scores_of(end=25)  # right at the very end, and not before
    text = early_words(found)
    assert "Accuracy comes within 5 percentage points of its final value only at the end." in text
    assert "Only at the end is it shown to be better than always answering TCS (50 %)." in text
    text = early_words(scores_of(end=20))
    assert "It is not shown to be better than always answering TCS (50 %), neither early nor at the end." in text
    assert ", 0 % (90 % interval 0 to " in text
    assert "FOS 2 s)" in text  # no TCS is right at the end
    short = early_words(scores_of(end=4))
    assert short.startswith("Share of seizures classified correctly after 2 s: 50 % (")


def test_the_table_has_a_row_for_each_time_before_the_end_and_one_for_it() -> None:
    rows = early_rows(scores_of())
    assert [row["time"] for row in rows] == ["10 s", "20 s", "30 s", "end"]
    assert [row["recall"] for row in rows] == ["0 %", "0 %", "100 %", "100 %"]
    assert [row["ended"] for row in rows] == ["0 of 20"] * 3 + ["20 of 20"]
    assert rows[2]["interval"].endswith("to 100 %")
    assert [row["going_on"] for row in rows] == ["50 %", "50 %", "100 %", "none"]
    assert [bool(row["going_on_interval"]) for row in rows] == [True, True, True, False]


def test_the_second_table_says_what_the_probabilities_of_beginnings_are_worth() -> None:
    rows = beginning_rows(scores_of())
    assert [row["time"] for row in rows] == ["10 s", "20 s", "30 s", "end"]
    assert [row["mean_probability"] for row in rows] == ["0.25", "0.25", "0.55", "0.55"]
    assert [row["observed_share"] for row in rows] == ["0.50"] * 4
    assert [row["brier"] for row in rows] == ["0.265", "0.265", "0.025", "0.025"]
    assert [row["seizures"] for row in rows] == ["20"] * 4
    assert rows[0]["error"] > rows[2]["error"]
    assert " to " in rows[0]["error_interval"]
    text = early_words(scores_of())
    assert f"P(TCS) is typically off after 10 s, of the seizures that go on, by {rows[0]['error']} (90 % int" in text
    assert f" and at the end by {rows[3]['error']} (90 % interval {rows[3]['error_interval']}); 0 is perfect." in text
    assert "typically off" not in early_words(scores_of(end=4))


def test_the_figures_draw_their_numbers_and_one_without_numbers_is_left_out() -> None:
    drawn = sketch_over_time(scores_of())
    assert list(drawn) == ["over_time", "clonic_onset"]
    figure, numbers = drawn["over_time"].draw(), drawn["over_time"].numbers
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["all seizures"].get_ydata(), numbers["accuracy"])
    np.testing.assert_array_equal(lines["TCS called TCS"].get_ydata(), (numbers["seconds"] >= 25).astype(float))
    assert lines["always TCS"].get_ydata()[0] == 0.5
    assert "share ended" in lines
    np.testing.assert_array_equal(lines["still going on"].get_ydata(), numbers["accuracy_going_on"].astype(float))
    figure, numbers = drawn["clonic_onset"].draw(), drawn["clonic_onset"].numbers
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["TCS called TCS"].get_ydata(), (numbers["seconds"] >= -10).astype(float))
    assert "clonic onset" in [text.get_text().strip() for text in figure.axes[0].texts]
    assert list(sketch_over_time(scores_of(clonic=math.nan))) == ["over_time"]
    assert sketch_over_time(scores_of(clonic=math.nan, end=2)) == {}
