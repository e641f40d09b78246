"""A trained classifier, ready to be asked: its networks, what makes their answer a probability, and its limits.

The answer is the ensemble's: P of the positive label by each seed is the mean over the views, the ensemble's is the
mean over the seeds, and calibration corrects that. The no-call zone is the range of probabilities in which the
classifier abstains (docs/prediction.md).

Letters in shapes: N segments, D features, V views, K seeds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from seizures.errors import FeatureFileError, SeizuresError
from seizures.features.file import FeatureFile
from seizures.features.reader import FeatureCollection, open_features
from seizures.prediction.asked import asked_of_features
from seizures.prediction.calibrator import Calibration
from seizures.prediction.familiarity import Familiarity
from seizures.prediction.fit import differences
from seizures.prediction.middles import Middles
from seizures.settings import TrainingSettings

FloatArray = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class ViewAnswer:
    """What one view alone would have said, calibrated as the whole answer is.

    Attributes:
        view: its name.
        probability: of the positive label, by all seeds.
        low, high: of the single seeds, the least and the greatest.
        raw_by_seed: (K,) not calibrated.
    """

    view: str
    probability: float
    low: float
    high: float
    raw_by_seed: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the classifier says of one seizure.

    Attributes:
        labels: the negative and the positive label.
        probability: calibrated, of the positive label.
        low, high: the same by single seeds, the least and the greatest.
        raw_probability: before calibration.
        raw_by_seed: (K,) before calibration, the mean over the views.
        call: the label that is called; None where the classifier abstains.
        views: what each view alone would have said.
        distance: how far its features are from those of the training seizures, as a share of the distance that is
            still familiar; None where the classifier cannot tell.
    """

    labels: tuple[str, str]
    probability: float
    low: float
    high: float
    raw_probability: float
    raw_by_seed: tuple[float, ...]
    call: str | None
    views: tuple[ViewAnswer, ...]
    distance: float | None

    @property
    def is_familiar(self) -> bool | None:
        """Whether the film is like those that the classifier was trained on; None where it cannot tell."""
        return None if self.distance is None else self.distance <= 1


