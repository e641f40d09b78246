from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.evaluation.families import correct_family, family_words, patients_enough
from seizures.evaluation.predictions import predictions_for
from seizures.evaluation.settings_sweep import CellResult, compare_cells
from seizures.settings import EvaluationSettings, TrainingSettings

SETTINGS = EvaluationSettings(num_bootstraps=200)
NUM_CELLS = 60 * 3
NUM_PATIENTS = 68


def cell(name: str, wrong: range) -> CellResult:
    """A cell of simulated predictions, one seizure to each of 68 patients; it is wrong about those of some."""
    labels = np.arange(NUM_PATIENTS) % 2
    probabilities = np.where(labels == 1, 0.9, 0.1)
    probabilities[list(wrong)] = 1 - probabilities[list(wrong)]
    ids = [f"{patient:02d}" for patient in range(NUM_PATIENTS)]
    table = predictions_for(ids, ids, ["large"] * len(ids), labels.tolist(), probabilities.tolist(), 0, 0)
    return CellResult(name, TrainingSettings(), table, {"positive_label": "TCS"})


def sweep(num_wrong: int) -> pd.DataFrame:
    """The paper's 60 cells under three protocols against the first, each with so many patients that differ."""
    others = [cell(f"cell {number}", range(num_wrong)) for number in range(1, NUM_CELLS)]
    return compare_cells([cell("first", range(0)), *others], cell("first", range(0)), SETTINGS)


def test_in_a_sweep_of_sixty_cells_under_three_protocols_a_difference_can_be_significant() -> None:
    found = sweep(40)
    assert set(found["num_comparisons"]) == {179}
    assert found["can_be_significant"].all()
    # 40 of 40 patients on one side: 2 of 2^40 flips are as far, and none of those drawn.
    assert set(found["num_flips"]) == {35_800}  # 10 x 179 / 0.05
    assert found["p_value_holm"].tolist() == pytest.approx([179 / 35_801] * 179)
    assert (found["p_value_holm"] < 0.05).all()
    assert family_words(found, 0.95) == ""


@pytest.mark.parametrize(("num_wrong", "can"), [(12, False), (13, True)])
def test_where_too_few_patients_differ_the_table_says_that_nothing_can_be(num_wrong: int, can: bool) -> None:
    found = sweep(num_wrong)
    # 179 x 2 / 2^12 = 0.087, 179 x 2 / 2^13 = 0.044.
    wanted = [179 * 2 / 2**num_wrong] * 179
    assert found["smallest_reachable_p_value_holm"].tolist() == pytest.approx(wanted)
    assert found["p_value_holm"].tolist() == pytest.approx(wanted)  # all of them are on one side
    assert found["can_be_significant"].tolist() == [can] * 179
    assert patients_enough(179, 0.95) == 13
    sentence = (
        "None of the 179 comparisons can be significant at 5 % after Holm's correction, however different the "
        "classifiers are: too few patients differ between the two (13 are enough)."
    )
    assert family_words(found, 0.95) == ("" if can else sentence)


def test_each_row_is_told_for_itself_and_a_row_outside_the_family_has_nothing() -> None:
    table = pd.DataFrame({"p_value": [0.001, np.nan, 0.5], "smallest_p_value": [0.001, np.nan, 0.06]})
    found = correct_family(table, SETTINGS)
    assert found["num_comparisons"].tolist() == [2, pd.NA, 2]
    assert found["can_be_significant"].tolist() == [True, pd.NA, False]
    np.testing.assert_allclose(found["smallest_reachable_p_value_holm"], [0.002, np.nan, 0.06])
    np.testing.assert_allclose(found["p_value_holm"], [0.002, np.nan, 0.5])
    assert family_words(found, 0.95).startswith("1 of the 2 comparisons cannot be significant at 5 % after Holm's")
    alone = correct_family(table.iloc[2:], SETTINGS)
    assert family_words(alone, 0.95).startswith("The comparison cannot be significant at 5 %")
    assert correct_family(table.iloc[:0], SETTINGS).empty
    named = correct_family(table.add_prefix("of_"), SETTINGS, "of_")
    assert named["of_p_value_holm"].tolist()[0] == 0.002


def closed(p_values: list[float], place: int) -> float:
    """Holm's adjusted value by its other definition: the largest of |I| min(I) over all I that hold the comparison."""
    others = [number for number in range(len(p_values)) if number != place]
    sets = ((place, *rest) for number in range(len(p_values)) for rest in itertools.combinations(others, number))
    return min(1.0, max(len(some) * min(p_values[number] for number in some) for some in sets))


@given(st.lists(st.tuples(st.floats(1e-6, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_what_is_said_to_be_out_of_reach_is_never_reached(pairs: list[tuple[float, float]]) -> None:
    smallest = [least for least, _ in pairs]
    p_values = [least + share * (1 - least) for least, share in pairs]  # any p from the least on
    found = correct_family(pd.DataFrame({"p_value": p_values, "smallest_p_value": smallest}), SETTINGS)
    for place in range(len(pairs)):
        assert found["smallest_reachable_p_value_holm"][place] == pytest.approx(closed(smallest, place))
        assert found["p_value_holm"][place] >= found["smallest_reachable_p_value_holm"][place]
        assert found["can_be_significant"][place] or found["p_value_holm"][place] >= 0.05


@given(st.integers(1, 10**5), st.floats(0.5, 0.999))
def test_the_number_of_patients_that_is_enough_is_the_least(family: int, level: float) -> None:
    number = patients_enough(family, level)
    assert family * 2 / 2**number < 1 - level + 1e-12
    assert family * 2 / 2 ** (number - 1) >= 1 - level - 1e-12
