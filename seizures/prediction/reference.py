"""What the films of the training seizures are like, as ranges, and whether a film is far outside of them.

Features may not tell what a network does not see: a film five times as large, or a minute where training had seconds.
So three plain properties are kept as ranges, 90 in 100 of the training seizures, and a film is of another kind where
one of them lies beyond twice the upper end or below half the lower one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seizures.prediction.asked import Asked

DURATION, RATE, HEIGHT = "duration", "frames per second of the film", "height of the film"
UNITS = {DURATION: "s", RATE: "Hz", HEIGHT: "pixels"}
PERCENTILES = (5, 50, 95)
FAR = 2.0


def properties(asked: Asked) -> dict[str, list[float]]:
    """Return the properties of a seizure that are known, a value for each view."""
    facts = [view.facts for view in asked.views.values()]
    found = {
        DURATION: [asked.duration_seconds],
        RATE: [float(fact.get("source_frame_rate_hz") or 0) for fact in facts],
        HEIGHT: [float(fact.get("source_height") or 0) for fact in facts],
    }
    known = {name: [value for value in values if value > 0] for name, values in found.items()}
    return {name: values for name, values in known.items() if values}


def reference_of(cases: Sequence[Asked]) -> dict[str, dict[str, Any]]:
    """Return `unit`, `low`, `median` and `high` of each property: the 5th, 50th and 95th percentile."""
    values: dict[str, list[float]] = {}
    for case in cases:
        for name, found in properties(case).items():
            values.setdefault(name, []).extend(found)
    ends = {name: [round(float(one), 3) for one in np.percentile(found, PERCENTILES)] for name, found in values.items()}
    return {
        name: {"unit": UNITS[name], "low": low, "median": median, "high": high}
        for name, (low, median, high) in ends.items()
    }


def far_outside(reference: Mapping[str, Mapping[str, Any]] | None, asked: Asked) -> list[str]:
    """Return which properties of a seizure are far outside the ranges, in words; nothing where no range is known."""
    told = []
    for name, values in properties(asked).items():
        if reference is None or name not in reference:
            continue
        low, high, unit = (reference[name][part] for part in ("low", "high", "unit"))
        far = [value for value in values if value > FAR * high or value < low / FAR]
        if far:
            told.append(f"{name} {far[0]:g} {unit}, in training {low:g} to {high:g}")
    return told
