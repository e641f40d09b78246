"""Scores per patient, in which each patient weighs the same, however many seizures they have.

Letters used here: N seizures, K classifiers (one a seed and dealing), G patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seizures.evaluation.intervals import ONE_PATIENT, Carriers, share_interval
from seizures.evaluation.metrics import FloatArray


def accuracy_per_patient(patients: Sequence[str], right: FloatArray, confidence_level: float) -> dict[str, Any]:
    """Return the mean over patients of the share of their seizures that are right, with its interval, as plain values.

    Patients are independent, so the variance is that of their shares; the mean is taken for a proportion of as many
    independent patients as would vary as much, and at most of as many as there are seizures.

    Args:
        patients: patient of each seizure, N long.
        right: (N,) the share of the classifiers that are right about a seizure, from 0 to 1.
        confidence_level: between 0 and 1.

    Returns:
        `mean`, `low`, `high`, `why_no_interval`, `num_patients`, `num_all_right` and `num_none_right`: the patients of
        whom every classifier had every seizure right, and none.
    """
    _, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    shares = np.bincount(patient, weights=right) / np.bincount(patient)
    mean, number = float(shares.mean()), len(shares)
    interval = ONE_PATIENT
    if number > 1:
        interval = share_interval(
            mean,
            float(shares.var(ddof=1)) / number,
            Carriers(number, len(right)),
            num_with_error=int((shares < 1).sum()),
            confidence_level=confidence_level,
        )
    return {
        "mean": mean,
        "low": interval.low,
        "high": interval.high,
        "why_no_interval": interval.why_none,
        "num_patients": number,
        "num_all_right": int((shares == 1).sum()),
        "num_none_right": int((shares == 0).sum()),
    }
