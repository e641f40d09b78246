"""RunAll: from the manifest to the report."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator
from typing import Any

from pipeline.front_door import FrontDoorTask
from pipeline.verdict import verdict
from seizures.errors import SeizuresError
from tasks.command_line import on_command_line
from tasks.evaluation import PoolPredictions, ScorePredictions
from tasks.features import ExtractFeatures, all_features
from tasks.folds import AssignFolds, left_out, unusable
from tasks.report import WriteReport
from tasks.runs import publish, published_key


class SeizuresLeftOutError(SeizuresError):
    """All results are written, but some recordings could not be used and the manifest does not say so."""


def published() -> bool:
    """Tell whether the report of the present settings exists, and `current` shows it."""
    if not all(stage.complete() for stage in all_features()) or not AssignFolds().complete():
        return False
    report = WriteReport()
    return report.complete() and published_key() == report.key


def everything_is_complete() -> bool:
    """Tell whether RunAll is complete: the report is published, and no unusable recording is unacknowledged."""
    return published() and not unusable()


class RunAll(FrontDoorTask):
    """Everything: features of every seizure, patient-wise folds, classifiers, scores, the report, `results/current`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if on_command_line():
            atexit.register(lambda: sys.stderr.write(verdict(self.complete())))

    def requires(self) -> list[ExtractFeatures]:
        """Require all features; what follows depends on which seizures are good."""
        return all_features()

    def complete(self) -> bool:
        """Tell whether the report exists, `current` shows it, and no unusable recording is unacknowledged."""
        return everything_is_complete()

    def run(self) -> Iterator[Any]:
        """Ask for the folds, then for all that follows, and publish."""
        from seizures import evaluation  # with pandas behind it, which a run with nothing to do spares

        yield AssignFolds()
        report = WriteReport()
        yield report
        folds, predictions, metrics = AssignFolds(), PoolPredictions(), ScorePredictions()
        publish(
            report,
            named={"report.html": report, "folds.csv": folds, "predictions.csv": predictions, "metrics.json": metrics},
            summary={
                "left_out": [item._asdict() for item in left_out()],
                "verdict": evaluation.verdict(evaluation.read_summary(metrics.path)),
            },
        )
        bad = unusable()
        if bad:
            names = "\n  ".join(f"{item.name}: {item.reason}" for item in bad)
            raise SeizuresLeftOutError(f"all results are written, but without\n  {names}")
