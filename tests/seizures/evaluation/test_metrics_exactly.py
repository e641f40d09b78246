"""Curves and comparisons against a plain loop and scikit-learn, at their edges, and the words of refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_curve

from seizures.errors import SeizuresError
from seizures.evaluation.comparison import MAX_PATIENTS_ENUMERATED, compare, holm, paired_permutation_test
from seizures.evaluation.metrics import (
    METRIC_NAMES,
    compute_metrics,
    order_of_content,
    resample_patients,
    roc_curves,
    weighted_average_precision,
    weighted_metrics,
    weighted_roc_auc,
)
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.settings import EvaluationSettings

LABELS = np.array([0, 1, 0, 1, 1, 0, 0, 1])
PROBABILITIES = np.array([0.1, 0.9, 0.6, 0.6, 0.4, 0.4, 0.2, 0.4])  # ties of both labels
GRID = np.linspace(0, 1, 9)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("order", [np.arange(8), np.arange(8)[::-1], np.array([3, 1, 4, 0, 5, 2, 7, 6])])
def test_roc_curves_are_scikit_learns_whatever_the_order(order: np.ndarray) -> None:
    labels, probabilities = LABELS[order], PROBABILITIES[order]
    weights = np.array([[1] * 8, [1, 2, 0, 1, 3, 1, 0, 1], [0, 1, 2, 1, 0, 1, 1, 2]], dtype=float)[:, order]
    found = roc_curves(labels, probabilities, weights, GRID)
    assert found.dtype == np.float64
    for row, weight in zip(found, weights, strict=True):
        rate, sensitivity, _ = roc_curve(labels, probabilities, sample_weight=weight, drop_intermediate=False)
        np.testing.assert_allclose(row, np.interp(GRID, rate, sensitivity))
    assert roc_curves(labels, probabilities, weights, np.array([0.0, 1.0]))[0].tolist() == [0.25, 1.0]


def test_a_curve_starts_at_nothing_called() -> None:
    """Half-way to the first false positive, which is above every TCS, nothing is found yet."""
    found = roc_curves(np.array([0, 1]), np.array([0.9, 0.1]), np.ones((1, 2)), np.array([0.0, 0.5, 1.0]))
    assert found.tolist() == [[0.0, 0.0, 1.0]]
    tied = roc_curves(np.array([0, 1]), np.array([0.5, 0.5]), np.ones((1, 2)), np.array([0.0, 0.25, 1.0]))
    assert tied.tolist() == [[0.0, 0.25, 1.0]]


def test_a_resample_with_one_label_has_no_curve_and_no_ranking_score() -> None:
    weights = np.array([LABELS, 1 - LABELS, np.zeros(8), np.ones(8)], dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curves = roc_curves(LABELS, PROBABILITIES, weights, GRID)
        scores = [kind(LABELS, PROBABILITIES, weights) for kind in (weighted_roc_auc, weighted_average_precision)]
    assert np.isnan(curves).all(axis=1).tolist() == [True, True, True, False]
    assert [np.isnan(score).tolist() for score in scores] == [[True, True, True, False]] * 2


def test_a_precision_of_nothing_called_is_written_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is called at the threshold of a seizure that a resample left out; unset memory may hold NaN there."""
    divide = np.divide

    def divide_into_unset_memory(*numbers: np.ndarray, out: np.ndarray | None = None, where: np.ndarray) -> np.ndarray:
        return divide(*numbers, out=np.full(numbers[0].shape, np.nan) if out is None else out, where=where)

    monkeypatch.setattr(np, "divide", divide_into_unset_memory)
    found = weighted_average_precision(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.1]), np.array([[0.0, 1.0, 1.0]]))
    assert found.tolist() == [0.5]


def test_a_label_counts_wherever_it_stands_in_the_ranking() -> None:
    """One TCS at the very end, or one FOS: their weight is not overlooked."""
    for labels, wanted in (([0, 0, 1], [0.0, 0.0, 1.0]), ([1, 1, 0], [1.0, 1.0, 1.0])):
        found = roc_curves(np.array(labels), np.array([0.9, 0.5, 0.1]), np.ones((1, 3)), np.array([0.0, 0.9, 1.0]))
        assert found[0].tolist() == wanted


def test_resampling_draws_patients_with_all_that_is_theirs() -> None:
    patients = ["B", "A", "B", "C"]
    found = resample_patients(patients, 50, rng())
    assert found.shape == (50, 4)
    assert found.dtype == np.float64
    drawn = rng().integers(0, 3, (50, 3))
    for row, numbers in zip(found, drawn, strict=True):
        assert row.tolist() == [np.sum(numbers == "ABC".index(patient)) for patient in patients]


def test_seizures_are_ordered_by_what_is_computed_with() -> None:
    values = np.array([[3.0, 1.0, 2.0, 1.0, 3.0], [0.0, 5.0, 0.0, 4.0, 0.0]])
    numbers, order = order_of_content(["x", "y", "x", "z", "w"], values)
    # By the sorted values of each patient: z (1, 4), y (1, 5), x (2, 0) (3, 0), w (3, 0).
    assert numbers == ["00000000", "00000001", "00000002", "00000002", "00000003"]
    assert order.tolist() == [3, 1, 2, 0, 4]
    assert order.dtype == np.int64
    # Between patients of the same values, too, the ids decide nothing.
    for patients in (["a", "b"], ["b", "a"]):
        assert order_of_content(patients, np.ones((2, 2)))[1].tolist() == [0, 1]


