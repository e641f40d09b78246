"""Is a film like those that a classifier was trained on? A stated rule, whose errors are measured on held-out patients.

Each view of a seizure is one point: mean and log standard deviation of its n middle snippets, feature by feature, so
that a still or black picture is as far off as a strange one. Its distance from the training views is Mahalanobis',
under a covariance shrunk as Ledoit and Wolf (2004) say, because views are fewer than features. Of a seizure the
farthest view counts. The limit is a quantile of the distances of seizures whose patients were held out when mean and
covariance were found, as a conformal test takes it (Laxhammar and Falkman 2010; Bates et al. 2023), so that about one
in twenty seizures of the same cohort is flagged.

Letters in shapes: V views, D features, k directions, N snippets.
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
FEWEST_VIEWS = 8
_LITTLE = 1e-3
TENSORS = ("mean", "components", "variances", "residual_variance")


@dataclasses.dataclass(frozen=True, eq=False)
class Familiarity:
    """Mean and covariance of the training seizures, and how far from them is still familiar.

    Attributes:
        mean: (2 D,) of the points.
        components: (k, 2 D) orthonormal directions of the greatest variance.
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
        away = point_of(snippets, _floor(self.mean[: len(self.mean) // 2])) - self.mean
        along = self.components @ away
        rest = max(float(away @ away - along @ along), 0.0)
        squared = float((along**2 / self.variances).sum()) + rest / self.residual_variance
        return math.sqrt(squared / len(self.mean))

    def share_of_limit(self, snippets: FloatArray) -> float:
        """Return the distance of a view as a share of the greatest one that is familiar."""
        return self.distance(snippets) / self.limit


def point_of(snippets: FloatArray, floor: float) -> FloatArray:
    """Return what stands for a view, (2 D,): mean and log standard deviation of its snippets (N, D).

    `floor` is added to the deviation, so that a still picture has a logarithm.
    """
    return np.concatenate([snippets.mean(axis=0), np.log(snippets.std(axis=0) + floor)])


def _floor(mean: FloatArray) -> float:
    """Return what is little beside features of this mean, (D,)."""
    return max(_LITTLE * float(np.abs(mean).mean()), float(np.finfo(np.float32).tiny))


def fit_familiarity(views: Sequence[FloatArray]) -> Familiarity:
    """Return mean and covariance of the training views, each (N, D), without a limit.

    Raises:
        TooFewSeizuresError: there are too few views.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    if len(views) < FEWEST_VIEWS:
        raise TooFewSeizuresError(
            f"expected at least {FEWEST_VIEWS} views to tell what is familiar, found {len(views)}"
        )
    floor = _floor(np.mean([snippets.mean(axis=0) for snippets in views], axis=0))
    points = np.stack([point_of(snippets, floor) for snippets in views])
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
        flagged: the seizures that are farther than the limit that the other folds give.
    """

    limit: float
    flagged: frozenset[str]


def hold_out(views: Mapping[str, Sequence[FloatArray]], folds: Mapping[str, int]) -> HeldOut:
    """Find the limit, with each fold's seizures measured against those of the other folds.

    Args:
        views: by seizure the middle snippets of its views, (N, D) each.
        folds: of each seizure; a patient is in one.

    Raises:
        TooFewSeizuresError: a fold leaves too few views.
    """
    distances: dict[str, float] = {}
    for fold in sorted(set(folds.values())):
        familiar = fit_familiarity([one for name in views if folds[name] != fold for one in views[name]])
        for name in views:
            if folds[name] == fold:
                distances[name] = max(familiar.distance(one) for one in views[name])
    flagged: set[str] = set()
    for fold in sorted(set(folds.values())):
        limit = find_limit([distances[name] for name in views if folds[name] != fold])
        flagged |= {name for name in views if folds[name] == fold and distances[name] > limit}
    return HeldOut(find_limit(list(distances.values())), frozenset(flagged))
