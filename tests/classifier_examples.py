"""Small classifiers that tests ask: random weights, a stated calibration, 6 features as in feature_examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from feature_examples import RECIPE

import models
from seizures.prediction.ensemble import Classifier
from seizures.prediction.familiarity import Familiarity
from seizures.settings import TrainingSettings

DIM, NUM_SEGMENTS = 6, 4


def information(**changes: Any) -> dict[str, Any]:
    """Return what classifier.json says of a small classifier."""
    settings = TrainingSettings(aggregation="blstm", hidden_units=5, num_segments=NUM_SEGMENTS)
    said: dict[str, Any] = {
        "format": "seizure-classifier-file",
        "format_version": 1,
        "classifier_id": "0123456789ab",
        "site": "",
        "is_simulated": False,
        "labels": ["FOS", "TCS"],
        "features": {**RECIPE, "deinterlace": "auto", "precision": "float32"},
        "training": vars(settings),
        "seeds": [0, 1, 2],
        "cohort": None,
        "scores": None,
        "calibration": {"method": "platt", "slope": 1.5, "intercept": 0.3, "num_patients": 9, "num_seizures": 20,
                        "ece_before": None, "ece_after": None},
        "decision": {"no_call": [0.4, 0.6]},
        "reference": None,
        "familiarity": None,
        "trained_on": None,
    }  # fmt: skip
    return {**said, **changes}


def classifier(familiarity: Familiarity | None = None, scale: float = 3.0, **changes: Any) -> Classifier:
    """Return a classifier of three seeds whose weights are large enough for answers that differ."""
    info = information(**changes)
    settings = TrainingSettings(**info["training"])
    networks = []
    with torch.random.fork_rng(devices=[]):
        for seed in info["seeds"]:
            torch.manual_seed(seed)
            network = models.build_aggregation(settings.aggregation, DIM, settings.hidden_units)
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.mul_(scale)
            networks.append(network.eval())
    return Classifier(info, tuple(networks), torch.linspace(-0.2, 0.2, DIM), familiarity)


def middles(seed: int = 0, views: tuple[str, ...] = ("large", "small")) -> dict[str, torch.Tensor]:
    """Return the middle snippets of a seizure, float32 (4, 6) a view."""
    rng = np.random.default_rng(seed)
    return {view: torch.from_numpy(rng.normal(size=(NUM_SEGMENTS, DIM)).astype(np.float32)) for view in views}
