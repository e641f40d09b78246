"""What the page of a seizure says first: the headline, the moment, the warnings, and what the page is not.

The order in which a state wins: trained on this film, unfamiliar film, no call, called. Where the first two hold, the
answer stands in a subordinate clause, because nobody knows how often it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

from seizures.evaluation.wording import plural
from seizures.report.seizure_page.data import SeizurePage
from seizures.report.seizure_page.numbers import amount, band, capital, chance, copies, level, listed, seconds_text

RESEARCH_ONLY = "research only, not a medical device"
NOT_FOR = (
    "Research only, not a medical device. It must not decide about treatment, surgery, driving or an alarm, and it "
    "does not replace a person who looks at the film."
)
_SAME_MOMENT_SECONDS = 1.0


@dataclass(frozen=True)
class Headline:
    """The first words of the page. `tone` is `positive`, `negative`, `stop` or empty, and only colours what is said."""

    tone: str
    title: str
    lead: str
    more: str


def headline(page: SeizurePage) -> Headline:
    """Return what the page says first."""
    answer, number = chance(page, page.verdict.probability, page.leaning), amount(page, page.verdict.probability)
    short, noun = page.leaning.short, page.labels.noun
    if page.belief.trained_on:
        return Headline(
            "stop",
            "It was trained on this film",
            f"It says {short} ({number}), but it was told the answer while it learned. This page tests nothing.",
            f"Use the cross-validated answer of this {noun} instead: it comes from a classifier that never saw this "
            "patient.",
        )
    if page.belief.familiar is False:
        return Headline(
            "stop",
            "Unfamiliar film: do not rely on this",
            f"It would say {short}, {number}. But this film is unlike those it learned from, so nobody knows how often "
            "it is right here.",
            " ".join(page.belief.reasons),
        )
    if page.verdict.call is None:
        close = capital(chance(page, page.verdict.probability))
        return Headline("", "No call", f"{close}: too close to say.", f"{_limits(page)} {_spread(page)}")
    moment = moment_sentence(page)
    more = [f"{short}: {page.leaning.long}." if page.leaning.long else "", _spread(page), _uncalibrated(page)]
    return Headline(
        "positive" if page.leaning is page.labels.positive else "negative",
        f"Looks like {short}",
        f"{capital(answer)}{f'; {moment}' if moment else ''}.",
        " ".join(filter(None, more)),
    )


def moment_sentence(page: SeizurePage) -> str:
    """Return from when on the answer holds, and how that lies to the marked event; empty where it is not to be told."""
    settled = page.verdict.settled_seconds
    if settled is None or page.is_doubtful or page.verdict.call is None:
        return ""
    text = f"the answer holds from {seconds_text(settled)} after the onset"
    if page.marker is None:
        return text
    lead = page.marker.seconds - settled
    if abs(lead) < _SAME_MOMENT_SECONDS:
        return f"{text}, at the {page.marker.name}"
    return f"{text}, {seconds_text(abs(lead))} {'before' if lead > 0 else 'after'} the {page.marker.name}"


def dots_sentence(page: SeizurePage, num_positive: int) -> tuple[str, str, str, str]:
    """Return the sentence under the hundred dots in four parts, of which the second and the fourth name the labels."""
    labels = page.labels
    return (
        f"Of 100 {labels.noun}s that score like this one, about",
        f"{num_positive} are {labels.positive.short}",
        "and",
        f"{100 - num_positive} {labels.negative.short}",
    )


def patient_banner(page: SeizurePage) -> tuple[str, str]:
    """Return how strongly the page's first line warns (`strong` or `quiet`), and the line."""
    if page.is_simulated:
        return "quiet", "Simulated: drawn by a program, shows nobody."
    if page.has_pictures:
        return "strong", "Contains pictures of a patient. It stays in this house: do not send, copy or publish it."
    return (
        "quiet",
        f"Made without pictures. It still describes one patient\u2019s {page.labels.noun}: treat it as patient data.",
    )


