"""How the features of the cohort come to be: by which network, which weights, which frames."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import models
from tasks.cohort.imported_features import examined, extracts_any
from tasks.cohort.networks import weights_identity
from tasks.settings.sections import Features, Frames, section


@functools.cache
def feature_recipes() -> Mapping[str, Mapping[str, Any]]:
    """Return how features are made, by seizure for the imported ones, and as `here` for those computed here."""
    found = {name: item.summary.made for name, item in examined().items() if item.summary is not None}
    if extracts_any():
        features, spec = section(Features), models.network_spec(section(Features).network)
        found["here"] = {
            "network": spec.name,
            "weights_sha256": weights_identity(),
            **stated_here(),
            "feature_dim": spec.feature_dim,
            "frames_per_snippet": spec.span_frames,
            "stride_frames": features.stride_frames,
            "frame_rate_hz": section(Frames).frame_rate_hz,
        }
    return found


def stated_here() -> dict[str, str]:
    """Return what the recipe of features that are computed here states in words (`validation.STATED`).

    The other settings of a recipe decide no valid row: `damaged` only which rows there are, and which of them count.
    """
    frames = section(Frames)
    return {
        "preprocessing": frames.preprocessing,
        "deinterlace": frames.deinterlace,
        "precision": section(Features).precision,
    }


def networks_used() -> str:
    """Return the names of the networks that made the features."""
    return ", ".join(sorted({str(item["network"]) for item in feature_recipes().values()}))


def weights_used() -> str:
    """Return what tells the weights from others: a hash, or `random:<seed>`; several where features are mixed."""
    return ", ".join(sorted({str(item["weights_sha256"]) for item in feature_recipes().values()}))
