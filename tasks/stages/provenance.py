"""What a run was made of and with, as one file that a program can read: provenance.json."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from seizures.manifest.descriptions import description_columns
from seizures.manifest.table import DESCRIPTIVE_COLUMNS
from tasks.cohort import manifest as cohort
from tasks.cohort.recipes import weights_used
from tasks.settings.sections import Dataset, Demo, section
from tasks.stage.stage import Stage
from tasks.stages import run_facts
from tasks.stages.evaluation import PoolPredictions
from tasks.stages.folds import fold_rows, left_out
from tasks.stages.training import all_classifiers

FORMAT_VERSION = 1


class WriteProvenance(Stage):
    """Write versions, settings, features, cohort, training, and what was left out; no date and no cost."""

    @property
    def label(self) -> str:
        """One file for all."""
        return "provenance"

    def requires(self) -> list[Stage]:
        """Require the predictions, which say what was scored, and the classifiers."""
        return [PoolPredictions(), *all_classifiers()]

    def reads(self) -> dict[str, Any]:
        """Return what the file says besides."""
        return {
            "settings": run_facts.settings_by_section(),
            "left_out": left_out(),
            "durations_seconds": {seizure.name: seconds for seizure, seconds in run_facts.durations().items()},
            "flow": run_facts.flow(),
            "columns": columns(),
        }

    def produce(self, path: Path) -> None:
        """Gather and write."""
        from seizures import provenance
        from seizures.classification.checkpoints import load_checkpoint
        from seizures.evaluation.predictions import read_predictions
        from seizures.report.cohort_facts import cohort_facts
        from seizures.report.flow import count_flow

        negative, positive = section(Dataset).label_names()
        predictions = read_predictions(PoolPredictions().result, positive)
        fitted = [(stage, load_checkpoint(stage.result)[0]) for stage in all_classifiers()]
        content = {
            "format_version": FORMAT_VERSION,
            "is_simulated": section(Demo).enabled,
            "software": {"release": run_facts.release_and_commit(), **provenance.collect()},
            "devices": run_facts.devices(),
            "weights": weights_used(),
            "features": run_facts.ways(),
            "settings": run_facts.settings_by_section(),
            "cohort": cohort_facts(
                predictions, run_facts.durations(), positive_label=positive, negative_label=negative
            ),
            "columns": columns(),
            "flow": [row.as_plain() for row in count_flow(*run_facts.listed_and_outcomes(), (negative, positive))],
            "left_out": [item._asdict() for item in left_out()],
            "num_cropped": run_facts.num_views(lambda item: item.crop is not None),
            "num_masked": run_facts.num_views(lambda item: item.mask is not None),
            "num_not_trained_on": run_facts.num_not_trained_on(),
            "training": [
                {
                    "repeat": stage.repeat,
                    "fold": stage.fold,
                    "seed": stage.seed,
                    "num_views": one.num_views,
                    "num_epochs_used": one.num_epochs_used,
                    "class_weights": dict(zip(one.label_names, one.class_weights, strict=True)),
                }
                for stage, one in fitted
            ],
        }
        path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def columns() -> dict[str, dict[str, int]]:
    """Return how many scored patients have each value of site, age_band, sex and state, where the manifest has them."""
    scored = {row.id for row in fold_rows()}
    found = {}
    for name in DESCRIPTIVE_COLUMNS:
        if name in description_columns(cohort.recordings()):
            values = cohort.column_values(name)
            pairs = {(seizure.patient_id, values[seizure] or "not stated") for seizure in scored}
            found[name] = dict(sorted(Counter(value for _, value in pairs).items()))
    return found
