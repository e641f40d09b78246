"""The networks that a person may name, one entry each: facts only, no layers and no torch.

To add one, follow docs/howto/add-a-network.md. The layers are in the pages that `models/frozen.py` lists; the networks
of torchvision and PyTorchVideo that are not the paper's have their facts in `models/video_networks.py`, those of
`transformers` in `models/hub_networks.py`.
"""

from __future__ import annotations

from dataclasses import replace

from models.colours import IMAGENET_MEAN, IMAGENET_STD, KINETICS_MEAN, KINETICS_STD
from models.hub_networks import HUB_NETWORKS
from models.spec import NetworkSpec, PublicWeights
from models.video_networks import VIDEO_NETWORKS


def _ig65m(file_name: str, num_classes: int, words: str) -> PublicWeights:
    """Return a file of moabitcoin/ig65m-pytorch, whose name ends in the first 8 hex digits of its SHA-256."""
    return PublicWeights(
        url=f"https://github.com/moabitcoin/ig65m-pytorch/releases/download/v1.0.0/{file_name}",
        sha256_prefix=file_name.removesuffix(".pth")[-8:],
        num_classes=num_classes,
        licence="MIT",
        citation="Ghadiyaram, Tran, Mahajan, Large-scale weakly-supervised pre-training for video action recognition, "
        "CVPR 2019, arXiv:1905.00561",
        words=words,
    )


def _torchvision(file_name: str) -> PublicWeights:
    """Return a file of torchvision trained on ImageNet, whose name ends in the first 8 hex digits of its SHA-256."""
    return PublicWeights(
        url=f"https://download.pytorch.org/models/{file_name}",
        sha256_prefix=file_name.removesuffix(".pth")[-8:],
        num_classes=1000,
        licence="BSD-3-Clause",
        citation="torchvision, IMAGENET1K_V1, https://pytorch.org/vision/stable/models.html",
        words="pre-trained on ImageNet",
    )


_IG65M = "pre-trained on IG-65M"
_IG65M_KINETICS = "pre-trained on IG-65M and fine-tuned on Kinetics-400"

R2PLUS1D_34_8_KINETICS = NetworkSpec(
    name="r2plus1d_34_8_kinetics",
    words="R(2+1)D-34",
    kind="spatiotemporal",
    architecture="r2plus1d_34",
    citation="Tran, Wang, Torresani, Ray, LeCun, Paluri, A Closer Look at Spatiotemporal Convolutions for Action "
    "Recognition, CVPR 2018, arXiv:1711.11248",
    licence="Apache-2.0",
    feature_dim=512,
    frame_size=112,
    frames_per_snippet=8,
    colour_mean=KINETICS_MEAN,
    colour_std=KINETICS_STD,
    public_weights=_ig65m("r2plus1d_34_clip8_ft_kinetics_from_ig65m-0aa0550b.pth", 400, _IG65M_KINETICS),
)
R2PLUS1D_34_32_KINETICS = replace(
    R2PLUS1D_34_8_KINETICS,
    name="r2plus1d_34_32_kinetics",
    frames_per_snippet=32,
    public_weights=_ig65m("r2plus1d_34_clip32_ft_kinetics_from_ig65m-ade133f1.pth", 400, _IG65M_KINETICS),
)
R2PLUS1D_34_8_IG65M = replace(
    R2PLUS1D_34_8_KINETICS,
    name="r2plus1d_34_8_ig65m",
    public_weights=_ig65m("r2plus1d_34_clip8_ig65m_from_scratch-9bae36ae.pth", 487, _IG65M),
)
R2PLUS1D_34_32_IG65M = replace(
    R2PLUS1D_34_8_KINETICS,
    name="r2plus1d_34_32_ig65m",
    frames_per_snippet=32,
    public_weights=_ig65m("r2plus1d_34_clip32_ig65m_from_scratch-449a7af9.pth", 359, _IG65M),
)
RESNET_34 = NetworkSpec(
    name="resnet_34",
    words="ResNet-34",
    kind="frame",
    architecture="resnet_34",
    citation="He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385",
    licence="BSD-3-Clause",
    feature_dim=512,
    frame_size=224,
    frames_per_snippet=1,
    colour_mean=IMAGENET_MEAN,
    colour_std=IMAGENET_STD,
    public_weights=_torchvision("resnet34-b627a593.pth"),
)
WIDE_RESNET_50_2 = replace(
    RESNET_34,
    name="wide_resnet_50_2",
    words="Wide ResNet-50-2",
    architecture="wide_resnet_50_2",
    citation="Zagoruyko, Komodakis, Wide Residual Networks, BMVC 2016, arXiv:1605.07146",
    feature_dim=2048,
    public_weights=_torchvision("wide_resnet50_2-95faca4d.pth"),
)
R2PLUS1D_SMALL = replace(  # for the demo and the tests
    R2PLUS1D_34_8_KINETICS,
    name="r2plus1d_small",
    words="a small R(2+1)D network",
    architecture="r2plus1d_small",
    feature_dim=96,
    frame_size=64,
    public_weights=None,
)
MOVEMENT = NetworkSpec(
    name="movement",
    words="seven numbers of movement from the differences of consecutive frames",
    kind="movement",
    architecture="movement",
    citation="Ours: differences of consecutive frames, without weights (docs/networks.md)",
    licence="Apache-2.0",
    feature_dim=7,
    frame_size=64,
    frames_per_snippet=8,
    colour_mean=(0.0, 0.0, 0.0),
    colour_std=(1.0, 1.0, 1.0),
    public_weights=None,
    has_weights=False,
    takes_any_size=True,
)

NETWORKS = (  # the paper's first
    R2PLUS1D_34_8_KINETICS,
    R2PLUS1D_34_32_KINETICS,
    R2PLUS1D_34_8_IG65M,
    R2PLUS1D_34_32_IG65M,
    RESNET_34,
    WIDE_RESNET_50_2,
    R2PLUS1D_SMALL,
    MOVEMENT,
    *VIDEO_NETWORKS,
    *HUB_NETWORKS,
)
