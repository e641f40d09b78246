"""Is a film like those that a classifier was trained on? A stated rule, whose errors are measured on held-out patients.

Each view of a seizure is one point: the mean of its n middle snippets. Its distance from the training seizures is
Mahalanobis', under a covariance shrunk as Ledoit and Wolf (2004) say, because views are fewer than features. Of a
seizure the farthest view counts. The limit is a quantile of the distances of seizures whose patients were held out when
mean and covariance were found, as a conformal test takes it (Laxhammar and Falkman 2010; Bates et al. 2023), so that
about one in twenty seizures of the same cohort is flagged.

Letters in shapes: P points (views), D features, k directions, N snippets.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from seizures.errors import TooFewSeizuresError

FloatArray = npt.NDArray[np.float64]

SHARE_FLAGGED = 0.05  # of seizures of new patients of the same cohort, about
MOST_DIRECTIONS = 64
FEWEST_POINTS = 8
TENSORS = ("mean", "components", "variances", "residual_variance")


@dataclasses.dataclass(frozen=True, eq=False)
class Familiarity:
    """Mean and covariance of the training seizures, and how far from them is still familiar.

    Attributes:
        mean: (D,).
        components: (k, D) orthonormal directions of the greatest variance.
        variances: (k,) along them.
        residual_variance: in every other direction.
        limit: the greatest distance that is still familiar.
    """

    mean: FloatArray
    components: FloatArray
    variances: FloatArray
    residual_variance: float
    limit: float = math.inf

    def distance(self, snippets: FloatArray) -> float:
        """Return the distance of a view from its middle snippets (N, D); 1 is usual among the training views."""
        away = snippets.mean(axis=0) - self.mean
        along = self.components @ away
        rest = max(float(away @ away - along @ along), 0.0)
        squared = float((along**2 / self.variances).sum()) + rest / self.residual_variance
        return math.sqrt(squared / len(self.mean))

    def share_of_limit(self, snippets: FloatArray) -> float:
        """Return the distance of a view as a share of the greatest one that is familiar."""
        return self.distance(snippets) / self.limit


def fit_familiarity(points: FloatArray) -> Familiarity:
    """Return mean and covariance of points (P, D), without a limit.

    Raises:
        TooFewSeizuresError: there are too few points.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    if len(points) < FEWEST_POINTS:
        raise TooFewSeizuresError(
            f"expected at least {FEWEST_POINTS} views to tell what is familiar, found {len(points)}"
        )
    mean = points.mean(axis=0)
    centred = points - mean
    shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    variances = singular**2 / len(points)
    average = max(float(variances.sum()) / points.shape[1], np.finfo(np.float32).tiny)
    kept = min(MOST_DIRECTIONS, len(points) - 1, points.shape[1] - 1)
    floor = max(shrinkage, 1e-3) * average
    # What is not kept of the covariance is spread over the directions that are left.
    rest = floor + (1 - shrinkage) * float(variances[kept:].sum()) / (points.shape[1] - kept)
    return Familiarity(mean, directions[:kept], (1 - shrinkage) * variances[:kept] + floor, rest)


def find_limit(distances: Sequence[float], share_flagged: float = SHARE_FLAGGED) -> float:
    """Return the limit from the n distances of held-out seizures: the ceil((1 - share) (n + 1))-th, or the greatest."""
    ordered = sorted(distances)
    place = math.ceil((1 - share_flagged) * (len(ordered) + 1))
    return float(ordered[min(place, len(ordered)) - 1])


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """What the limit is found from, and how it does on patients who took no part in finding it.

    Attributes:
        limit: from all held-out distances.
        num_patients, num_seizures: who was held out once.
        num_flagged: seizures farther than the limit that the other folds give.
    """

    limit: float
    num_patients: int
    num_seizures: int
    num_flagged: int


def hold_out(points: Mapping[str, FloatArray], patients: Mapping[str, str], folds: Mapping[str, int]) -> HeldOut:
    """Find the limit, with each fold's seizures measured against those of the other folds.

    Args:
        points: by seizure the means of its views, (V, D).
        patients: of each seizure.
        folds: of each seizure; a patient is in one.

    Raises:
        TooFewSeizuresError: a fold leaves too few views.
    """
    distances: dict[str, float] = {}
    for fold in sorted(set(folds.values())):
        training = np.concatenate([points[name] for name in points if folds[name] != fold])
        familiar = fit_familiarity(training)
        for name in points:
            if folds[name] == fold:
                distances[name] = max(familiar.distance(point[None]) for point in points[name])
    num_flagged = 0
    for fold in sorted(set(folds.values())):
        limit = find_limit([distances[name] for name in points if folds[name] != fold])
        num_flagged += sum(distances[name] > limit for name in points if folds[name] == fold)
    return HeldOut(find_limit(list(distances.values())), len(set(patients.values())), len(points), num_flagged)
