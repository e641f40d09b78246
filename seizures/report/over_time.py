"""How early the classifier is right, for the report: two figures with their numbers, a table, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seizures.report.cohort_facts import listed
from seizures.report.score_text import interval_text, score_text
from seizures.report.sketch import Sketch
from seizures.report.style import FAINT, INK, MUTED, NEGATIVE_COLOUR, POSITIVE_COLOUR, STYLE, canvas

CAPTIONS = {
    "over_time": (
        "Accuracy since the onset",
        "Black: the share of all seizures that is classified correctly by what was seen so far, with its {percent} "
        "interval over patients; thin: each label by itself. Grey: only the seizures that still go on, as long as ten "
        "do. Dotted: the share that have ended, which keep their last answer. Dashed: one answer for all.",
        "Mean over seeds.",
    ),
    "clonic_onset": (
        "Around the clonic onset",
        "The share of {positive} with a clonic onset that is called {positive} by what was seen until so many seconds "
        "before or after it, with its {percent} interval over patients. Dotted: the share that have an answer by then.",
        "Mean over seeds.",
    ),
}  # of each figure: title, how to read it, what to add where there are several seeds
_DASHES, _DOTS = (0, (4, 3)), (0, (1, 1.5))
_NEARLY_ALL = 0.95  # the figure ends when so many seizures have
_ENOUGH_GOING_ON = 10  # of fewer, no accuracy is drawn


def sketch_over_time(scores: Mapping[str, Any]) -> dict[str, Sketch]:
    """Return the figures of over_time.json, by name, with the numbers behind them; one without numbers is left out."""
    sketches = {}
    if len(scores["since_onset"]) > 1:
        numbers = pd.DataFrame(scores["since_onset"])
        sketches["over_time"] = Sketch(partial(_since_onset, numbers, scores), numbers)
    if len(scores["around_clonic_onset"] or ()) > 1:
        numbers = pd.DataFrame(scores["around_clonic_onset"])
        sketches["clonic_onset"] = Sketch(partial(_around_clonic_onset, numbers, scores), numbers)
    return sketches


def _since_onset(numbers: pd.DataFrame, scores: Mapping[str, Any]) -> Figure:
    """Draw accuracy with its band, sensitivity, specificity, chance, and the share of seizures that have ended."""
    positive, negative = scores["positive_label"], scores["negative_label"]
    seconds, ended = numbers["seconds"].astype(float), numbers["num_ended"] / numbers["num_seizures"]
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.4)
        axes.plot(seconds, ended, color=MUTED, linewidth=1.4, linestyle=_DOTS, label="share ended")
        for name, label, colour in (
            ("recall", f"{positive} called {positive}", POSITIVE_COLOUR),
            ("specificity", f"{negative} called {negative}", NEGATIVE_COLOUR),
        ):
            axes.plot(seconds, numbers[name].astype(float), color=colour, linewidth=1.4, label=label)
        going_on = numbers["accuracy_going_on"].astype(float).where(numbers["num_going_on"] >= _ENOUGH_GOING_ON)
        if bool(going_on.notna().any()):
            axes.plot(seconds, going_on, color=MUTED, linewidth=1.8, label="still going on")
        _band(axes, seconds, numbers, "accuracy")
        chance = scores["chance"]
        axes.axhline(
            chance["level"], color=MUTED, linewidth=1, linestyle=_DASHES, label=f"always {chance['label']}", zorder=1
        )
        nearly_all = seconds[ended >= _NEARLY_ALL]
        axes.set_xlim(0, float(nearly_all.iloc[0] if len(nearly_all) else seconds.iloc[-1]))
        _finish(axes, "seconds since the onset", "share classified correctly")
    return figure


def _around_clonic_onset(numbers: pd.DataFrame, scores: Mapping[str, Any]) -> Figure:
    """Draw sensitivity with its band before and after the clonic onset."""
    positive, seconds = scores["positive_label"], numbers["seconds"].astype(float)
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.0)
        share = numbers["num_seizures"] / numbers["num_seizures"].max()
        axes.plot(seconds, share, color=MUTED, linewidth=1.4, linestyle=_DOTS, label="share with an answer")
        _band(axes, seconds, numbers, "recall", label=f"{positive} called {positive}")
        axes.axvline(0, color=MUTED, linewidth=1.2)
        axes.text(0, 1.03, " clonic onset", color=MUTED, fontsize=10, va="bottom")
        axes.set_xlim(float(seconds.iloc[0]), float(seconds.iloc[-1]))
        _finish(axes, "seconds before and after the clonic onset", f"share of {positive} called {positive}")
    return figure


def _band(axes: Axes, seconds: pd.Series[float], numbers: pd.DataFrame, name: str, label: str = "all seizures") -> None:
    low, high = (numbers[end].astype(float) for end in ("low", "high"))
    axes.fill_between(seconds, low, high, color=INK, alpha=0.15, linewidth=0)
    axes.plot(seconds, numbers[name].astype(float), color=INK, linewidth=2.5, label=label)


def _finish(axes: Axes, under: str, beside: str) -> None:
    axes.set_ylim(0, 1.02)
    axes.set(xlabel=under, ylabel=beside)
    axes.set_yticks(np.linspace(0, 1, 5), ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", fontsize=9)


def early_rows(scores: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a row of text for each time of the table that lies before the last end, and one for the end."""
    return [
        {
            "time": _when(row),
            "accuracy": score_text("accuracy", row["accuracy"]),
            "interval": _interval(row, "accuracy"),
            "recall": score_text("recall", row["recall"]),
            "specificity": score_text("specificity", row["specificity"]),
            "ended": f"{row['num_ended']} of {row['num_seizures']}",
            "without": str(row["num_without_answer"]),
            "going_on": score_text("accuracy", row["accuracy_going_on"]) if row["num_going_on"] else "none",
            "going_on_interval": _text("accuracy", row["low_going_on"], row["high_going_on"]),
        }
        for row, _ in _times(scores)
    ]


