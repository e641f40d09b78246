"""Seizures from video: manifests, frames, snippets, features, folds, classifiers and their honest scores.

Plain Python, without Luigi. The doors that a notebook needs most stand here; everything else is one file away::

    import seizures
    recordings = seizures.read_manifest("data_manifest.csv")
    film = seizures.read_frames("film.mp4", 12.4, 95.0)
    with seizures.open_features("P01+01.h5") as features:
        print(features)
"""

from __future__ import annotations

import importlib
from typing import Any

_DOORS = {
    "open_features": "seizures.features.reader",
    "read_frames": "seizures.video.reading",
    "read_manifest": "seizures.manifest.recordings",
}

__all__ = ["open_features", "read_frames", "read_manifest"]


def __getattr__(name: str) -> Any:
    """Import a door on its first use, so that `import seizures` costs nothing."""
    if name in _DOORS:
        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
