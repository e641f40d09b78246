"""The page of a classifier that was tried on another cohort: its scores there, beside those of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seizures.evaluation.calibration_slope import CalibrationLine
from seizures.evaluation.external import SCORES
from seizures.evaluation.metrics import METRIC_TITLES
from seizures.evaluation.wording import plural
from seizures.files.template import write_page
from seizures.report.answer_text import classifier_lines
from seizures.report.score_text import IN_PERCENT, interval_text, line_words, score_text


def write_external_page(
    path: Path, scores: Mapping[str, Any], info: Mapping[str, Any], left_out: Sequence[str] = ()
) -> None:
    """Write the page; it names no patient but those that were left out.

    Args:
        path: where to write.
        scores: what `score_externally` returned.
        info: what the classifier's file says.
        left_out: what could not be asked about, a line each.
    """
    write_page(
        path,
        "seizures.report",
        "external.html.j2",
        finding=finding(scores),
        classifier=classifier_lines(info),
        is_simulated=info["is_simulated"],
        cohort=_cohort(scores),
        rows=[_row(name, scores) for name in SCORES],
        called=_called(scores),
        calibration=_calibration(scores),
        unfamiliar=_unfamiliar(scores),
        percent=f"{100 * scores['confidence_level']:g} %",
        left_out=list(left_out),
    )


def finding(scores: Mapping[str, Any]) -> str:
    """Return what was found, in a sentence: is the accuracy there another than in its own cross-validation?"""
    external, difference = scores["external"]["accuracy"], scores["difference"].get("accuracy")
    told = f"Accuracy {_with_interval('accuracy', external)} on {plural(scores['num_seizures'], 'seizure')}"
    if difference is None or difference["value"] is None:
        return f"{told}; how well it did in its own cohort is not stated."
    points = f"{100 * difference['value']:+.0f} points"
    if difference["low"] is None or difference["high"] is None:
        return f"{told}, {points} from its own cross-validation; there is no interval, so nothing can be said of that."
    ends = f"{100 * difference['low']:+.0f} to {100 * difference['high']:+.0f}"
    if difference["high"] < 0:
        return f"{told}, {points} from its own cross-validation ({ends}): it does worse here."
    if difference["low"] > 0:
        return f"{told}, {points} from its own cross-validation ({ends}): it does better here."
    return f"{told}, {points} from its own cross-validation ({ends}): no difference is shown."


def _with_interval(name: str, score: Mapping[str, float | None]) -> str:
    ends = interval_text(name, score["low"], score["high"])
    return f"{score_text(name, score['mean'])} ({'no interval' if ends == 'none' else ends})"


def _cohort(scores: Mapping[str, Any]) -> str:
    sizes = ", ".join(f"{number} {label}" for label, number in scores["num_seizures_by_label"].items())
    return f"{plural(scores['num_seizures'], 'seizure')} ({sizes}) of {plural(scores['num_patients'], 'patient')}"


def _row(name: str, scores: Mapping[str, Any]) -> dict[str, str]:
    internal, difference = scores["internal"].get(name), scores["difference"].get(name)
    return {
        "title": METRIC_TITLES[name],
        "external": _with_interval(name, scores["external"][name]),
        "internal": _with_interval(name, internal) if internal else "not stated",
        "difference": _difference(name, difference) if difference else "not known",
    }


def _difference(name: str, found: Mapping[str, float | None]) -> str:
    if found["value"] is None:
        return "undefined"
    scale, form = (100, "+.0f") if name in IN_PERCENT else (1, "+.2f")
    text = format(scale * found["value"], form)
    if found["low"] is None or found["high"] is None:
        return f"{text} (no interval)"
    return f"{text} ({format(scale * found['low'], form)} to {format(scale * found['high'], form)})"


def _called(scores: Mapping[str, Any]) -> str:
    called = scores["called"]
    if called["share"] >= 1:
        return "It abstained in none."
    text = f"It abstained in {100 * (1 - called['share']):.0f} %"
    if called["internal_share"] is not None:
        text += f" ({100 * (1 - called['internal_share']):.0f} % in its own cross-validation)"
    return f"{text}; accuracy on the rest: {_with_interval('accuracy', called['accuracy'])}."


def _calibration(scores: Mapping[str, Any]) -> str:
    found, positive = scores["calibration"], scores["labels"][1]
    large = found["in_the_large"]
    text = (
        f"{100 * found['observed_share']:.0f} % are {positive}, and the mean probability is "
        f"{100 * found['mean_probability']:.0f} %"
    )
    if large["low"] is not None:
        text += f": {100 * large['value']:+.0f} points ({100 * large['low']:+.0f} to {100 * large['high']:+.0f})"
    return f"{text}. Brier score {found['brier']:.3f}. {_line(scores)}".rstrip()


def _line(scores: Mapping[str, Any]) -> str:
    return line_words(CalibrationLine(**scores["calibration"]["line"]), scores["confidence_level"])


def _unfamiliar(scores: Mapping[str, Any]) -> str:
    number, total = scores["num_unfamiliar"], scores["num_seizures"]
    if scores["num_familiarity_unknown"] == total:
        return "The classifier's file does not say which films are familiar to it."
    return f"{number} of {total} films are unlike those that it was trained on."
