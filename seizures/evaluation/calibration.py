"""How reliable the probabilities are: the Brier score, the reliability curve, and the line of calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from seizures.evaluation.calibration_slope import calibration_line
from seizures.evaluation.intervals import Cohort
from seizures.evaluation.predictions import prediction_matrix_without_ids

NUM_BINS = 10


def brier_score(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Return the mean squared distance of P(TCS), (N,), from the labels, (N,) of 0 and 1; 0 is perfect."""
    return float(brier_score_loss(np.asarray(labels), np.asarray(probabilities), pos_label=1))


def reliability_curve(labels: npt.ArrayLike, probabilities: npt.ArrayLike, num_bins: int = NUM_BINS) -> pd.DataFrame:
    """Return, for each bin of equal width with at least one seizure, the predicted and the observed share.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) P(TCS).
        num_bins: bins between 0 and 1, each closed on its right side as in scikit-learn (the first on both).

    Returns:
        Columns `low`, `high`, `mean_probability`, `share_positive`, `num_seizures`.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    share, mean = calibration_curve(np.asarray(labels), values, n_bins=num_bins, pos_label=1)
    edges = np.linspace(0, 1, num_bins + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], values), minlength=num_bins)
    used = np.flatnonzero(counts)
    curve: pd.DataFrame = pd.DataFrame(
        {
            "low": edges[used],
            "high": edges[used + 1],
            "mean_probability": mean,
            "share_positive": share,
            "num_seizures": counts[used],
        }
    )
    return curve


def calibrate(cohort: Cohort) -> dict[str, Any]:
    """Return how good the probabilities are, as plain values for metrics.json.

    Returns:
        `brier`, the mean over the seeds, with `low` and `high` over patients; `brier_of_base_rate`, that of always
        predicting the share of the positive label, above which a classifier is worse than that; and `line`, the
        `CalibrationLine` of the mean probability over the seeds, by its fields.
    """
    labels, interval = cohort.labels, cohort.brier()
    patients = [str(one) for one in cohort.patient]
    line = calibration_line(patients, labels, cohort.probabilities.mean(axis=0), cohort.level)
    return {
        "brier": float(np.mean([brier_score(labels, row) for row in cohort.probabilities])),
        "low": interval.low,
        "high": interval.high,
        "brier_of_base_rate": float(labels.mean() * (1 - labels.mean())),
        "line": line._asdict(),
    }


def pooled_reliability(
    predictions: pd.DataFrame, *, positive_label: str = "TCS", num_bins: int = NUM_BINS
) -> pd.DataFrame:
    """Return the reliability curve of the predictions of all seeds pooled."""
    found = prediction_matrix_without_ids(predictions, positive_label)
    labels = np.tile(found.labels, len(found.probabilities))
    return reliability_curve(labels, found.probabilities.ravel(), num_bins)
