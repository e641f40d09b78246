"""May one believe the answer? The checks, how good the classifier is, and what moved the answer, in sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seizures.evaluation.wording import plural
from seizures.report.seizure_page.data import Classifier, Range, Score, SeizurePage
from seizures.report.seizure_page.numbers import NBSP, band, in_100, level, listed, percent, plain, seconds_text

Kind = Literal["ok", "warn", "stop", "unknown"]

_FEW_PATIENTS = 30
_MOVED = "What moved the answer: "
_CLEAR_SHARE = 0.95  # of the random quarters that the telling quarter must move the answer further than
_CLEAR_MOVE = 0.05  # of probability; less is nothing that one would see


@dataclass(frozen=True)
class Check:
    """A line of the list: `ok`, `warn`, `stop` or `unknown`, what was found, and what it means."""

    kind: Kind
    title: str
    text: str


def checks(page: SeizurePage) -> list[Check]:
    """Return what speaks for and against the answer, most important first."""
    found = [_sure(page), _familiar(page), _trained_on(page), _agreement(page)]
    if not page.verdict.is_calibrated:
        text = "Its scores are no probabilities: how often it is right at such a score is not known."
        found.insert(1, Check("warn", "Not calibrated", text))
    black = [(view.title, view.black_seconds(page.duration_seconds)) for view in page.views]
    words = listed([f"{title}: {seconds_text(seconds, 1)}" for title, seconds in black if seconds > 0])
    if words:
        text = f"{words} without a picture to believe: damaged or missing."
        found.append(Check("warn", "Parts of the film are missing", text))
    if page.known_label is not None:
        found.append(_record(page))
    return found


def _sure(page: SeizurePage) -> Check:
    verdict = page.verdict
    if verdict.no_call is None:
        text = "It has no limits between which it abstains: it always calls, however close."
        return Check("unknown", "It never abstains", text)
    zone = f"the no-call zone, {band(page, *verdict.no_call)}"
    if verdict.call is None:
        return Check("warn", "Too close to call", f"Inside {zone}.")
    if page.is_doubtful:
        return Check("warn", "It would be sure enough", "But how sure it is means nothing here: see below.")
    return Check("ok", "Sure enough to be called", f"Outside {zone}.")


def _familiar(page: SeizurePage) -> Check:
    if page.belief.familiar is None:
        text = (
            " ".join(page.belief.reasons) or "The classifier came without a description of the films it learned from."
        )
        return Check("unknown", "A familiar kind of film? Not known", text)
    if page.belief.familiar:
        text = "To the network it looks like films that the classifier learned from."
        return Check("ok", "A familiar kind of film", text)
    return Check("stop", "Unfamiliar film", " ".join(page.belief.reasons) or "It is unlike those it learned from.")


def _trained_on(page: SeizurePage) -> Check:
    if page.belief.trained_on is None:
        text = "The classifier came without a list of the films it learned from."
        return Check("unknown", "Seen in training? Not known", text)
    if page.belief.trained_on:
        return Check("stop", "It learned from this film", "Its answer here is no test of it.")
    return Check("ok", "Never saw this film", "The film is not among those it was trained on.")


def _agreement(page: SeizurePage) -> Check:
    if len(page.views) < 2:
        return Check("warn", "One view only", "No second view to compare with.")
    negative, positive = page.labels.negative.short, page.labels.positive.short
    words = [positive if view.probability >= 0.5 else negative for view in page.views]
    if len(set(words)) == 1:
        return Check("ok", "The views agree", f"Each on its own says {words[0]}.")
    said = listed([f"{view.title} says {word}" for view, word in zip(page.views, words, strict=True)])
    return Check("warn", "The views disagree", f"{said}.")


def _record(page: SeizurePage) -> Check:
    answer = page.verdict.call or page.leaning.short
    if page.belief.trained_on:
        return Check("unknown", f"The record says {page.known_label}", "It was told so while it learned.")
    text = "Known label, not shown to the classifier for this answer."
    if answer == page.known_label:
        return Check("ok", f"The record says {page.known_label} too", text)
    verb = "says" if page.verdict.call else "leans to"
    return Check("warn", f"The record says {page.known_label}", f"The classifier {verb} {answer}. {text}")


def accuracy_sentences(page: SeizurePage) -> tuple[str, list[str]]:
    """Return the accuracy in large type (empty where it is not known), and the sentences under it."""
    one, noun = page.classifier, page.labels.noun
    sentences = [_measured(one), _learned_from(one, noun), _called(one)]
    sentences.append(one.calibration if page.verdict.is_calibrated else "")
    title = "" if one.accuracy is None else f"{percent(one.accuracy.value)} right"
    return title, [sentence for sentence in sentences if sentence]


def interval_words(score: Score) -> str:
    """Return `77 to 96 %`; empty without an interval."""
    if score.low is None or score.high is None:
        return ""
    return f"{100 * score.low:.0f} to {percent(score.high)}"


def _measured(one: Classifier) -> str:
    if one.accuracy is None:
        return "The classifier came without scores, so how often it is right is not known."
    ends = interval_words(one.accuracy)
    interval = f"{100 * one.confidence_level:g}{NBSP}% interval {ends}" if ends else "Without an interval"
    return f"{interval}, {one.protocol}." if one.protocol else f"{interval}."


def _learned_from(one: Classifier, noun: str) -> str:
    if one.num_patients is None or one.num_seizures is None:
        return "On how many patients it was trained is not known."
    films = " (simulated)" if one.is_simulated else ""
    few = "; that is few" if one.num_patients < _FEW_PATIENTS else ""
    return f"Learned from {plural(one.num_seizures, noun)} of {plural(one.num_patients, 'patient')}{films}{few}."


def _called(one: Classifier) -> str:
    if one.share_not_called is None:
        return ""
    if one.share_not_called == 0 or one.accuracy_called is None:
        return f"It makes no call in {100 * one.share_not_called:.0f} of 100." if one.share_not_called else ""
    interval = interval_words(one.accuracy_called)
    right = f"{percent(one.accuracy_called.value)}{f' ({interval})' if interval else ''}"
    return f"It makes no call in {100 * one.share_not_called:.0f} of 100; of those it calls it gets {right} right."


def range_sentence(page: SeizurePage) -> str:
    """Return how to read the ranges, or that there are none."""
    if not page.belief.ranges:
        return f"What its training {page.labels.noun}s were like did not come with the classifier."
    return f"Grey: where 90 of 100 of its training {page.labels.noun}s lie. Diamond: this one."


def range_words(one: Range) -> tuple[str, bool]:
    """Return the value of this seizure, and whether it lies outside the range."""
    is_outside = not one.low <= one.value <= one.high
    unit = NBSP + one.unit if one.unit else ""
    outside = " \u2014 outside" if is_outside else ""
    return f"{plain(one.value)}{unit}{outside}", is_outside


@dataclass(frozen=True)
class Light:
    """How clearly some segments moved the answer: a light, a line in words, and the numbers behind it."""

    kind: Literal["clear", "unclear", "unknown"]
    title: str
    text: str
    numbers: str


def explanation(page: SeizurePage) -> Light:
    """Return the light of what moved the answer.

    It is clear where replacing the quarter of the segments with the most evidence moves the probability by 5 in 100 or
    more, and further than 95 of 100 random quarters do.
    """
    if page.baseline_probability is None:
        text = "The classifier came without an average to start from."
        return Light("unknown", _MOVED + "not computed", text, "")
    start = (
        f"Start, the average training {page.labels.noun}: {level(page, page.baseline_probability)}. All bars together "
        f"move it to {level(page, page.verdict.probability)}."
    )
    deletion = page.deletion
    if deletion is None or not deletion.random:
        text = "Whether the answer hangs on a few moments was not tested for this one."
        return Light("unknown", _MOVED + "not tested", text, start)
    low, median, high = np.quantile(deletion.random, [0.025, 0.5, 0.975])
    further = sum(deletion.top > one for one in deletion.random) / len(deletion.random)
    unit = " in 100" if page.verdict.is_calibrated else ""
    top, usual, least, most = (_move(page, float(one)) for one in (deletion.top, median, low, high))
    numbers = (
        f"{start} With the most telling quarter of the segments replaced by the average, the answer moves by {top}"
        f"{unit}; with a random quarter by {usual} (95 of 100 random quarters: {least} to {most}); "
        f"{100 * further:.0f} of 100 random quarters move it less."
    )
    if further >= _CLEAR_SHARE and deletion.top >= _CLEAR_MOVE:
        text = "A few moments did most of it; without them the answer would be another number."
        return Light("clear", _MOVED + "clear", text, numbers)
    text = "No few moments stand out: the bars below tell little more than random ones would."
    return Light("unclear", _MOVED + "unclear", text, numbers)


def _move(page: SeizurePage, move: float) -> str:
    """Return how far the answer moves, in the units of its scale."""
    if not page.verdict.is_calibrated:
        return f"{move:.2f}"
    return f"{100 * move:.0f}" if move >= 0.01 or move == 0 else "less than 1"


def similar_sentence(page: SeizurePage) -> str:
    """Return how many of the most similar training seizures have which label, and what similar means here."""
    counted = Counter(case.label for case in page.similar).most_common()
    words = listed([f"{number} {label}" for label, number in counted])
    return (
        f"{words} among the {len(page.similar)} training {page.labels.noun}s that are most alike to the network, which "
        "need not be alike to a clinician. They are of this house, and leave it with no classifier."
    )


def scale_title(page: SeizurePage) -> str:
    """Return the title of the picture of views."""
    what = "Each view on its own" if len(page.views) > 1 else "How sure"
    unit = "in 100 for" if page.verdict.is_calibrated else "score for"
    return f"{what}, {unit} {page.labels.positive.short}"


def view_words(page: SeizurePage, name: str, probability: float, low: float, high: float) -> str:
    """Return one line of that picture in words."""
    unit = "in 100" if page.verdict.is_calibrated else "as a score"
    return f"{name}: {level(page, probability)} {unit}, trained copies {band(page, low, high)}"


def num_dots(page: SeizurePage) -> int | None:
    """Return how many of 100 dots are filled; None where no frequency is known, so that none are drawn."""
    if page.is_doubtful or not page.verdict.is_calibrated:
        return None
    return in_100(page.verdict.probability)