@dataclasses.dataclass(frozen=True, eq=False)
class Classifier:
    """The networks of all seeds, with what their file says of them.

    Attributes:
        info: the content of classifier.json (docs/classifier-file.md).
        networks: one a seed, float32 (B, N, D) to logits (B, 2), ready to predict.
        baseline: float32 (D,) the mean feature of the training seizures.
        familiarity: what is familiar to it; None where nothing is known of its training seizures.
    """

    info: Mapping[str, Any]
    networks: tuple[nn.Module, ...]
    baseline: torch.Tensor
    familiarity: Familiarity | None

    def __repr__(self) -> str:
        """Return its id, labels and number of seeds: what it says of itself at length is in `info`."""
        return f"<Classifier {self.id}: {' against '.join(self.labels)}, {len(self.networks)} seeds>"

    @property
    def id(self) -> str:
        """What tells it from other classifiers: 12 hex digits."""
        return str(self.info["classifier_id"])

    @property
    def labels(self) -> tuple[str, str]:
        """The negative and the positive label."""
        negative, positive = self.info["labels"]
        return negative, positive

    @property
    def settings(self) -> TrainingSettings:
        """How it was trained."""
        return TrainingSettings.of_fields(self.info["training"])

    @property
    def calibration(self) -> Calibration:
        """What makes its answer a probability."""
        said = self.info["calibration"]
        return Calibration(said["method"], said["slope"], said["intercept"])

    @property
    def no_call(self) -> tuple[float, float]:
        """The calibrated probabilities between which it abstains; the same number twice where it never does."""
        low, high = (self.info["decision"] or {"no_call": (0.5, 0.5)})["no_call"]
        return low, high

    def predict(self, features: FeatureFile | FeatureCollection | str | Path) -> Answer | dict[str, Answer]:
        """Return the answer for one seizure, or by name for several.

        Args:
            features: what `seizures.open_features` returns, or a path that it takes.

        Raises:
            FeatureFileError: the features were made in another way than those that it was trained on.
            TooShortError: no view is long enough.
        """
        if isinstance(features, (str, Path)):
            with open_features(features) as found:
                return self.predict(found)
        if isinstance(features, FeatureCollection):
            return {name: self._of_file(one) for name, one in features.items()}
        return self._of_file(features)

    def answer(self, middles: Middles) -> Answer:
        """Return the answer from the middle snippets of each view, float32 (N, D).

        Raises:
            SeizuresError: they have another shape than the classifier takes, or are not finite.
        """
        self._check(middles)
        views = sorted(middles)
        raw = self.raw(torch.stack([middles[view] for view in views]))
        return self.answer_of(views, raw, self._distance(middles))

    def answer_of(self, views: Sequence[str], raw: FloatArray, distance: float | None) -> Answer:
        """Return the answer from the raw probabilities of every seed and view, float64 (K, V)."""
        calibrated = self.calibration.apply
        by_seed = raw.mean(axis=1)
        probability = float(calibrated(by_seed.mean()))
        seeds = calibrated(by_seed)
        low, high = self.no_call
        is_called = not low < probability < high
        return Answer(
            labels=self.labels,
            probability=probability,
            low=float(seeds.min()),
            high=float(seeds.max()),
            raw_probability=float(by_seed.mean()),
            raw_by_seed=tuple(map(float, by_seed)),
            call=self.labels[probability >= 0.5] if is_called else None,
            views=tuple(
                ViewAnswer(
                    view,
                    float(calibrated(column.mean())),
                    float(calibrated(column).min()),
                    float(calibrated(column).max()),
                    tuple(map(float, column)),
                )
                for view, column in zip(views, raw.T, strict=True)
            ),
            distance=distance,
        )

    def raw(self, sequences: torch.Tensor) -> FloatArray:
        """Return P of the positive label before calibration, float64 (K, V), from float32 (V, N, D)."""
        with torch.inference_mode():
            logits = [network(sequences) for network in self.networks]
        found: FloatArray = np.stack([one.double().softmax(dim=1)[:, 1].numpy() for one in logits])
        if not np.isfinite(found).all():
            raise SeizuresError(f"classifier {self.id}: its networks give no finite answer; export it again")
        return found

    def differences(self, made: Mapping[str, Any], *, allow_mixed: bool = False) -> list[str]:
        """Return what of the way in which features were made is another than the classifier needs, a line each.

        `allow_mixed` passes over network, weights and stride, as an import of features does.
        """
        found = differences(self.info["features"], made, allow_mixed=allow_mixed)
        return [f"{name} = {one}, and the classifier was trained with {other}" for name, (one, other) in found.items()]

    def _of_file(self, file: FeatureFile) -> Answer:
        made = {name: file.recipe.get(name, "") for name in ("preprocessing", "deinterlace", "precision")}
        made |= {
            name: getattr(file, name)
            for name in ("network", "weights_sha256", "frames_per_snippet", "stride_frames", "frame_rate_hz")
        }
        made["feature_dim"] = next(iter(file.views.values())).feature_dim
        wrong = self.differences(made)
        if wrong:
            raise FeatureFileError("\n  ".join([f"{file.path}: its features do not fit this classifier:", *wrong]))
        return self.answer(asked_of_features(file, self.settings.num_segments).middles)

    def _check(self, middles: Middles) -> None:
        wanted = (self.settings.num_segments, int(self.info["features"]["feature_dim"]))
        for view, values in middles.items():
            if tuple(values.shape) != wanted or not bool(torch.isfinite(values).all()):
                raise SeizuresError(
                    f"view {view}: expected {wanted[0]} snippets of {wanted[1]} finite features, found "
                    f"{tuple(values.shape)}; compute the features again"
                )

    def _distance(self, middles: Middles) -> float | None:
        if self.familiarity is None:
            return None
        return max(self.familiarity.share_of_limit(values.double().numpy()) for values in middles.values())
