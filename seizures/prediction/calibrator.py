"""Probabilities that mean what they say: the calibration of a classifier's answer, fitted on out-of-fold predictions.

Letters in shapes: N seizures.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from seizures.errors import SettingsError

METHODS = ("none", "temperature", "platt")
_LEAST = 1e-7  # a probability of 0 or 1 has no logit


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How a probability p is corrected: sigmoid(slope * logit(p) + intercept).

    `temperature` has the intercept 0; `none` has the slope 1 too.
    """

    method: str = "none"
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an unknown method, and numbers that no such method has."""
        fits = {
            "none": self.slope == 1 and self.intercept == 0,
            "temperature": self.slope > 0 and self.intercept == 0,
            "platt": True,
        }
        if not fits.get(self.method) or not np.isfinite([self.slope, self.intercept]).all():
            raise SettingsError(
                f"calibration = {self.method}, slope {self.slope}, intercept {self.intercept}: expected one of "
                f"{', '.join(METHODS)} with finite numbers that fit it"
            )

    def apply(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities, float64 of the shape that is given; `none` changes no bit of them."""
        if self.method == "none":
            return np.array(probabilities, dtype=np.float64)
        return sigmoid(self.slope * logit(probabilities) + self.intercept)


def logit(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return log(p / (1 - p)), with p kept a ten millionth away from 0 and 1."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _LEAST, 1 - _LEAST)
    found: npt.NDArray[np.float64] = np.log(p) - np.log1p(-p)
    return found


def sigmoid(logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return 1 / (1 + exp(-x))."""
    found: npt.NDArray[np.float64] = 0.5 * (1 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64)))
    return found