def beginning_rows(scores: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what the probabilities of beginnings are worth: a row of text for each time of the table and the end."""
    rows = []
    for _, row in _times(scores):
        error = row["calibration_error"] or dict.fromkeys(("value", "low", "high"))
        rows.append(
            {
                "time": _when(row),
                "seizures": str(row["num_seizures"]),
                "mean_probability": _number(row["mean_probability"]),
                "observed_share": _number(row["observed_share"]),
                "brier": _number(row["brier"], 3),
                "brier_interval": _interval(row, "brier"),
                "error": _number(error["value"]),
                "error_interval": _text("brier", error["low"], error["high"]),
            }
        )
    return rows


def early_words(scores: Mapping[str, Any]) -> str:
    """Return what was found, in plain sentences."""
    return " ".join(
        filter(None, (_accuracy(scores), _since_when(scores), _before_clonic(scores), _settled(scores), _worth(scores)))
    )


def _times(scores: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the scores and the calibration at each time of the table, the end last."""
    rows = {row["seconds"]: row for row in [*scores["since_onset"], scores["at_the_end"]]}
    found = [(rows.get(row["seconds"]), row) for row in scores["beginnings"]]
    return [(row, beginning) for row, beginning in found if row is not None]


def _accuracy(scores: Mapping[str, Any]) -> str:
    rows = [row for row, _ in _times(scores)][:-1] or scores["since_onset"][:1]
    level = f"{100 * scores['confidence_level']:g} % interval "
    told = []
    for number, row in enumerate([*rows, scores["at_the_end"]]):
        interval = _interval(row, "accuracy")
        among = f" of the {row['num_seizures']} with an answer" if row["num_without_answer"] else ""
        when = "at the end" if row["seconds"] is None else f"{row['seconds']:g} s"
        ends = f" ({'' if number else level}{interval})" if interval else ""
        told.append(f"{when}: {score_text('accuracy', row['accuracy'])}{among}{ends}")
    return f"Share of seizures classified correctly after {', '.join(told)}."


def _since_when(scores: Mapping[str, Any]) -> str:
    near, better, margin = (
        scores["near_the_end_from_seconds"], scores["better_than_chance_from_seconds"], f"{100 * scores['margin']:g}",
    )  # fmt: skip
    text = f"Accuracy comes within {margin} percentage points of its final value only at the end."
    if near is not None:
        text = f"From {near:g} s on, accuracy stays within {margin} percentage points of its final value."
    chance = f"always answering {scores['chance']['label']} ({100 * scores['chance']['level']:.0f} %)"
    if better is None:
        last = scores["at_the_end"]["low"]
        if last is not None and last > scores["chance"]["level"]:
            return f"{text} Only at the end is it shown to be better than {chance}."
        return f"{text} It is not shown to be better than {chance}, neither early nor at the end."
    return f"{text} From {better:g} s on, its interval lies above {chance}."


def _before_clonic(scores: Mapping[str, Any]) -> str:
    found, positive = scores["settled_before_clonic_onset"], scores["positive_label"]
    if found is None:
        why = scores["why_nothing_about_clonic_onset"]
        return f"Nothing can be said of the time around the clonic onset: {why}."
    interval = _interval(found, "accuracy")
    ends = f" ({100 * scores['confidence_level']:g} % interval {interval})" if interval else ""
    return (
        f"Of the {found['num_seizures']} {positive} with a clonic onset, {100 * found['share']:.0f} %{ends} were "
        f"called {positive} before it, and from then on."
    )


def _settled(scores: Mapping[str, Any]) -> str:
    everyone, names = scores["settled"]["all"], (scores["negative_label"], scores["positive_label"])
    if everyone["median_seconds"] is None:
        return "No answer was right at the end."
    by_label = [
        f"{name} {scores['settled'][name]['median_seconds']:.0f} s"
        for name in names
        if scores["settled"][name]["median_seconds"] is not None
    ]
    low, high = everyone["lower_quartile_seconds"], everyone["upper_quartile_seconds"]
    return (
        f"Where the last answer is right, it has been right without a break since {everyone['median_seconds']:.0f} s "
        f"after the onset (median; middle half {low:.0f} to {high:.0f} s; {listed(by_label)})."
    )


def _worth(scores: Mapping[str, Any]) -> str:
    """Say how far the probabilities of the first beginnings of the table are from what comes, and those of the end."""
    rows = [row for _, row in _times(scores) if row["calibration_error"] is not None]
    if len(rows) < 2:
        return ""
    told = []
    for row in (rows[0], rows[-1]):
        error = row["calibration_error"]
        interval = _text("brier", error["low"], error["high"])
        when = "at the end" if row["seconds"] is None else f"after {_when(row)}, of the seizures that go on,"
        ends = f" ({100 * scores['confidence_level']:g} % interval {interval})" if interval else ""
        told.append(f"{when} by {error['value']:.2f}{ends}")
    return f"P({scores['positive_label']}) is typically off {' and '.join(told)}; 0 is perfect."


def _when(row: Mapping[str, Any]) -> str:
    return "end" if row["seconds"] is None else f"{row['seconds']:g} s"


def _interval(row: Mapping[str, Any], name: str) -> str:
    return _text(name, row["low"], row["high"])


def _text(name: str, low: float | None, high: float | None) -> str:
    return "" if low is None else interval_text(name, low, high)


def _number(value: float | None, digits: int = 2) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"
