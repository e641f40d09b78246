"""How often single snippets were classified correctly, by network: the table of counts and the scores from it.

Every seizure weighs the same, however long it is. Its accuracy is the share of its snippets, of all views, that were
right; the paper gives the median and the interquartile range of an accuracy, which is taken to be this one. So are its
F1 and its area under the precision-recall curve, which it has for TCS alone: here they are of the snippets after the
clonic onset, of the seizures that have some (F1) and some before as well (the area, taken for average precision). Most
snippets are before the clonic onset, so that calling all of them so is right more often than not. The balanced accuracy
does not reward that: it is the mean of two means over seizures, of the share right before and of the share right after.

Letters in shapes: N seizures, R resamples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seizures.evaluation.comparison import num_flips_for, paired_permutation_test
from seizures.evaluation.families import correct_family
from seizures.evaluation.intervals import Interval, mean_difference_interval, mean_interval
from seizures.evaluation.metrics import FloatArray, order_of_content, percentile_interval, resample_patients
from seizures.evaluation.published import SNIPPET_SCORES, published_snippets
from seizures.manifest.identity import SeizureId
from seizures.settings import EvaluationSettings

SCORES = ("accuracy", "f1", "average_precision", "right_before", "right_after")  # of a seizure
COUNTS = ("num_before", "num_before_right", "num_after", "num_after_right")
_TEXTS = ("network", "patient_id", "seizure_id", "view", "label")


def write_counts(path: Path, counts: pd.DataFrame) -> None:
    """Write counts, a row a view."""
    counts.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def read_counts(path: Path) -> pd.DataFrame:
    """Read counts; ids are text."""
    texts: Any = dict.fromkeys(_TEXTS, str)
    numbers = {"average_precision": [""]}  # where an empty cell is NaN, and no id is
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=numbers, encoding="utf-8")


def pool_counts(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join the counts of all networks and folds; a fold of which nothing could be scored adds nothing."""
    pooled: pd.DataFrame = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return pooled


