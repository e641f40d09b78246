"""Who is in the results and who is not: patients, seizures, durations, views and exclusions, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from seizures.evaluation.predictions import VIEW_PREFIX, view_columns
from seizures.evaluation.wording import plural
from seizures.manifest.identity import SeizureId

LeftOutRow = tuple[str, str, str, str]


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def cohort_facts(
    predictions: pd.DataFrame,
    durations_seconds: Mapping[SeizureId, float],
    *,
    positive_label: str = "TCS",
    negative_label: str = "FOS",
) -> dict[str, str]:
    """Return what was scored, in words: name of a fact to its text.

    Args:
        predictions: predictions.csv.
        durations_seconds: seconds of each seizure by (patient, seizure); one that is not there is of unknown duration.
        positive_label: TCS.
        negative_label: FOS.
    """
    seizures = predictions.drop_duplicates(["patient_id", "seizure_id"])
    by_patient = seizures.groupby("patient_id")
    kinds = by_patient["label"].agg(lambda labels: " and ".join(sorted(set(labels)))).value_counts()
    number = by_patient.size().to_numpy()
    both = int(kinds.sum() - kinds.get(negative_label, 0) - kinds.get(positive_label, 0))
    facts = {
        "patients": f"{len(number)}: {int(kinds.get(negative_label, 0))} with {negative_label} only, "
        f"{int(kinds.get(positive_label, 0))} with {positive_label} only, {both} with both",
        "seizures": f"{len(seizures)}: "
        + ", ".join(f"{int((seizures['label'] == name).sum())} {name}" for name in (negative_label, positive_label)),
        "seizures per patient": _spread(number.astype(np.float64), ""),
    }
    ids = map(SeizureId, seizures["patient_id"], seizures["seizure_id"])
    seconds = np.array([durations_seconds.get(seizure, np.nan) for seizure in ids], dtype=np.float64)
    for name in (negative_label, positive_label):
        of_label = seconds[np.asarray(seizures["label"] == name)]
        known = of_label[~np.isnan(of_label)]
        facts[f"duration of {name}"] = _spread(known, " s") if len(known) or not len(of_label) else "unknown"
    views = {name.removeprefix(VIEW_PREFIX): int(seizures[name].notna().sum()) for name in view_columns(seizures)}
    facts["views"] = ", ".join(f"{name} ({plural(count, 'seizure')})" for name, count in views.items())
    return facts


def _spread(values: npt.NDArray[np.float64], unit: str) -> str:
    if not len(values):
        return "none"
    median, low, high = (f"{value:.1f}".removesuffix(".0") for value in (np.median(values), values.min(), values.max()))
    return f"median {median}{unit} ({low} to {high}{unit})"


def left_out_words(left_out: Sequence[LeftOutRow], predictions: pd.DataFrame) -> str:
    """Count what was excluded: whole seizures, and views of seizures that were scored; "" for nothing.

    Args:
        left_out: (patient_id, seizure_id, view or "" for the whole seizure, reason).
        predictions: predictions.csv.
    """
    scored = set(zip(predictions["patient_id"], predictions["seizure_id"], strict=True))
    seizures = {row[:2] for row in left_out} - scored
    views = {row[:3] for row in left_out if row[:2] in scored}
    words = [plural(len(seizures), "whole seizure")] if seizures else []
    words += [f"{plural(len(views), 'view')} of other seizures"] if views else []
    return listed(words)
