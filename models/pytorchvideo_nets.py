"""Networks of PyTorchVideo's model zoo: X3D, Slow and channel-separated networks.

References: the citations in `models/video_networks.py`. The layers are those of PyTorchVideo 0.1.5, as its
`models/hub` composes them.

Differences from PyTorchVideo: no classifier, colours normalised inside (`models/frozen.py`), the last pooling is the
mean over whatever frames, rows and columns there are (the same at the size that a network was trained on), and X3D's
Swish is torch's SiLU, the same function in one step. A feature vector is what goes into the last linear layer.

Axes: B batch, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

import warnings

from torch import nn

with warnings.catch_warnings():
    # fvcore, which pytorchvideo 0.1.5 imports, calls the deprecated torch.jit.script; it is not used here.
    warnings.simplefilter("ignore")
    from pytorchvideo.models.hub import csn_r101, slow_r50
    from pytorchvideo.models.net import Net
    from pytorchvideo.models.x3d import create_x3d


def _x3d(feature_dim: int) -> Net:
    """Compose X3D of the extra small, small and medium size, which differ in the snippets they take only."""
    net = create_x3d(inner_act=nn.SiLU, head_dim_out=feature_dim)
    net.blocks[5].pool.pool = nn.AdaptiveAvgPool3d(1)
    return _without_classifier(net, feature_dim)


def _slow_r50(feature_dim: int) -> Net:
    """Compose the slow pathway of SlowFast with 50 layers."""
    net = slow_r50()
    net.blocks[5].pool = nn.AdaptiveAvgPool3d(1)
    return _without_classifier(net, feature_dim)


def _csn_r101(feature_dim: int) -> Net:
    """Compose the interaction-reduced channel-separated network with 101 layers."""
    net = csn_r101()
    net.blocks[5].pool = nn.AdaptiveAvgPool3d(1)
    return _without_classifier(net, feature_dim)


def _without_classifier(net: Net, feature_dim: int) -> Net:
    head = net.blocks[5]
    found = head.proj.in_features
    if found != feature_dim:
        raise ValueError(f"feature_dim = {feature_dim}: these layers give {found}")
    net.blocks[5] = nn.Sequential()
    net.blocks[5].add_module("pool", head.pool)  # under its published name
    net.blocks[5].add_module("flat", nn.Flatten(start_dim=1))  # (B, D, 1, 1, 1) -> (B, D)
    return net


BUILDERS = {"x3d": _x3d, "slow_r50": _slow_r50, "csn_r101": _csn_r101}

CLASSIFIER = "blocks.5.proj."


def convert_name(key: str) -> str | None:
    """Return the name here of PyTorchVideo's, which is the same; None for a name that is ours already."""
    return None if key.startswith("net.") else key
