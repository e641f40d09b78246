"""Networks of single frames, from torchvision: the baselines of the paper's spatiotemporal networks.

References: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385
(ResNet-34); Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, arXiv:1605.07146 (Wide ResNet-50-2). Public
weights of torchvision, trained on ImageNet.

Differences from torchvision: no classifier, colours normalised inside (`models/frozen.py`), and a frame comes as a
snippet of one frame, so that both kinds of network are called the same way.

Axes: B batch, H rows, W columns, D features.
"""

from __future__ import annotations

import re

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet


class FrameResNet(ResNet):
    """A residual network without its classifier, for snippets of one frame."""

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], feature_dim: int, width_per_group: int = 64) -> None:
        super().__init__(block, [3, 4, 6, 3], width_per_group=width_per_group)
        found = 512 * block.expansion
        if found != feature_dim:
            raise ValueError(f"feature_dim = {feature_dim}: these layers give {found}")
        self.fc: nn.Module = nn.Identity()

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map snippets of one frame, (B, 3, 1, H, W), to features (B, D)."""
        features: torch.Tensor = self._forward_impl(snippets.squeeze(2))  # (B, 3, H, W) -> (B, D)
        return features


def _resnet_34(feature_dim: int) -> FrameResNet:
    """Compose ResNet-34 of 21.28 M weights: 512 features."""
    return FrameResNet(BasicBlock, feature_dim)


def _wide_resnet_50_2(feature_dim: int) -> FrameResNet:
    """Compose Wide ResNet-50-2 of 66.83 M weights, mid-channels doubled: 2048 features."""
    return FrameResNet(Bottleneck, feature_dim, width_per_group=128)


BUILDERS = {"resnet_34": _resnet_34, "wide_resnet_50_2": _wide_resnet_50_2}

CLASSIFIER = "fc."


def convert_name(key: str) -> str | None:
    """Return the name here of torchvision's `ResNet`'s, which is the same; None if it has none."""
    return key if re.match(r"(conv1|bn1|layer[1-4])\.", key) else None
