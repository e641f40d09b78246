"""The training seizures most like a new one, with their labels: known cases, in the house that has them.

Two seizures are compared segment by segment: their snippets, centred and scaled by those of all training seizures, view
by view, by the cosine between the two courses. Views of the same name are compared with each other; where none has the
same name, every view with every view.

Letters in shapes: M training seizures, V views, N segments, D features.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

NUM_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Case:
    """A training seizure: its name, which stays in the house, its label, and its middle snippets by view, (N, D)."""

    name: str
    label: str
    middles: Mapping[str, npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class SimilarCase:
    """A training seizure that is like the new one: cosine from -1 to 1."""

    name: str
    label: str
    similarity: float


def find_similar(
    middles: Mapping[str, npt.NDArray[np.float32]], cases: Sequence[Case], num_shown: int = NUM_SHOWN
) -> list[SimilarCase]:
    """Return the cases most like a seizure, the most similar first; equal ones by name."""
    if not cases:
        return []
    every = np.concatenate([values for case in cases for values in case.middles.values()]).astype(np.float64)
    mean, scale = every.mean(axis=0), every.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)

    def course(values: npt.NDArray[np.float32]) -> FloatArray:
        flat = ((values - mean) / scale).ravel()
        found: FloatArray = flat / max(float(np.linalg.norm(flat)), 1e-12)
        return found

    own = {view: course(values) for view, values in middles.items()}
    found = []
    for case in cases:
        theirs = {view: course(values) for view, values in case.middles.items()}
        pairs = [(view, view) for view in own if view in theirs] or [(one, two) for one in own for two in theirs]
        similarity = float(np.mean([own[one] @ theirs[two] for one, two in pairs]))
        found.append(SimilarCase(case.name, case.label, similarity))
    return sorted(found, key=lambda case: (-case.similarity, case.name))[:num_shown]
