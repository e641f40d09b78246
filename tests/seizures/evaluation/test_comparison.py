from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seizures.errors import SeizuresError
from seizures.evaluation import comparison
from seizures.evaluation.comparison import (
    compare,
    holm,
    mann_whitney_bonferroni,
    num_flips_for,
    paired_permutation_test,
)
from seizures.evaluation.predictions import predictions_for
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=500)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_case_worked_by_hand_flips_whole_patients() -> None:
    # Sums by patient: A 2, B 1, C -1, together 2. The flips give 2, 4, 0, 2 and their mirror images: 6 of 8 reach 2.
    found = paired_permutation_test([1, 1, 1, -1], ["A", "A", "B", "C"], num_flips=10, rng=rng())
    assert found.p_value == 6 / 8
    assert (found.exact, found.num_flips, found.num_patients_that_differ, found.difference) == (True, 8, 3, 0.5)


def test_patients_without_a_difference_have_no_say() -> None:
    few = paired_permutation_test([1, 1], ["A", "B"], num_flips=10, rng=rng())
    many = paired_permutation_test([1, 1, 0, 1, -1], ["A", "B", "C", "D", "D"], num_flips=10, rng=rng())
    assert few.p_value == many.p_value == 0.5
    assert paired_permutation_test([0, 0], ["A", "B"], num_flips=10, rng=rng()).p_value == 1


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from("ABCDEFG")), min_size=2, max_size=20))
def test_the_exact_test_is_scipys_on_sums_by_patient(pairs: list[tuple[int, str]]) -> None:
    values, patients = zip(*pairs, strict=True)
    sums = pd.Series(values).groupby(list(patients)).sum().to_numpy(dtype=float)
    ours = paired_permutation_test(values, patients, num_flips=10, rng=rng())
    if len(sums) < 2:
        return
    theirs = stats.permutation_test(
        (sums, np.zeros_like(sums)), lambda a, b, axis: np.sum(a - b, axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=10**5,
    )  # fmt: skip
    assert ours.p_value == pytest.approx(min(1.0, theirs.pvalue))


def test_drawn_flips_come_near_the_counted_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    values, patients = rng().normal(0.5, 1, 16), [str(patient) for patient in range(16)]
    exact = paired_permutation_test(values, patients, num_flips=2**16, rng=rng())
    assert exact.exact
    monkeypatch.setattr(comparison, "_SIGNS_AT_ONCE", 1000)  # so that they come in many parts, the last one short
    assert paired_permutation_test(values, patients, num_flips=2**16, rng=rng()) == exact
    drawn = paired_permutation_test(values, patients, num_flips=2**16 - 1, rng=rng())
    assert (drawn.exact, drawn.num_flips, drawn.smallest_p_value) == (False, 2**16 - 1, 2**-16)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.01)
    assert paired_permutation_test(np.ones(40), list(map(str, range(40))), num_flips=99, rng=rng()).p_value == 0.01


def test_clustering_makes_one_patients_many_seizures_one_piece_of_evidence() -> None:
    as_patients = paired_permutation_test(np.ones(10), list("ABCDEFGHIJ"), num_flips=10, rng=rng())
    as_one = paired_permutation_test(np.ones(10), ["A"] * 10, num_flips=10, rng=rng())
    assert as_patients.p_value == pytest.approx(2 / 1024)
    assert as_one.p_value == 1


def test_holm_is_r_s_p_adjust() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_mann_whitney_is_the_count_of_orders_worked_by_hand() -> None:
    # Of the C(6, 3) = 20 ways to deal 6 ranks, one alone puts all three of the first group on top.
    # Two experiments are compared in 2 x 1 directions, four in 4 x 3.
    assert mann_whitney_bonferroni([4, 5, 6], [1, 2, 3], 2) == pytest.approx(2 / 20)
    assert mann_whitney_bonferroni([4, 5, 6], [1, 2, 3], 4) == pytest.approx(12 / 20)
    assert mann_whitney_bonferroni([1, 2, 3], [4, 5, 6], 4) == 1
    # Of the C(12, 6) = 924 ways one alone puts all six on top: p < 0.05 / (e (e - 1)) up to e = 7, for 0.05 x 924 is
    # 46.2, between 7 x 6 and 8 x 7.
    for num_experiments, is_below in ((7, True), (8, False)):
        p_value = mann_whitney_bonferroni(range(6, 12), range(6), num_experiments)
        assert p_value == pytest.approx(num_experiments * (num_experiments - 1) / 924)
        assert (p_value < 0.05) == is_below


