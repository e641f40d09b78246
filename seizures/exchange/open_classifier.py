"""The door to a classifier's file: checked, its networks built, ready to be asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from torch import nn

from seizures.exchange.classifier_assembly import familiarity_of
from seizures.exchange.classifier_file import modules_of, read_classifier
from seizures.prediction.ensemble import Classifier

Builder = Callable[[str, int, int], nn.Module]


def open_classifier(path: str | os.PathLike[str], build: Builder | None = None) -> Classifier:
    """Open a classifier's file; nothing in it is executed.

    ::

        classifier = seizures.open_classifier("classifier.zip")
        answer = classifier.predict("P01+02.h5")
        print(answer.probability, answer.call)

    Args:
        path: what ExportClassifier or PackClassifier wrote.
        build: makes an untrained network of an aggregation's name, feature_dim and hidden_units; if not given,
            `models.build_aggregation`.

    Raises:
        SeizuresError: it is no such file, or was changed, or is not sound; the message says what was found.
    """
    content = read_classifier(Path(path), build or _usual_builder())
    networks = modules_of(content, build or _usual_builder())
    return Classifier(content.info, networks, content.tensors["baseline"], familiarity_of(content))


def _usual_builder() -> Builder:
    from models import build_aggregation  # the one door of this floor that opens to the other (setup.cfg)

    return build_aggregation
