"""Two classifiers on the same seizures: is one better, or is the difference due to these patients?

Seizures of one patient are alike, so patients, not seizures, are flipped or resampled. Letters used here:
N seizures, K seeds, P patients, R resamples.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
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

MAX_PATIENTS_ENUMERATED = 14  # 16384 ways to flip their signs; above, signs are drawn unless as many may be
FLIPS_AT_THE_THRESHOLD = 10  # how many drawn flips reach a difference whose p is alpha / family
_SIGNS_AT_ONCE = 1 << 18  # flips times patients; 2 MB


@dataclasses.dataclass(frozen=True)
class PermutationTest:
    """Two-sided test that the mean difference is 0; `num_flips` ways to flip the signs, all of them if `exact`.

    `smallest_p_value` is the least that any differences of as many patients could have had.
    """

    difference: float
    p_value: float
    num_patients_that_differ: int
    num_flips: int
    exact: bool
    smallest_p_value: float


def significance_level(confidence_level: float) -> float:
    """Return alpha, to which p values are compared: 1 less the level of the intervals, without its rounding error."""
    return round(1 - confidence_level, 12)


def num_flips_for(num_comparisons: int, settings: EvaluationSettings) -> int:
    """Return how many flips each test of a family draws, so that p can fall below alpha / family.

    The least p of D drawn flips is 1 / (D + 1) (Phipson and Smyth 2010). D is ten times family / alpha, so that a
    difference at the threshold is reached by about ten flips and p is known there to a third; `num_bootstraps` if that
    is more.

    Args:
        num_comparisons: of the family over which Holm's method corrects.
        settings: alpha is 1 less their confidence level.
    """
    needed = FLIPS_AT_THE_THRESHOLD * max(1, num_comparisons) / significance_level(settings.confidence_level)
    return max(settings.num_bootstraps, math.ceil(needed))


def paired_permutation_test(
    differences: npt.ArrayLike, patient_ids: Sequence[str], *, num_flips: int, rng: np.random.Generator
) -> PermutationTest:
    """Test whether the mean of paired differences is 0, flipping the signs of whole patients.

    If the two classifiers were equally good, swapping them for any one patient would not matter
    (Winkler et al. 2015, NeuroImage 123: whole-block sign flips). A patient whose differences sum to 0 has no
    influence. With few other patients (14, or such that there are no more than `num_flips` ways) all flips are counted;
    with many, `num_flips` are drawn and the observed one is added, so that p is never 0 (Phipson and Smyth 2010).
    Memory does not grow with the flips.

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
    exact = len(blocks) <= MAX_PATIENTS_ENUMERATED or 2 ** len(blocks) <= num_flips
    if exact:
        num_flips = 2 ** len(blocks)
    flips = _all_flips(len(blocks)) if exact else _drawn_flips(len(blocks), num_flips, rng)
    total, turned = blocks.sum(), 2 * blocks  # a flip takes a patient's sum away twice
    as_far = sum(int((np.abs(total - some @ turned) >= observed - tolerance).sum()) for some in flips)
    p_value = as_far / num_flips if exact else (as_far + 1) / (num_flips + 1)
    smallest = min(1.0, 2 / num_flips) if exact else 1 / (num_flips + 1)
    return PermutationTest(float(values.mean()), p_value, len(blocks), num_flips, exact, smallest)


def _all_flips(num_patients: int) -> Iterator[FloatArray]:
    """Yield every choice of patients to flip, some at a time, each float64 (flips, patients) of 1 (flipped) and 0."""
    step = _flips_at_once(num_patients)
    for start in range(0, 2**num_patients, step):
        numbers = np.arange(start, min(start + step, 2**num_patients))
        yield (numbers[:, None] >> np.arange(num_patients) & 1).astype(np.float64)


def _drawn_flips(num_patients: int, num_flips: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Yield drawn choices of patients to flip, as `_all_flips` does."""
    step = _flips_at_once(num_patients)
    for start in range(0, num_flips, step):
        shape = (min(step, num_flips - start), num_patients)
        yield rng.integers(0, 2, size=shape, dtype=np.uint8).astype(np.float64)


def _flips_at_once(num_patients: int) -> int:
    return max(1, _SIGNS_AT_ONCE // max(1, num_patients))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values of a family, adjusted by Holm's step-down method, in their own order (Holm 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def mann_whitney_bonferroni(better: npt.ArrayLike, worse: npt.ArrayLike, num_experiments: int) -> float:
    """Return the paper's p value, for comparison with it only: one-tailed Mann-Whitney, times e (e - 1).

    The paper compares each of e experiments with each other in both directions, and so calls a p significant below
    alpha / (e (e - 1)) (section 3). It treats the values as independent, which seizures of one patient and two
    classifiers on one seizure are not: use `paired_permutation_test` for an answer.

    Args:
        better: (A,) values that are supposed to be greater.
        worse: (B,) values that are supposed to be less.
        num_experiments: e, of the set that is compared, at least 2.
    """
    if num_experiments < 2:
        raise ValueError(f"num_experiments = {num_experiments}: expected at least 2")
    p_value = mannwhitneyu(np.asarray(better), np.asarray(worse), alternative="greater").pvalue
    return float(min(1.0, num_experiments * (num_experiments - 1) * p_value))


def compare(
    first: pd.DataFrame,
    second: pd.DataFrame,
    settings: EvaluationSettings,
    *,
    positive_label: str = "TCS",
    num_comparisons: int = 1,
    metrics: Sequence[str] = METRIC_NAMES,
) -> dict[str, Any]:
    """Compare two tables of predictions (predictions.csv) of the same seizures, as plain values.

    A metric's difference is that of the means over seeds; its interval is `intervals.difference_interval`. The test is
    of the accuracy (share of seeds in which a seizure is right); it draws as many flips as a family of
    `num_comparisons` needs. `metrics` says of which scores: their intervals take most of the time.

    Returns:
        `num_patients`, `num_seizures`, `metrics` (name to difference, low, high) and `test` (`PermutationTest`).

    Raises:
        SeizuresError: the tables are not of the same seizures, or a label differs.
    """
    (patients, labels, probabilities), (_, _, others) = _paired(first, second, positive_label)
    rng = np.random.default_rng(settings.seed)
    both = [Cohort(patients, labels, values, settings.confidence_level) for values in (probabilities, others)]
    scores = [weighted_metrics(labels, values, np.ones((1, len(labels)))) for values in (probabilities, others)]
    differences: dict[str, dict[str, float | None]] = {}
    for name in metrics:
        difference = float(scores[0][name].mean() - scores[1][name].mean())
        interval = NO_SCORE if np.isnan(difference) else difference_interval(name, *both)
        known = None if np.isnan(difference) else difference
        differences[name] = {"difference": known, "low": interval.low, "high": interval.high}
    right = [(decide(values) == (labels == 1)).mean(axis=0) for values in (probabilities, others)]
    num_flips = num_flips_for(num_comparisons, settings)
    test = paired_permutation_test(right[0] - right[1], patients, num_flips=num_flips, rng=rng)
    return {
        "num_patients": len(set(patients)),
        "num_seizures": len(labels),
        "metrics": differences,
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
