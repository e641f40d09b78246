"""A summary in words: the verdict, the notes that a reader needs before the numbers, counts as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seizures.evaluation.baselines import baseline_sentence
from seizures.evaluation.metrics import METRIC_TITLES

_MANY_PATIENTS = 20
SIMULATED = "Simulated films, no patients"
SAYS_NOTHING = "This shows that the software runs; it says nothing about seizures or patients."


def verdict(summary: Mapping[str, Any]) -> str:
    """Return the result in plain words: how many were correct, how certain that is, chance and the best baseline."""
    beside = baseline_sentence(summary)
    if not summary.get("is_simulated"):
        return f"{_verdict(summary)} {beside}".rstrip()
    return f"{_verdict(summary)}. {beside}{' ' if beside else ''}{SAYS_NOTHING}"


def _verdict(summary: Mapping[str, Any]) -> str:
    accuracy, chance, mean = summary["metrics"]["accuracy"], summary["chance"], summary["counts"]["mean"]
    num_seeds, percent = len(summary["seeds"]), f"{100 * summary['interval']['confidence_level']:g} %"
    num_right = count_text(mean["TP"] + mean["TN"])
    text = (
        f"{f'{SIMULATED}: ' if summary.get('is_simulated') else ''}"
        f"{'Reproduction only: ' if summary.get('is_reproduction') else ''}"
        f"{num_right} of {plural(summary['num_seizures'], 'seizure')} in {plural(summary['num_patients'], 'patient')} "
        f"{'was' if num_right == '1' else 'were'} classified correctly"
        f"{_averaged(num_seeds, summary.get('num_repeats', 1))}: {100 * accuracy['mean']:.0f} %"
    )
    if accuracy["low"] is not None:
        text += f", {percent} interval {100 * accuracy['low']:.0f} to {100 * accuracy['high']:.0f} %"
    if summary.get("is_simulated"):
        return text
    text += f". Always answering {chance['label']} would be correct in {100 * chance['level']:.0f} %: "
    if chance["accuracy_interval_excludes_chance"] is None:
        return text + "without an interval, the result cannot be told from chance."
    if chance["accuracy_interval_excludes_chance"]:
        return text + "the classifier does better."
    if chance["accuracy_is_below_chance"]:
        return text + "the classifier does worse."
    return text + "the interval includes that, so the classifier is not shown to do better."


def _averaged(num_seeds: int, num_repeats: int) -> str:
    """Say over what a count is the mean, or nothing where it is of one classifier."""
    over = [f"{num_seeds} seeds"] if num_seeds > 1 else []
    over += [f"{num_repeats} dealings into folds"] if num_repeats > 1 else []
    return f" (mean of {' and '.join(over)})" if over else ""


def plural(number: int, noun: str) -> str:
    """Return `1 seizure`, `2 seizures`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def count_text(value: float) -> str:
    """Return a mean count as text: whole if it is whole, else with one decimal."""
    return f"{value:.0f}" if abs(value - round(value)) < 0.05 else f"{value:.1f}"


def notes_for_readers(
    num_patients: int,
    right: npt.NDArray[np.bool_],
    metrics: Mapping[str, Mapping[str, Any]],
    folds: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return what a reader must know before trusting the numbers; `right` is (K, N)."""
    notes = []
    if num_patients < 2:
        notes.append("All seizures are of one patient, so there is no interval: nothing shows how patients differ.")
    elif num_patients < _MANY_PATIENTS:
        notes.append(f"The intervals rest on {num_patients} patients; they are wide because these are so few.")
    if right.all() and num_patients > 1:
        notes.append(
            "No seizure was misclassified. That is not certainty: the intervals show what "
            f"{num_patients} patients without an error leave open."
        )
    undefined = [METRIC_TITLES[name] for name, metric in metrics.items() if metric["mean"] is None]
    if undefined:
        notes.append(f"Undefined for the counts of at least one seed: {', '.join(undefined)}.")
    if num_patients > 1:
        without = {name: metric["why_no_interval"] for name, metric in metrics.items() if metric["mean"] is not None}
        for why in dict.fromkeys(filter(None, without.values())):
            titles = ", ".join(METRIC_TITLES[name] for name, reason in without.items() if reason == why)
            notes.append(f"No interval for {titles}: {why}.")
    for fold in folds:
        absent = [name for name, number in fold["num_seizures_by_label"].items() if not number]
        if absent:
            notes.append(f"Fold {fold['fold']} holds out no {' and no '.join(absent)}; scores are of all folds pooled.")
        if fold["num_patients"] == 1:
            notes.append(f"Fold {fold['fold']} holds out one patient only.")
    return notes
