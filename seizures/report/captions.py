"""The report's captions: each picture's title and how to read it, and how good the probabilities are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from seizures.evaluation.calibration import calibrate
from seizures.report import style
from seizures.report.pictures import Picture
from seizures.settings import EvaluationSettings

# Picture: title, how to read it, what to add where there are several seeds.
CAPTIONS = {
    "seizures": (
        "Every seizure, by patient",
        "Each mark is one seizure, further right when the classifier is surer of {positive}. Circles belong on the "
        "blue side, diamonds on the orange side; a cross is a mistake, with its seizure's name.",
        "The thin line spans the seeds.",
    ),
    "confusion": (
        "Right and wrong calls",
        "One row per true kind of seizure. Green cells are right, purple cells are mistakes.",
        "Mean of the seeds.",
    ),
    "scores": (
        "Scores and how sure they are",
        "Dot: score. Bar: {percent} interval over patients; the longer, the less is known. Accuracy means something "
        "only if its bar stays right of the chance mark.",
        "Small ticks: single seeds.",
    ),
    "roc": (
        "Trade-off (ROC curve)",
        "How many {positive} are found (up) at the price of how many {negative} are called {positive} (right), as the "
        "decision moves from 0.5. Nearer the upper left corner is better. Band: {percent} interval over patients.",
        "Thin: single seeds; thick: their mean.",
    ),
    "parts": (
        "For whom it works",
        "Accuracy in each part of the cohort; bar: {percent} interval over patients, none with one patient. Dashed: "
        "all seizures. The parts are small: a difference between them is a question, not an answer.",
        "Mean of the seeds.",
    ),
    "calibration": (
        "Can the probabilities be believed?",
        "Of the seizures that were given about this P({positive}), how many were {positive}. Above the dashed line the "
        "classifier says too little, below it too much. A small dot rests on few seizures.",
        "All seeds together.",
    ),
    "training": (
        "Training",
        "One thin line per fold and seed, on the seizures it was trained on: loss should fall and level off. High "
        "accuracy here is not a result; the held-out seizures above are. A dashed line is the loss by which the epoch "
        "was chosen.",
        "",
    ),
}


def picture_rows(pictures: Mapping[str, Picture], summary: Mapping[str, Any], folder: str) -> list[dict[str, str]]:
    """Return title, caption, source, and the links to the files, of every picture, in the order of the captions.

    Args:
        pictures: by the names of `CAPTIONS`.
        summary: metrics.json.
        folder: where the PNG and CSV files lie, seen from the page.
    """
    several = len(summary["seeds"]) > 1
    words = {
        "positive": summary["positive_label"],
        "negative": summary["negative_label"],
        "percent": f"{100 * summary['interval']['confidence_level']:g} %",
    }
    rows = []
    for name, (title, caption, about_seeds) in CAPTIONS.items():
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


def calibration_words(predictions: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    """Say the Brier score, its interval, and what knowing no more than the share of TCS would score."""
    settings = summary["interval"]
    found = calibrate(
        predictions,
        EvaluationSettings(settings["num_resamples"], settings["confidence_level"], settings["seed"]),
        positive_label=summary["positive_label"],
    )
    interval = "no interval, as there is one patient only"
    if found["low"] is not None:
        percent = f"{100 * settings['confidence_level']:g} %"
        interval = f"{percent} interval over patients {found['low']:.3f} to {found['high']:.3f}"
    base = found["brier_of_base_rate"]
    better = "better" if found["brier"] < base else "not better"
    return (
        f"Brier score {found['brier']:.3f} ({interval}); 0 is perfect. Always answering the share of "
        f"{summary['positive_label']} would score {base:.3f}: the probabilities are {better} than that."
    )
