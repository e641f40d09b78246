"""Seizures from video: manifests, frames, snippets, features, folds, classifiers and their honest scores.

Plain Python, without Luigi. These names are the doors: what a notebook, a test or another lab may rely on::

    import seizures
    recordings = seizures.read_manifest("data_manifest.csv")
    film = seizures.read_frames("film.mp4", 12.4, 95.0)
    with seizures.open_features("P01+01.h5") as features:
        print(features)
    findings, num_files = seizures.check_path("bundle.zip")
    scores = seizures.score_predictions(pandas.read_csv("predictions.csv"))
    answer = seizures.open_classifier("classifier.zip").predict("P01+01.h5")
    starts = seizures.sample_positions(900, 8, 16, gamma=4, rng=numpy.random.default_rng(0))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seizures.classification.sampling import sample_positions
    from seizures.evaluation.summary import score_predictions
    from seizures.exchange.checking import check_path
    from seizures.exchange.open_classifier import open_classifier
    from seizures.features.reader import open_features
    from seizures.manifest.recordings import read_manifest
    from seizures.video.reading import read_frames

_DOORS = {
    "check_path": "seizures.exchange.checking",
    "open_classifier": "seizures.exchange.open_classifier",
    "open_features": "seizures.features.reader",
    "read_frames": "seizures.video.reading",
    "read_manifest": "seizures.manifest.recordings",
    "sample_positions": "seizures.classification.sampling",
    "score_predictions": "seizures.evaluation.summary",
}

__all__ = [
    "check_path",
    "open_classifier",
    "open_features",
    "read_frames",
    "read_manifest",
    "sample_positions",
    "score_predictions",
]


def __getattr__(name: str) -> Any:
    """Import a door on its first use, so that `import seizures` costs nothing."""
    if name in _DOORS:
        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the doors too, for a notebook's completion."""
    return sorted({*globals(), *_DOORS})
