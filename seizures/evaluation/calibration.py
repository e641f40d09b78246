"""How reliable the probabilities are: the Brier score, the reliability curve, and the line of calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from seizures.evaluation.calibration_slope import CalibrationLine, calibration_line
from seizures.evaluation.intervals import Cohort
from seizures.evaluation.predictions import prediction_matrix_without_ids
from seizures.settings import EvaluationSettings

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


def calibrate(
    predictions: pd.DataFrame, settings: EvaluationSettings, *, positive_label: str = "TCS", num_bins: int = NUM_BINS
) -> dict[str, Any]:
    """Return the Brier score (mean over seeds, interval over patients) and the reliability curve of all seeds pooled.

    `brier_of_base_rate` is the score of always predicting the share of TCS; a classifier above it is worse than that.
    """
    patients, labels, _, probabilities, _ = prediction_matrix_without_ids(predictions, positive_label)
    interval = Cohort(patients, labels, probabilities, settings.confidence_level).brier()
    curve = reliability_curve(np.tile(labels, len(probabilities)), probabilities.ravel(), num_bins)
    return {
        "brier": float(np.mean([brier_score(labels, row) for row in probabilities])),
        "low": interval.low,
        "high": interval.high,
        "brier_of_base_rate": float(labels.mean() * (1 - labels.mean())),
        "num_seeds": len(probabilities),
        "curve": curve.to_dict(orient="records"),
    }


def line_of_calibration(
    predictions: pd.DataFrame, settings: EvaluationSettings, *, positive_label: str = "TCS"
) -> CalibrationLine:
    """Return the line of calibration of the mean probability over the seeds."""
    patients, labels, _, probabilities, _ = prediction_matrix_without_ids(predictions, positive_label)
    return calibration_line(patients, labels, probabilities.mean(axis=0), settings.confidence_level)
