"""The features that folds are trained and scored on: those of [Features], packed, or any network's, file by file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seizures.classification.folds import FoldRow
from seizures.errors import FeatureFileError
from tasks.machinery.processes import each_task_is_a_fork
from tasks.settings.sections import Dataset, section
from tasks.stages.features import features_of
from tasks.stages.folds import fold_rows
from tasks.stages.packed import PackFeatures

if TYPE_CHECKING:
    from seizures.classification.packed import PackedFeatures
    from seizures.classification.sequences import SequenceBank


def load_sequences(rows: Sequence[FoldRow], uses: tuple[str, ...], way: str = "") -> SequenceBank:
    """Return the views of some seizures of the folds, in the order of the rows, from the packed features.

    Nothing is read but what is used: the rows of these views are mapped into memory, and their checksums compared. A
    file that is damaged is made again.

    Args:
        rows: of the folds.
        uses: which views are wanted; `("all",)` for training, `("all", "evaluate")` to predict.
        way: how the features are computed; empty: by [Features].

    Raises:
        FeatureFileError: features were made in another way than the others, or no view has such a use.

    """
    pack = PackFeatures(network=way)
    try:
        return _from_pack(pack.path if pack.is_made() else pack.result, rows, uses)
    except FeatureFileError:
        return _from_pack(pack.result, rows, uses)  # hashed as a whole now: a damaged one is made again


def _from_pack(path: Path, rows: Sequence[FoldRow], uses: tuple[str, ...]) -> SequenceBank:
    dataset = section(Dataset)
    pack = _opened(path, path.stat().st_mtime_ns)
    views = pack.find(uses)
    chosen = [number for row in rows for number in views.get(row.id, [])]
    if not chosen:
        raise _no_view(rows, uses)
    return pack.bank(chosen, dataset.label_names(), allow_mixed=dataset.allow_mixed_features)


@functools.lru_cache(maxsize=1)
def _opened(path: Path, _made_ns: int) -> PackedFeatures:
    """Return the packed features; a process compares the checksum of a view once."""
    from seizures.classification.packed import open_packed  # torch, which planning does without

    return open_packed(path)


def load_sequences_of(network: str, rows: Sequence[FoldRow], uses: tuple[str, ...], cell: str) -> SequenceBank:
    """Return the same by any network, from the feature files; seizures of which it has none are not in the bank.

    A process that trains one fold after the other reads all of them once. With several workers each task has a process
    of its own, which reads what it needs; so does each where features of different strides are mixed, because the
    stride of a bank follows from all that is in it.

    Args:
        network: whose features.
        rows: of the folds of a cell.
        uses: which views are wanted.
        cell: whose folds.

    Raises:
        FeatureFileError: a feature file is not usable, was made in another way than the others, or none has such views.

    """
    dataset = section(Dataset)
    shared = not dataset.allow_mixed_features and not each_task_is_a_fork()
    needed = fold_rows(cell) if shared else rows
    stages = [features_of(row.id, network) for row in needed]
    paths = tuple(sorted(stage.result for stage in stages if stage.bad_reason() is None))
    bank = _whole_bank(paths, dataset.label_names(), dataset.allow_mixed_features)
    views: dict[tuple[str, str], list[int]] = {}
    for number, (patient_id, seizure_id, use) in enumerate(
        zip(bank.patient_ids, bank.seizure_ids, bank.uses, strict=True)
    ):
        if use in uses:
            views.setdefault((patient_id, seizure_id), []).append(number)
    chosen = [number for row in rows for number in views.get(row.id, [])]
    if not chosen:
        raise _no_view(rows, uses)
    return bank.select(chosen)


def _no_view(rows: Sequence[FoldRow], uses: Sequence[str]) -> FeatureFileError:
    return FeatureFileError(f"no view with use {' or '.join(uses)} in the features of {len(rows)} seizures")


@functools.lru_cache(maxsize=1)
def _whole_bank(paths: tuple[Path, ...], labels: tuple[str, ...], allow_mixed: bool) -> SequenceBank:
    from seizures.classification.sequences import load_bank  # torch, which planning does without

    return load_bank(paths, labels=labels, uses=("all", "evaluate"), allow_mixed=allow_mixed)
