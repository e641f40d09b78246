"""Everything that is known of the trained classifiers to the one file that is handed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import luigi

from tasks.cohort.recipes import feature_recipes
from tasks.settings.cells import num_seeds
from tasks.settings.sections import Demo, section
from tasks.stage.stage import Stage
from tasks.stages.calibration import CalibrateProbabilities
from tasks.stages.cases import CollectCases, all_probes
from tasks.stages.evaluation import ScorePredictions
from tasks.stages.folds import fold_rows
from tasks.stages.training import TrainOnAll


class WriteClassifier(Stage):
    """Write classifier.zip: the weights of all seeds, how features must be made, and how far it may be believed."""

    extension = "zip"
    site: str = luigi.Parameter(default="", significant=False, description="the name of this laboratory in the file")

    @property
    def label(self) -> str:
        """One file, and the laboratory's name in it."""
        return f"classifier+{self.site}" if self.site else "classifier"

    def requires(self) -> list[Stage]:
        """Require the classifiers, their cohort, and how the same settings did in cross-validation."""
        return [*trained_on_all(), CollectCases(), *all_probes(), ScorePredictions(), CalibrateProbabilities()]

    def reads(self) -> dict[str, Any]:
        """Return what the file says besides."""
        return {
            "site": self.site,
            "is_simulated": section(Demo).enabled,
            "features": next(iter(feature_recipes().values())),
            "folds": fold_rows(),
        }

    def produce(self, path: Path) -> None:
        """Gather, and write."""
        from seizures.classification.checkpoints import load_checkpoint
        from seizures.evaluation.summary import read_summary
        from seizures.exchange.classifier_assembly import TrainedCohort, assemble
        from seizures.exchange.classifier_file import write_classifier
        from seizures.exchange.model_card import model_card
        from seizures.prediction.asked import read_asked

        rows = {row.name: row for row in fold_rows()}
        cases = read_asked(CollectCases().result)
        cohort = TrainedCohort(
            cases,
            {case.name: rows[case.name].patient_id for case in cases},
            {case.name: rows[case.name].fold for case in cases},
            [kind for stage in all_probes() for kind in read_asked(stage.result)],
        )
        content = assemble(
            [load_checkpoint(stage.result)[0] for stage in trained_on_all()],
            cohort,
            features=self.recipe["reads"]["features"],
            summary=read_summary(ScorePredictions().result),
            calibrated=json.loads(CalibrateProbabilities().result.read_text(encoding="utf-8")),
            site=self.site,
            is_simulated=section(Demo).enabled,
        )
        write_classifier(path, content, model_card(content.info))


def trained_on_all() -> list[TrainOnAll]:
    """Return the tasks of every seed."""
    return [TrainOnAll(seed=seed) for seed in range(num_seeds())]
