"""Coverage of the 95 % intervals on simulated cohorts: `python -m benchmarks.bench_coverage [--seeds 3]`.

Seizures are clustered in patients: 1 to 16 a patient, skewed; 3 % of patients have only seizures of the negative
class, 47 % only of the positive, 50 % both; each patient and each seizure has a random effect on the logit. The true
value is that of a cohort of 150,000 patients. An interval without width, or none, is a miss. The second classifier of a
difference shares 60 % of both effects' variance, and has three quarters of the signal.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from seizures.evaluation.calibration_slope import best_slope, calibration_line
from seizures.evaluation.intervals import ONE_PATIENT_OF_A_CLASS, Cohort, Interval, difference_interval
from seizures.evaluation.metrics import METRIC_NAMES, FloatArray, IntArray, decide, weighted_metrics
from seizures.evaluation.per_patient import accuracy_per_patient
from seizures.evaluation.predictive_values import Share, likelihood_ratios
from seizures.evaluation.within_folds import auc_within_folds

LEVEL = 0.95
NUM_PATIENTS = (8, 15, 30, 68)
# By the true accuracy: the mean logit, and the standard deviations over patients and over seizures.
EFFECTS = {0.85: (1.6, 1.1, 1.1), 0.95: (2.4, 1.1, 1.0), 0.99: (3.3, 1.1, 0.9)}
SECOND_SIGNAL, SHARED, SEED_SD = 0.75, 0.6, 0.6
POPULATION = 150_000
RATIOS = ("positive likelihood ratio", "negative likelihood ratio")
SCORES = (
    *METRIC_NAMES,
    "brier",
    "calibration slope",
    "difference of accuracy",
    "difference of roc_auc",
    *RATIOS,
    "accuracy per patient",
    "roc_auc within folds",
)
NUM_FOLDS = 5


class Simulated(NamedTuple):
    """Patients (N,), labels (N,) and probabilities (K, N) of two classifiers."""

    patients: IntArray
    labels: IntArray
    first: FloatArray
    second: FloatArray


def simulate(num_patients: int, accuracy: float, num_seeds: int, rng: np.random.Generator) -> Simulated:
    """Draw a cohort."""
    signal, patient_sd, seizure_sd = EFFECTS[accuracy]
    sizes = rng.geometric(0.42, num_patients) + (rng.random(num_patients) < 0.12) * rng.integers(2, 11, num_patients)
    patients = np.repeat(np.arange(num_patients), np.clip(sizes, 1, 16))
    kinds = rng.choice(3, num_patients, p=[0.03, 0.47, 0.5])[patients]
    number = len(patients)
    labels = np.where(kinds == 0, 0, np.where(kinds == 1, 1, rng.random(number) < 0.35)).astype(np.int64)
    common = rng.normal(size=(2, number))
    own = rng.normal(size=(2, 2, number))
    effects = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own  # (classifier, patient or seizure, number)
    probabilities = []
    for which, strength in enumerate((1.0, SECOND_SIGNAL)):
        logits = np.where(labels == 1, 1.0, -1.0) * signal * strength
        logits = logits + patient_sd * effects[which, 0][patients] + seizure_sd * effects[which, 1]
        noise = SEED_SD * rng.normal(size=(num_seeds, number)) if num_seeds > 1 else np.zeros((1, number))
        probabilities.append(1 / (1 + np.exp(-(logits + noise))))
    return Simulated(patients, labels, *probabilities)


def scores_of(cohort: Simulated) -> dict[str, float]:
    """Return every score, a mean over the seeds; NaN where it does not exist."""
    weights = np.ones((1, len(cohort.labels)))
    first, second = (
        {name: float(values.mean()) for name, values in weighted_metrics(cohort.labels, one, weights).items()}
        for one in (cohort.first, cohort.second)
    )
    first["brier"] = float(((cohort.first - cohort.labels) ** 2).mean())
    slope = best_slope(cohort.labels, cohort.first.mean(axis=0)) if 0 < cohort.labels.mean() < 1 else None
    first["calibration slope"] = math.nan if slope is None else slope
    ratios = (first["recall"], 1 - first["specificity"]), (1 - first["recall"], first["specificity"])
    first |= {name: one / other if other else math.inf for name, (one, other) in zip(RATIOS, ratios, strict=True)}
    right = (decide(cohort.first) == (cohort.labels == 1)).mean(axis=0)
    first["accuracy per patient"] = float((np.bincount(cohort.patients, right) / np.bincount(cohort.patients)).mean())
    differences = {f"difference of {name}": first[name] - second[name] for name in ("accuracy", "roc_auc")}
    return first | differences


def large_population(accuracy: float, num_seeds: int) -> dict[str, float]:
    """Return the true scores, by cohorts of a thousand patients each: pairs of seizures are too many for one."""
    rng, parts = np.random.default_rng(20210927), []
    for _ in range(POPULATION // 3000):
        parts.append(scores_of(simulate(3000, accuracy, num_seeds, rng)))
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


def truth_within_folds(num_patients: int, accuracy: float, num_seeds: int) -> float:
    """Return the true ROC AUC within folds, in which more pairs are of one patient than among all."""
    rng, won, pairs = np.random.default_rng(20210927), 0.0, 0.0
    for _ in range(POPULATION // 30):
        cohort = simulate(max(round(num_patients / NUM_FOLDS), 1) * 30, accuracy, num_seeds, rng)
        folds = cohort.patients % 30
        positive = cohort.labels == 1
        together = folds[positive][:, None] == folds[~positive][None, :]
        for row in cohort.first:
            won += float(((row[positive][:, None] > row[~positive][None, :]) & together).sum())
            pairs += float(together.sum())
        if pairs > 30 * POPULATION:
            break
    return won / pairs


def intervals_of(cohort: Simulated) -> Iterator[tuple[str, Interval]]:
    """Yield the interval of every score."""
    patients = [f"{one:06d}" for one in cohort.patients]
    first, second = (
        Cohort(patients, cohort.labels, probabilities, LEVEL) for probabilities in (cohort.first, cohort.second)
    )
    for name in METRIC_NAMES:
        yield name, first.interval(name)
    yield "brier", first.brier()
    line = calibration_line(patients, cohort.labels, cohort.first.mean(axis=0), LEVEL)
    if line.has_interval:
        yield "calibration slope", Interval(line.low or 0.0, math.inf if line.high is None else line.high)
    elif line.intercept is not None:  # both labels are there
        yield "calibration slope", Interval(None, None, "no slope that was tried fits")
    for name in ("accuracy", "roc_auc"):
        yield f"difference of {name}", difference_interval(name, first, second)
    yield from _ratio_intervals(first)
    right = (decide(cohort.first) == (cohort.labels == 1)).mean(axis=0)
    found = accuracy_per_patient(patients, right, LEVEL)
    yield "accuracy per patient", Interval(found["low"], found["high"])
    folds = np.broadcast_to(cohort.patients % NUM_FOLDS, cohort.first.shape)
    value, within = auc_within_folds(patients, cohort.labels, cohort.first, folds, LEVEL)
    if value is not None:
        yield "roc_auc within folds", within


def _ratio_intervals(cohort: Cohort) -> Iterator[tuple[str, Interval]]:
    """Yield the intervals of the likelihood ratios, whose ends may be infinite; predictive values follow from them."""
    scores = weighted_metrics(cohort.labels, cohort.probabilities, np.ones((1, len(cohort.labels))))
    shares = []
    for name in ("recall", "specificity"):
        found = cohort.interval(name)
        if found.low is None or found.high is None:
            return
        shares.append(Share(float(scores[name].mean()), found.low, found.high))
    for name, ratio in zip(RATIOS, likelihood_ratios(shares[0], shares[1]).values(), strict=True):
        yield name, Interval(ratio.low, ratio.high)


class Cell(NamedTuple):
    """The share of intervals that hold the truth, their mean width, and of how many cohorts."""

    coverage: float
    width: float
    num_cohorts: int


def cover(
    num_patients: int, accuracy: float, *, num_cohorts: int, num_seeds: int, truth: dict[str, float], draw: int = 0
) -> dict[str, Cell]:
    """Return a cell of every score. A score that does not exist, or rests on one patient of a class, is not counted."""
    rng = np.random.default_rng([num_patients, int(100 * accuracy), num_seeds, draw])
    hits: dict[str, list[bool]] = {name: [] for name in SCORES}
    widths: dict[str, list[float]] = {name: [] for name in SCORES}
    for _ in range(num_cohorts):
        cohort = simulate(num_patients, accuracy, num_seeds, rng)
        exists = scores_of(cohort)
        for name, found in intervals_of(cohort):
            # The slope has an interval without a best slope; what is within folds does not come where it has no value.
            has_no_score = name in exists and np.isnan(exists[name]) and name != "calibration slope"
            if has_no_score or found == ONE_PATIENT_OF_A_CLASS:
                continue
            if found.low is None or found.high is None:
                hits[name].append(False)
                continue
            hits[name].append(bool(found.low <= truth[name] <= found.high and found.low < found.high))
            widths[name].append(found.high - found.low)
    unbounded = ("calibration slope", *RATIOS)  # many have no upper end
    middle = {name: np.median if name in unbounded else np.mean for name in SCORES}
    return {
        name: Cell(float(np.mean(hits[name])), float(middle[name](widths[name])), len(hits[name])) for name in SCORES
    }


def main() -> int:
    """Print the table; fail where an interval covers too little."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1, help="training seeds whose scores are averaged")
    parser.add_argument("--draw", type=int, default=0, help="another number draws other cohorts")
    wanted = parser.parse_args()
    with np.errstate(invalid="ignore", divide="ignore"):
        cells = {}
        for accuracy in EFFECTS:
            truth = large_population(accuracy, wanted.seeds)
            for number in NUM_PATIENTS:
                how = {"num_cohorts": wanted.cohorts, "num_seeds": wanted.seeds, "draw": wanted.draw}
                truth["roc_auc within folds"] = truth_within_folds(number, accuracy, wanted.seeds)
                cells[accuracy, number] = cover(number, accuracy, truth=truth, **how)
    patients = "/".join(map(str, NUM_PATIENTS))
    print(f"| coverage for {patients} patients | {' | '.join(map(str, EFFECTS))} | width at 0.95 | lowest |")
    print("|---" * (len(EFFECTS) + 3) + "|")
    lowest = 1.0
    for name in SCORES:
        rows = [
            "/".join(f"{cells[accuracy, number][name].coverage:.3f}" for number in NUM_PATIENTS) for accuracy in EFFECTS
        ]
        width = "/".join(f"{cells[0.95, number][name].width:.3f}" for number in NUM_PATIENTS)
        worst = min(cell[name].coverage for cell in cells.values())
        lowest = min(lowest, worst)
        print(f"| {name} | {' | '.join(rows)} | {width} | {worst:.3f} |")
    return 0 if lowest >= 0.92 else 1


if __name__ == "__main__":
    sys.exit(main())
