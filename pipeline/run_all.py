"""RunAll: from the manifest to the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.verdict import everything_is_complete, verdict
from pipeline.working import WorkingTask
from seizures.errors import SeizuresError
from tasks.machinery.processes import import_before_forks
from tasks.stage.costs import stage_costs
from tasks.stage.publishing import lost, publish, walk
from tasks.stage.stage import Stage
from tasks.stages.baselines import all_baselines
from tasks.stages.calibration import CalibrateProbabilities
from tasks.stages.checklist import TabulateChecklists, WriteChecklists
from tasks.stages.evaluation import PoolPredictions, ScorePredictions
from tasks.stages.features import features_of_run
from tasks.stages.folds import all_dealings, left_out, unusable
from tasks.stages.provenance import WriteProvenance
from tasks.stages.report import WriteReport, unpack_pictures
from tasks.stages.unfolding import PoolUnfolding, ScoreUnfolding


class SeizuresLeftOutError(SeizuresError):
    """All results are written, but some recordings could not be used and the manifest does not say so."""


class RunAll(WorkingTask):
    """Everything: features of every seizure, patient-wise folds, classifiers, scores, the report, `results/current`."""

    def requires(self) -> list[Stage]:
        """Require all features, and what they were made of; what follows depends on which seizures are good."""
        import_before_forks()
        features = features_of_run()
        return [*features, *lost(features)]

    def verdict(self) -> str:
        """Return whether it is done, how well, and what was left out."""
        return verdict(self.complete())

    def complete(self) -> bool:
        """Tell whether the report exists, `current` shows it, and no unusable recording is unacknowledged."""
        return everything_is_complete()

    def run(self) -> Iterator[Any]:
        """Ask for the folds, then for all that follows, and publish."""
        from seizures.evaluation import wording  # pandas comes with them: too slow for a run with nothing to do
        from seizures.evaluation.summary import read_summary

        yield all_dealings()
        report = WriteReport()
        yield [*lost([report]), report]
        folds = {f"{stage.with_repeat('folds')}.csv": stage for stage in all_dealings()}
        predictions, metrics = PoolPredictions(), ScorePredictions()
        publish(
            report,
            named={
                "report.html": report,
                **folds,
                "predictions.csv": predictions,
                **{f"{stage.with_repeat('baselines')}.csv": stage for stage in all_baselines()},
                "metrics.json": metrics,
                "calibration.json": CalibrateProbabilities(),
                "over_time.csv": PoolUnfolding(),
                "over_time.json": ScoreUnfolding(),
                "provenance.json": WriteProvenance(),
                "checklist.csv": TabulateChecklists(),
                "checklist.html": WriteChecklists(),
            },
            summary={
                "left_out": [item._asdict() for item in left_out()],
                "costs": [cost._asdict() for cost in stage_costs(walk(report))],
                "verdict": wording.verdict(read_summary(metrics.result)),
            },
            fill=unpack_pictures,
        )
        bad = unusable()
        if bad:
            names = "\n  ".join(f"{item.name}: {item.reason}" for item in bad)
            raise SeizuresLeftOutError(f"all results are written, but without\n  {names}")
