"""What a sweep found, in a sentence or two, for the terminal and below a figure."""

from __future__ import annotations

import pandas as pd

from seizures.evaluation.comparison import significance_level


def sweep_words(table: pd.DataFrame, compared: pd.DataFrame, reference: str, confidence_level: float) -> str:
    """Say which cell is highest, what that is worth, and how many cells can be told from the reference.

    Args:
        table: a row a cell (`settings_sweep.tabulate`).
        compared: a row for each cell but the reference (`settings_sweep.compare_cells`).
        reference: the name of the reference.
        confidence_level: of the intervals; alpha is 1 less it.
    """
    if len(table) < 2:
        return ""
    best = max(table.to_dict("records"), key=lambda row: float(row["accuracy"]))
    ends = ""
    if not pd.isna(best["accuracy_low"]):
        ends = f" ({100 * best['accuracy_low']:.0f} to {100 * best['accuracy_high']:.0f} %)"
    level = significance_level(confidence_level)
    num_told = int((compared["p_value_holm"].astype(float) < level).sum())
    num_others = len(compared)
    if num_told:
        finding = f"{num_told} of the {num_others} other cells can be told from {reference} (Holm)."
    elif num_others == 1:
        finding = f"The other cell cannot be told from {reference}."
    else:
        finding = f"None of the {num_others} other cells can be told from {reference}."
    return (
        f"Highest accuracy: {best['cell']}, {100 * best['accuracy']:.0f} %{ends}. It was chosen on the patients "
        f"who are scored, so the figure is optimistic. {finding}"
    )
