"""The report's section "May I believe the number?": its words, its rows, and its two figures, from calibration.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from seizures.evaluation.wording import plural
from seizures.report.style import CARE, FAINT, INK, MUTED, NEGATIVE_COLOUR, POSITIVE_COLOUR, STYLE, canvas

# Picture: title, how to read it, what to add where there are several seeds.
CAPTIONS = {
    "reliability": (
        "Probability against what happened",
        "Each mark is about a tenth of the seizures, and at least ten, with a similar P({positive}): on the dashed line "
        "the number means what it says. Circles: as the classifier gives it. Diamonds: corrected, each seizure by what "
        "was learnt from other patients.",
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
    "none": "not corrected",
    "temperature": "corrected by a temperature, which makes them more or less extreme",
    "platt": "corrected by Platt's method, which makes them more or less extreme and moves them up or down",
}
_SCORES = {"log_loss": "Logarithmic loss", "brier": "Brier score"}


def draw_belief(found: Mapping[str, Any]) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """Draw the figures of the section, by name, each with its numbers."""
    bins = pd.DataFrame(
        [{"probabilities": when, **one} for when in ("before", "after") for one in found["reliability"][when]]
    )
    curve = pd.DataFrame(found["decision"]["curve"])
    curve["num_called"] = np.rint(curve["share_called"] * found["calibration"]["num_seizures"]).astype(np.int64)
    return {
        "reliability": (_reliability(bins, found), bins),
        "abstention": (_abstention(curve, found), curve),
    }


def _reliability(bins: pd.DataFrame, found: Mapping[str, Any]) -> Figure:
    positive = found["positive_label"]
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.6)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        looks = {"before": (NEGATIVE_COLOUR, "o", "as given"), "after": (POSITIVE_COLOUR, "D", "corrected")}
        for when, (colour, marker, words) in looks.items():
            part = bins[bins["probabilities"] == when]
            style = {"color": colour, "marker": marker, "markersize": 7, "linewidth": 1.2, "alpha": 0.85}
            axes.plot(part["mean_probability"], part["share_positive"], label=words, **style)
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
        axes.set_xlabel(f"mean P({positive})")
        axes.set_ylabel(f"observed share of {positive}")
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc="upper left")
    return figure


def _abstention(curve: pd.DataFrame, found: Mapping[str, Any]) -> Figure:
    decision, number = found["decision"], found["calibration"]["num_seizures"]
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
    calibration, decision = found["calibration"], found["decision"]
    before, after = calibration["ece_before"], calibration["ece_after"]
    text = f"P({found['positive_label']}) as given is typically off by {_points(before)}"
    if calibration["method"] == "none":
        why = calibration["why_none"] or "no correction was clearly better on other patients"
        text += f" and is {_METHODS['none']} ({why}); "
    else:
        text += f", and by {_points(after)} once {_METHODS[calibration['method']]}; "
    return f"{text}{_decision_words(found, decision)}."


def _decision_words(found: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    low, high = decision["no_call"]
    target = _percent(decision["target_accuracy"])
    called, nested = decision["accuracy_called"], decision["nested"]
    zone = f"between {_percent(low)} and {_percent(high)}"
    if not decision["reached"]:
        share = "none of the seizures" if called["mean"] is None else f"{_percent(decision['share_called'])} of them"
        return (
            f"these seizures do not show a zone outside of which {target} of the calls are right, so each probability is "
            f"taken at its word: no call {zone}, which calls {share}"
        )
    if high == 0.5:
        return f"it need not abstain to be right in {target} of its calls: it is in {_accuracy(called)}"
    text = (
        f"to be right in {target} of its calls it must abstain {zone}: it then calls {_percent(decision['share_called'])} "
        f"of the seizures and is right in {_accuracy(called)} of them"
    )
    if nested["accuracy_called"]["mean"] is None:
        return f"{text}; chosen without the patients whom it is tried on, the zone calls nothing"
    return (
        f"{text}, or in {_accuracy(nested['accuracy_called'])} where the zone is chosen without the patients whom it is "
        "tried on"
    )


def _caution(found: Mapping[str, Any]) -> str:
    """Say for which ward the numbers hold."""
    sizes, positive = found["num_seizures_by_label"], found["positive_label"]
    share = sizes[positive] / sum(sizes.values())
    return (
        f"A corrected probability holds where seizures are like these and {_percent(share)} of them are {positive}; where "
        f"{positive} is rarer it is too high."
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
        "The calibration error is the root mean square of the difference, in bins of equal numbers, of P from the observed "
        "share, without what chance alone adds; 0 means that none can be told from chance. The no-call zone is the "
        f"smallest at which {_percent(decision['target_accuracy'])} of the called are right, there and in every larger zone "
        f"that still calls {decision['least_called']} seizures of {decision['least_patients']} patients."
    )
    if nested["num_zones"]:
        text += (
            f" Chosen {nested['num_zones']} times, each time without a group of patients, it was reached "
            f"{plural(nested['num_reached'], 'time')}; its upper end lay between {_percent(nested['lowest'])} and "
            f"{_percent(nested['highest'])}."
        )
    return text


def _percent(share: float) -> str:
    return (
        f"{round(100 * share, 1):g} %"
        if abs(100 * share - round(100 * share)) > 1e-6 and share > 0.99
        else (f"{100 * share:.0f} %")
    )


def _points(error: Mapping[str, Any]) -> str:
    text = f"{100 * error['value']:.0f}"
    if error["low"] is None:
        return f"{text} points (no interval)"
    return f"{text} points ({100 * error['low']:.0f} to {100 * error['high']:.0f})"


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