def test_one_experiment_is_compared_with_nothing() -> None:
    with pytest.raises(ValueError, match="num_experiments = 1: expected at least 2"):
        mann_whitney_bonferroni([1, 2], [3, 4], 1)


@given(st.integers(0, 5000), st.floats(0.5, 0.999), st.integers(100, 10**5))
def test_the_least_p_of_drawn_flips_is_below_alpha_of_the_family(family: int, level: float, wanted: int) -> None:
    num_flips = num_flips_for(family, EvaluationSettings(num_bootstraps=wanted, confidence_level=level))
    assert 1 / (num_flips + 1) < (1 - level) / max(family, 1)
    assert num_flips >= wanted


def predictions(probabilities: list[float], patients: str = "AABBCCDD", labels: str = "01010101") -> pd.DataFrame:
    ids = [f"{place:02d}" for place in range(len(probabilities))]
    return predictions_for(list(patients), ids, ["large"] * len(ids), [int(x) for x in labels], probabilities, 0, 0)


def test_differences_of_two_tables_and_their_interval() -> None:
    right, wrong_on_c = predictions([0.1, 0.9] * 4), predictions([0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9])
    found = compare(right, wrong_on_c, SETTINGS)
    assert found["metrics"]["accuracy"]["difference"] == 0.25
    # Of six patients, two of them added: D = 0, 0, 2, 0, 1, -1 and m = 2, 2, 2, 2, 1, 1, so that d = 0.2.
    squares = 0.4**2 * 3 + 1.6**2 + 0.8**2 + 1.2**2
    half = 3.182446 * (6 / 5 * squares / 10**2) ** 0.5
    assert found["metrics"]["accuracy"]["low"] == pytest.approx(0.2 - half)
    assert found["metrics"]["accuracy"]["high"] == pytest.approx(0.2 + half)
    assert found["test"]["p_value"] == 1  # one patient differs, and its sign may be either
    assert (found["num_patients"], found["num_seizures"]) == (4, 8)
    backward = compare(wrong_on_c, right, SETTINGS)
    assert backward["metrics"]["accuracy"]["difference"] == -0.25
    assert backward["metrics"]["accuracy"]["low"] == pytest.approx(-0.2 - half)
    same = compare(right, right, SETTINGS)
    assert same["metrics"]["accuracy"]["difference"] == 0
    assert same["metrics"]["accuracy"]["low"] == -same["metrics"]["accuracy"]["high"] < 0


def test_ids_decide_no_bit_of_a_comparison() -> None:
    generator = np.random.default_rng(3)
    one, other = (generator.uniform(0, 1, 40).round(2) for _ in range(2))
    patients, labels = np.repeat(list("ABCDEFGHIJKLMNOPQRST"), 2), "01" * 20
    renamed = dict(zip("ABCDEFGHIJKLMNOPQRST", "QAZWSXEDCRFVTGBYHNUJ", strict=True))
    found = [
        compare(*(predictions(list(values), "".join(names), labels) for values in (one, other)), SETTINGS)
        for names in (patients, [renamed[name] for name in patients])
    ]
    assert found[0] == found[1]


def test_one_patient_or_an_undefined_metric_carries_no_interval() -> None:
    found = compare(predictions([0.1, 0.9], "AA", "01"), predictions([0.9, 0.1], "AA", "01"), SETTINGS)
    assert found["metrics"]["accuracy"] == {"difference": 1.0, "low": None, "high": None}
    never = compare(predictions([0.1] * 8), predictions([0.1, 0.9] * 4), SETTINGS)
    assert never["metrics"]["precision"] == {"difference": None, "low": None, "high": None}


def test_tables_of_other_seizures_are_refused_by_name() -> None:
    with pytest.raises(SeizuresError, match=r"D\+07 not in both tables"):
        compare(predictions([0.1, 0.9] * 4), predictions([0.1, 0.9] * 4).iloc[:7], SETTINGS)
    with pytest.raises(SeizuresError, match=r"A\+00 not in both"):
        compare(predictions([0.1, 0.9] * 4), predictions([0.1, 0.9] * 4, labels="11010101"), SETTINGS)
