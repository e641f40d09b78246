from __future__ import annotations

import warnings

import numpy as np
import pytest
from prediction_examples import prediction_cohort
from sklearn.metrics import average_precision_score, roc_auc_score

from seizures.evaluation.metrics import (
    METRIC_NAMES,
    compute_metrics,
    roc_curves,
    weighted_average_precision,
    weighted_metrics,
    weighted_roc_auc,
)


def test_metrics_of_a_confusion_matrix_worked_by_hand():
    # 3 TP, 1 FN, 4 TN, 2 FP.  Ranks: see the pairs below.
    labels = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    probabilities = [0.9, 0.8, 0.6, 0.4, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1]
    metrics = compute_metrics(labels, probabilities)
    assert [metrics[name] for name in ("TP", "TN", "FP", "FN")] == [3, 4, 2, 1]
    assert metrics["accuracy"] == pytest.approx(7 / 10)
    assert metrics["precision"] == pytest.approx(3 / 5)
    assert metrics["recall"] == pytest.approx(3 / 4)
    assert metrics["specificity"] == pytest.approx(4 / 6)
    assert metrics["f1"] == pytest.approx(6 / 9)
    # Won pairs of 24: 0.9 and 0.8 win 6 each, 0.6 wins 5, 0.4 wins 3 and half of the tie at 0.4.
    assert metrics["roc_auc"] == pytest.approx(20.5 / 24)
    # Precision at each TCS: 1/1, 2/2, 3/4, and 4/7 where the tie at 0.4 ends.
    assert metrics["average_precision"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 7) / 4)


OF_BOTH = ("balanced_accuracy", "mcc", "roc_auc", "average_precision")


@pytest.mark.parametrize(
    ("labels", "probabilities", "undefined"),
    [
        ([1, 1], [0.9, 0.2], {"specificity", *OF_BOTH}),
        ([0, 0], [0.1, 0.2], {"f1", "precision", "recall", *OF_BOTH}),
        ([0, 0], [0.9, 0.2], {"f1", "recall", *OF_BOTH}),
        ([0, 1], [0.1, 0.2], {"precision"}),
        ([], [], set(METRIC_NAMES)),
    ],
)
def test_a_metric_that_its_counts_cannot_carry_is_none(labels, probabilities, undefined):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics = compute_metrics(labels, probabilities)
    assert {name for name, value in metrics.items() if value is None} == undefined
    if labels == [0, 1]:
        assert metrics["f1"] == 0
        assert metrics["recall"] == 0


def test_resampled_metrics_are_those_of_the_rows_written_out():
    _, labels, probabilities = prediction_cohort()
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 4, (40, len(labels))).astype(float)
    weights[0] = labels  # TCS only
    weights[1] = 1 - labels  # FOS only
    weights[2] = 0
    weights[2, probabilities[0] < 0.5] = 1  # nothing called TCS by the first seed
    scores = weighted_metrics(labels, probabilities, weights)
    for resample, row in enumerate(weights.astype(int)):
        for seed in range(len(probabilities)):
            expected = compute_metrics(np.repeat(labels, row), np.repeat(probabilities[seed], row))
            for name in METRIC_NAMES:
                value = scores[name][resample, seed]
                assert value == pytest.approx(expected[name]) if expected[name] is not None else np.isnan(value), name
    assert np.isnan(scores["precision"][2, 0])


def test_ranking_scores_agree_with_scikit_learn_under_weights():
    _, labels, probabilities = prediction_cohort(seed=3)
    weights = np.random.default_rng(2).integers(1, 5, (5, len(labels))).astype(float)
    auc = weighted_roc_auc(labels, probabilities[0], weights)
    precision = weighted_average_precision(labels, probabilities[0], weights)
    for place, row in enumerate(weights):
        assert auc[place] == pytest.approx(roc_auc_score(labels, probabilities[0], sample_weight=row))
        assert precision[place] == pytest.approx(average_precision_score(labels, probabilities[0], sample_weight=row))


def test_area_under_the_drawn_curve_is_the_auc():
    _, labels, probabilities = prediction_cohort(seed=4)
    grid = np.linspace(0, 1, 20001)
    curve = roc_curves(labels, probabilities[0], np.ones((1, len(labels))), grid)[0]
    area = float(((curve[1:] + curve[:-1]) / 2 * np.diff(grid)).sum())
    assert area == pytest.approx(roc_auc_score(labels, probabilities[0]), abs=1e-3)
