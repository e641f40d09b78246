"""The report's section "May I believe the number?": its words, its rows, and its two figures, from calibration.json."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from seizures.evaluation.wording import plural
from seizures.report.sketch import Sketch
from seizures.report.style import CARE, FAINT, INK, MUTED, NEGATIVE_COLOUR, POSITIVE_COLOUR, STYLE, canvas

# Picture: title, how to read it, what to add where there are several seeds.
CAPTIONS = {
    "reliability": (
        "Probability against what happened",
        "Each mark is about a tenth of the seizures, and at least ten, with a similar P({positive}): on the dashed "
        "line the number means what it says. Circles: as the classifier gives it. Diamonds: corrected, each seizure by "
        "what was learnt from other patients.",
        "Mean probability over seeds.",
    ),
    "abstention": (
        "Fewer calls, surer calls",
        "If only the seizures of whose label the classifier is surest are called (left), how many of these are right "
        "(up). The mark is the no-call zone that was chosen; dashed, the accuracy that was asked for. Left of the "
        "dotted line too few are called to tell.",
        "",
    ),
}
_METHODS = {
    "temperature": "corrected by a temperature (more or less extreme)",
    "platt": "corrected by Platt's method (more or less extreme, and moved)",
}
_SCORES = {"log_loss": "Logarithmic loss", "brier": "Brier score"}


def sketch_belief(found: Mapping[str, Any]) -> dict[str, Sketch]:
    """Return the figures of the section, by name, each with its numbers."""
    bins = pd.DataFrame(
        [{"probabilities": when, **one} for when in ("before", "after") for one in found["reliability"][when]]
    )
    curve = pd.DataFrame(found["decision"]["curve"])
    curve["num_called"] = np.rint(curve["share_called"] * found["calibration"]["num_seizures"]).astype(np.int64)
    return {
        "reliability": Sketch(partial(_reliability, bins, found["positive_label"]), bins),
        "abstention": Sketch(
            partial(_abstention, curve, found["decision"], found["calibration"]["num_seizures"]), curve
        ),
    }


def _reliability(bins: pd.DataFrame, positive: str) -> Figure:
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.6)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        looks = {"before": (NEGATIVE_COLOUR, "o", "as given"), "after": (POSITIVE_COLOUR, "D", "corrected")}
        for when, (colour, marker, words) in looks.items():
            part = bins[bins["probabilities"] == when]
            style: Any = {"color": colour, "marker": marker, "markersize": 7, "linewidth": 1.2, "alpha": 0.85}
            axes.plot(part["mean_probability"], part["share_positive"], label=words, **style)
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
        axes.set_xlabel(f"mean P({positive})")
        axes.set_ylabel(f"observed share of {positive}")
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc="upper left")
    return figure


def _abstention(curve: pd.DataFrame, decision: Mapping[str, Any], number: int) -> Figure:
    known = curve[curve["accuracy"].notna()]
    share, accuracy = 100 * known["share_called"].astype(float), 100 * known["accuracy"].astype(float)
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.2)
        axes.axhline(100 * decision["target_accuracy"], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        fewest = 100 * decision["least_called"] / number
        if fewest < 100:
            axes.axvline(fewest, color=MUTED, linewidth=1, linestyle=(0, (1, 1.5)))
        axes.plot(share, accuracy, color=NEGATIVE_COLOUR, linewidth=2, marker=".", drawstyle="steps-post")
        if (mean := decision["accuracy_called"]["mean"]) is not None:
            colour = INK if decision["reached"] else CARE
            axes.plot(100 * decision["share_called"], 100 * mean, "D", color=colour, markersize=8)
        lowest = min([*accuracy, 100 * decision["target_accuracy"]])
        axes.set(xlim=(0, 102), ylim=(min(lowest - 5, 89), 101.5))
        axes.set_xlabel("share of the seizures that is called (%)")
        axes.set_ylabel("right, of those (%)")
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
    return figure


def belief_section(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what the section shows, as text; None where there is no calibration.json."""
    if found is None:
        return None
    return {
        "sentence": belief_sentence(found),
        "caution": _caution(found),
        "rows": _rows(found),
        "rule": _rule(found),
    }


def belief_sentence(found: Mapping[str, Any]) -> str:
    """Say in one sentence what was found: how far the probabilities are off, and what abstaining gives."""
    calibration = found["calibration"]
    before, after, name = calibration["ece_before"], calibration["ece_after"], f"P({found['positive_label']})"
    if calibration["method"] == "none":
        why = calibration["why_none"] or "no correction was clearly better on other patients"
        text = f"{name} is typically off by {_points(before)} and is not corrected, because {why}"
    else:
        text = f"{name}, {_METHODS[calibration['method']]}, is typically off by {_points(after)}, and as given by "
        text += _points(before)
    return f"{text}; {_decision_words(found['decision'])}."


