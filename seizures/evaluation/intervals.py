"""Confidence intervals of scores when the seizures of a patient are alike, also near a perfect score.

Resampling patients fails there: a cohort holds few errors or none, every resample looks alike, and the interval
shrinks to nothing. So each score is taken for a proportion of an effective number of seizures (Korn and Graubard
1998), whose interval is Wilson's (1927): as many independent seizures as would vary as the score varies between
patients, and never more than the seizures that there are. docs/statistics.md has the table of formulas and what the
simulation `benchmarks/bench_coverage.py` found of them.

Letters used here: N seizures, K seeds, G patients. Label 1 is the positive class. Scores are means over the seeds, and
so are influences, and the scores without a patient; a variance is never divided by the number of seeds.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from seizures.evaluation.metrics import FloatArray, IntArray, decide, weighted_metrics

_NOTHING = 1e-12
_NO_VARIANCE = 1e-14
_BRIER_PATIENTS = 8  # by how many patients its variance is drawn towards that of all-or-none errors
_RANKING = ("roc_auc", "average_precision")
_OF_BOTH_CLASSES = ("balanced_accuracy", "mcc", *_RANKING)


@dataclasses.dataclass(frozen=True)
class Interval:
    """The ends of the interval of one score; both None where there is none, and why."""

    low: float | None
    high: float | None
    why_none: str = ""


@dataclasses.dataclass(frozen=True)
class Carriers:
    """What one score rests on: specificity on the seizures of the negative class, and on their patients."""

    num_patients: int
    num_seizures: float  # a mean over the seeds, which may differ in what they predict


NO_SCORE = Interval(None, None, "the score does not exist for these counts")
ONE_PATIENT = Interval(None, None, "all seizures are of one patient")
ONE_PATIENT_OF_A_CLASS = Interval(None, None, "one class rests on one patient")


class Cohort:
    """Seizures, their patients, and what a classifier says of them, from which every interval is made.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (K, N), by each seed.
        confidence_level: between 0 and 1.

    """

    def __init__(
        self, patients: Sequence[str], labels: IntArray, probabilities: FloatArray, confidence_level: float
    ) -> None:
        names, self.patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
        self.num_patients = len(names)
        self.labels, self.probabilities, self.level = labels, probabilities, confidence_level
        self._positive = labels == 1
        self._called = decide(probabilities)

    def interval(self, name: str) -> Interval:
        """Return the interval of one of `METRIC_NAMES`."""
        if self.num_patients < 2:
            return ONE_PATIENT
        if name in _OF_BOTH_CLASSES:
            return self._of_both_classes(name)
        if name == "f1":
            found = self._of_proportion("jaccard")
            if found.low is None or found.high is None:
                return found
            return Interval(2 * found.low / (1 + found.low), 2 * found.high / (1 + found.high))
        return self._of_proportion(name)

    def brier(self) -> Interval:
        """Return the interval of the Brier score."""
        if self.num_patients < 2:
            return ONE_PATIENT
        squares = ((self.probabilities - self.labels) ** 2).mean(axis=0)
        without = np.array([squares[self.patient != one].mean() for one in range(self.num_patients)])
        score, variance = float(squares.mean()), jackknife_variance(without)
        all_or_none = _BRIER_PATIENTS * score * (1 - score) / len(squares)
        variance = (self.num_patients * variance + all_or_none) / (self.num_patients + _BRIER_PATIENTS)
        number = effective_number(score, variance, math.inf, self.num_patients)
        return Interval(*wilson(score, number, self._t(self.num_patients - 1)))

    def carriers(self, name: str) -> Carriers:
        """Return the patients and seizures on which one of `METRIC_NAMES` rests."""
        weights, _ = self._parts("jaccard" if name == "f1" else name)
        whole = weights.mean(axis=0)
        return Carriers(self.num_patients_with(whole > 0), float(whole.sum()))

    def differences_without(self, name: str, other: Cohort) -> FloatArray:
        """Return by how much this classifier's score is above another's, (G,), with each patient left out."""
        return self._without(name) - other._without(name)

    def _parts(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Return which seizures a proportion counts, and which of these it counts as right; both (K, N)."""
        positive, called = np.broadcast_to(self._positive, self._called.shape), self._called
        right = called == positive
        counted = {
            "accuracy": np.ones_like(positive),
            "recall": positive,
            "specificity": ~positive,
            "precision": called,
            "jaccard": positive | called,
            **dict.fromkeys(_OF_BOTH_CLASSES, np.ones_like(positive)),
        }[name]
        return counted.astype(np.float64), (counted & right).astype(np.float64)

    def _of_proportion(self, name: str) -> Interval:
        counted, right = self._parts(name)
        total = counted.sum(axis=1, keepdims=True)
        if not total.all():
            return NO_SCORE
        shares = right.sum(axis=1, keepdims=True) / total
        influences = ((right - counted * shares) / total).mean(axis=0)
        by_patient = np.bincount(self.patient, weights=influences)
        share, carriers = float(shares.mean()), self.carriers(name)
        num_patients = carriers.num_patients
        return share_interval(
            share,
            num_patients / max(num_patients - 1, 1) * float((by_patient**2).sum()),
            carriers,
            num_with_error=self.num_patients_with(np.any(counted > right, axis=0)),
            confidence_level=self.level,
        )

    def _of_both_classes(self, name: str) -> Interval:
        positive, negative = (self.num_patients_with(self._positive == side) for side in (True, False))
        if not positive or not negative:
            return NO_SCORE
        if min(positive, negative) == 1:
            return ONE_PATIENT_OF_A_CLASS
        score = float(self._scores(name, np.ones((1, len(self.labels))))[0])
        variance = jackknife_variance(self._without(name))
        if name == "mcc":  # from -1 to 1, taken for a share
            score, variance = (score + 1) / 2, variance / 4
        cap, zero = float(len(self.labels)), float(self.num_patients)
        if name not in _RANKING:
            cap, zero = _balanced(self._positive.sum(), (~self._positive).sum()), _balanced(positive, negative)
        freedom = float(self.num_patients - 1)
        if name == "roc_auc":
            freedom = min(freedom, two_class_freedom(positive, negative))
        low, high = wilson(score, effective_number(score, variance, cap, zero), self._t(freedom))
        return Interval(2 * low - 1, 2 * high - 1) if name == "mcc" else Interval(low, high)

    def _without(self, name: str) -> FloatArray:
        return self._scores(name, (self.patient[None, :] != np.arange(self.num_patients)[:, None]).astype(np.float64))

    def _scores(self, name: str, weights: FloatArray) -> FloatArray:
        scores: FloatArray = weighted_metrics(self.labels, self.probabilities, weights)[name].mean(axis=1)
        return scores

    def num_patients_with(self, which: npt.NDArray[np.bool_]) -> int:
        """Count the patients of some seizures, (N,)."""
        return len(np.unique(self.patient[which]))

    def _t(self, freedom: float) -> float:
        return t_quantile(self.level, freedom)


