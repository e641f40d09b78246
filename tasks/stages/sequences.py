"""The features that folds are trained and scored on.

A process that trains one fold after the other reads those of all seizures once, and its folds share them. With several
workers each task has a process of its own, which reads what it needs; so does each where features of different strides
are mixed, because the stride of a bank follows from all that is in it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seizures.classification.folds import FoldRow
from seizures.errors import FeatureFileError
from seizures.manifest.identity import SeizureId
from tasks.machinery.processes import each_task_is_a_fork
from tasks.settings.sections import Dataset, section
from tasks.stages.features import features_of
from tasks.stages.folds import fold_rows

if TYPE_CHECKING:
    from seizures.classification.sequences import SequenceBank


def load_sequences(rows: Sequence[FoldRow], uses: tuple[str, ...], cell: str = "", network: str = "") -> SequenceBank:
    """Return the views of some seizures of the folds of a cell, in the order of the rows.

    Args:
        rows: of the folds.
        uses: which views are wanted; `("all",)` for training, `("all", "evaluate")` to predict.
        cell: of a sweep; empty for the present settings.
        network: whose features; empty for those of [Features]. Seizures of which it has none are not in the bank.

    Raises:
        FeatureFileError: a feature file is not usable, was made in another way than the others, or none has such views.

    """
    dataset = section(Dataset)
    shared = not dataset.allow_mixed_features and not each_task_is_a_fork()
    needed = fold_rows(cell) if shared else rows
    stages = [features_of(row.id, network) for row in needed]
    paths = tuple(sorted(stage.result for stage in stages if not network or stage.bad_reason() is None))
    bank = _whole_bank(paths, dataset.label_names(), dataset.allow_mixed_features)
    views: dict[SeizureId, list[int]] = {}
    for number, (patient_id, seizure_id, use) in enumerate(
        zip(bank.patient_ids, bank.seizure_ids, bank.uses, strict=True)
    ):
        if use in uses:
            views.setdefault(SeizureId(patient_id, seizure_id), []).append(number)
    chosen = [number for row in rows for number in views.get(row.id, [])]
    if not chosen:
        raise FeatureFileError(f"no view with use {' or '.join(uses)} in {len(rows)} feature files")
    return bank.select(chosen)


@functools.lru_cache(maxsize=1)
def _whole_bank(paths: tuple[Path, ...], labels: tuple[str, ...], allow_mixed: bool) -> SequenceBank:
    from seizures.classification.sequences import load_bank  # torch, which planning does without

    return load_bank(paths, labels=labels, uses=("all", "evaluate"), allow_mixed=allow_mixed)
