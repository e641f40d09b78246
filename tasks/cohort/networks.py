"""The networks that compute features here, and their weights."""

from __future__ import annotations

import models
from tasks.settings.sections import Features, section


def network_of(name: str) -> str:
    """Return the name of a network; empty is that of [Features]."""
    return name or section(Features).network


def weights_of(name: str) -> str:
    """Return the weights of a network: those of [Features], which another network shares only where they are random."""
    features = section(Features)
    is_random = features.weights.startswith(models.RANDOM_PREFIX)
    return features.weights if is_random or network_of(name) == features.network else ""


def weights_identity(name: str = "") -> str:
    """Return what tells the weights of a network that computes here from others: a hash, or `random:<seed>`."""
    return models.weights_identity(network_of(name), weights_of(name) or None, section(Features).weights_dir or None)
