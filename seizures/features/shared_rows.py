"""The same features under two patients: a film that was copied in another container, or features that were mixed up.

A row of features is hashed by its bits. Pictures that differ at all give other bits, and so does another machine, so
what is equal was copied. A picture that stands still (a black screen) may be anybody's, and repeats itself: rows that
repeat within a view are passed over.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seizures.manifest.identity import RecordingId

FEWEST_ROWS = 2  # shared by chance may be one, such as that of a single black snippet


class SharedRows(NamedTuple):
    """Two views, of two patients, that have rows of features in common."""

    one: RecordingId
    other: RecordingId
    num_rows: int
    of: int  # rows of the shorter view that could be shared


def row_hashes(features: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Return a hash for each valid row, float32 (S, D), that the view has once."""
    bits = np.ascontiguousarray(features[valid], dtype=np.float32).view(np.uint32).astype(np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**63, bits.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes, counts = np.unique((bits * factors).sum(axis=1, dtype=np.uint64), return_counts=True)
    found: npt.NDArray[np.uint64] = hashes[counts == 1]
    return found


def shared_rows(views: Mapping[RecordingId, npt.NDArray[np.uint64]]) -> list[SharedRows]:
    """Return the views of different patients that share rows: at least two, or all that the shorter one has."""
    names = list(views)
    hashes = np.concatenate([*views.values(), np.zeros(0, dtype=np.uint64)])
    owners = np.repeat(np.arange(len(names)), [len(views[name]) for name in names])
    order = np.argsort(hashes, kind="stable")
    _, starts, sizes = np.unique(hashes[order], return_index=True, return_counts=True)
    counts = Counter[tuple[int, int]]()
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        counts.update(itertools.combinations(owners[order[start : start + size]].tolist(), 2))
    found = []
    for (one, other), number in sorted(counts.items()):
        of = min(len(views[names[one]]), len(views[names[other]]))
        if names[one].patient_id != names[other].patient_id and number >= min(FEWEST_ROWS, of):
            found.append(SharedRows(names[one], names[other], number, of))
    return found
