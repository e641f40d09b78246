"""Classifier files that are asked here, each read and checked once a process."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.machinery.fingerprint import fingerprint
from tasks.settings.sections import results_root

if TYPE_CHECKING:
    from seizures.prediction.asked import Asked
    from seizures.prediction.ensemble import Classifier

HOUSE_FOLDER = "classifiers"  # in the results folder: what the house that trained a classifier keeps of its cases
CASES_NAME = "cases.h5"


@functools.cache
def classifier_at(path: str) -> Classifier:
    """Return the classifier in a file.

    Raises:
        SeizuresError: it is no classifier's file, or not a sound one.
    """
    from seizures.exchange.open_classifier import open_classifier

    return open_classifier(path)


def info_of(path: str) -> Mapping[str, Any]:
    """Return what the file says of itself: classifier.json."""
    return classifier_at(path).info


def content_of(path: str) -> str:
    """Return what tells a file from others: the SHA-256 of its content."""
    return fingerprint(Path(path), results_root() / "fingerprints")


def cases_path(path: str) -> Path:
    """Return where this house would keep the training cases of a classifier."""
    return results_root() / HOUSE_FOLDER / str(info_of(path)["classifier_id"]) / CASES_NAME


@functools.cache
def cases_of(path: str) -> list[Asked]:
    """Return the training cases of a classifier, where this is the house that trained it; else none."""
    from seizures.prediction.asked import read_asked

    kept = cases_path(path)
    return read_asked(kept) if kept.exists() else []