def chips(page: SeizurePage) -> list[tuple[str, str]]:
    """Return the labels beside the name: their kind (`stop`, `warn` or empty) and text."""
    found = [
        ("", "simulated") if page.is_simulated else None,
        ("stop", "trained on") if page.belief.trained_on else None,
        ("stop", "unfamiliar") if page.belief.familiar is False else None,
        ("warn", "no call") if page.verdict.call is None else None,
        ("warn", "not calibrated") if not page.verdict.is_calibrated else None,
        ("", RESEARCH_ONLY),
    ]
    return [one for one in found if one is not None]


def footer(page: SeizurePage) -> str:
    """Return the last lines of the page."""
    return (
        f"{NOT_FOR} What moved the answer (integrated gradients) is about this classifier, and not about what caused "
        f"the {page.labels.noun}. Classifier {page.classifier.id}; page made on {page.made_on}. Nothing on it is "
        "loaded from a network."
    )


def how_long(page: SeizurePage) -> str:
    """Return the length of the seizure and the number of its views."""
    number = f"{len(page.views)} view{'s' if len(page.views) > 1 else ''}"
    return f"{seconds_text(page.duration_seconds, 1)} from onset to offset \u00b7 {number}"


def row_words(page: SeizurePage) -> str:
    """Return the answer in a word or two, for the page of all seizures."""
    if page.belief.trained_on:
        return "trained on this film"
    if page.belief.familiar is False:
        return "unfamiliar film"
    return "no call" if page.verdict.call is None else f"looks like {page.verdict.call}"


def summary_sentence(pages: list[SeizurePage]) -> str:
    """Return how many seizures there are, and what was said of them; and how many calls the record agrees with."""
    labels = pages[0].labels
    believed = [page for page in pages if not page.is_doubtful]
    num_trained_on = sum(page.belief.trained_on is True for page in pages)
    num_unfamiliar = len(pages) - len(believed) - num_trained_on
    calls = [page.verdict.call for page in believed]
    said = [(calls.count(label.short), label.short) for label in (labels.positive, labels.negative)]
    parts = [f"{number} look{'s' if number == 1 else ''} like {label}" for number, label in said if number]
    parts += [f"{calls.count(None)} got no call"] if None in calls else []
    parts += [f"{num_unfamiliar} on unfamiliar film" if num_unfamiliar else ""]
    parts += [f"{num_trained_on} on film that it was trained on" if num_trained_on else ""]
    text = f"{plural(len(pages), labels.noun)}: {listed([part for part in parts if part])}."
    judged = [page for page in believed if page.known_label and page.verdict.call]
    if judged:
        right = sum(page.known_label == page.verdict.call for page in judged)
        text += f" The record agrees with {right} of {plural(len(judged), 'call')} that it can judge."
    return text


def _limits(page: SeizurePage) -> str:
    if page.verdict.no_call is None:
        return ""
    low, high = page.verdict.no_call
    negative, positive = page.labels.negative.short, page.labels.positive.short
    return (
        f"Below {level(page, low)} it calls {negative}, above {level(page, high)} it calls {positive}; between the two "
        "it was too often wrong on patients that it had not seen."
    )


def _spread(page: SeizurePage) -> str:
    verdict = page.verdict
    if verdict.num_seeds < 2:
        return "Only one copy of the classifier was trained, so how far copies differ is not known."
    unit = "in 100 for" if verdict.is_calibrated else "for"
    is_flipped = verdict.call is not None and page.leaning is page.labels.negative
    low, high = (1 - verdict.high, 1 - verdict.low) if is_flipped else (verdict.low, verdict.high)
    label = page.labels.negative if is_flipped else page.labels.positive
    return f"{copies(page)} say {band(page, low, high)} {unit} {label.short}."


def _uncalibrated(page: SeizurePage) -> str:
    if page.verdict.is_calibrated:
        return ""
    return (
        "The score lies between 0 and 1 and is no probability: it was not compared with how often the classifier is "
        "right."
    )
