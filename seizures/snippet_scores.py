"""How often single snippets were right, network by network: the table of counts, and what it amounts to.

A seizure's accuracy is the share of its snippets, of all views, that were right; the paper's table has the median and
the interquartile range. Most snippets are before the clonic onset, so that calling all of them so is right more often
than not: the balanced accuracy, the mean of the shares right before and after, does not reward that.

Letters in shapes: N seizures, R resamples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seizures.published import published_snippets
from seizures.settings import EvaluationSettings
from seizures.statistics import FloatArray, order_of_content, percentile_interval, resample_patients

COUNTS = ("num_before", "num_before_right", "num_after", "num_after_right")
_IDS = ("patient_id", "seizure_id", "view")


def write_counts(path: Path, counts: pd.DataFrame) -> None:
    """Write the counts of one network and fold, a row a view."""
    counts.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def read_counts(paths: Iterable[Path]) -> pd.DataFrame:
    """Read the counts of a network, all folds; ids are text."""
    text: Any = dict.fromkeys(_IDS, str)
    tables = [pd.read_csv(path, dtype=text, keep_default_na=False, encoding="utf-8") for path in paths]
    joined: pd.DataFrame = pd.concat(tables, ignore_index=True)
    return joined


def by_seizure(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of each seizure, its views together, indexed by patient and seizure; with its `accuracy`.

    A seizure without a snippet that counts is left out.
    """
    summed = counts.groupby(["patient_id", "seizure_id"])[list(COUNTS)].sum()
    total = summed["num_before"] + summed["num_after"]
    summed["accuracy"] = (summed["num_before_right"] + summed["num_after_right"]) / total.where(total > 0)
    counted: pd.DataFrame = summed[total > 0]
    return counted


def tabulate(counts: Mapping[str, pd.DataFrame], evaluation: EvaluationSettings) -> pd.DataFrame:
    """Return a row for each network, in order; the first is the reference of the differences.

    Args:
        counts: what `read_counts` returned, by network.
        evaluation: how to resample the patients.

    Returns:
        Columns: `network`, `frames_per_snippet`, `feature_dim`; `num_patients`, `num_seizures`, `num_snippets`;
        `num_trained_per_class`, the mean over folds; `median_accuracy` over seizures, with `_low` and `_high`;
        `iqr_accuracy`; `balanced_accuracy`, with `_low` and `_high`; `right_before`, `right_after`;
        `difference`, that of the balanced accuracies to the reference on the seizures that both have, paired, with
        `_low` and `_high`; and the paper's `published_median_accuracy` and `published_iqr_accuracy`. What there is not
        is NaN.
    """
    seizures = {name: by_seizure(table) for name, table in counts.items()}
    reference = next(iter(seizures))
    rows = []
    for name, own in seizures.items():
        scores = _resampled([own], evaluation)[0]
        shares = _shares(_values(own), np.ones((1, len(own))))
        published = published_snippets(name) or (np.nan, np.nan)
        low, high = np.quantile(own["accuracy"], [0.25, 0.75])
        rows.append(
            {
                "network": name,
                "frames_per_snippet": counts[name]["frames_per_snippet"].iloc[0],
                "feature_dim": counts[name]["feature_dim"].iloc[0],
                "num_patients": own.index.get_level_values("patient_id").nunique(),
                "num_seizures": len(own),
                "num_snippets": int(own[["num_before", "num_after"]].to_numpy().sum()),
                "num_trained_per_class": counts[name].groupby("fold")["num_trained_per_class"].first().mean(),
                **_with_interval("median_accuracy", scores["median"], evaluation),
                "iqr_accuracy": high - low,
                **_with_interval("balanced_accuracy", scores["balanced"], evaluation),
                "right_before": shares[0][0],
                "right_after": shares[1][0],
                **_difference(own, seizures[reference], evaluation, is_reference=name == reference),
                "published_median_accuracy": published[0],
                "published_iqr_accuracy": published[1],
            }
        )
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def _difference(
    own: pd.DataFrame, reference: pd.DataFrame, evaluation: EvaluationSettings, *, is_reference: bool
) -> dict[str, float]:
    common = own.index.intersection(reference.index)
    if is_reference or common.empty:
        return dict.fromkeys(("difference", "difference_low", "difference_high"), np.nan)
    one, other = _resampled([own.loc[common], reference.loc[common]], evaluation)
    return _with_interval("difference", one["balanced"] - other["balanced"], evaluation)


def _values(seizures: pd.DataFrame) -> FloatArray:
    """Return the counts of seizures as floats, (4, N)."""
    values: FloatArray = seizures[list(COUNTS)].to_numpy(dtype=np.float64).T
    return values


def _resampled(tables: list[pd.DataFrame], evaluation: EvaluationSettings) -> list[dict[str, FloatArray]]:
    """Return, for tables of the same seizures, `median` and `balanced` as observed and resampled: (R + 1,) each.

    All tables have the same draws of patients, in an order that no id decides.
    """
    content = np.concatenate([_values(table) for table in tables])
    patients, order = order_of_content(tables[0].index.get_level_values("patient_id").tolist(), content)
    drawn = resample_patients(patients, evaluation.num_bootstraps, np.random.default_rng(evaluation.seed))
    weights = np.concatenate([np.ones((1, len(order))), drawn])
    found = []
    for table in tables:
        values = _values(table)[:, order]
        accuracy = table["accuracy"].to_numpy(dtype=np.float64)[order]
        medians = [np.median(np.repeat(accuracy, times)) for times in weights.astype(np.int64)]
        found.append({"median": np.array(medians), "balanced": np.mean(_shares(values, weights), axis=0)})
    return found


def _shares(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the shares of snippets that were right before and after, (R,) each, NaN where there are none."""
    before, before_right, after, after_right = (weights @ row for row in values)
    with np.errstate(invalid="ignore"):
        return before_right / before, after_right / after


def _with_interval(name: str, resampled: FloatArray, evaluation: EvaluationSettings) -> dict[str, float]:
    interval = percentile_interval(resampled[1:], evaluation.confidence_level)
    bounds = (np.nan if bound is None else bound for bound in (interval.low, interval.high))
    return {name: float(resampled[0]), **dict(zip((f"{name}_low", f"{name}_high"), bounds, strict=True))}
