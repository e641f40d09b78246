"""Classifiers from elsewhere and the films here: which of them it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.cohort import manifest as cohort
from tasks.machinery.fingerprint import fingerprint
from tasks.settings.sections import results_root


def films_trained_on(info: Mapping[str, Any]) -> list[str]:
    """Return which recordings of the manifest show a film that a classifier was trained on, by the films' content."""
    from seizures.exchange.trained_on import is_trained_on

    found = []
    for item in cohort.recordings():
        if item.use != "skip" and item.video:
            films = [fingerprint(path, results_root() / "fingerprints") for path in cohort.videos(item)]
            if is_trained_on(info, films, []):
                found.append(item.name)
    return found
