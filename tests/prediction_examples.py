"""Predictions for tests: a table from lists, and a cohort of patients whose seizures a classifier half understands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from seizures.evaluation.predictions import pool_predictions, predictions_for


def prediction_table(patients, labels, probabilities_by_seed, folds=None) -> pd.DataFrame:
    ids = [f"{place:02d}" for place in range(len(patients))]
    tables = []
    for seed, probabilities in enumerate(probabilities_by_seed):
        for fold in sorted(set(folds or [0])):
            chosen = [place for place in range(len(patients)) if (folds or [0] * len(patients))[place] == fold]
            pick = [[values[place] for place in chosen] for values in (patients, ids, labels, probabilities)]
            tables.append(predictions_for(pick[0], pick[1], ["large"] * len(chosen), pick[2], pick[3], fold, seed))
    return pool_predictions(tables)


def prediction_cohort(num_patients=9, num_per_patient=4, num_seeds=3, seed=0):
    rng = np.random.default_rng(seed)
    patients = np.repeat([f"P{place}" for place in range(num_patients)], num_per_patient)
    labels = rng.integers(0, 2, len(patients))
    probabilities = np.clip(0.35 * labels + 0.3 + rng.normal(0, 0.25, (num_seeds, len(labels))), 0, 1).round(1)
    return list(patients), labels, probabilities
