"""What a classifier says of a seizure, in a line for the terminal and for tables; the page has more words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TRAINED_ON, UNFAMILIAR, NO_CALL, CALLED = "trained on", "unfamiliar", "no call", "called"
STATES = (TRAINED_ON, UNFAMILIAR, NO_CALL, CALLED)  # the first that is true is told

RESEARCH = "for research, not for decisions about a patient"


def state_of(said: Mapping[str, Any]) -> str:
    """Return how far an answer may be taken: the most important of what keeps a person from it."""
    if said["is_trained_on"]:
        return TRAINED_ON
    if said["is_familiar"] is False:
        return UNFAMILIAR
    return NO_CALL if said["answer"]["call"] is None else CALLED


def answer_line(name: str, said: Mapping[str, Any]) -> str:
    """Return a line: the verdict first, then what to know of it."""
    answer, state = said["answer"], state_of(said)
    positive = answer["labels"][1]
    seeds = f"single seeds {answer['low']:.2f} to {answer['high']:.2f}" if len(answer["raw_by_seed"]) > 1 else ""
    numbers = f"P({positive}) = {answer['probability']:.2f}{f'; {seeds}' if seeds else ''}"
    call = answer["call"] or "no call"
    if state == TRAINED_ON:
        return f"{name}: it was trained on this film, so its answer ({call}, {numbers}) is no test of it"
    if state == UNFAMILIAR:
        why = "; ".join(unfamiliar_reasons(said))
        return (
            f"{name}: unfamiliar: the film is unlike those that it was trained on ({why}), so do not rely on its "
            f"answer ({call}, {numbers})"
        )
    if state == NO_CALL:
        return f"{name}: no call: too uncertain ({numbers})"
    disagree = ", which disagree" if answer["low"] < 0.5 <= answer["high"] else ""
    return f"{name}: {call} ({numbers}{disagree})"


def unfamiliar_reasons(said: Mapping[str, Any]) -> list[str]:
    """Return why a film is not familiar, in words."""
    distance = said["answer"]["distance"]
    is_far = distance is not None and distance > 1
    far = [f"its features are {distance:.2f} times as far as is still usual"] if is_far else []
    return [*far, *said["far_outside"]]


def classifier_lines(info: Mapping[str, Any]) -> list[str]:
    """Return on whom a classifier was trained, how well it did, and what it is for: two or three lines."""
    cohort, scores, decision = info["cohort"], info["scores"], info["decision"]
    site = f" of {info['site']}" if info["site"] else ""
    name = f"classifier {info['classifier_id']}{site}"
    if cohort is None:
        lines = [f"{name}: on whom it was trained is not stated"]
    else:
        films = "simulated seizures" if info["is_simulated"] else "seizures"
        lines = [f"{name}: trained on {cohort['num_seizures']} {films} of {cohort['num_patients']} patients"]
    accuracy = None if scores is None else scores["metrics"]["accuracy"]
    if accuracy is None or accuracy["mean"] is None:
        lines.append("how well it does is not stated")
    else:
        told = f"cross-validated accuracy {100 * accuracy['mean']:.0f} %"
        if accuracy["low"] is not None:
            told += f" ({100 * accuracy['low']:.0f} to {100 * accuracy['high']:.0f} %)"
        if decision is not None and decision.get("share_called", 1) < 1:
            told += f"; it abstained in {100 * (1 - decision['share_called']):.0f} % of them"
        lines.append(told)
    return [
        *lines,
        f"{RESEARCH}{'; its films are simulated, and it says nothing of seizures' if info['is_simulated'] else ''}",
    ]


def count_states(said: Sequence[Mapping[str, Any]]) -> str:
    """Return how many answers are in each state, such as `3 called, 1 no call`."""
    states = [state_of(one) for one in said]
    return ", ".join(f"{states.count(state)} {state}" for state in reversed(STATES) if state in states)
