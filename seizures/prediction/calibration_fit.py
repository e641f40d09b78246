"""The calibration of a classifier, fitted on out-of-fold probabilities, and never judged on whom it was fitted on.

Candidates, the simplest first: none; temperature (Guo et al. 2017), a slope on the logit; Platt (1999), a slope and an
intercept. All are fitted to Platt's own smoothed targets, (n + 1)/(n + 2) in place of 1, so that labels which the
probabilities separate do not drive the slope to infinity, by Newton's method with a line search (Lin et al. 2007). A
slope is never below 0: a correction that turned the order round would be another classifier.

A richer candidate is taken only if it is clearly better on patients that it was not fitted on: its mean log loss must
be lower by more than one standard error over patients. Patients are divided into groups by what was predicted for
them, never by their ids or by the order of the rows, so neither changes any number.

Letters in shapes: N seizures.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seizures.errors import LeakError, TooFewSeizuresError
from seizures.prediction.calibrator import METHODS, Calibration, logit, sigmoid

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NUM_GROUPS = 10
STANDARD_ERRORS = 1.0  # by which a richer candidate must be better
_MOST_STEPS, _HALVINGS, _ENOUGH = 100, 30, 1e-9
_FLATTEST = 0.01  # slope of a temperature: at this, every probability is about a half


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A method of calibration, and how good it was on patients that it was not fitted on.

    Attributes:
        method: `none`, `temperature` or `platt`.
        log_loss: mean over seizures, each corrected without their patient.
        gain: by how much that is below the log loss of the best simpler candidate; None for `none`.
        standard_error: of the gain, over patients; None for `none`.
    """

    method: str
    log_loss: float
    gain: float | None
    standard_error: float | None


def fit_calibration(
    patients: Sequence[str], labels: npt.ArrayLike, probabilities: npt.ArrayLike, num_groups: int = NUM_GROUPS
) -> Calibration:
    """Fit the calibration that is handed over with a classifier: to all patients, the method chosen patient-wise.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (N,) of the positive label, out of fold, the mean over seeds (and dealings).
        num_groups: groups of patients for the choice of the method; fewer where there are fewer patients.

    Returns:
        `none` where `why_not_fitted` says why.

    Raises:
        ValueError: the arguments do not fit one another, or a probability is not between 0 and 1.
        TooFewSeizuresError: there is no seizure.
    """
    seizures = _Seizures.ordered(patients, labels, probabilities)[0]
    return seizures.fit(seizures.choose(num_groups)[0])


def why_not_fitted(patients: Sequence[str], labels: npt.ArrayLike) -> str:
    """Say why no calibration can be fitted to these; empty where one can."""
    truth = np.asarray(labels)
    counts = [len({patient for patient, label in zip(patients, truth, strict=True) if label == of}) for of in (0, 1)]
    if not min(counts):
        return "all seizures have one label"
    return "one label rests on one patient" if min(counts) == 1 else ""


def compare_methods(
    patients: Sequence[str], labels: npt.ArrayLike, probabilities: npt.ArrayLike, num_groups: int = NUM_GROUPS
) -> list[Candidate]:
    """Return what the choice of `fit_calibration` rests on, the simplest first; empty where none can be fitted."""
    return _Seizures.ordered(patients, labels, probabilities)[0].choose(num_groups)[1]


def cross_fit(
    patients: Sequence[str],
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
) -> FloatArray:
    """Return calibrated probabilities, (N,), each by a calibration that was chosen and fitted on other patients.

    What is said of a calibration, how good it is and which seizures to abstain from, must rest on these: those of
    `fit_calibration` were fitted to the very labels that they would be compared with.

    Args:
        patients: patient of each seizure, N long.
        labels: (N,) of 0 and 1.
        probabilities: (N,), as in `fit_calibration`.
        groups: (N,) whole numbers: the seizures of a group are corrected by what was fitted to the other groups;
            None: `patient_groups`.

    Raises:
        LeakError: a patient is in two groups.
        ValueError, TooFewSeizuresError: as `fit_calibration`.
    """
    seizures, order = _Seizures.ordered(patients, labels, probabilities)
    of = seizures.groups(NUM_GROUPS) if groups is None else np.asarray(groups, dtype=np.int64)[order]
    found = np.empty(len(order))
    found[order] = seizures.cross_fit(of)
    return found


