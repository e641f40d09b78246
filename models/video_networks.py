"""Networks of torchvision and PyTorchVideo that were trained on Kinetics-400: facts only, no layers and no torch.

The layers are in `models/torchvision_video.py` and `models/pytorchvideo_nets.py`.

A network sees as many frames as it was trained on, at the interval that it was trained with: `frame_step` is that
interval in frames of a clock of 15 Hz. Training at 30 frames per second with every k-th frame is a step of k / 2.
X3D-M's 2.5 is not a whole number: it gets 2, which keeps its snippets at about two seconds.
"""

from __future__ import annotations

from dataclasses import replace

from models.colours import IMAGENET_MEAN, IMAGENET_STD, KINETICS_MEAN, KINETICS_STD, SLOWFAST_MEAN, SLOWFAST_STD
from models.spec import NetworkSpec, PublicWeights

_TORCHVISION = "torchvision, KINETICS400_V1, https://pytorch.org/vision/stable/models.html"
_PYTORCHVIDEO = "PyTorchVideo's model zoo, https://github.com/facebookresearch/pytorchvideo"
_KINETICS = "pre-trained on Kinetics-400"


def _torchvision(file_name: str, licence: str = "BSD-3-Clause") -> PublicWeights:
    """Return a file of torchvision, whose name ends in the first 8 hex digits of its SHA-256."""
    return PublicWeights(
        url=f"https://download.pytorch.org/models/{file_name}",
        sha256_prefix=file_name.removesuffix(".pth")[-8:],
        num_classes=400,
        licence=licence,
        citation=_TORCHVISION,
        words=_KINETICS,
    )


def _pytorchvideo(file_name: str) -> PublicWeights:
    """Return a file of PyTorchVideo's model zoo, which publishes no hash."""
    return PublicWeights(
        url=f"https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/{file_name}",
        sha256_prefix="",
        num_classes=400,
        licence="Apache-2.0",
        citation=_PYTORCHVIDEO,
        words=_KINETICS,
    )