def by_network(counts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the counts of each network, in the order in which they come."""
    return {str(name): table for name, table in counts.groupby("network", sort=False)}


def by_seizure(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the scores and counts of each seizure, its views together, indexed by patient and seizure.

    A score is NaN where there is nothing to be right about; a seizure without a snippet that counts is left out.
    """
    seizures = counts.groupby(["patient_id", "seizure_id"])
    summed = seizures[list(COUNTS)].sum().astype(np.float64)
    before, before_right, after, after_right = (summed[name] for name in COUNTS)
    summed["accuracy"] = (before_right + after_right) / (before + after)  # 0 / 0 is NaN
    all_called_after = 2 * after_right + (after - after_right) + (before - before_right)
    summed["f1"] = (2 * after_right / all_called_after).where(after > 0)
    summed["average_precision"] = seizures["average_precision"].first()  # that of the seizure is in each view's row
    summed["right_before"] = before_right / before
    summed["right_after"] = after_right / after
    counted: pd.DataFrame = summed[before + after > 0]
    return counted


def uncounted(counts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the seizures, `patient+seizure`, of which no network has a snippet that counts."""
    ids = ["patient_id", "seizure_id"]
    known = set().union(*(by_seizure(table).index for table in counts.values()))
    every = {row for table in counts.values() for row in table[ids].itertuples(index=False, name=None)}
    return sorted(SeizureId(*row).name for row in every - known)


def tabulate(counts: Mapping[str, pd.DataFrame], evaluation: EvaluationSettings) -> pd.DataFrame:
    """Return a row for each network, in order; the first is the reference of the differences.

    Args:
        counts: by network.
        evaluation: how to resample the patients.

    Returns:
        Columns: `network`, `frames_per_snippet`, `feature_dim`; `num_patients`, `num_seizures`, `num_snippets`;
        `num_trained_before` and `num_trained_after`, means over folds; for each of `accuracy`, `f1` and
        `average_precision` the median over the seizures that have one, `median_<score>`, with `_low` and `_high`,
        `iqr_<score>`, and `num_seizures_<score>`; `mean_accuracy`; `balanced_accuracy`, with `_low` and `_high`;
        `right_before`, `right_after`; `difference`, of the mean accuracy to that of the reference on the seizures that
        both have, paired, with `_low`, `_high`, `_p_value` (patients' signs flipped) and the columns of
        `families.correct_family` over all rows; and the paper's `published_median_<score>` and `published_iqr_<score>`.
        What there is not is NaN.
    """
    seizures = {name: by_seizure(table) for name, table in counts.items()}
    reference = next(iter(seizures.values()))
    family = sum(not own.index.intersection(reference.index).empty for own in seizures.values()) - 1
    rows = []
    for name, own in seizures.items():
        (values,), weights = _drawn([own], evaluation)
        before, after = (_mean(values[score]) for score in ("right_before", "right_after"))
        halves = [values["right_before"], values["right_after"]]
        interval = mean_interval(values["patients"].tolist(), halves, evaluation.confidence_level)
        published = published_snippets(name) or dict.fromkeys(SNIPPET_SCORES, (np.nan, np.nan))
        rows.append(
            {
                "network": name,
                "frames_per_snippet": counts[name]["frames_per_snippet"].iloc[0],
                "feature_dim": counts[name]["feature_dim"].iloc[0],
                "num_patients": own.index.get_level_values("patient_id").nunique(),
                "num_seizures": len(own),
                "num_snippets": int(own[["num_before", "num_after"]].to_numpy().sum()),
                **{
                    column: counts[name].groupby("fold")[column].first().mean()
                    for column in ("num_trained_before", "num_trained_after")
                },
                **{
                    column: value
                    for score in SNIPPET_SCORES
                    for column, value in _median(score, values[score], weights, evaluation).items()
                },
                "mean_accuracy": _mean(values["accuracy"]),
                **_with_ends("balanced_accuracy", (before + after) / 2, interval),
                "right_before": before,
                "right_after": after,
                **(_nothing() if own is reference else _difference(own, reference, family, evaluation)),
                **{
                    f"published_{name}_{score}": value
                    for score in SNIPPET_SCORES
                    for name, value in zip(("median", "iqr"), published[score], strict=True)
                },
            }
        )
    return correct_family(pd.DataFrame(rows), evaluation, "difference_")


def _nothing() -> dict[str, float]:
    ends = ("", "_low", "_high", "_p_value", "_smallest_p_value")
    return {f"difference{end}": np.nan for end in ends}


def _difference(
    own: pd.DataFrame, reference: pd.DataFrame, family: int, evaluation: EvaluationSettings
) -> dict[str, float]:
    """Return the difference of the mean accuracies on the common seizures, its interval, and the p value."""
    common = own.index.intersection(reference.index)
    if common.empty:
        return _nothing()
    (one, other), _ = _drawn([own.loc[common], reference.loc[common]], evaluation)
    differences = one["accuracy"] - other["accuracy"]
    interval = mean_difference_interval(one["patients"].tolist(), differences, evaluation.confidence_level)
    rng = np.random.default_rng(evaluation.seed)
    flips = num_flips_for(family, evaluation)
    test = paired_permutation_test(differences, one["patients"].tolist(), num_flips=flips, rng=rng)
    return {
        **_with_ends("difference", float(differences.mean()), interval),
        "difference_p_value": test.p_value,
        "difference_smallest_p_value": test.smallest_p_value,
    }


def _drawn(tables: list[pd.DataFrame], evaluation: EvaluationSettings) -> tuple[list[dict[str, Any]], FloatArray]:
    """Return the scores (N,) and patients of tables of the same seizures, in an order that no id decides, and weights.

    The weights, (R + 1, N), say how often each seizure is in the sample itself, and in each resample of patients.
    """
    computed_with = [*COUNTS, "average_precision"]
    content = np.concatenate([table[computed_with].to_numpy(dtype=np.float64).T for table in tables])
    content = np.nan_to_num(content, nan=-1.0)  # which has a place in an order
    patients, order = order_of_content(tables[0].index.get_level_values("patient_id").tolist(), content)
    drawn = resample_patients(patients, evaluation.num_bootstraps, np.random.default_rng(evaluation.seed))
    found = [
        {"patients": np.array(patients), **{name: table[name].to_numpy(dtype=np.float64)[order] for name in SCORES}}
        for table in tables
    ]
    return found, np.concatenate([np.ones((1, len(order))), drawn])


def _mean(values: FloatArray) -> float:
    """Return the mean of the values (N,) that are known; NaN where none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _median(score: str, values: FloatArray, weights: FloatArray, evaluation: EvaluationSettings) -> dict[str, float]:
    """Return the median and quartiles' distance of the values (N,) that are known, and how many these are.

    The interval is the percentile interval of the resampled medians: a median has no formula here.
    """
    known = ~np.isnan(values)
    times = weights[:, known].astype(np.int64)
    medians = np.array([np.median(np.repeat(values[known], row)) if row.any() else np.nan for row in times])
    interval = percentile_interval(medians[1:], evaluation.confidence_level)
    low, high = np.quantile(values[known], [0.25, 0.75]) if known.any() else (np.nan, np.nan)
    return {
        **_with_ends(f"median_{score}", medians[0], Interval(interval.low, interval.high)),
        f"iqr_{score}": float(high - low),
        f"num_seizures_{score}": int(known.sum()),
    }


def _with_ends(name: str, score: float, interval: Interval) -> dict[str, float]:
    ends = (np.nan if end is None else end for end in (interval.low, interval.high))
    return {name: float(score), **dict(zip((f"{name}_low", f"{name}_high"), ends, strict=True))}
