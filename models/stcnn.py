"""R(2+1)D networks, composed from PyTorchVideo's blocks: one snippet of frames to one feature vector.

Reference: Tran, Wang, Torresani, Ray, LeCun, Paluri, "A Closer Look at Spatiotemporal Convolutions for Action
Recognition", CVPR 2018, arXiv:1711.11248; weights of Ghadiyaram, Tran, Mahajan, "Large-scale weakly-supervised
pre-training for video action recognition", CVPR 2019, arXiv:1905.00561 (IG-65M).

Differences from torchvision's `VideoResNet`, whose published checkpoints load: no classifier, colours normalised inside
(`models/frozen.py`), BatchNorm's eps is 1e-3, and the second convolution of the first block of layers 2, 3 and 4 has
288, 576 and 1152 mid-channels, as in the Caffe2 original.

Axes: B batch, C channels, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections import OrderedDict

import torch
from torch import nn

with warnings.catch_warnings():
    # fvcore, which pytorchvideo 0.1.5 imports, calls the deprecated torch.jit.script; it is not used here.
    warnings.simplefilter("ignore")
    from pytorchvideo.layers.convolutions import create_conv_2plus1d
    from pytorchvideo.models.net import Net
    from pytorchvideo.models.resnet import ResBlock, ResStage
    from pytorchvideo.models.stem import ResNetBasicStem

NORM_EPS = 1e-3
_CONV = {"0": "conv_xy", "1": "norm", "3": "conv_t"}  # positions in torchvision's Conv2Plus1D

_relu = functools.partial(nn.ReLU, inplace=True)
_norm = functools.partial(nn.BatchNorm3d, eps=NORM_EPS)


def _r2plus1d_34(feature_dim: int) -> Net:
    """Compose R(2+1)D-34 of 63.49 M weights, for (B, 3, T, H, W)."""
    stages = []
    in_channels = 64
    for out_channels, depth in ((64, 3), (128, 4), (256, 6), (feature_dim, 3)):
        stride = 1 if out_channels == in_channels else 2
        first, others = factorised_channels(in_channels, out_channels), factorised_channels(out_channels, out_channels)
        # Mid-channels of the second convolution follow from its own input; in torchvision, from the block's input.
        inners = [(first, others)] + [(others, others)] * (depth - 1)
        stages.append(_stage(in_channels, out_channels, stride=stride, inners=inners))
        in_channels = out_channels
    stem = _stem(inner_channels=45, out_channels=64)  # (B, 64, T, H / 2, W / 2)
    return Net(blocks=nn.ModuleList([stem, *stages, _pool()]))  # (B, 512, T / 8, H / 16, W / 16) -> (B, 512)


def _r2plus1d_small(feature_dim: int) -> Net:
    """Compose a small network of the same kind for the demo and the tests, for (B, 3, T, H, W).

    Differences from R(2+1)D-34: one stage of one block, because random filters lose more of the motion with every
    layer; few channels; no temporal padding before the first temporal filters, which would see the snippet's edge as
    motion; and a normalisation of the pooled features, which gives them a common scale.
    """
    stem = _stem(inner_channels=16, out_channels=32, padding_frames=0)  # (B, 32, T - 2, H / 2, W / 2)
    stage = _stage(32, feature_dim, stride=2, inners=[(64, 64)])  # (B, D, T / 2 - 1, H / 4, W / 4)
    head = nn.Sequential(OrderedDict(pool=_pool(), norm=nn.BatchNorm1d(feature_dim, eps=NORM_EPS)))
    return Net(blocks=nn.ModuleList([stem, stage, head]))


BUILDERS = {"r2plus1d_34": _r2plus1d_34, "r2plus1d_small": _r2plus1d_small}

CLASSIFIER = "fc."


def convert_name(key: str) -> str | None:
    """Return the name here of torchvision's `VideoResNet`'s, e.g. `layer1.0.conv1.0.3.weight`; None if it has none."""
    place, _, leaf = key.rpartition(".")
    if match := re.fullmatch(r"stem\.([0134])", place):
        part = match[1]
        ours = "blocks.0.norm" if part == "4" else f"blocks.0.conv.{_CONV[part]}"
    elif match := re.fullmatch(r"layer(\d)\.(\d+)\.conv([12])\.(?:0\.([013])|1)", place):
        stage, block, letter = match[1], match[2], "ab"[int(match[3]) - 1]
        branch = f"conv_{letter}.{_CONV[match[4]]}" if match[4] else f"norm_{letter}"
        ours = f"blocks.{stage}.res_blocks.{block}.branch2.{branch}"
    elif match := re.fullmatch(r"layer(\d)\.(\d+)\.downsample\.([01])", place):
        ours = f"blocks.{match[1]}.res_blocks.{match[2]}.branch1_{('conv', 'norm')[int(match[3])]}"
    else:
        return None
    return f"{ours}.{leaf}"


def factorised_channels(in_channels: int, out_channels: int) -> int:
    """Return the mid-channels that give a 1 x 3 x 3 and a 3 x 1 x 1 convolution the weights of one 3 x 3 x 3.

    Section 3.5 of Tran et al.
    """
    return (in_channels * out_channels * 3 * 3 * 3) // (in_channels * 3 * 3 + 3 * out_channels)


def _stem(*, inner_channels: int, out_channels: int, padding_frames: int = 1) -> ResNetBasicStem:
    """Compose the first layer: 7 x 7 over space with stride 2, then 3 over time."""
    conv = create_conv_2plus1d(
        in_channels=3,
        out_channels=out_channels,
        inner_channels=inner_channels,
        conv_xy_first=True,
        kernel_size=(3, 7, 7),
        stride=(1, 2, 2),
        padding=(padding_frames, 3, 3),
        norm_eps=NORM_EPS,
        activation=_relu,
    )
    return ResNetBasicStem(conv=conv, norm=_norm(out_channels), activation=_relu(), pool=None)


def _stage(in_channels: int, out_channels: int, *, stride: int, inners: list[tuple[int, int]]) -> ResStage:
    """Compose consecutive blocks; `inners` holds the mid-channels of each block's two convolutions."""
    blocks = []
    for index, inner in enumerate(inners):
        first = index == 0
        blocks.append(_block(in_channels if first else out_channels, out_channels, stride if first else 1, inner))
    return ResStage(res_blocks=nn.ModuleList(blocks))


def _block(in_channels: int, out_channels: int, stride: int, inner_channels: tuple[int, int]) -> ResBlock:
    """Compose a basic residual block; `stride` applies to time, rows and columns."""
    conv = functools.partial(
        create_conv_2plus1d, conv_xy_first=True, norm_eps=NORM_EPS, activation=_relu, out_channels=out_channels
    )
    branch2 = OrderedDict(
        conv_a=conv(in_channels=in_channels, inner_channels=inner_channels[0], stride=(stride,) * 3),
        norm_a=_norm(out_channels),
        act_a=_relu(),
        conv_b=conv(in_channels=out_channels, inner_channels=inner_channels[1], stride=(1, 1, 1)),
        norm_b=_norm(out_channels),
    )
    changes_shape = stride != 1 or in_channels != out_channels
    return ResBlock(
        branch1_conv=nn.Conv3d(in_channels, out_channels, 1, stride=stride, bias=False) if changes_shape else None,
        branch1_norm=_norm(out_channels) if changes_shape else None,
        branch2=nn.Sequential(branch2),
        activation=_relu(),
        branch_fusion=torch.add,
    )


def _pool() -> nn.Sequential:
    """Compose the head: the mean over time and space, (B, D, T, H, W) to (B, D)."""
    return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(start_dim=1))
