"""Networks of torchvision that were trained on Kinetics-400: residual networks, S3D, MViT and Video Swin.

References: the citations in `models/video_networks.py`. The layers are torchvision's own.

Differences from torchvision: no classifier, and colours normalised inside (`models/frozen.py`). A feature vector is
what goes into the last linear layer; for S3D, whose classifier is a convolution, it is the mean over the places of what
goes into it.

Axes: B batch, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

import functools

import torch
from torch import nn
from torchvision.models import get_model
from torchvision.models.video.swin_transformer import ShiftedWindowAttention3d

_HEADS = {  # by architecture: torchvision's name of the classifier, and within it that of the layer with its weights
    "r2plus1d_18": ("fc", ""),
    "r3d_18": ("fc", ""),
    "mc3_18": ("fc", ""),
    "s3d": ("classifier", "1"),
    "mvit_v1_b": ("head", "1"),
    "mvit_v2_s": ("head", "1"),
    "swin3d_t": ("head", ""),
    "swin3d_s": ("head", ""),
    "swin3d_b": ("head", ""),
}


def _build(architecture: str, feature_dim: int) -> nn.Module:
    """Compose torchvision's network of that name without its classifier, for (B, 3, T, H, W) to (B, D)."""
    net: nn.Module = get_model(architecture, weights=None)
    head, layer = _HEADS[architecture]
    found = net.get_submodule(f"{head}.{layer}".rstrip(".")).get_parameter("weight").shape[1]
    if found != feature_dim:
        raise ValueError(f"feature_dim = {feature_dim}: these layers give {found}")
    setattr(net, head, nn.Identity())
    with torch.device("cpu"):  # the layers are on `meta`, without values, and these are constants of the method
        for module in net.modules():
            if isinstance(module, ShiftedWindowAttention3d):
                module.define_relative_position_index()
    return net


BUILDERS = {name: functools.partial(_build, name) for name in _HEADS}

CLASSIFIER = ("fc.", "classifier.", "head.")


def convert_name(key: str) -> str | None:
    """Return the name here of torchvision's, which is the same; None for a name that is ours already."""
    return None if key.startswith("net.") else key
