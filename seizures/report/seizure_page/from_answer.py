"""What a classifier said of a seizure, as the content of its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seizures.report.answer_text import unfamiliar_reasons
from seizures.report.score_text import IN_PERCENT
from seizures.report.seizure_page.data import (
    Belief,
    Classifier,
    Curve,
    Deletion,
    Label,
    Labels,
    Marker,
    Range,
    Score,
    Segment,
    SeizurePage,
    SimilarCase,
    Verdict,
    View,
)

LONG_NAMES = {"FOS": "focal onset seizure", "TCS": "focal to bilateral tonic-clonic seizure"}
ACCURACY = IN_PERCENT[0]


def page_of(
    name: str,
    said: Mapping[str, Any],
    course: Mapping[str, Any],
    info: Mapping[str, Any],
    *,
    made_on: str,
    known_label: str | None = None,
    marker: Marker | None = None,
    index: str = "",
) -> SeizurePage:
    """Return the content of a seizure's page, without films.

    Args:
        name: of the seizure.
        said: what `AnswerSeizure` keeps.
        course: what `FollowSeizure` keeps.
        info: what the classifier's file says.
        made_on: the day, as text.
        known_label: by the record.
        marker: what somebody marked, such as the clonic onset.
        index: the page of all seizures, relative to this one.
    """
    answer = said["answer"]
    negative, positive = answer["labels"]
    decision = info["decision"]
    return SeizurePage(
        name=name,
        labels=Labels(_label(negative), _label(positive)),
        duration_seconds=said["duration_seconds"],
        verdict=Verdict(
            answer["probability"],
            answer["low"],
            answer["high"],
            len(answer["raw_by_seed"]),
            answer["call"],
            tuple(decision["no_call"]) if decision else None,
            course["settled_seconds"],
            is_calibrated=info["calibration"]["num_patients"] > 0,
        ),
        views=tuple(_view(view, said) for view in answer["views"]),
        curve=Curve(*(tuple(course[column]) for column in ("seconds", "probability", "low", "high"))),
        classifier=_classifier(info),
        made_on=made_on,
        belief=_belief(said, info),
        baseline_probability=said["baseline_probability"],
        marker=marker,
        known_label=known_label or None,
        is_simulated=bool(info["is_simulated"]),
        similar=tuple(SimilarCase(case["name"], case["label"], case["similarity"]) for case in said["similar"]),
        deletion=_deletion(said["deletion"]),
        index=index,
    )


def _label(short: str) -> Label:
    return Label(short, LONG_NAMES.get(short, ""))


def _view(answer: Mapping[str, Any], said: Mapping[str, Any]) -> View:
    name = answer["view"]
    weights = said["attention"].get(name, [])
    segments = tuple(
        Segment(one["start"], one["end"], tuple(one["snippet"]), one["value"], weights[number] if weights else None)
        for number, one in enumerate(said["segments"].get(name, []))
    )
    title = name.replace("_", " ").capitalize()
    return View(name, title, answer["probability"], answer["low"], answer["high"], segments)


def _deletion(said: Mapping[str, Any] | None) -> Deletion | None:
    return None if said is None else Deletion(said["top"], tuple(said["random"]))


def _belief(said: Mapping[str, Any], info: Mapping[str, Any]) -> Belief:
    distance, reference = said["answer"]["distance"], info["reference"] or {}
    ranges = [
        Range(name, reference[name]["unit"], max(values), reference[name]["low"], reference[name]["high"])
        for name, values in said["properties"].items()
        if name in reference
    ]
    if distance is not None:
        ranges.append(Range("distance from the training seizures", "of the limit", distance, 0.0, 1.0))
    reasons = tuple(f"{reason[0].upper()}{reason[1:]}." for reason in unfamiliar_reasons(said))
    has_films = info["trained_on"] is not None
    return Belief(said["is_familiar"], reasons, bool(said["is_trained_on"]) if has_films else None, tuple(ranges))


def _score(said: Mapping[str, Any] | None) -> Score | None:
    if said is None or said["mean"] is None:
        return None
    return Score(said["mean"], said["low"], said["high"])


def _classifier(info: Mapping[str, Any]) -> Classifier:
    cohort, scores, decision = info["cohort"] or {}, info["scores"], info["decision"]
    return Classifier(
        info["classifier_id"],
        num_patients=cohort.get("num_patients"),
        num_seizures=cohort.get("num_seizures"),
        is_simulated=bool(info["is_simulated"]),
        accuracy=_score(scores["metrics"][ACCURACY]) if scores else None,
        confidence_level=scores["confidence_level"] if scores else 0.95,
        protocol="cross-validated by patient" if scores else "",
        share_not_called=1 - decision["share_called"] if decision else None,
        accuracy_called=_score(decision["accuracy_called"]) if decision else None,
        calibration=calibration_words(info["calibration"]),
    )


def calibration_words(said: Mapping[str, Any]) -> str:
    """Return how the probability was calibrated, as a sentence; empty where nothing is known of it."""
    if not said["num_patients"]:
        return ""
    how = {"none": "not corrected, because no correction helped", "temperature": "corrected by temperature scaling",
           "platt": "corrected by Platt scaling"}[said["method"]]  # fmt: skip
    text = (
        f"The probability was checked on {said['num_seizures']} seizures of {said['num_patients']} patients whom the "
        f"classifier had not seen, and {how}."
    )
    before, after = said["ece_before"], said["ece_after"]
    if before is None or after is None:
        return text
    return f"{text} Expected calibration error {before['value']:.3f} before, {after['value']:.3f} after."
