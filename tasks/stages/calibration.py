"""Out-of-fold predictions to how far they may be believed: the calibration, and when a classifier should abstain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks.settings.cells import protocol_of
from tasks.settings.sections import Dataset, Demo, Evaluation, section
from tasks.stage.stage import Stage
from tasks.stages.evaluation import PoolPredictions


class CalibrateProbabilities(Stage):
    """Fit the calibration of the ensemble and the zone without a call, and say how good both are on other patients."""

    @property
    def label(self) -> str:
        """One file for all."""
        return "calibration"

    def requires(self) -> list[PoolPredictions]:
        """Require the predictions of all folds and seeds."""
        return [PoolPredictions()]

    def reads(self) -> dict[str, Any]:
        """Return when to abstain, the level of the intervals, which label is positive, and what is estimated."""
        return {
            "settings": section(Evaluation).calibration(),
            "confidence_level": section(Evaluation).confidence_level,
            "labels": section(Dataset).label_names(),
            "is_reproduction": protocol_of("").is_reproduction,
            **({"is_simulated": True} if section(Demo).enabled else {}),
        }

    def produce(self, path: Path) -> None:
        """Fit, and judge."""
        from seizures.evaluation.belief import assess_calibration
        from seizures.evaluation.predictions import read_predictions

        negative, positive = section(Dataset).label_names()
        found = assess_calibration(
            read_predictions(PoolPredictions().result, positive),
            section(Evaluation).calibration().target_accuracy,
            section(Evaluation).confidence_level,
            positive_label=positive,
            negative_label=negative,
            is_simulated=section(Demo).enabled,
            is_reproduction=protocol_of("").is_reproduction,
        )
        path.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_calibration() -> dict[str, Any]:
    """Return what CalibrateProbabilities wrote."""
    found: dict[str, Any] = json.loads(CalibrateProbabilities().result.read_text(encoding="utf-8"))
    return found
