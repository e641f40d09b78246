"""The one block of JSON in a seizure's page: its numbers, for anybody who reads them, and the words of the script.

docs/seizure-page.md lists the fields.
"""

from __future__ import annotations

import json
import math
from typing import Any

from seizures.report.seizure_page.data import Segment, SeizurePage, View
from seizures.report.seizure_page.numbers import NBSP, band, capital, chance, level, percent, seconds_text, signed
from seizures.report.seizure_page.sentences import moment_sentence

FORMAT, FORMAT_VERSION = "seizure-page", 1
_STEPS_PER_SECOND = 10  # of the mark on a page without films


def data_block(page: SeizurePage) -> str:
    """Return the JSON as text that may stand in a script element: nothing in it can end the element."""
    text = json.dumps(payload(page), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def payload(page: SeizurePage) -> dict[str, Any]:
    """Return the block as plain values."""
    verdict, belief, one, clip = page.verdict, page.belief, page.classifier, page.clip
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made_on": page.made_on,
        "pictures": page.has_pictures,
        "seizure": {
            "name": page.name,
            "duration_seconds": page.duration_seconds,
            "simulated": page.is_simulated,
            "known_label": page.known_label,
        },
        "labels": {
            "negative": vars(page.labels.negative),
            "positive": vars(page.labels.positive),
            "noun": page.labels.noun,
        },
        "verdict": {
            "probability": verdict.probability,
            "low": verdict.low,
            "high": verdict.high,
            "num_seeds": verdict.num_seeds,
            "call": verdict.call,
            "no_call": verdict.no_call,
            "settled_seconds": verdict.settled_seconds,
            "calibrated": verdict.is_calibrated,
            "doubtful": page.is_doubtful,
        },
        "views": [_view(page, view) for view in page.views],
        "clip": vars(clip)
        if clip is not None
        else {
            "frames_per_second": _STEPS_PER_SECOND,
            "num_frames": max(1, math.ceil(page.duration_seconds * _STEPS_PER_SECOND - 1e-6) + 1),
            "start_seconds": 0.0,
        },
        "events": {"offset": page.duration_seconds, "marker": None if page.marker is None else vars(page.marker)},
        "curve": {
            "seconds": page.curve.seconds,
            "probability": page.curve.probability,
            "low": page.curve.low,
            "high": page.curve.high,
            "said": [level(page, probability) for probability in page.curve.probability],
            "bands": [band(page, *ends) for ends in zip(page.curve.low, page.curve.high, strict=True)],
            "spoken": [_spoken(page, index) for index in range(len(page.curve.seconds))],
        },
        "baseline_probability": page.baseline_probability,
        "belief": {
            "familiar": belief.familiar,
            "reasons": belief.reasons,
            "trained_on": belief.trained_on,
            "ranges": [vars(item) for item in belief.ranges],
        },
        "similar": [vars(case) for case in page.similar],
        "deletion": None if page.deletion is None else vars(page.deletion),
        "classifier": {
            "id": one.id,
            "num_patients": one.num_patients,
            "num_seizures": one.num_seizures,
            "simulated": one.is_simulated,
            "accuracy": None if one.accuracy is None else vars(one.accuracy),
            "confidence_level": one.confidence_level,
            "protocol": one.protocol,
            "share_not_called": one.share_not_called,
            "accuracy_called": None if one.accuracy_called is None else vars(one.accuracy_called),
            "calibration": one.calibration,
        },
        "words": _words(page),
    }


def segment_words(page: SeizurePage, view: View, one: Segment) -> list[str]:
    """Return what is told of a bar, line by line; the first names it."""
    total = math.fsum(abs(other.value) for each in page.views for other in each.segments)
    towards = page.labels.positive.short if one.value >= 0 else page.labels.negative.short
    share = f"{percent(abs(one.value) / total)} of all that moved it ({signed(one.value)} log-odds)" if total else ""
    lines = [
        f"{view.title}, {seconds_text(one.start_seconds, 1)} to {seconds_text(one.end_seconds, 1)}",
        f"moved the answer towards {towards}",
        share,
        "" if one.weight is None else f"attention {percent(one.weight)}",
    ]
    return [line for line in lines if line]


def _view(page: SeizurePage, view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "title": view.title,
        "probability": view.probability,
        "low": view.low,
        "high": view.high,
        "black": view.black,
        "evidence": [
            {
                "start": one.start_seconds,
                "end": one.end_seconds,
                "snippet": one.snippet_seconds,
                "value": one.value,
                "weight": one.weight,
                "said": segment_words(page, view, one),
            }
            for one in view.segments
        ],
        "clip": view.clip,
        "aspect": view.aspect,
        "pictures": [
            {
                "seconds": picture.seconds,
                "file": picture.file,
                "alt": f"{view.title}, {seconds_text(picture.seconds, 1)} after the onset",
            }
            for picture in view.pictures
        ],
    }


def _spoken(page: SeizurePage, index: int) -> str:
    curve = page.curve
    said = chance(page, curve.probability[index])
    return f"{said}, trained copies {band(page, curve.low[index], curve.high[index])}"


def _words(page: SeizurePage) -> dict[str, Any]:
    """Return every text that the script shows; `{}` is where it puts a time."""
    labels, settled = page.labels, page.verdict.settled_seconds
    unit = f"in 100 for {labels.positive.short}" if page.verdict.is_calibrated else f"score for {labels.positive.short}"
    has_weights = any(one.weight is not None for view in page.views for one in view.segments)
    return {
        "after": "{} after the onset",
        "before": "{} before the onset",
        "to": "{} to {}",
        "no_answer": "no answer yet",
        "so_far": "so far",
        "final": "final",
        "unit": unit,
        "copies": "copies {}",
        "play": "Play",
        "pause": "Pause",
        "loop": "Loop",
        "clip_failed": "This browser cannot play the clip: still pictures instead.",
        "black": "No picture here: damaged or missing.",
        "film": capital(labels.noun),
        "onset": "onset",
        "offset": "offset",
        "answer": ["Answer", "so far"],
        "since": "Since onset",
        "no_call": ["no", "call"],
        "levels": ["0", "50", "100"] if page.verdict.is_calibrated else ["0", "0.5", "1"],
        "holds": f"holds from {seconds_text(settled)}" if settled is not None and moment_sentence(page) else "",
        "moved": "What moved the answer",
        "up": f"\u25b2 to {labels.positive.short}",
        "down": f"\u25bc to {labels.negative.short}",
        "attention": "\u25ac attention" if has_weights else "",
        "second": f"{{}}{NBSP}s",
    }
