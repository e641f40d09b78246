"""The networks that compute features here, and their weights.

`way` is how features are computed, as a line of text (tasks/settings/ways.py).
"""

from __future__ import annotations

from pathlib import Path

import models
from tasks.cohort.weights_fit import fit_fault
from tasks.machinery.fingerprint import fingerprint, remembered
from tasks.settings.sections import Features, results_root, section
from tasks.settings.ways import network_of, weights_of

_FITS = "fits"


def frame_size_of(way: str) -> int:
    """Return the size of frames, in pixels, that a way takes: where any will do, that of [Features]' network."""
    spec = models.network_spec(network_of(way))
    own = section(Features).network
    return models.network_spec(own).frame_size if spec.takes_any_size and models.is_network(own) else spec.frame_size


def weights_identity(way: str = "") -> str:
    """Return what tells the weights of a way that computes here from others: a hash, or `random:<seed>`."""
    return models.weights_identity(*_asked(way), hash_file=_hash)


def weights_faults(way: str = "") -> list[str]:
    """Return what is wrong with the weights of a way: the file, its hash, and whether it loads into the network.

    Loading is tried once, and remembered while the file is unchanged. Public weights that are not there yet are no
    fault: they are downloaded when the network is loaded.
    """
    faults = models.check_weights(*_asked(way), hash_file=_hash)
    if faults or models.is_own(network_of(way)):  # one of a person's own was built, with its weights
        return faults
    if weights_identity(way) == models.NO_WEIGHTS or weights_of(way).startswith(models.RANDOM_PREFIX):
        return faults
    network, weights, weights_dir = _asked(way)
    path, found = models.weights_path(network, weights, weights_dir), list[str]()

    def find() -> str:
        found.append(fit_fault(network, weights, weights_dir))
        return "" if found[0] else _FITS

    if path.exists():
        remembered(path, _memory(), f"weights-{network}", find)
    return list(filter(None, found))


def _asked(way: str) -> tuple[str, str | None, str | None]:
    """Return a network, its weights and their folder, as `models` wants them."""
    return network_of(way), weights_of(way) or None, section(Features).weights_dir or None


def _hash(path: Path) -> str:
    return fingerprint(path, _memory())


def _memory() -> Path:
    return results_root() / "fingerprints"
