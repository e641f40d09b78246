"""How early is it right: small cohorts counted by hand, and what must hold of any."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.evaluation.calibration_error import calibration_error
from seizures.evaluation.how_early import near_the_end, read_scores, score_over_time, write_scores
from seizures.evaluation.intervals import Cohort
from seizures.evaluation.over_time import COLUMNS, courses_of, pool, read_over_time, rows_of, write_over_time
from seizures.manifest.identity import SeizureId

NAN = math.nan


def seizure(
    patient: str, number: str, label: str, clonic: float, seconds: list[float], *by_seed: list[float]
) -> pd.DataFrame:
    return rows_of(SeizureId(patient, number), label, clonic, seconds, np.array(by_seed))


# Two seeds. A, TCS: right from 5 s on by one seed, from 3 s on by the other; B, FOS: always right, and over at 4 s;
# C, TCS: has no answer before 4 s, and is wrong at the end by the second seed; D, FOS: is right only at its end, 5.5 s.
TABLE = pool([
    seizure("A", "01", "TCS", 4.0, [2, 3, 4, 5, 6], [0.2, 0.6, 0.4, 0.7, 0.9], [0.1, 0.5, 0.8, 0.8, 0.9]),
    seizure("B", "NA", "FOS", NAN, [2, 3, 4], [0.1, 0.2, 0.3], [0.4, 0.3, 0.2]),
    seizure("C", "01", "TCS", 5.0, [4, 5, 6], [0.8, 0.9, 0.9], [0.9, 0.6, 0.3]),
    seizure("D", "01", "FOS", NAN, [2, 3, 4, 5, 5.5], [0.7, 0.7, 0.7, 0.7, 0.4], [0.7, 0.7, 0.7, 0.7, 0.4]),
])  # fmt: skip


@pytest.fixture(scope="module")
def scores() -> dict:
    return score_over_time(TABLE, 0.95)


def test_accuracy_at_each_second_is_that_of_the_answers_by_then(scores: dict) -> None:
    rows = {row["seconds"]: row for row in scores["since_onset"]}
    assert list(rows) == [2, 3, 4, 5]  # nothing before the first answer, and the last end is a row of its own
    assert rows[2]["accuracy"] == pytest.approx(1 / 3)  # of A, B and D, B alone
    assert (rows[2]["num_seizures"], rows[2]["num_without_answer"], rows[2]["num_ended"]) == (3, 1, 0)
    assert rows[3]["accuracy"] == pytest.approx(2 / 3)  # A by both seeds: 0.5 is called TCS
    assert (rows[3]["recall"], rows[3]["specificity"]) == (1, 0.5)
    assert rows[4]["accuracy"] == pytest.approx((2 / 4 + 3 / 4) / 2)
    assert (rows[4]["num_seizures"], rows[4]["num_without_answer"], rows[4]["num_ended"]) == (4, 0, 1)
    assert rows[5]["accuracy"] == pytest.approx(3 / 4)  # B keeps its last answer, and counts
    end = scores["at_the_end"]
    assert (end["accuracy"], end["num_ended"], end["num_without_answer"]) == (7 / 8, 4, 0)
    assert scores["chance"] == {"label": "TCS", "level": 0.5}


def test_the_intervals_are_those_of_the_project(scores: dict) -> None:
    probabilities = np.array([[0.4, 0.3, 0.8, 0.7], [0.8, 0.2, 0.9, 0.7]])
    wanted = Cohort(list("ABCD"), np.array([1, 0, 1, 0]), probabilities, 0.95)
    row = scores["since_onset"][2]
    assert (row["low"], row["high"]) == pytest.approx(
        (wanted.interval("accuracy").low, wanted.interval("accuracy").high)
    )
    settled = Cohort(list("AC"), np.ones(2, dtype=np.int64), np.array([[0.0, 1], [1, 0]]), 0.95).interval("accuracy")
    share = scores["settled_before_clonic_onset"]
    assert (share["low"], share["high"]) == pytest.approx((settled.low, settled.high))


def test_around_the_clonic_onset_only_those_count_that_have_one(scores: dict) -> None:
    rows = {row["seconds"]: row for row in scores["around_clonic_onset"]}
    assert min(rows) == -2  # A at 2 s; C has no answer at 3 s
    assert (rows[-2]["num_seizures"], rows[-2]["num_without_answer"], rows[-2]["recall"]) == (1, 1, 0)
    assert rows[-1]["recall"] == 1  # A at 3 s and C at 4 s
    assert rows[0]["recall"] == pytest.approx(3 / 4)  # A at 4 s by one seed, C at 5 s by both
    assert rows[60]["recall"] == pytest.approx(3 / 4)
    assert (rows[60]["num_ended"], rows[60]["num_patients"]) == (2, 2)
    # Settled before: A by the second seed, from 3 s on; C by the first, from 4 s on.
    assert scores["settled_before_clonic_onset"]["share"] == 0.5
    assert scores["why_nothing_about_clonic_onset"] == ""


def test_an_answer_is_settled_from_the_last_change_on_and_only_right_ones_count(scores: dict) -> None:
    settled = scores["settled"]
    assert settled["TCS"]["median_seconds"] == 4  # 5 and 3 (A), 4 (C by the seed that is right at the end)
    assert settled["FOS"]["median_seconds"] == pytest.approx((2 + 5.5) / 2)
    assert (settled["TCS"]["num_seizures"], settled["all"]["num_seizures"]) == (1.5, 3.5)
    assert settled["all"]["upper_quartile_seconds"] == pytest.approx(np.quantile([5, 3, 4, 2, 2, 5.5, 5.5], 0.75))


def test_the_seizures_that_still_go_on_are_scored_beside_all(scores: dict) -> None:
    rows = {row["seconds"]: row for row in scores["since_onset"]}
    assert (rows[3]["num_going_on"], rows[3]["accuracy_going_on"]) == (3, pytest.approx(2 / 3))  # C has no answer
    assert (rows[4]["num_going_on"], rows[4]["accuracy_going_on"]) == (3, pytest.approx((1 / 3 + 2 / 3) / 2))  # B ended
    going_on = Cohort(list("ACD"), np.array([1, 1, 0]), np.array([[0.4, 0.8, 0.7], [0.8, 0.9, 0.7]]), 0.95)
    wanted = going_on.interval("accuracy")
    assert (rows[4]["low_going_on"], rows[4]["high_going_on"]) == pytest.approx((wanted.low, wanted.high))
    end = scores["at_the_end"]
    assert (end["num_going_on"], end["accuracy_going_on"], end["low_going_on"]) == (0, None, None)


def test_probabilities_of_beginnings_are_compared_with_what_came_of_them() -> None:
    rng, tables = np.random.default_rng(0), []
    early, last = rng.random((2, 60)), rng.random((2, 60))
    positive = rng.random(60) < early.mean(axis=0)
    patients, ends = [f"P{place // 3}" for place in range(60)], np.where(np.arange(60) < 20, 10.0, 15.0)
    for place in range(60):
        label, answers = ("FOS", "TCS")[int(positive[place])], np.stack([early[:, place], last[:, place]], axis=1)
        tables.append(rows_of(SeizureId(patients[place], str(place)), label, NAN, [5.0, ends[place]], answers))
    rows = {row["seconds"]: row for row in score_over_time(pool(tables), 0.95)["beginnings"]}
    assert list(rows) == [10, 20, 30, 60, None]
    assert rows[20]["brier"] is rows[20]["calibration_error"] is None  # all have ended by then
    assert rows[20]["why_no_interval"] == "no such seizure has an answer"
    for seconds, which, values in ((10, ends > 10, early), (None, ends > 0, last)):
        row, labels = rows[seconds], positive[which].astype(np.int64)
        assert row["num_seizures"] == which.sum()
        assert row["mean_probability"] == pytest.approx(values[:, which].mean())
        assert row["observed_share"] == pytest.approx(labels.mean())
        assert row["brier"] == pytest.approx(((values[:, which] - labels) ** 2).mean())
        wanted = calibration_error(
            [patients[place] for place in np.flatnonzero(which)], labels, values[:, which].mean(axis=0), 0.95
        )
        ends_of = (wanted.interval.low, wanted.interval.high)
        assert row["calibration_error"]["value"] == pytest.approx(wanted.value)
        assert (row["calibration_error"]["low"], row["calibration_error"]["high"]) == pytest.approx(ends_of)
    assert rows[10]["calibration_error"]["value"] < rows[None]["calibration_error"]["value"]  # the last say nothing


def test_when_nobody_has_an_answer_there_is_no_score() -> None:
    table = pool([seizure(one, "1", "TCS", NAN, [30, 35], [0.9, 0.9]) for one in "AB"])
    found = score_over_time(table, 0.95)["beginnings"]
    assert [row["brier"] is None for row in found] == [True, True, False, True, False]
    assert found[0]["why_no_interval"] == "no such seizure has an answer"
    assert found[0]["num_seizures"] == 0


def test_without_clonic_onsets_and_with_other_labels() -> None:
    table = pool([
        seizure("A", "1", "FALL", NAN, [2, 3], [0.9, 0.9]),
        seizure("B", "1", "ADL", 2.0, [2, 3], [0.2, 0.1]),  # a clonic onset of the other label says nothing of FALL
    ])  # fmt: skip
    found = score_over_time(table, 0.95, positive_label="FALL", negative_label="ADL")
    assert found["around_clonic_onset"] is None
    assert found["settled_before_clonic_onset"] is None
    assert found["why_nothing_about_clonic_onset"] == "no FALL has a clonic onset in the manifest"
    assert set(found["settled"]) == {"all", "FALL", "ADL"}
    assert found["at_the_end"]["accuracy"] == 1


def test_one_patient_has_no_interval_and_one_label_no_other_score() -> None:
    found = score_over_time(seizure("A", "1", "TCS", 2.5, [2, 3], [0.4, 0.9]), 0.95)
    assert found["at_the_end"]["low"] is None
    assert "one patient" in found["at_the_end"]["why_no_interval"]
    assert found["at_the_end"]["specificity"] is None
    assert found["better_than_chance_from_seconds"] is None
    assert found["settled"]["FOS"]["median_seconds"] is None


@pytest.mark.parametrize(
    ("accuracies", "wanted"), [([0.5, 0.9, 0.86, 0.95], 2), ([0.9, 0.5, 0.9], 3), ([0.9, 0.9, 0.5], None), ([0.9], 1)]
)
def test_accuracy_has_arrived_when_it_stays_near_its_last_value(accuracies: list[float], wanted: float | None) -> None:
    rows = [{"seconds": place, "accuracy": accuracy} for place, accuracy in enumerate(accuracies, start=1)]
    assert near_the_end(rows, 0.9) == wanted


def test_better_than_chance_is_from_when_the_interval_stays_above_it() -> None:
    table = pool([
        seizure(f"P{place}", "1", label, NAN, [1, 2, 3, 4], [0.5, right, 1 - right, right])
        for place in range(20) for label, right in [(("FOS", 0.1), ("TCS", 0.9))[place % 2]]
    ])  # fmt: skip
    found = score_over_time(table, 0.95)
    assert [row["accuracy"] for row in found["since_onset"]] == [0.5, 1, 0]
    assert found["better_than_chance_from_seconds"] is None  # at the end it is, and at no second before
    flat = pool([
        seizure(f"P{place}", "1", label, NAN, [1, 2, 3, 4], [0.5, right, right, right])
        for place in range(20) for label, right in [(("FOS", 0.1), ("TCS", 0.9))[place % 2]]
    ])  # fmt: skip
    assert score_over_time(flat, 0.95)["better_than_chance_from_seconds"] == 2


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_ids_and_the_order_of_rows_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patients, tables, others = rng.permutation(5), [], []
    for place in range(8):
        patient, label = int(rng.integers(5)), ("FOS", "TCS")[place % 2]
        seconds, answers = np.arange(2, 2 + rng.integers(1, 9)), rng.random((2, 9))
        values = (label, float(rng.uniform(2, 6)) if place % 2 else NAN, seconds, answers[:, : len(seconds)])
        tables.append(rows_of(SeizureId(f"P{patient}", f"{place}"), *values))
        others.append(rows_of(SeizureId(f"X{patients[patient]}", f"{9 - place}"), *values))
    one = score_over_time(pool(tables), 0.95)
    assert one == score_over_time(pool(reversed(others)).sample(frac=1, random_state=seed % 97), 0.95)
    assert one["since_onset"] == [] or one["since_onset"][-1]["seconds"] < max(max(t["seconds"]) for t in tables)


def test_a_table_is_read_as_it_was_written_with_ids_as_text(tmp_path: Path) -> None:
    path = tmp_path / "over_time.csv"
    write_over_time(path, TABLE)
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    pd.testing.assert_frame_equal(read_over_time(path), TABLE)
    assert "NA" in set(read_over_time(path)["seizure_id"])
    path.write_text("patient_id,seconds\n1,2\n")
    with pytest.raises(SeizuresError, match="label, clonic_onset_seconds, seed, probability are missing"):
        read_over_time(path)


def test_scores_are_json(tmp_path: Path, scores: dict) -> None:
    write_scores(tmp_path / "over_time.json", scores)
    assert read_scores(tmp_path / "over_time.json") == json.loads(json.dumps(scores))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_scores(tmp_path / "no.json", {"accuracy": NAN})


def test_what_is_no_table_of_answers_is_refused() -> None:
    with pytest.raises(TooFewSeizuresError, match="nothing to evaluate"):
        courses_of(TABLE.iloc[:0], "TCS")
    with pytest.raises(SeizuresError, match=r"B\+NA has two answers"):
        courses_of(pd.concat([TABLE, TABLE[TABLE["patient_id"] == "B"]]), "TCS")
    with pytest.raises(SeizuresError, match=r"not every seed has an answer for A\+01"):
        courses_of(TABLE.iloc[1:], "TCS")
    with pytest.raises(SeizuresError, match=r"not every seed has an answer for C\+01"):
        courses_of(TABLE[(TABLE["patient_id"] != "C") | (TABLE["seed"] == 0)], "TCS")
    with pytest.raises(SeizuresError, match=r"A\+1: the classifier gave a probability that is not between 0 and 1"):
        seizure("A", "1", "TCS", NAN, [1], [NAN])
