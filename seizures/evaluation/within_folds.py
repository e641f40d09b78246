"""ROC AUC within folds: only seizures that were held out together are compared, so by one and the same classifier.

The pooled AUC also compares probabilities of different classifiers, whose levels may differ from fold to fold: it is
then lower than what any one of them does. Letters used here: N seizures, K classifiers (one a seed and dealing), G
patients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seizures.evaluation.intervals import (
    NO_SCORE,
    ONE_PATIENT,
    ONE_PATIENT_OF_A_CLASS,
    Interval,
    effective_number,
    jackknife_variance,
    t_quantile,
    two_class_freedom,
    wilson,
)
from seizures.evaluation.metrics import FloatArray, IntArray

NO_FOLD = Interval(None, None, "no fold holds out seizures of both labels")


def auc_within_folds(
    patients: Sequence[str], labels: IntArray, probabilities: FloatArray, folds: IntArray, confidence_level: float
) -> tuple[float | None, Interval]:
    """Return the share of (positive, negative) pairs of one fold in the right order, and its interval over patients.

    A tie counts a half. Pairs of all folds are pooled, and the mean over the classifiers is taken. The interval is the
    pooled AUC's (`intervals.Cohort`), its variance that of the jackknife over patients.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (K, N).
        folds: (K, N), the fold in which each classifier held a seizure out.
        confidence_level: between 0 and 1.
    """
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    positive = labels == 1
    if not positive.any() or positive.all():
        return None, NO_SCORE
    num_won = np.zeros((len(probabilities), positive.sum(), (~positive).sum()))
    together = folds[:, positive][:, :, None] == folds[:, ~positive][:, None, :]
    for place, row in enumerate(probabilities):
        differences = row[positive][:, None] - row[~positive][None, :]
        num_won[place] = np.heaviside(differences, 0.5) * together[place]

    def score(is_in: FloatArray) -> float:
        """Return the score with each seizure counted so often, (N,)."""
        one, other = is_in[positive], is_in[~positive]
        num_pairs = np.einsum("kpn,p,n->k", together.astype(np.float64), one, other)
        if not num_pairs.all():
            return np.nan
        return float((np.einsum("kpn,p,n->k", num_won, one, other) / num_pairs).mean())

    value = score(np.ones(len(labels)))
    if np.isnan(value):
        return None, NO_FOLD
    if len(names) < 2:
        return value, ONE_PATIENT
    num_with = [len(np.unique(patient[positive == side])) for side in (True, False)]
    if min(num_with) == 1:
        return value, ONE_PATIENT_OF_A_CLASS
    without = np.array([score((patient != one).astype(np.float64)) for one in range(len(names))])
    number = effective_number(value, jackknife_variance(without), float(len(labels)), float(len(names)))
    freedom = min(len(names) - 1.0, two_class_freedom(*num_with))
    return value, Interval(*wilson(value, number, t_quantile(confidence_level, freedom)))