def patient_groups(
    patients: Sequence[str], labels: npt.ArrayLike, probabilities: npt.ArrayLike, num_groups: int = NUM_GROUPS
) -> IntArray:
    """Divide patients into groups with about as many seizures of each label; return that of each seizure, (N,).

    There is at least one group, and never more than patients.
    """
    seizures, order = _Seizures.ordered(patients, labels, probabilities)
    found = np.empty(len(order), dtype=np.int64)
    found[order] = seizures.groups(num_groups)
    return found


def calibrate_held_out(
    patients: Sequence[str],
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    fitted_on: npt.NDArray[np.bool_],
    scored: npt.NDArray[np.bool_],
) -> FloatArray:
    """Return the probabilities of `scored`, corrected by the calibration of `fitted_on`; both are masks, (N,).

    Raises:
        LeakError: a patient is in both.
    """
    names = np.asarray(patients, dtype=np.str_)
    if shared := set(names[fitted_on]) & set(names[scored]):
        raise LeakError(
            f"{len(shared)} patient{'' if len(shared) == 1 else 's'} would be judged by a calibration that was fitted "
            "on them too: calibration holds out whole patients"
        )
    truth, values = np.asarray(labels)[fitted_on], np.asarray(probabilities)
    return fit_calibration(list(names[fitted_on]), truth, values[fitted_on]).apply(values[scored])


@dataclasses.dataclass(frozen=True)
class _Seizures:
    """Seizures in an order that follows from their values alone, so that every sum is the same to the last bit."""

    patient: IntArray  # (N,), numbered from 0 by what they hold
    labels: IntArray
    probabilities: FloatArray

    @classmethod
    def ordered(
        cls, patients: Sequence[str], labels: npt.ArrayLike, probabilities: npt.ArrayLike
    ) -> tuple[_Seizures, IntArray]:
        """Return the seizures in their order, and the place of each in what was given."""
        truth, values = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
        if not truth.shape == values.shape == (len(patients),):
            raise ValueError(f"{len(patients)} patients, labels {truth.shape}, probabilities {values.shape}")
        if not len(truth):
            raise TooFewSeizuresError("no seizure: there is nothing to calibrate by")
        if not ((values >= 0) & (values <= 1)).all() or not np.isin(truth, (0, 1)).all():
            raise ValueError("expected labels of 0 and 1, and probabilities between 0 and 1")
        content: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for patient, value, label in zip(patients, values.tolist(), truth.tolist(), strict=True):
            content[patient].append((value, label))
        # Patients with the same content cannot be told apart, and their order changes nothing.
        ranked = sorted(content, key=lambda name: (-len(content[name]), sorted(content[name])))
        number = {name: place for place, name in enumerate(ranked)}
        of = np.array([number[name] for name in patients], dtype=np.int64)
        order = np.lexsort((truth, values, of))
        return cls(of[order], truth[order], values[order]), order

    def part(self, which: npt.NDArray[np.bool_]) -> _Seizures:
        """Return some of the seizures, their patients numbered anew."""
        return _Seizures(
            np.unique(self.patient[which], return_inverse=True)[1], self.labels[which], self.probabilities[which]
        )

    def groups(self, num_groups: int) -> IntArray:
        """Return the group of each seizure: patients with most seizures first, each to where the labels lack most."""
        num_patients = int(self.patient[-1]) + 1
        counts = np.zeros((num_patients, 2), dtype=np.int64)
        np.add.at(counts, (self.patient, self.labels), 1)
        totals = np.maximum(counts.sum(axis=0), 1)
        held = np.zeros((max(min(num_groups, num_patients), 1), 2))
        group_of = np.zeros(num_patients, dtype=np.int64)
        for patient, own in enumerate(counts):
            # What the sum of squared shares grows by; the first of the least, of equals the emptiest.
            cost = np.round((((held + own) / totals) ** 2 - (held / totals) ** 2).sum(axis=1), 12)
            group_of[patient] = np.lexsort((held.sum(axis=1), cost))[0]
            held[group_of[patient]] += own
        found: IntArray = np.unique(group_of, return_inverse=True)[1][self.patient]
        return found

    def fit(self, method: str) -> Calibration:
        """Fit one method to all of these."""
        if method == "none":
            return Calibration()
        logits, targets = logit(self.probabilities), _smoothed(self.labels)
        if method == "temperature":
            slope = _fit(logits[:, None], targets, np.ones(1))[0]
            return Calibration("temperature", float(max(slope, _FLATTEST)))
        slope, intercept = _fit(np.stack([logits, np.ones_like(logits)], axis=1), targets, np.array([1.0, 0.0]))
        if slope <= 0:  # the logarithmic loss is convex, so the best without a slope is the best there is
            return Calibration("platt", 0.0, float(logit(targets.mean())))
        return Calibration("platt", float(slope), float(intercept))

    def choose(self, num_groups: int) -> tuple[str, list[Candidate]]:
        """Return the method whose log loss on held-out patients is clearly the lowest, and that of each."""
        if why_not_fitted([str(one) for one in self.patient], self.labels):
            return "none", []
        group, best, losses = self.groups(num_groups), "none", {}
        candidates = []
        for method in METHODS:
            corrected = np.empty(len(group))
            for held_out in range(int(group.max()) + 1):
                fitted = self.part(group != held_out).fit(method)
                corrected[group == held_out] = fitted.apply(self.probabilities[group == held_out])
            losses[method] = log_losses(self.labels, corrected)
            if method == "none":
                candidates.append(Candidate(method, float(losses[method].mean()), None, None))
                continue
            gains = losses[best] - losses[method]
            gain, error = float(gains.mean()), self._standard_error(gains)
            candidates.append(Candidate(method, float(losses[method].mean()), gain, error))
            if gain > STANDARD_ERRORS * error:
                best = method
        return best, candidates

    def _standard_error(self, values: FloatArray) -> float:
        """Return the standard error over patients of a mean over seizures."""
        of_patient = np.bincount(self.patient, values - values.mean()) / len(values)
        number = len(of_patient)
        return math.sqrt(number / (number - 1) * float((of_patient**2).sum()))

    def cross_fit(self, group: IntArray) -> FloatArray:
        """Return every seizure's probability, corrected by what was chosen and fitted on the other groups."""
        found, names = np.empty(len(group)), [str(one) for one in self.patient]
        for one in np.unique(group):
            others = group != one
            if not others.any():  # a single group: there is nobody to fit to
                return np.array(self.probabilities)
            found[~others] = calibrate_held_out(names, self.labels, self.probabilities, others, ~others)
        return found


