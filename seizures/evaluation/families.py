"""Many comparisons at once: their p values corrected as one family, and whether any could have been significant.

A test that flips the signs of n patients has 2^n flips, of which two are as far as the farthest: its p is never below
2 / 2^n. In a family of many comparisons that may be too much for Holm's method to leave anything below alpha, whatever
the classifiers do. A table then says so, so that nobody reads "not significant" as "no different".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from seizures.evaluation.comparison import holm, significance_level
from seizures.settings import EvaluationSettings


def correct_family(table: pd.DataFrame, evaluation: EvaluationSettings, prefix: str = "") -> pd.DataFrame:
    """Return a table of comparisons with the columns that follow from their being one family.

    Args:
        table: a row for each comparison, with `<prefix>p_value` and `<prefix>smallest_p_value`
            (`PermutationTest.smallest_p_value`); rows in which they are NaN are not of the family.
        evaluation: alpha is 1 less its confidence level.
        prefix: of the names of the columns.

    Returns:
        The same with, all after the prefix: `p_value_holm`; `num_comparisons`, the size of the family;
        `smallest_reachable_p_value_holm`, which `p_value_holm` would be if every comparison had the least p that its
        patients allow (Holm's adjusted values only grow with any p, so that none can be less); and
        `can_be_significant`, whether that is below alpha. A row outside the family has none of them.
    """
    names = [f"{prefix}{name}" for name in ("p_value", "smallest_p_value")]
    known = table[names].notna().all(axis=1).to_numpy(dtype=np.bool_)
    p_values, smallest = (table.loc[known, name].astype(np.float64).tolist() for name in names)
    reachable = holm(smallest)
    level = significance_level(evaluation.confidence_level)
    columns: list[tuple[str, Any, str]] = [
        ("p_value_holm", holm(p_values), "float64"),
        ("num_comparisons", [len(p_values)] * len(p_values), "Int64"),
        ("smallest_reachable_p_value_holm", reachable, "float64"),
        ("can_be_significant", [value < level for value in reachable], "boolean"),
    ]
    corrected: pd.DataFrame = table.copy()
    for name, values, kind in columns:
        of_family = pd.Series(values, index=table.index[known], dtype=kind)
        corrected[f"{prefix}{name}"] = of_family.reindex(table.index)
    return corrected


def patients_enough(num_comparisons: int, confidence_level: float) -> int:
    """Return with how many patients that differ p can fall below alpha / family, for so many comparisons."""
    return math.floor(math.log2(2 * max(1, num_comparisons) / significance_level(confidence_level))) + 1


def family_words(table: pd.DataFrame, confidence_level: float, prefix: str = "") -> str:
    """Say in a sentence how many comparisons of a corrected table cannot be significant; empty where all can."""
    can = table[f"{prefix}can_be_significant"].dropna().astype(bool)
    num_cannot, family = int((~can).sum()), len(can)
    if not num_cannot:
        return ""
    if num_cannot < family:
        which = f"{num_cannot} of the {family} comparisons cannot be"
    else:
        which = "The comparison cannot be" if family == 1 else f"None of the {family} comparisons can be"
    return (
        f"{which} significant at {100 * significance_level(confidence_level):g} % after Holm's correction, however "
        "different the classifiers are: too few patients differ between the two "
        f"({patients_enough(family, confidence_level)} are enough)."
    )