def test_every_score_is_one_of_each_seed() -> None:
    weights = np.array([[1] * 8, [2, 0, 1, 1, 0, 3, 1, 1]], dtype=float)
    both = np.stack([PROBABILITIES, 1 - PROBABILITIES])
    found = weighted_metrics(LABELS, both, weights)
    assert tuple(found) == METRIC_NAMES
    for resample, row in enumerate(weights.astype(int)):
        for seed in range(2):
            wanted = compute_metrics(np.repeat(LABELS, row), np.repeat(both[seed], row))
            assert {name: values[resample, seed] for name, values in found.items()} == pytest.approx(
                {name: wanted[name] for name in METRIC_NAMES}
            )


def test_what_is_nothing_but_rounding_is_no_difference() -> None:
    # The differences of A sum to 5e-10 or so, which beside those of B is the noise of its numbers.
    noise = [1e7 * (0.1 + 0.2), -1e7 * 0.3, 1e7]
    assert sum(noise[:2]) != 0
    found = paired_permutation_test(noise, ["A", "A", "B"], num_flips=10, rng=rng())
    assert (found.num_patients_that_differ, found.p_value) == (1, 1.0)
    small = paired_permutation_test([1.5e-9], ["A"], num_flips=10, rng=rng())
    assert small.num_patients_that_differ == 1
    smaller = paired_permutation_test([1e-9], ["A"], num_flips=10, rng=rng())
    assert smaller.num_patients_that_differ == 0


@pytest.mark.parametrize(("num_patients", "is_exact"), [(MAX_PATIENTS_ENUMERATED, True), (15, False)])
def test_fourteen_patients_are_counted_and_fifteen_are_drawn(num_patients: int, is_exact: bool) -> None:
    found = paired_permutation_test(
        [1.0] * num_patients, list("ABCDEFGHIJKLMNO"[:num_patients]), num_flips=99, rng=rng()
    )
    assert (found.exact, found.num_flips) == (is_exact, 2**14 if is_exact else 99)
    assert found.p_value == pytest.approx(2 / 2**14 if is_exact else 0.01)


def test_an_adjusted_p_value_is_at_most_one() -> None:
    assert holm([0.7, 0.9]) == [1.0, 1.0]
    assert holm([0.9, 0.4, 0.6]) == [1.0, 1.0, 1.0]


def table(probabilities: np.ndarray, patients: list[str], names: tuple[str, str] = ("FOS", "TCS")) -> pd.DataFrame:
    ids = [f"{number:02d}" for number in range(len(patients))]
    labels = [number % 2 for number in range(len(patients))]
    return pool_predictions(
        [
            predictions_for(patients, ids, ["large"] * len(ids), labels, list(row), 0, seed, label_names=names)
            for seed, row in enumerate(probabilities)
        ]
    )


@pytest.mark.parametrize(("num_patients", "names"), [(2, ("FOS", "TCS")), (20, ("no", "yes"))])
def test_a_comparison_is_of_the_means_over_the_seeds(num_patients: int, names: tuple[str, str]) -> None:
    settings = EvaluationSettings(num_bootstraps=100, seed=3, confidence_level=0.8)
    patients = [f"P{number // 4:02d}" for number in range(4 * num_patients)]
    first, second = (
        np.random.default_rng(seed).uniform(0, 1, (2, len(patients))).round(3) for seed in (num_patients, 100)
    )
    labels = np.arange(len(patients)) % 2
    first[:, ::3] = labels[::3]  # better than chance, so that the two differ
    found = compare(table(first, patients, names), table(second, patients, names), settings, positive_label=names[1])

    def scores(probabilities: np.ndarray) -> np.ndarray:
        """Return the mean over the seeds of every score."""
        each = [compute_metrics(labels, seed) for seed in probabilities]
        return np.array([[one[name] for name in METRIC_NAMES] for one in each], dtype=float).mean(axis=0)

    for name, observed in zip(METRIC_NAMES, scores(first) - scores(second), strict=True):
        assert found["metrics"][name]["difference"] == pytest.approx(observed)
        assert found["metrics"][name]["low"] < observed < found["metrics"][name]["high"], name
    right = [((rows >= 0.5) == (labels == 1)).mean(axis=0) for rows in (first, second)]
    test = found["test"]
    assert test["difference"] == pytest.approx((right[0] - right[1]).mean())
    if num_patients > MAX_PATIENTS_ENUMERATED:
        assert (test["exact"], test["num_flips"]) == (False, 100)


@pytest.mark.parametrize("seed", range(8))
def test_a_difference_is_the_observed_one_also_where_a_resample_has_none(seed: int) -> None:
    settings = EvaluationSettings(num_bootstraps=100, seed=seed)
    right, wrong = (table(np.array([row]), ["A", "B"]) for row in ([0.1, 0.9], [0.9, 0.1]))
    assert compare(right, wrong, settings)["metrics"]["roc_auc"]["difference"] == 1.0


def test_tables_that_are_not_of_the_same_seizures_are_told_five_at_a_time() -> None:
    patients = list("ABCDEFGH")
    whole = table(np.full((1, 8), 0.4), patients)
    for num_absent, more in ((1, ""), (5, ""), (6, " and 1 more"), (8, " and 3 more")):
        with pytest.raises(SeizuresError) as caught:
            compare(whole, whole.iloc[num_absent:], EvaluationSettings(num_bootstraps=100))
        named = ", ".join(f"{patients[number]}+{number:02d}" for number in range(min(5, num_absent)))
        assert str(caught.value) == (
            f"comparison: {named}{more} not in both tables under the same label; only classifiers of the same seizures "
            "can be compared in pairs"
        )