def log_losses(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """Return the logarithmic loss of each seizure, (N,): minus the logarithm of what was given to its true label.

    Probabilities are kept a ten millionth away from 0 and 1, so that one certain error does not make it infinite.
    """
    signs = np.where(np.asarray(labels) == 1, 1.0, -1.0)
    losses: FloatArray = np.logaddexp(0.0, -signs * logit(probabilities))
    return losses


def _smoothed(labels: IntArray) -> FloatArray:
    """Return Platt's targets: of n seizures of a label, the next is of that label with (n + 1) / (n + 2)."""
    num_positive = int(labels.sum())
    num_negative = len(labels) - num_positive
    targets: FloatArray = np.where(labels == 1, (num_positive + 1) / (num_positive + 2), 1 / (num_negative + 2))
    return targets


def _fit(columns: FloatArray, targets: FloatArray, start: FloatArray) -> FloatArray:
    """Return the weights of `columns`, (N, W), with the least logarithmic loss of soft targets: Newton, damped."""

    def loss(weights: FloatArray) -> float:
        values = columns @ weights
        return float((np.logaddexp(0.0, values) - targets * values).mean())

    weights: FloatArray = start
    lowest = loss(start)
    for _ in range(_MOST_STEPS):
        chances = sigmoid(columns @ weights)
        gradient = columns.T @ (chances - targets) / len(targets)
        if np.abs(gradient).max() < _ENOUGH:
            break
        curvature = (columns * (chances * (1 - chances))[:, None]).T @ columns / len(targets)
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(weights)), gradient)
        for halving in range(_HALVINGS):
            tried = weights - step / 2**halving
            if (found := loss(tried)) < lowest:
                weights, lowest = tried, found
                break
        else:
            break  # no shorter step is better: as exact as floats are
    return weights
