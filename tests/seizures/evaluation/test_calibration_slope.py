"""The line of calibration: scikit-learn's where it exists, and an interval also where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from benchmarks.bench_coverage import simulate
from seizures.evaluation.calibration_slope import NO_LINE, SLOPES, CalibrationLine, best_slope, calibration_line
from seizures.report.score_text import line_words


def of(labels: list[int], probabilities: list[float], patients: str = "") -> CalibrationLine:
    names = list(patients or "ABCDEFGHIJKL"[: len(labels)])
    return calibration_line(names, np.array(labels), np.array(probabilities), 0.95)


@pytest.mark.parametrize("seed", range(4))
def test_the_slope_is_scikit_learns(seed: int) -> None:
    cohort = simulate(40, 0.85, 1, np.random.default_rng(seed))
    probabilities = cohort.first[0]
    peer = LogisticRegression(C=1e9, tol=1e-9).fit(logit(probabilities)[:, None], cohort.labels)
    assert best_slope(cohort.labels, probabilities) == pytest.approx(peer.coef_[0, 0], rel=1e-3)
    found = calibration_line(cohort.patients.astype(str).tolist(), cohort.labels, probabilities, 0.95)
    assert found.intercept is not None
    assert expit(logit(probabilities) + found.intercept).sum() == pytest.approx(cohort.labels.sum())
    assert found.low is not None
    assert found.slope is not None
    assert found.low < found.slope < (found.high or np.inf)


def test_an_end_is_the_first_slope_that_the_score_test_rejects() -> None:
    """Its two variances written out, at the ends and one step within."""
    cohort = simulate(40, 0.85, 1, np.random.default_rng(3))
    labels, logits = cohort.labels, logit(cohort.first[0])
    found = calibration_line(cohort.patients.astype(str).tolist(), labels, cohort.first[0], 0.95)

    def is_kept(slope: float) -> bool:
        intercept = brentq(lambda value: (labels - expit(value + slope * logits)).sum(), -300, 300, xtol=1e-12)
        fitted = expit(intercept + slope * logits)
        mean = np.average(logits, weights=fitted * (1 - fitted))
        parts = (labels - fitted) * (logits - mean)
        sums = np.array([parts[cohort.patients == one].sum() for one in range(40)])
        between = 40 / 39 * ((sums - sums.mean()) ** 2).sum()
        model = (fitted * (1 - fitted) * (logits - mean) ** 2).sum()
        return bool(abs(sums.sum()) <= 1.959964 * np.sqrt(max(between, model)))

    step = SLOPES[1] / SLOPES[0]
    assert found.low is not None
    assert not is_kept(found.low)
    assert is_kept(found.low * step)
    assert found.high is not None
    assert not is_kept(found.high)
    assert is_kept(found.high / step)


def test_labels_that_are_separated_have_an_interval_and_no_slope() -> None:
    found = of([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    assert found.slope is None
    assert found.high is None
    assert found.has_interval
    assert found.intercept == pytest.approx(0, abs=1e-9)
    assert "none fits best" in line_words(found, 0.95)
    assert "and above, without an upper limit" in line_words(found, 0.95)


def test_what_cannot_be_known_is_none() -> None:
    assert of([1, 1], [0.5, 0.9]) == NO_LINE
    assert of([0, 0], [0.0, 1.0]) == NO_LINE
    assert line_words(NO_LINE, 0.95) == ""
    of_one = of([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], "AAAA")
    assert of_one.slope is not None
    assert not of_one.has_interval
    assert "(no interval)" in line_words(of_one, 0.95)
    same = of([0, 1, 0, 1], [0.5] * 4)
    assert (same.slope, same.low, same.high, same.has_interval) == (None, None, None, True)
    assert "interval without limits" in line_words(same, 0.95)
    sure = of([0, 1, 0, 1], [0.0, 1.0, 1.0, 0.0])
    assert sure.slope == pytest.approx(0, abs=1e-6)


def test_words_say_both_ends() -> None:
    line = CalibrationLine(0.8, 0.5, 1.25, -0.1, has_interval=True)
    assert line_words(line, 0.9).startswith("Calibration slope: 0.80 (90 % interval 0.50 to 1.25); 1 is perfect")
    assert "Intercept: -0.10; 0 is perfect" in line_words(line, 0.9)
    assert "interval up to 1.25" in line_words(line._replace(low=None), 0.9)