R2PLUS1D_18 = NetworkSpec(
    name="r2plus1d_18",
    words="R(2+1)D-18",
    kind="spatiotemporal",
    architecture="r2plus1d_18",
    citation="Tran, Wang, Torresani, Ray, LeCun, Paluri, A Closer Look at Spatiotemporal Convolutions for Action "
    "Recognition, CVPR 2018, arXiv:1711.11248",
    licence="BSD-3-Clause",
    feature_dim=512,
    frame_size=112,
    frames_per_snippet=16,
    colour_mean=KINETICS_MEAN,
    colour_std=KINETICS_STD,
    public_weights=_torchvision("r2plus1d_18-91a641e6.pth"),
    kinetics_400_top1_percent=67.463,
    top1_source="torchvision, 5 clips",
)
R3D_18 = replace(
    R2PLUS1D_18,
    name="r3d_18",
    words="R3D-18",
    architecture="r3d_18",
    public_weights=_torchvision("r3d_18-b3b3357e.pth"),
    kinetics_400_top1_percent=63.2,
)
MC3_18 = replace(
    R2PLUS1D_18,
    name="mc3_18",
    words="MC3-18",
    architecture="mc3_18",
    public_weights=_torchvision("mc3_18-a90a0ba3.pth"),
    kinetics_400_top1_percent=63.96,
)
S3D = replace(
    R2PLUS1D_18,
    name="s3d",
    words="S3D",
    architecture="s3d",
    citation="Xie, Sun, Huang, Tu, Murphy, Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in "
    "Video Classification, ECCV 2018, arXiv:1712.04851",
    feature_dim=1024,
    frame_size=224,
    frames_per_snippet=64,
    public_weights=_torchvision("s3d-d76dad2f.pth"),
    is_size_fixed=True,
    kinetics_400_top1_percent=68.368,
    top1_source="torchvision, 1 clip of 128 frames",
)
MVIT_V1_B = NetworkSpec(
    name="mvit_v1_b",
    words="MViT-B 16x4",
    kind="spatiotemporal",
    architecture="mvit_v1_b",
    citation="Fan, Xiong, Mangalam, Li, Yan, Malik, Feichtenhofer, Multiscale Vision Transformers, ICCV 2021, "
    "arXiv:2104.11227",
    licence="BSD-3-Clause",
    feature_dim=768,
    frame_size=224,
    frames_per_snippet=16,
    colour_mean=SLOWFAST_MEAN,
    colour_std=SLOWFAST_STD,
    public_weights=_torchvision("mvit_v1_b-dbeb1030.pth", "Apache-2.0"),  # ported from PyTorchVideo
    frame_step=2,
    is_size_fixed=True,
    kinetics_400_top1_percent=78.477,
    top1_source="torchvision, 5 clips",
)
MVIT_V2_S = replace(
    MVIT_V1_B,
    name="mvit_v2_s",
    words="MViTv2-S 16x4",
    architecture="mvit_v2_s",
    citation="Li, Wu, Fan, Mangalam, Xiong, Malik, Feichtenhofer, MViTv2: Improved Multiscale Vision Transformers for "
    "Classification and Detection, CVPR 2022, arXiv:2112.01526",
    public_weights=_torchvision("mvit_v2_s-ae3be167.pth", "Apache-2.0"),  # ported from SlowFast
    kinetics_400_top1_percent=80.757,
)
SWIN3D_T = NetworkSpec(
    name="swin3d_t",
    words="Video Swin-T",
    kind="spatiotemporal",
    architecture="swin3d_t",
    citation="Liu, Ning, Cao, Wei, Zhang, Lin, Hu, Video Swin Transformer, CVPR 2022, arXiv:2106.13230",
    licence="BSD-3-Clause",
    feature_dim=768,
    frame_size=224,
    frames_per_snippet=32,
    colour_mean=IMAGENET_MEAN,
    colour_std=IMAGENET_STD,
    public_weights=_torchvision("swin3d_t-7615ae03.pth", "Apache-2.0"),  # ported from the paper's repository
    is_size_fixed=True,
    kinetics_400_top1_percent=77.715,
    top1_source="torchvision, 12 clips",
)
SWIN3D_S = replace(
    SWIN3D_T,
    name="swin3d_s",
    words="Video Swin-S",
    architecture="swin3d_s",
    public_weights=_torchvision("swin3d_s-da41c237.pth", "Apache-2.0"),
    kinetics_400_top1_percent=79.521,
)
SWIN3D_B = replace(  # with the weights that were trained on ImageNet-1K first, as the smaller two
    SWIN3D_T,
    name="swin3d_b",
    words="Video Swin-B",
    architecture="swin3d_b",
    feature_dim=1024,
    public_weights=_torchvision("swin3d_b_1k-24f7c7c6.pth", "Apache-2.0"),
    kinetics_400_top1_percent=79.427,
)
X3D_XS = NetworkSpec(
    name="x3d_xs",
    words="X3D-XS",
    kind="spatiotemporal",
    architecture="x3d",
    citation="Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition, CVPR 2020, arXiv:2004.04730",
    licence="Apache-2.0",
    feature_dim=2048,
    frame_size=160,
    frames_per_snippet=4,
    colour_mean=SLOWFAST_MEAN,
    colour_std=SLOWFAST_STD,
    public_weights=_pytorchvideo("X3D_XS.pyth"),
    frame_step=6,
    kinetics_400_top1_percent=69.12,
    top1_source="PyTorchVideo's model zoo, 10 clips of 3 crops",
)
X3D_S = replace(
    X3D_XS,
    name="x3d_s",
    words="X3D-S",
    frames_per_snippet=13,
    public_weights=_pytorchvideo("X3D_S.pyth"),
    frame_step=3,
    kinetics_400_top1_percent=73.33,
)
X3D_M = replace(
    X3D_XS,
    name="x3d_m",
    words="X3D-M",
    frame_size=224,
    frames_per_snippet=16,
    public_weights=_pytorchvideo("X3D_M.pyth"),
    frame_step=2,  # trained with every fifth frame of 30 per second: 2.5
    kinetics_400_top1_percent=75.94,
)
SLOW_R50 = replace(
    X3D_XS,
    name="slow_r50",
    words="Slow-R50 8x8",
    architecture="slow_r50",
    citation="Feichtenhofer, Fan, Malik, He, SlowFast Networks for Video Recognition, ICCV 2019, arXiv:1812.03982",
    frame_size=224,
    frames_per_snippet=8,
    public_weights=_pytorchvideo("SLOW_8x8_R50.pyth"),
    frame_step=4,
    kinetics_400_top1_percent=74.58,
)
CSN_R101 = replace(
    X3D_XS,
    name="csn_r101",
    words="ir-CSN-101 32x2",
    architecture="csn_r101",
    citation="Tran, Wang, Torresani, Feiszli, Video Classification with Channel-Separated Convolutional Networks, "
    "ICCV 2019, arXiv:1904.02811",
    frame_size=224,
    frames_per_snippet=32,
    public_weights=_pytorchvideo("CSN_32x2_R101.pyth"),
    frame_step=1,
    kinetics_400_top1_percent=77.0,
)

VIDEO_NETWORKS = (
    R2PLUS1D_18,
    R3D_18,
    MC3_18,
    S3D,
    MVIT_V1_B,
    MVIT_V2_S,
    SWIN3D_T,
    SWIN3D_S,
    SWIN3D_B,
    X3D_XS,
    X3D_S,
    X3D_M,
    SLOW_R50,
    CSN_R101,
)
