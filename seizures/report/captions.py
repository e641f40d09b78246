"""The report's captions: each picture's title and how to read it, and how good the probabilities are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seizures.report import style
from seizures.report.pictures import Picture

# Picture: title, how to read it, what to add where there are several seeds.
CAPTIONS = {
    "seizures": (
        "Every seizure, by patient",
        "Each mark is one seizure; the further right, the surer the classifier is of {positive}. Circles belong on the "
        "blue side, diamonds on the orange side. A cross marks an error, with the id of the seizure.",
        "Thin line: range over seeds.",
    ),
    "confusion": (
        "Confusion matrix",
        "One row per true label. Green cells are correct, purple cells are errors.",
        "Mean over seeds.",
    ),
    "scores": (
        "Scores and their uncertainty",
        "Dot: score. Bar: {percent} interval over patients; the longer the bar, the less certain the score. Accuracy "
        "is better than chance only if its whole bar lies to the right of the chance mark.",
        "Small ticks: individual seeds.",
    ),
    "roc": (
        "Trade-off (ROC curve)",
        "The share of {positive} detected (up) against the share of {negative} wrongly called {positive} (right), at "
        "every decision threshold. Closer to the upper left corner is better. Band: {percent} interval over patients.",
        "Thin lines: individual seeds; thick line: their mean.",
    ),
    "parts": (
        "Accuracy by subgroup",
        "Bar: {percent} interval over patients, none for a single patient. Dashed: all seizures. Subgroups are small: "
        "a difference between them raises a question and does not answer it.",
        "Mean over seeds.",
    ),
    "calibration": (
        "Calibration",
        "Among seizures with a similar P({positive}), the share that were {positive}. Above the dashed line "
        "P({positive}) is too low, below it too high. A small dot rests on few seizures.",
        "All seeds pooled.",
    ),
    "decision": (
        "Net benefit (decision curve)",
        "Someone who acts on a P({positive}) of 20 % or more accepts four false alarms for one {positive} found. At "
        "each such threshold (right), net benefit (up) is the share of seizures rightly called {positive}, less what "
        "the false alarms cost. The classifier is of use where its line is above both others. That holds only if "
        "P({positive}) is calibrated: training weighs the labels equally, which moves P({positive}) away from how "
        "common they are. Band: {percent} interval over patients.",
        "Mean probability over seeds.",
    ),
    "training": (
        "Training",
        "One thin line per fold and seed, on its own training seizures: the loss should fall and level off. High "
        "accuracy here is not a result; only held-out seizures count. Dashed, where there is one: the loss that chose "
        "the epoch.",
        "",
    ),
}


def picture_rows(
    pictures: Mapping[str, Picture],
    summary: Mapping[str, Any],
    folder: str,
    captions: Mapping[str, tuple[str, str, str]] = CAPTIONS,
) -> list[dict[str, str]]:
    """Return title, caption, source, and the links to the files, of every picture, in the order of the captions.

    Args:
        pictures: by the names of the captions.
        summary: metrics.json.
        folder: where the PNG and CSV files lie, seen from the page.
        captions: title, how to read it, what to add where there are several seeds.
    """
    several = len(summary["seeds"]) > 1
    words = {
        "positive": summary["positive_label"],
        "negative": summary["negative_label"],
        "percent": f"{100 * summary['interval']['confidence_level']:g} %",
    }
    rows = []
    for name, (title, caption, about_seeds) in captions.items():
        if name in pictures:
            text = f"{caption} {about_seeds}" if several and about_seeds else caption
            rows.append(
                {
                    "title": title,
                    "caption": text.format(**words),
                    "source": style.to_data_uri(pictures[name].svg),
                    "png": f"{folder}/{name}.png",
                    "csv": f"{folder}/{name}.csv",
                }
            )
    return rows
