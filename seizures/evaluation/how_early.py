"""How early is the classifier right? Scores of what it says of the beginnings of seizures that it has not seen.

Every seizure counts at every time. One that has ended keeps its last answer, so that the scores run into those of whole
seizures; one that has no answer yet, because its beginning is too short, is left out. Both are counted. Beside each
accuracy stands that of the seizures that still go on: short ones are of other kinds than long ones, and that mixture
changes with time. Scores are means over the seeds, with the intervals of seizures.evaluation.intervals; the calibration
error is of the mean probability over the seeds. Probabilities are not calibrated.

Letters used here: N seizures, K seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seizures.evaluation.calibration_error import calibration_error
from seizures.evaluation.intervals import Cohort, Interval
from seizures.evaluation.metrics import FloatArray, decide, order_of_content
from seizures.evaluation.over_time import Course, courses_of
from seizures.prediction.unfolding import settled_seconds

Flags = npt.NDArray[np.bool_]

MARGIN = 0.05  # so near its last value, accuracy counts as having arrived
EVERY_SECOND_UNTIL, THEN_EVERY_SECONDS = 120, 10
AROUND_SECONDS = 60  # before and after the clonic onset
BEGINNINGS_SECONDS = (10.0, 20.0, 30.0, 60.0)
_ONE_SIDE = (0.5, 0.5)  # no no-call zone


def score_over_time(
    table: pd.DataFrame, confidence_level: float, *, positive_label: str = "TCS", negative_label: str = "FOS"
) -> dict[str, Any]:
    """Score over_time.csv, as over_time.json holds it: plain values, None where undefined, with the reason beside it.

    Args:
        table: what `seizures.evaluation.over_time.read_over_time` returned.
        confidence_level: of the intervals, between 0 and 1.
        positive_label: the label whose probability it is.
        negative_label: the other label.

    Raises:
        TooFewSeizuresError, SeizuresError: as `courses_of`.
    """
    courses = _without_ids(courses_of(table, positive_label))
    names, labels = (negative_label, positive_label), [course.label for course in courses]
    at_the_end = _row(courses, None, confidence_level)
    since_onset = accuracy_since_onset(courses, confidence_level)
    commoner = int(2 * sum(labels) >= len(labels))
    chance = labels.count(commoner) / len(labels)
    return {
        "positive_label": positive_label,
        "negative_label": negative_label,
        "confidence_level": confidence_level,
        "num_patients": len({course.patient_id for course in courses}),
        "num_seizures": len(courses),
        "seeds": sorted({int(seed) for seed in table["seed"]}),
        "chance": {"label": names[commoner], "level": chance},
        "since_onset": since_onset,
        "at_the_end": at_the_end,
        "near_the_end_from_seconds": near_the_end(since_onset, at_the_end["accuracy"]),
        "margin": MARGIN,
        "better_than_chance_from_seconds": better_than_chance(since_onset, at_the_end, chance),
        **_clonic_onset(courses, confidence_level, positive_label),
        "settled": settling(courses, names),
        "beginnings": [_beginning(courses, seconds, confidence_level) for seconds in (*BEGINNINGS_SECONDS, None)],
    }


def write_scores(path: Path, scores: Mapping[str, Any]) -> None:
    """Write over_time.json; a NaN is refused, because it is not JSON."""
    path.write_text(json.dumps(scores, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_scores(path: Path) -> dict[str, Any]:
    """Read over_time.json back."""
    scores: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return scores


def accuracy_since_onset(courses: Sequence[Course], confidence_level: float) -> list[dict[str, Any]]:
    """Return the accuracy at every second (later every ten) between the first answer and the last end of a seizure."""
    longest = max(float(course.seconds[-1]) for course in courses)
    seconds = [float(one) for one in range(1, int(np.ceil(longest)))]
    grid = [one for one in seconds if one <= EVERY_SECOND_UNTIL or one % THEN_EVERY_SECONDS == 0]
    rows = [_row(courses, one, confidence_level) for one in grid]
    return [row for row in rows if row["num_seizures"]]


def near_the_end(rows: Sequence[dict[str, Any]], at_the_end: float) -> float | None:
    """Return the second from which accuracy stays within `MARGIN` of its last value; None if it does so at the end."""
    found = None
    for row in reversed(rows):
        if abs(row["accuracy"] - at_the_end) > MARGIN + 1e-9:
            break
        found = float(row["seconds"])
    return found


def better_than_chance(rows: Sequence[dict[str, Any]], at_the_end: dict[str, Any], chance: float) -> float | None:
    """Return the second from which the interval of the accuracy stays above chance; None if it is not so to the end."""
    found = None
    for row in reversed([*rows, at_the_end]):
        if row["low"] is None or row["low"] <= chance:
            break
        found = found if row["seconds"] is None else float(row["seconds"])
    return found


def recall_around_clonic_onset(courses: Sequence[Course], confidence_level: float) -> list[dict[str, Any]]:
    """Return the recall of seizures of the positive label at each second before (below 0) and after the clonic onset.

    Args:
        courses: seizures of the positive label that have a clonic onset.
        confidence_level: of the intervals, between 0 and 1.
    """
    rows = []
    for offset in range(-AROUND_SECONDS, AROUND_SECONDS + 1):
        times = np.array([course.clonic_onset_seconds + offset for course in courses])
        answers, known, counts = _answers(courses, times)
        if known.any():
            cohort = _cohort(courses, answers, known, confidence_level)
            share = float(decide(answers[:, known]).mean())
            rows.append({"seconds": float(offset), "recall": share, **_ends(cohort.interval("recall")), **counts})
    return rows


def settling(courses: Sequence[Course], label_names: tuple[str, str]) -> dict[str, Any]:
    """Return after how many seconds an answer that is right at the end stays right: median and quartiles, by label.

    Every seed's answer counts for itself; `num_seizures` is the mean over the seeds. The group of all is `all`.
    """
    found: dict[str, list[float]] = {"all": [], **{name: [] for name in label_names}}
    for course in courses:
        right = [value for value in _settled_right(course) if not np.isnan(value)]
        found["all"] += right
        found[label_names[course.label]] += right
    num_seeds = len(courses[0].probabilities)
    return {name: {**_quartiles(values), "num_seizures": len(values) / num_seeds} for name, values in found.items()}


def _clonic_onset(courses: Sequence[Course], confidence_level: float, positive_label: str) -> dict[str, Any]:
    """Return the two parts that need clonic onsets, both None where there is none, and why."""
    with_one = [course for course in courses if course.label == 1 and not np.isnan(course.clonic_onset_seconds)]
    around, share, why = None, None, f"no {positive_label} has a clonic onset in the manifest"
    if with_one:
        why = ""
        before = np.array([_settled_right(course) < course.clonic_onset_seconds for course in with_one]).T  # (K, N)
        everyone = np.ones(len(with_one), dtype=np.bool_)
        cohort = _cohort(with_one, before.astype(np.float64), everyone, confidence_level)
        around = recall_around_clonic_onset(with_one, confidence_level)
        share = {"share": float(before.mean()), **_ends(cohort.interval("accuracy")), **_sizes(with_one, everyone)}
    return {
        "around_clonic_onset": around,
        "settled_before_clonic_onset": share,
        "why_nothing_about_clonic_onset": why,
    }


def _settled_right(course: Course) -> FloatArray:
    """Return from when the answer of each seed stays right, (K,) in seconds; NaN where it is wrong at the end."""
    is_right = decide(course.probabilities[:, -1]) == (course.label == 1)
    settled = [settled_seconds(course.seconds, one, one, one, _ONE_SIDE) for one in course.probabilities]
    return np.where(is_right, np.array(settled, dtype=np.float64), np.nan)


def _row(courses: Sequence[Course], seconds: float | None, confidence_level: float) -> dict[str, Any]:
    """Return the scores at one time after the onset; None: at the end of each seizure."""
    answers, known, counts = _answers(courses, _at(courses, seconds))
    row: dict[str, Any] = {"seconds": seconds, "accuracy": None, "recall": None, "specificity": None}
    going_on = _going_on(courses, known, seconds)
    for_these = _accuracy_going_on(courses, answers, going_on, confidence_level)
    if not known.any():
        return {**row, **_ends(None), **counts, **for_these}
    cohort = _cohort(courses, answers, known, confidence_level)
    positive = cohort.labels == 1
    right = decide(cohort.probabilities) == positive
    for name, which in (("accuracy", np.ones_like(positive)), ("recall", positive), ("specificity", ~positive)):
        row[name] = float(right[:, which].mean()) if which.any() else None
    return {**row, **_ends(cohort.interval("accuracy")), **counts, **for_these}


def _accuracy_going_on(
    courses: Sequence[Course], answers: FloatArray, going_on: Flags, confidence_level: float
) -> dict[str, Any]:
    """Return the accuracy of the seizures that still go on, (N,), and how many they are; None where there are none."""
    found: dict[str, Any] = {"num_going_on": int(going_on.sum())}
    names = ("accuracy_going_on", "low_going_on", "high_going_on")
    if not going_on.any():
        return {**found, **dict.fromkeys(names)}
    cohort = _cohort(courses, answers, going_on, confidence_level)
    share, interval = float((decide(cohort.probabilities) == (cohort.labels == 1)).mean()), cohort.interval("accuracy")
    return {**found, **dict(zip(names, (share, interval.low, interval.high), strict=True))}


def _beginning(courses: Sequence[Course], seconds: float | None, confidence_level: float) -> dict[str, Any]:
    """Return how far the probabilities of the seizures that go on are from what these turn out to be.

    None stands for the end: of every seizure, as a whole.
    """
    answers, known, _ = _answers(courses, _at(courses, seconds))
    which = known if seconds is None else _going_on(courses, known, seconds)
    if not which.any():
        names = ("mean_probability", "observed_share", "brier", "calibration_error")
        return {"seconds": seconds, **dict.fromkeys(names), **_ends(None), **_sizes(courses, which)}
    cohort = _cohort(courses, answers, which, confidence_level)
    patients = [str(one) for one in cohort.patient]
    error = calibration_error(patients, cohort.labels, cohort.probabilities.mean(axis=0), confidence_level)
    return {
        "seconds": seconds,
        "mean_probability": float(cohort.probabilities.mean()),
        "observed_share": float(cohort.labels.mean()),
        "brier": float(((cohort.probabilities - cohort.labels) ** 2).mean()),
        **_ends(cohort.brier()),
        "calibration_error": {"value": error.value, "low": error.interval.low, "high": error.interval.high},
        **_sizes(courses, which),
    }


def _at(courses: Sequence[Course], seconds: float | None) -> FloatArray:
    return np.full(len(courses), np.inf if seconds is None else seconds)


def _going_on(courses: Sequence[Course], known: Flags, seconds: float | None) -> Flags:
    """Return which of the seizures with an answer, (N,), have not ended by that time."""
    return known & (_at(courses, seconds) < np.array([course.seconds[-1] for course in courses]) - 1e-9)


def _answers(courses: Sequence[Course], times: FloatArray) -> tuple[FloatArray, Flags, dict[str, int]]:
    """Return the answers at a time of each seizure (K, N), which seizures have one (N,), and the counts."""
    answers = np.array([course.at(float(time)) for course, time in zip(courses, times, strict=True)]).T
    known = ~np.isnan(answers).any(axis=0)
    ends = np.array([course.seconds[-1] for course in courses])
    counts = {"num_ended": int((known & (times >= ends - 1e-9)).sum()), "num_without_answer": int((~known).sum())}
    return answers, known, {**_sizes(courses, known), **counts}


def _sizes(courses: Sequence[Course], which: Flags) -> dict[str, int]:
    patients = {course.patient_id for course, is_in in zip(courses, which, strict=True) if is_in}
    return {"num_seizures": int(which.sum()), "num_patients": len(patients)}


def _cohort(courses: Sequence[Course], answers: FloatArray, known: Flags, confidence_level: float) -> Cohort:
    labels = np.array([course.label for course in courses], dtype=np.int64)
    patients = [course.patient_id for course, is_in in zip(courses, known, strict=True) if is_in]
    return Cohort(patients, labels[known], answers[:, known], confidence_level)


def _ends(interval: Interval | None) -> dict[str, Any]:
    if interval is None:
        return {"low": None, "high": None, "why_no_interval": "no such seizure has an answer"}
    return {"low": interval.low, "high": interval.high, "why_no_interval": interval.why_none}


def _quartiles(values: Sequence[float]) -> dict[str, float | None]:
    names = ("lower_quartile_seconds", "median_seconds", "upper_quartile_seconds")
    if not values:
        return dict.fromkeys(names)
    return dict(zip(names, map(float, np.quantile(values, [0.25, 0.5, 0.75])), strict=True))


def _without_ids(courses: Sequence[Course]) -> list[Course]:
    """Return the courses of numbered patients, in an order that follows from their content alone."""
    content = np.array([[course.label, *course.probabilities[:, -1], course.seconds[-1]] for course in courses]).T
    numbers, order = order_of_content([course.patient_id for course in courses], content)
    return [
        Course(number, one.label, one.clonic_onset_seconds, one.seconds, one.probabilities)
        for number, one in zip(numbers, (courses[place] for place in order), strict=True)
    ]
