"""Pages of seizures for tests and for looking at: films of the zoo, numbers that are made up, every state.

    PYTHONPATH=.:tests python tests/seizure_pages.py FOLDER

writes one page of each state and the page of all.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zoo

from seizures.prediction.calibrator import logit, sigmoid
from seizures.report.seizure_page import data
from seizures.report.seizure_page.films import add_films
from seizures.report.seizure_page.writer import write_index_page, write_seizure_page
from seizures.video.request import WindowRequest

LABELS = data.Labels(
    data.Label("FOS", "focal onset seizure that stays focal"),
    data.Label("TCS", "focal to bilateral tonic-clonic seizure"),
)
CLASSIFIER = data.Classifier(
    "4f1c09ab77e2",
    num_patients=12,
    num_seizures=35,
    is_simulated=True,
    accuracy=data.Score(0.886, 0.765, 0.957),
    protocol="cross-validated by patient",
    share_not_called=0.14,
    accuracy_called=data.Score(0.933, 0.8, 0.99),
    calibration="\u201cIn 100\u201d is calibrated on patients that it had not seen (Platt), with 35 seizures, roughly.",
)
RANGES = (
    data.Range("Duration", "s", 33.6, 14, 54),
    data.Range("Frames per second", "", 15, 12, 25),
    data.Range("Distance from training", "", 1.1, 0.5, 1.9),
)
RATE = 24  # of the films of the zoo: k / 24 s is rounded in a file, so that a jump there lands a frame too early
AHEAD = 2 * RATE  # the onset is 2 s later in the small view's film: what it shows is that much further on
TITLES = {"large": "Large view", "small": "Small view"}


def example(
    *,
    probability: float = 0.95,
    duration: float = 33.6,
    views: Sequence[str] = ("large", "small"),
    num_segments: int = 16,
    weights: bool = False,
    seed: int = 1,
    **changes: Any,
) -> data.SeizurePage:
    """Return a page whose numbers fit together, without films; `changes` replace fields of it."""
    rng = np.random.default_rng(seed)
    baseline, goal = 0.46, float(logit(probability))
    seconds = [*np.arange(2.0, duration), duration]
    turn = 0.4 * duration
    wave = np.array([0.3 * np.sin(t / 2.3) * (1 - t / duration) for t in seconds])
    middle = sigmoid(
        -0.5 * np.sign(goal)
        + (goal + 0.5 * np.sign(goal)) * sigmoid((np.array(seconds) - turn) / (0.05 * duration))
        + wave
    )
    middle[-1] = probability
    spread = 0.25 + 0.9 * np.exp(-np.array(seconds) / turn)
    low, high = sigmoid(logit(middle) - spread), sigmoid(logit(middle) + spread)
    length = duration / num_segments
    total = goal - float(logit(baseline))
    raw = rng.normal(0, 0.3, (len(views), num_segments)) + 0.4 * np.sign(total) * (
        np.arange(num_segments) * length > turn
    )
    raw += (total - raw.sum()) / raw.size
    shares = rng.dirichlet(np.ones(num_segments) * 2, len(views))
    made = tuple(
        data.View(
            name, TITLES.get(name, name), *(float(sigmoid(goal + shift + way)) for way in (0.0, -0.5, 0.4)),
            segments=tuple(
                data.Segment(
                    k * length, (k + 1) * length, ((k + 0.5) * length - 0.25, (k + 0.5) * length + 0.25),
                    float(raw[row, k]), float(shares[row, k]) if weights else None,
                )
                for k in range(num_segments)
            ),
        )
        for row, (name, shift) in enumerate(zip(views, (-0.4, 0.3, 0.1), strict=False))
    )  # fmt: skip
    zone = (0.35, 0.65)
    call = "TCS" if probability > zone[1] else "FOS" if probability < zone[0] else None
    sides = [
        p > zone[1] and lo > 0.5 if probability > 0.5 else p < zone[0] and hi < 0.5
        for p, lo, hi in zip(middle, low, high, strict=True)
    ]
    wrong = [index for index, side in enumerate(sides) if not side]
    first = wrong[-1] + 1 if wrong else 0
    settled = float(seconds[first]) if call and first < len(seconds) else None
    page = data.SeizurePage(
        name="P08, seizure 02",
        labels=LABELS,
        duration_seconds=duration,
        verdict=data.Verdict(probability, float(low[-1]), float(high[-1]), 3, call, zone, settled, is_calibrated=True),
        views=made,
        curve=data.Curve(*(tuple(float(value) for value in column) for column in (seconds, middle, low, high))),
        classifier=CLASSIFIER,
        made_on="2026-11-27",
        belief=data.Belief(True, (), False, RANGES),
        baseline_probability=baseline,
        marker=data.Marker("clonic onset", 0.52 * duration),
        is_simulated=True,
        deletion=data.Deletion(0.34, (0.01, 0.02, 0.05, 0.08, 0.03, 0.04, 0.11, 0.02, 0.06, 0.03) * 2),
    )
    return dataclasses.replace(page, **changes)


def zoo_page(folder: Path, *, duration: float = 8.0, **changes: Any) -> data.SeizurePage:
    """Write a page with two views on clocks of their own, of which each frame shows its number, and return it."""
    films = folder.parent / f"{folder.name}_films"
    films.mkdir(parents=True, exist_ok=True)
    rate = zoo.Fraction(RATE)
    large = zoo.Specimen("large.mp4", rate=rate, num_frames=int(rate * (duration + 5)), size=(320, 192))
    small = zoo.Specimen("small.mp4", rate=rate, num_frames=int(rate * (duration + 7)), size=(240, 192))
    requests = [
        WindowRequest(tuple(specimen.make(films)), onset, onset + duration)
        for specimen, onset in ((large, 1.0), (small, 3.0))
    ]
    page = example(duration=duration, num_segments=8, **changes)
    made = add_films(folder, page, requests)
    write_seizure_page(folder, made)
    return made


UNFAMILIAR = data.Belief(
    False, ("Its features lie farther from those of the training films than 97 in 100 held-out seizures do.",), False,
    (data.Range("Duration", "s", 63.5, 14, 54), *RANGES[1:2], data.Range("Distance from training", "", 3.4, 0.5, 1.9)),
)  # fmt: skip
BARE = data.Classifier("9e107d9d372b")
SIMILAR = tuple(
    data.SimilarCase(f"P{patient:02}, seizure {number:02}", label, value)
    for patient, number, label, value in (
        (3, 1, "TCS", 0.94),
        (11, 2, "TCS", 0.91),
        (3, 2, "TCS", 0.88),
        (7, 1, "FOS", 0.81),
        (9, 4, "TCS", 0.8),
    )
)


def states() -> dict[str, data.SeizurePage]:
    """Return a page without films of every state."""
    bare = example(seed=8, classifier=BARE, belief=data.Belief(), marker=None, is_simulated=False, deletion=None)
    verdict = dataclasses.replace(bare.verdict, is_calibrated=False, no_call=None)
    views = tuple(dataclasses.replace(view, segments=()) for view in bare.views)
    called = example(known_label="TCS", similar=SIMILAR)
    return {
        "called": called,
        "negative": example(probability=0.08, seed=2, name="P02, seizure 01", marker=None, known_label="FOS"),
        "no_call": example(probability=0.56, seed=3, name="P05, seizure 03", known_label="FOS"),
        "unfamiliar": example(seed=4, belief=UNFAMILIAR, probability=0.89, name="P07, seizure 03"),
        "trained_on": example(seed=5, belief=dataclasses.replace(called.belief, trained_on=True), known_label="TCS"),
        "uncalibrated": dataclasses.replace(bare, verdict=verdict, views=views, baseline_probability=None),
        "attention": example(seed=6, weights=True, views=("room",), probability=0.81, is_simulated=False),
        "long": example(seed=7, duration=1504.0, name="P10, seizure 01"),
    }


def main(folder: Path) -> None:
    """Write all states without films, one with films, and the page of all."""
    pages = {name: dataclasses.replace(page, index="../index.html") for name, page in states().items()}
    for name, page in pages.items():
        write_seizure_page(folder / name, page)
    pages["films"] = zoo_page(folder / "films", index="../index.html", name="Zoo", known_label="TCS", similar=SIMILAR)
    write_index_page(folder, pages, title="Demo, 27 November")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
