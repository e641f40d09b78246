"""A sweep of settings on the same folds and features: a tidy table, and every cell compared with a reference cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from seizures.errors import SeizuresError
from seizures.evaluation.baselines import best_of
from seizures.evaluation.comparison import compare, mann_whitney_bonferroni
from seizures.evaluation.families import correct_family
from seizures.evaluation.metrics import COUNT_NAMES, FloatArray
from seizures.evaluation.predictions import pool_predictions, prediction_matrix
from seizures.evaluation.protocols import Protocol
from seizures.evaluation.published import NUM_SEIZURES, published_correct
from seizures.settings import EvaluationSettings, TrainingSettings

METRICS = ("accuracy", "f1", "recall", "specificity", "roc_auc")
FEATURES = ("network", "weights", "stride_frames", "seconds_per_minute", "device")
PUBLISHED = ("published_correct", "published_num_seizures", "published_accuracy")


@dataclasses.dataclass(frozen=True)
class CellResult:
    """What one cell gave.

    Attributes:
        name: what a table calls it.
        settings: what it was trained with.
        predictions: its predictions.csv.
        summary: its metrics.json.
        dealing: what was dealt into folds.
        group: what was held out together.
        features: how its features were computed, by the columns of `FEATURES`; None for what is not known.
    """

    name: str
    settings: TrainingSettings
    predictions: pd.DataFrame
    summary: Mapping[str, Any]
    dealing: str = "patients"
    group: str = "patient"
    features: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def protocol(self) -> Protocol:
        """What its score estimates."""
        return Protocol(self.dealing, self.settings.selection, self.settings.loss, self.group)


def tabulate(cells: Sequence[CellResult], chosen: CellResult | None = None) -> pd.DataFrame:
    """Return a row per cell: every setting, the scores with their intervals, the counts, and the paper's number.

    Args:
        cells: in the order of the rows.
        chosen: the classifier that `choose_on_inner_folds` made of the cells: the last row, in which settings that
            differ between the cells are empty, and so is the paper's number.
    """
    table: pd.DataFrame = pd.DataFrame([_row(cell) for cell in cells])
    if chosen is not None:
        row = _row(chosen)
        settings = (*FEATURES, *dataclasses.asdict(chosen.settings))
        blank = [*(name for name in settings if name in table and varies(table[name])), *PUBLISHED]
        table = pd.concat([table, pd.DataFrame([{**row, **dict.fromkeys(blank)}])], ignore_index=True)
    return table


def _row(cell: CellResult) -> dict[str, Any]:
    settings = dataclasses.asdict(cell.settings)
    settings |= {"protocol": cell.settings.protocol, "dealing": cell.dealing}
    del settings["selection"]
    summary = cell.summary
    row: dict[str, Any] = {"cell": cell.name, **{name: cell.features.get(name) for name in FEATURES}, **settings}
    row["num_seeds"] = len(summary["seeds"])
    row |= {"num_repeats": summary["num_repeats"], "is_reproduction": cell.protocol.is_reproduction}
    row |= {name: summary[name] for name in ("num_patients", "num_seizures")}
    for name in METRICS:
        metric = summary["metrics"][name]
        row |= {name: metric["mean"], f"{name}_low": metric["low"], f"{name}_high": metric["high"]}
    row |= {name: summary["counts"]["mean"][name] for name in COUNT_NAMES}
    brier = summary["calibration"]
    row |= {"brier": brier["brier"], "brier_low": brier["low"], "brier_high": brier["high"]}
    best = best_of(summary)
    row |= {
        "best_baseline": best and best["name"],
        "best_baseline_accuracy": best and best["metrics"]["accuracy"]["mean"],
        "difference_to_best_baseline": best and best["difference"]["accuracy"]["difference"],
    }
    correct = published_correct(cell.settings)
    known = (None, None, None) if correct is None else (correct, NUM_SEIZURES, correct / NUM_SEIZURES)
    return row | dict(zip(PUBLISHED, known, strict=True))


def compare_cells(cells: Sequence[CellResult], reference: CellResult, evaluation: EvaluationSettings) -> pd.DataFrame:
    """Return a row per other cell: its accuracy less that of the reference on the same seizures, paired by patient.

    All rows are one family for Holm's correction; the columns that belong to it are `families.correct_family`'s. Cells
    of other protocols are compared too: the difference of `paper` and `patient` is the optimism of the paper's.
    `p_value_mann_whitney_bonferroni` is the paper's way, for comparison only: one-tailed, that the cell gives the truth
    a higher probability than the reference does, times e (e - 1) for e cells.
    """
    rows = []
    others = [cell for cell in cells if cell.name != reference.name]
    for cell in others:
        found = compare(
            cell.predictions,
            reference.predictions,
            evaluation,
            positive_label=cell.summary["positive_label"],
            num_comparisons=len(others),
            metrics=("accuracy",),
        )
        accuracy, test = found["metrics"]["accuracy"], found["test"]
        rows.append(
            {
                "cell": cell.name,
                "reference": reference.name,
                "num_patients": found["num_patients"],
                "num_seizures": found["num_seizures"],
                "accuracy_difference": accuracy["difference"],
                "low": accuracy["low"],
                "high": accuracy["high"],
                "p_value": test["p_value"],
                "exact": test["exact"],
                "num_flips": test["num_flips"],
                "num_patients_that_differ": test["num_patients_that_differ"],
                "smallest_p_value": test["smallest_p_value"],
                "p_value_mann_whitney_bonferroni": mann_whitney_bonferroni(
                    _given_to_truth(cell), _given_to_truth(reference), len(cells)
                ),
            }
        )
    columns = ["cell", "reference", "accuracy_difference", "low", "high", "p_value", "smallest_p_value"]
    table: pd.DataFrame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
    return correct_family(table, evaluation)


def _given_to_truth(cell: CellResult) -> FloatArray:
    """Return the probability that each seizure's true label was given, mean of the seeds."""
    found = prediction_matrix(cell.predictions, cell.summary["positive_label"])
    given: FloatArray = np.where(found.labels == 1, found.probabilities, 1 - found.probabilities).mean(axis=0)
    return given


def choose_on_inner_folds(
    cells: Sequence[CellResult], inner_losses: Mapping[str, Mapping[tuple[int, int, int], float]]
) -> pd.DataFrame:
    """Return the predictions of a classifier whose settings, too, were chosen on inner folds: nested cross-validation.

    For each fold and seed of each dealing, the cell with the lowest inner loss is taken. That loss was measured on
    patients of the training part alone, so that the patients who are scored chose nothing.

    Args:
        cells: the candidates, all of protocol `nested`.
        inner_losses: the lowest mean loss on the inner folds by the name of the cell, then by dealing, fold and seed.

    Raises:
        SeizuresError: a cell is of another protocol.
    """
    others = [cell.name for cell in cells if cell.settings.protocol != "nested"]
    if others:
        raise SeizuresError(f"{', '.join(others)}: settings can be chosen on inner folds only with protocol = nested")
    parts = []
    shared = set.intersection(*(set(inner_losses[cell.name]) for cell in cells))  # cells may have other seeds besides
    for place in sorted(shared):
        of_best = min(cells, key=lambda cell: inner_losses[cell.name][place]).predictions
        is_here = of_best[["repeat", "fold", "seed"]].to_numpy() == np.array(place)
        parts.append(of_best[is_here.all(axis=1)])
    return pool_predictions(parts)


def varies(values: pd.Series[Any]) -> bool:
    """Tell whether a column holds more than one value."""
    return len(set(values)) > 1
