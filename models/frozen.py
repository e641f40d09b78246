"""The frozen network that every architecture is wrapped in: one input, one output, colours normalised inside.

Axes: B batch, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import nn

from models import frame_cnn, movement, pytorchvideo_nets, stcnn, torchvision_video, transformers_video
from models.spec import NetworkSpec


class Page(Protocol):
    """A module of `models` that builds architectures and knows the names in their published checkpoints."""

    @property
    def BUILDERS(self) -> Mapping[str, Callable[[int], nn.Module]]:  # noqa: N802  # a module's constant
        """By architecture, a function from `feature_dim` to layers that map (B, 3, T, H, W) to (B, feature_dim)."""

    @property
    def CLASSIFIER(self) -> str | tuple[str, ...]:  # noqa: N802  # a module's constant
        """What the names of the published classifier begin with, or several such; it is dropped."""

    def convert_name(self, key: str) -> str | None:
        """Return the name in these layers' state dict for one in the published checkpoint; None if it has none."""


PAGES: tuple[Page, ...] = (stcnn, frame_cnn, torchvision_video, pytorchvideo_nets, transformers_video)


def page_of(architecture: str) -> Page:
    """Return the page that builds an architecture."""
    return next(page for page in PAGES if architecture in page.BUILDERS)


def builder_of(architecture: str) -> Callable[[int], nn.Module]:
    """Return the function from `feature_dim` to the layers of an architecture, with weights or without."""
    if architecture in movement.BUILDERS:
        return movement.BUILDERS[architecture]
    return page_of(architecture).BUILDERS[architecture]


class FrozenNetwork(nn.Module):
    """A network that maps a snippet of RGB frames to a feature vector, with the normalisation of colours inside.

    Attributes:
        frames_per_snippet: T it was trained on; a network of single frames accepts 1 only.
        frame_step: Distance from one of these frames to the next, in frames of the video clock.
        feature_dim: D.
        frame_size: H = W it was trained on; others are accepted unless the size is fixed.
        is_size_fixed: Whether frames of another size and snippets of another length are refused.
        has_weights: Whether its layers have weights.
        spec: What is known of it.
    """

    colour_mean: torch.Tensor
    colour_std: torch.Tensor

    def __init__(self, spec: NetworkSpec, net: nn.Module | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.frames_per_snippet = spec.frames_per_snippet
        self.frame_step = spec.frame_step
        self.feature_dim = spec.feature_dim
        self.frame_size = spec.frame_size
        self.has_weights = spec.has_weights
        self.is_size_fixed = spec.is_size_fixed
        if net is None:
            with torch.device("meta"):
                net = builder_of(spec.architecture)(spec.feature_dim)
        self.net = net
        # Constants of the method, not of a checkpoint: kept out of the state dict.
        self.register_buffer("colour_mean", torch.tensor(spec.colour_mean).view(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("colour_std", torch.tensor(spec.colour_std).view(1, 3, 1, 1, 1), persistent=False)

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map RGB snippets in [0, 1], (B, 3, T, H, W), to features (B, D).

        Raises:
            ValueError: The shape or type is wrong.
        """
        wanted: dict[str, int] = {}
        if self.frames_per_snippet == 1 or self.is_size_fixed:
            wanted["T"] = self.frames_per_snippet
        if self.is_size_fixed:
            wanted["H"] = wanted["W"] = self.frame_size
        found = dict(zip("THW", snippets.shape[2:], strict=False))
        if (
            snippets.ndim != 5
            or snippets.shape[1] != 3
            or not snippets.is_floating_point()
            or any(found[axis] != size for axis, size in wanted.items())
        ):
            sizes = ", ".join(str(wanted.get(axis, axis)) for axis in "THW")
            raise ValueError(
                f"expected snippets of floats in [0, 1], shape (B, 3, {sizes}); found {snippets.dtype}, "
                f"shape {tuple(snippets.shape)}"
            )
        features: torch.Tensor = self.net((snippets - self.colour_mean) / self.colour_std)
        return features


def build_network(spec: NetworkSpec) -> FrozenNetwork:
    """Build the layers of `spec` without weights: parameters stay on the `meta` device until a state dict is assigned.

    Nothing is drawn only to be overwritten, and the caller's random generator is left alone.
    """
    return FrozenNetwork(spec)