def mean_difference_interval(patients: Sequence[str], differences: FloatArray, confidence_level: float) -> Interval:
    """Return the interval of the mean of paired differences of shares, (N,) from -1 to 1.

    Two patients of one seizure are added, one won by each side (Agresti and Min 2005).
    """
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    if (number := len(names)) < 2:
        return ONE_PATIENT
    won = np.append(np.bincount(patient, weights=differences), (1.0, -1.0))
    size = np.append(np.bincount(patient), (1.0, 1.0))
    centre = float(won.sum() / size.sum())
    variance = (number + 2) / (number + 1) * ((won - centre * size) ** 2).sum() / size.sum() ** 2
    return _cut(centre, t_quantile(confidence_level, number - 1) * math.sqrt(variance))


def difference_interval(name: str, first: Cohort, second: Cohort) -> Interval:
    """Return the interval of the difference of one score between two classifiers of the same seizures.

    Of accuracies it is `mean_difference_interval`. Of other scores the variance is never less than that of one
    misplaced seizure of the smaller class.
    """
    if first.num_patients < 2:
        return ONE_PATIENT
    if name == "accuracy":
        right = [(one._called == one._positive).mean(axis=0) for one in (first, second)]
        return mean_difference_interval([str(one) for one in first.patient], right[0] - right[1], first.level)
    score = [one._scores(name, np.ones((1, len(one.labels))))[0] for one in (first, second)]
    if not all(map(math.isfinite, score)):
        return NO_SCORE
    classes = [first.num_patients_with(first._positive == side) for side in (True, False)]
    if name in _OF_BOTH_CLASSES and min(classes) == 1:
        return ONE_PATIENT_OF_A_CLASS
    width = 2 if name == "mcc" else 1  # of the range of the score
    smaller = min(int(first._positive.sum()), int((~first._positive).sum()))
    least = (width / (2 * (smaller + 1))) ** 2
    variance = jackknife_variance(first.differences_without(name, second)) + least
    t = t_quantile(first.level, first.num_patients - 1)
    return _cut(float(score[0] - score[1]), t * math.sqrt(variance), width)


