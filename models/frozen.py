"""What every network that makes features is: frozen layers behind one door, where colours are normalised.

Axes: B batch, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import nn

from models import frame_cnn, stcnn
from models.registry import NetworkSpec


class Family(NamedTuple):
    """Architectures that were trained on frames of the same colours.

    Attributes:
        build: What makes the layers, by architecture, from the number of features.
        colour_mean: Of RGB in [0, 1].
        colour_std: Of RGB in [0, 1].
    """

    build: Mapping[str, Callable[[int], nn.Module]]
    colour_mean: tuple[float, float, float]
    colour_std: tuple[float, float, float]


_FAMILIES = (
    Family(stcnn.BUILDERS, stcnn.COLOUR_MEAN, stcnn.COLOUR_STD),
    Family(frame_cnn.BUILDERS, frame_cnn.COLOUR_MEAN, frame_cnn.COLOUR_STD),
)


class FrozenNetwork(nn.Module):
    """A network that maps a snippet of RGB frames to a feature vector, with the normalisation of colours inside.

    Attributes:
        frames_per_snippet: T that it was trained on; 1 for a network of single frames, which takes no other.
        feature_dim: D.
        frame_size: H = W that it was trained on; others are accepted.
    """

    colour_mean: torch.Tensor
    colour_std: torch.Tensor

    def __init__(self, spec: NetworkSpec, family: Family) -> None:
        super().__init__()
        self.frames_per_snippet = spec.frames_per_snippet
        self.feature_dim = spec.feature_dim
        self.frame_size = spec.frame_size
        with torch.device("meta"):
            self.net = family.build[spec.architecture](spec.feature_dim)
        # Constants of the method, not of a checkpoint: kept out of the state dict.
        self.register_buffer("colour_mean", torch.tensor(family.colour_mean).view(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("colour_std", torch.tensor(family.colour_std).view(1, 3, 1, 1, 1), persistent=False)

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map RGB snippets in [0, 1], (B, 3, T, H, W), to features (B, D).

        Raises:
            ValueError: The shape or type is another.
        """
        num_frames = "1" if self.frames_per_snippet == 1 else "T"
        if (
            snippets.ndim != 5
            or snippets.shape[1] != 3
            or not snippets.is_floating_point()
            or (self.frames_per_snippet == 1 and snippets.shape[2] != 1)
        ):
            raise ValueError(
                f"wanted snippets of floats in [0, 1], shape (B, 3, {num_frames}, H, W); found {snippets.dtype}, "
                f"shape {tuple(snippets.shape)}"
            )
        features: torch.Tensor = self.net((snippets - self.colour_mean) / self.colour_std)
        return features


def build_network(spec: NetworkSpec) -> FrozenNetwork:
    """Build the layers of `spec` without weights: parameters are on the `meta` device until a state dict is assigned.

    So nothing is drawn only to be overwritten, and the caller's random generator is left alone.
    """
    return FrozenNetwork(spec, next(family for family in _FAMILIES if spec.architecture in family.build))
