"""Two classifiers on the same seizures: is one better, or is the difference due to these patients?

Seizures of one patient are alike, so patients, not seizures, are flipped or resampled. Letters used here:
N seizures, K seeds, P patients, R resamples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import mannwhitneyu

from seizures.errors import SeizuresError
from seizures.evaluation.intervals import NO_SCORE, Cohort, difference_interval
from seizures.evaluation.metrics import (
    METRIC_NAMES,
    FloatArray,
    IntArray,
    decide,
    order_of_content,
    weighted_metrics,
)
from seizures.evaluation.predictions import prediction_matrix
from seizures.manifest.identity import SeizureId
from seizures.settings import EvaluationSettings

MAX_PATIENTS_ENUMERATED = 14  # 16384 ways to flip their signs; above, signs are drawn


@dataclasses.dataclass(frozen=True)
class PermutationTest:
    """Two-sided test that the mean difference is 0; `num_flips` ways to flip the signs, all of them if `exact`."""

    difference: float
    p_value: float
    num_patients_that_differ: int
    num_flips: int
    exact: bool


def paired_permutation_test(
    differences: npt.ArrayLike, patient_ids: Sequence[str], *, num_flips: int, rng: np.random.Generator
) -> PermutationTest:
    """Test whether the mean of paired differences is 0, flipping the signs of whole patients.

    If the two classifiers were equally good, swapping them for any one patient would not matter
    (Winkler et al. 2015, NeuroImage 123: whole-block sign flips). A patient whose differences sum to 0 has no
    influence. With few other patients all flips are counted; with many, `num_flips` are drawn and the observed one is
    added, so that p is never 0 (Phipson and Smyth 2010).

    Args:
        differences: (N,) score of the first classifier less that of the second, on the same seizure.
        patient_ids: patient of each seizure, N long.
        num_flips: how many to draw where there are too many to count.
        rng: source of the draws.
    """
    values = np.asarray(differences, dtype=np.float64)
    _, patient_of_seizure = np.unique(np.asarray(patient_ids, dtype=np.str_), return_inverse=True)
    sums = np.bincount(patient_of_seizure, weights=values)
    tolerance = 1e-9 * max(1.0, float(np.abs(sums).sum()))
    blocks = sums[np.abs(sums) > tolerance]
    observed = abs(float(blocks.sum()))
    exact = len(blocks) <= MAX_PATIENTS_ENUMERATED
    if exact:
        num_flips = 2 ** len(blocks)
        signs = 1.0 - 2.0 * (np.arange(num_flips)[:, None] >> np.arange(len(blocks)) & 1)
    else:
        signs = rng.choice([-1.0, 1.0], size=(num_flips, len(blocks)))
    as_far = int((np.abs(signs @ blocks) >= observed - tolerance).sum())
    p_value = as_far / num_flips if exact else (as_far + 1) / (num_flips + 1)
    return PermutationTest(float(values.mean()), p_value, len(blocks), num_flips, exact)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values of a family, adjusted by Holm's step-down method, in their own order (Holm 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def mann_whitney_bonferroni(better: npt.ArrayLike, worse: npt.ArrayLike, num_comparisons: int) -> float:
    """Return the paper's p value, for comparison with it only: one-tailed Mann-Whitney, times `num_comparisons`.

    It treats the values as independent, which seizures of one patient and two classifiers on one seizure are not: use
    `paired_permutation_test` for an answer.

    Args:
        better: (A,) values that are supposed to be greater.
        worse: (B,) values that are supposed to be less.
        num_comparisons: Bonferroni's factor.
    """
    p_value = mannwhitneyu(np.asarray(better), np.asarray(worse), alternative="greater").pvalue
    return float(min(1.0, num_comparisons * p_value))


def compare(
    first: pd.DataFrame, second: pd.DataFrame, settings: EvaluationSettings, *, positive_label: str = "TCS"
) -> dict[str, Any]:
    """Compare two tables of predictions (predictions.csv) of the same seizures, as plain values.

    A metric's difference is that of the means over seeds; its interval is `intervals.difference_interval`. The test is
    of the accuracy (share of seeds in which a seizure is right).

    Returns:
        `num_patients`, `num_seizures`, `metrics` (name to difference, low, high) and `test` (`PermutationTest`).

    Raises:
        SeizuresError: the tables are not of the same seizures, or a label differs.
    """
    (patients, labels, probabilities), (_, _, others) = _paired(first, second, positive_label)
    rng = np.random.default_rng(settings.seed)
    both = [Cohort(patients, labels, values, settings.confidence_level) for values in (probabilities, others)]
    scores = [weighted_metrics(labels, values, np.ones((1, len(labels)))) for values in (probabilities, others)]
    metrics: dict[str, dict[str, float | None]] = {}
    for name in METRIC_NAMES:
        difference = float(scores[0][name].mean() - scores[1][name].mean())
        interval = NO_SCORE if np.isnan(difference) else difference_interval(name, *both)
        known = None if np.isnan(difference) else difference
        metrics[name] = {"difference": known, "low": interval.low, "high": interval.high}
    right = [(decide(values) == (labels == 1)).mean(axis=0) for values in (probabilities, others)]
    test = paired_permutation_test(right[0] - right[1], patients, num_flips=settings.num_bootstraps, rng=rng)
    return {
        "num_patients": len(set(patients)),
        "num_seizures": len(labels),
        "metrics": metrics,
        "test": dataclasses.asdict(test),
    }


_Aligned = tuple[list[str], IntArray, FloatArray]


def _paired(first: pd.DataFrame, second: pd.DataFrame, positive_label: str) -> tuple[_Aligned, _Aligned]:
    """Return patients, labels and probabilities (K, N) of both tables, in the same order of seizures."""
    columns = ["patient_id", "seizure_id", "label"]
    sets = [set(table[columns].itertuples(index=False, name=None)) for table in (first, second)]
    alone = sorted({SeizureId(*row[:2]).name for row in sets[0] ^ sets[1]})
    if alone:
        more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
        raise SeizuresError(
            f"comparison: {', '.join(alone[:5])}{more} not in both tables under the same label; only classifiers of "
            "the same seizures can be compared in pairs"
        )
    one, other = (prediction_matrix(table, positive_label) for table in (first, second))
    patients, labels, probabilities, others = one.patients, one.labels, one.probabilities, other.probabilities
    numbers, order = order_of_content(patients, np.concatenate([labels[None, :], probabilities, others]))
    return (numbers, labels[order], probabilities[:, order]), (numbers, labels[order], others[:, order])