def mean_interval(patients: Sequence[str], parts: Sequence[FloatArray], confidence_level: float) -> Interval:
    """Return the interval of the mean of the means of shares, each part (N,) from 0 to 1, or NaN where there is none.

    One part is a plain mean over seizures; two may be the shares before and after a moment. It is taken for a
    proportion of at most as many seizures as there are.
    """
    names, patient = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    if len(names) < 2:
        return ONE_PATIENT
    means = [float(np.nanmean(part)) if not np.isnan(part).all() else math.nan for part in parts]
    if any(map(math.isnan, means)):
        return NO_SCORE
    influences = [np.nan_to_num(part - mean) / (~np.isnan(part)).sum() for part, mean in zip(parts, means, strict=True)]
    by_patient = np.bincount(patient, weights=np.mean(influences, axis=0))
    mean, number = float(np.mean(means)), len(names)
    variance = number / (number - 1) * float((by_patient**2).sum())
    effective = effective_number(mean, variance, len(patient), number)
    return Interval(*wilson(mean, effective, t_quantile(confidence_level, number - 1)))


def share_interval(
    share: float, variance: float, carriers: Carriers, *, num_with_error: int, confidence_level: float
) -> Interval:
    """Return the interval of a share that varies between patients.

    Args:
        share: from 0 to 1.
        variance: of the share, from how it varies between patients.
        carriers: the patients and the seizures that it rests on; it is taken for at most as many as there are seizures.
        num_with_error: patients with a seizure that is not right.
        confidence_level: between 0 and 1.
    """
    num_patients, num_seizures = carriers.num_patients, carriers.num_seizures
    each = num_seizures / num_patients  # the design effect while no error is seen; at least 1 with many errors
    cap = num_seizures / (1 + (each - 1) / (1 + num_with_error))
    t = t_quantile(confidence_level, num_patients - 1)
    low, high = wilson(share, effective_number(share, variance, cap, num_patients), t)
    # One error never gives a better end than none.
    return Interval(min(low, num_patients / (num_patients + t * t)), max(high, t * t / (num_patients + t * t)))


def wilson(share: float, number: float, t: float) -> tuple[float, float]:
    """Return Wilson's interval (1927) of a share of `number` independent seizures, for the quantile `t`."""
    centre = (share + t * t / (2 * number)) / (1 + t * t / number)
    spread = max(share * (1 - share), 0.0) / number + t * t / (4 * number * number)
    half = t / (1 + t * t / number) * math.sqrt(spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_number(share: float, variance: float, cap: float, where_nothing_varies: float) -> float:
    """Return how many independent seizures would vary as much; at most `cap`."""
    if not variance > _NO_VARIANCE or not _NOTHING < share < 1 - _NOTHING:
        return where_nothing_varies
    return min(share * (1 - share) / variance, cap)


def jackknife_variance(without: FloatArray) -> float:
    """Return the variance of a score from its values with each patient left out, (G,); NaN where it does not exist."""
    known = without[~np.isnan(without)]
    if len(known) < 2:
        return math.nan
    return float((len(known) - 1) / len(known) * ((known - known.mean()) ** 2).sum())


def two_class_freedom(num_positive: int, num_negative: int) -> float:
    """Return Satterthwaite's degrees of freedom (1946) for two classes; about G0 - 1 where the second is rare."""
    if min(num_positive, num_negative) < 2:
        return 1.0
    parts = [1 / (number**2 * (number - 1)) for number in (num_positive, num_negative)]
    return max(1.0, (1 / num_positive + 1 / num_negative) ** 2 / sum(parts))


@functools.lru_cache(maxsize=4096)
def t_quantile(confidence_level: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t, of at least one degree of freedom."""
    return float(student.ppf((1 + confidence_level) / 2, max(freedom, 1.0)))


def _cut(difference: float, half: float, most: float = 1.0) -> Interval:
    return Interval(max(-most, difference - half), min(most, difference + half))


def _balanced(one: float, other: float) -> float:
    """Return how many seizures or patients, half of each class, would tell as much as these: 4 a b / (a + b)."""
    return float(4 * one * other / (one + other))
