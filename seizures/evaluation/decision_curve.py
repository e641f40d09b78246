"""The decision curve (Vickers and Elkin 2006, Med Decis Making 26:565): is acting on P(positive) better than a rule?

Net benefit at a threshold t: the share of seizures rightly called positive, less the share wrongly called so weighted
by t / (1 - t), which is what a person who acts from t on holds a false alarm to cost against a hit. It means something
only where the probabilities are calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from seizures.evaluation.metrics import FloatArray, IntArray, resample_patients
from seizures.settings import EvaluationSettings

THRESHOLDS = np.arange(5, 100, 5) / 100


def net_benefit(labels: IntArray, probabilities: FloatArray, weights: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return the net benefit of calling positive from each threshold on, (R, T).

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,).
        weights: (R, N), how many times each seizure is in each resample.
        thresholds: (T,), above 0 and below 1.
    """
    called = (probabilities[:, None] >= thresholds[None, :]).astype(np.float64)
    total = weights.sum(axis=1, keepdims=True)
    hits, alarms = ((weights * (labels == label)) @ called / total for label in (1, 0))
    benefit: FloatArray = hits - alarms * thresholds / (1 - thresholds)
    return benefit


def decision_curve(
    patients: Sequence[str], labels: IntArray, probabilities: FloatArray, settings: EvaluationSettings
) -> pd.DataFrame:
    """Return the curve of one classifier, (N,) probabilities: a row a threshold.

    Returns:
        `threshold`; `net_benefit` of the classifier, with `low` and `high` over resampled patients (empty with one
        patient); `call_all`, that of calling every seizure positive. Calling none has 0.
    """
    whole = np.ones((1, len(labels)))
    benefit = net_benefit(labels, probabilities, whole, THRESHOLDS)[0]
    call_all = net_benefit(labels, np.ones(len(labels)), whole, THRESHOLDS)[0]
    low = high = np.full(len(THRESHOLDS), np.nan)
    if len(set(patients)) > 1:
        weights = resample_patients(patients, settings.num_bootstraps, np.random.default_rng(settings.seed))
        tail = (1 - settings.confidence_level) / 2
        low, high = np.quantile(net_benefit(labels, probabilities, weights, THRESHOLDS), [tail, 1 - tail], axis=0)
    columns = {"threshold": THRESHOLDS, "net_benefit": benefit, "low": low, "high": high, "call_all": call_all}
    curve: pd.DataFrame = pd.DataFrame(columns)
    return curve