def _decision_words(decision: Mapping[str, Any]) -> str:
    low, high = (_percent(end) for end in decision["no_call"])
    target, called = _percent(decision["target_accuracy"]), decision["accuracy_called"]
    share = f"{_percent(decision['share_called'])} of the seizures"
    if not decision["reached"]:
        text = (
            f"no zone without a call was found outside of which {target} of the calls are right, so P is taken at its "
        )
        text += f"word: there is no call between {low} and {high}, and "
        if called["mean"] is None:
            return f"{text}none of these seizures is called"
        return f"{text}{share} are called, {_accuracy(called)} of them rightly"
    if decision["no_call"][0] == decision["no_call"][1]:
        return f"every seizure is called, {_accuracy(called)} of them rightly, and {target} was asked for"
    text = f"with no call between {low} and {high}, {share} are called, {_accuracy(called)} of them rightly, and "
    nested = decision["nested"]["accuracy_called"]
    if nested["mean"] is None:
        return f"{text}none where the zone is chosen on other patients"
    return f"{text}{_accuracy(nested)} where the zone is chosen on other patients"


def _caution(found: Mapping[str, Any]) -> str:
    """Say for which ward the numbers hold."""
    sizes, positive = found["num_seizures_by_label"], found["positive_label"]
    share = _percent(sizes[positive] / sum(sizes.values()))
    if found["is_reproduction"]:
        return "Reproduction only: classifiers may have seen whom they score, so none of this holds for new patients."
    return (
        f"This holds where seizures are like these, and {share} of them are {positive}; where {positive} is rarer, "
        f"P({positive}) is too high."
    )


def _rows(found: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return title, before, after, and their difference of each score."""
    calibration, level = found["calibration"], f"{100 * found['confidence_level']:g} %"
    rows = [("Calibration error", _error(calibration["ece_before"]), _error(calibration["ece_after"]), "")]
    for name, title in _SCORES.items():
        one = found["scores"][name]
        if one["low"] is None:
            difference = "unchanged" if one["difference"] == 0 else f"{one['difference']:+.3f} (no interval)"
        else:
            difference = f"{one['difference']:+.3f} ({level}: {one['low']:+.3f} to {one['high']:+.3f})"
        rows.append((title, f"{one['before']:.3f}", f"{one['after']:.3f}", difference))
    decision = found["decision"]
    every, nested = decision["never_abstaining"], decision["nested"]
    rows.append(("Right, if every seizure is called", "", _accuracy(every), ""))
    share = _percent(decision["share_called"])
    rows.append((f"Right, of the {share} called (zone chosen on them)", "", _accuracy(decision["accuracy_called"]), ""))
    share = _percent(nested["share_called"])
    title = f"Right, of the {share} called (zone chosen without them)"
    rows.append((title, "", _accuracy(nested["accuracy_called"]), ""))
    return rows


def _rule(found: Mapping[str, Any]) -> str:
    decision, nested = found["decision"], found["decision"]["nested"]
    text = (
        "Calibration error: root mean square of the difference, in bins of equal numbers, of P from the observed "
        "share, less what chance adds; 0: none can be told from chance. The zone without a call is the smallest at "
        f"which {_percent(decision['target_accuracy'])} of the called are right, there and in every larger zone that "
        f"still calls {decision['least_called']} seizures of {decision['least_patients']} patients."
    )
    if nested["num_zones"]:
        low, high = _percent(nested["lowest"]), _percent(nested["highest"])
        text += (
            f" Of {plural(nested['num_zones'], 'zone')} chosen without a group of patients, {nested['num_reached']} "
            f"reached that; their upper ends are {low if low == high else f'{low} to {high}'}."
        )
    return text


def _percent(share: float) -> str:
    """Return a share in percent, whole where it is near enough, never 100 % for less than all."""
    text = f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if text == "100 %" and share < 1 else text


def _points(error: Mapping[str, Any]) -> str:
    number = f"{100 * error['value']:.0f}"
    interval = "no interval" if error["low"] is None else f"{100 * error['low']:.0f} to {100 * error['high']:.0f}"
    return f"{number} points ({interval})" if number != "0" else f"no more than chance ({interval} points)"


def _error(error: Mapping[str, Any]) -> str:
    if error["low"] is None:
        return f"{error['value']:.3f} (no interval)"
    return f"{error['value']:.3f} ({error['low']:.3f} to {error['high']:.3f})"


def _accuracy(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return "nothing is called"
    number = f"{found['num_called'] - found['num_wrong']} of {found['num_called']}"
    if found["low"] is None:
        return f"{_percent(found['mean'])} ({number}; no interval: {found['why_no_interval']})"
    return f"{_percent(found['mean'])} ({number}; {100 * found['low']:.0f} to {100 * found['high']:.0f} %)"
