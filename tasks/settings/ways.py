"""How features are computed here, as a line of text.

A *way* of computing features is a line of text: empty is that of [Features]; a network's name is that network with the
weights that [Features] gives it; `x3d_s; weights=random:1; stride_frames=8` says these too.
"""

from __future__ import annotations

import models
from tasks.settings.sections import Features, section


def network_of(way: str) -> str:
    """Return the name of the network of a way."""
    return way.partition(";")[0].strip() or section(Features).network


def stride_of(way: str) -> int:
    """Return the frames from one snippet to the next of a way."""
    found = _said(way).get("stride_frames")
    return int(section(Features).stride_frames if found is None else found)


def _said(way: str) -> dict[str, str]:
    """Return what a way says besides the network."""
    parts = (part.partition("=") for part in way.split(";")[1:])
    return {name.strip(): value.strip() for name, _, value in parts}


def weights_of(way: str) -> str:
    """Return the weights of a way; if it names none, those of [Features], which other networks share if random."""
    said = _said(way).get("weights")
    return usual_weights(network_of(way)) if said is None else said


def usual_weights(network: str) -> str:
    """Return the weights that [Features] gives a network: its own, which another of ours shares only if random."""
    features = section(Features)
    is_shared = features.weights.startswith(models.RANDOM_PREFIX) and not models.is_own(network)
    return features.weights if is_shared or network == features.network else ""
