"""Random weights for trying the software: the same in every process, and with features that respond to motion.

A random network is a fixed bank of random filters; its features say something about a film, if crudely. Three things
keep them from vanishing or growing: weights scaled by the number of inputs (He et al., ICCV 2015, arXiv:1502.01852),
damped residual branches, so that the sum does not grow with depth, and, in the small network, first filters that
respond to change and normalisations with statistics measured on synthetic moving patterns.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.video.mvit import MultiscaleAttention, PositionalEncoding
from torchvision.models.video.resnet import BasicBlock as VideoBasicBlock
from torchvision.models.video.swin_transformer import ShiftedWindowAttention3d

from models.frozen import FrozenNetwork

with warnings.catch_warnings():
    # fvcore, which pytorchvideo 0.1.5 imports, calls the deprecated torch.jit.script; it is not used here.
    warnings.simplefilter("ignore")
    from pytorchvideo.models.resnet import ResBlock

_BRANCH_GAIN = 0.25  # 16 blocks multiply the variance by (1 + 1/16)^16, less than e
_NUM_PATTERNS = 24
_BLUR_PIXELS = 1.5
_EMBEDDING_DEVIATION = 0.02  # of position embeddings and class tokens, as all of these networks begin training with
_Norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_Embedding = (MultiscaleAttention, PositionalEncoding, ShiftedWindowAttention3d)  # what they hold themselves


def draw_weights(network: FrozenNetwork, seed: int) -> None:
    """Give `network`, whose parameters are on the `meta` device, random weights that depend only on `seed`.

    torch's global generator is neither read nor changed.

    Raises:
        NotImplementedError: A layer has parameters or buffers, and nothing here says how to draw them.
    """
    generator = torch.Generator().manual_seed(seed)
    _make_room(network.net)
    for name, module in network.net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            fan_in = module.in_channels // module.groups * math.prod(module.kernel_size)
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_in), generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, math.sqrt(1.0 / module.in_features), generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (*_Norm, nn.LayerNorm)):
            module.reset_parameters()
        elif isinstance(module, _Embedding):
            for embedding in module.parameters(recurse=False):
                nn.init.normal_(embedding, 0.0, _EMBEDDING_DEVIATION, generator=generator)
        else:
            own = [*dict(module.named_parameters(recurse=False)), *dict(module.named_buffers(recurse=False))]
            if own:
                raise NotImplementedError(
                    f"random weights of {name} ({type(module).__name__}: {', '.join(own)}): say in "
                    "models/random_weights.py how to draw them"
                )
    for norm in _last_norms(network.net):
        nn.init.constant_(norm.weight, _BRANCH_GAIN)
    if any(isinstance(module, nn.BatchNorm1d) for module in network.net.modules()):
        _see_change(network.get_submodule("net.blocks.0.conv"))
        _calibrate(network, generator)


def _make_room(net: nn.Module) -> None:
    """Put what is on the `meta` device onto the CPU, without values; what has values already keeps them."""
    kept = {name: buffer for name, buffer in net.named_buffers() if not buffer.is_meta}
    net.to_empty(device="cpu")
    for name, buffer in kept.items():
        module, _, leaf = name.rpartition(".")
        net.get_submodule(module)._buffers[leaf] = buffer


def _last_norms(net: nn.Module) -> Iterator[nn.BatchNorm2d | nn.BatchNorm3d]:
    """Yield the last normalisation of each residual branch."""
    for module in net.modules():
        if isinstance(module, BasicBlock):
            yield module.bn2
        elif isinstance(module, Bottleneck):
            yield module.bn3
        elif isinstance(module, (VideoBasicBlock, ResBlock)):
            branch = module.conv2 if isinstance(module, VideoBasicBlock) else module.branch2
            *_, last = (layer for layer in branch.modules() if isinstance(layer, nn.BatchNorm3d))
            yield last


def _see_change(stem: nn.Module) -> None:
    """Smooth the first spatial filters, against camera noise, and let the temporal ones ignore what stands still.

    Each temporal filter sums to zero. The overall scale of the filters is kept.
    """
    with torch.no_grad():
        spatial = stem.get_parameter("conv_xy.weight")  # (C, 3, 1, 7, 7)
        kernel = torch.exp(-0.5 * (torch.arange(-3.0, 4.0) / _BLUR_PIXELS) ** 2)
        smooth = F.conv2d(spatial.flatten(0, 2)[:, None], torch.outer(kernel, kernel)[None, None], padding=3)
        spatial.copy_(smooth.view_as(spatial) * (spatial.std() / smooth.std()))
        temporal = stem.get_parameter("conv_t.weight")  # (C, C, 3, 1, 1)
        change = temporal - temporal.mean(dim=2, keepdim=True)
        temporal.copy_(change * (temporal.std() / change.std()))


def _calibrate(network: FrozenNetwork, generator: torch.Generator) -> None:
    """Set every normalisation to the statistics of its input on synthetic moving patterns.

    Computed in float64 and rounded to bfloat16, so that the order of summation, which depends on the number of threads,
    cannot change a single bit.
    """
    patterns = moving_patterns(_NUM_PATTERNS, network.frames_per_snippet, network.frame_size, generator)
    norms = [module for module in network.net.modules() if isinstance(module, _Norm)]
    for norm in norms:
        norm.weight.requires_grad_(False).fill_(1.0)
        norm.momentum = None  # the plain mean over batches; there is one
    network.double().train()
    with torch.no_grad():
        network(patterns.double())
    network.float().eval()
    for norm in norms:
        norm.momentum = 0.1
        for statistic in (norm.running_mean, norm.running_var):
            if statistic is not None:
                statistic.copy_(statistic.bfloat16())


def moving_patterns(num_patterns: int, num_frames: int, frame_size: int, generator: torch.Generator) -> torch.Tensor:
    """Draw snippets of a textured patch that moves over a textured background, from barely to vigorously.

    Returns:
        float32 (B, 3, T, H, W) in [0, 1].
    """
    B, T, size = num_patterns, num_frames, frame_size

    def draw(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    time = torch.linspace(0.0, 1.0, T)
    background = _textures(torch.rand(B, 3, 6, 6, generator=generator), size)
    patch = _textures(torch.rand(B, 3, 6, 6, generator=generator), size)
    amplitude = 0.15 * draw(0.0, 1.0, B, 1, 2) ** 3  # of the frame's width; small movements are more common
    swing = amplitude * torch.sin(2 * math.pi * (draw(0.2, 3.0, B, 1, 1) * time[:, None] + draw(0.0, 1.0, B, 1, 2)))
    centre = draw(-0.4, 0.4, B, 1, 2) + 2 * swing  # (B, T, 2) in the units of grid_sample, -1 to 1
    extent = draw(3.0, 8.0, B, 1, 1, 1)
    axis = torch.linspace(-1.0, 1.0, size)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)  # (H, W, 2)
    local = (grid - centre[:, :, None, None]).flatten(1, 2) * extent  # (B, T * H, W, 2): the patch's own coordinates
    moved = F.grid_sample(patch, local, align_corners=False, padding_mode="border")
    inside = torch.sigmoid(12 * (1 - local.square().sum(dim=-1)))[:, None]
    shape = (B, 3, T, size, size)
    still = background[:, :, None].expand(shape)
    frames = torch.lerp(still, moved.view(shape), inside.view(B, 1, T, size, size))
    noise = draw(0.0, 0.02, B, 1, 1, 1, 1) * torch.randn(shape, generator=generator)
    return (frames * draw(0.3, 1.0, B, 1, 1, 1, 1) + noise).clamp(0.0, 1.0)


def _textures(coarse: torch.Tensor, size: int) -> torch.Tensor:
    """Enlarge random colours (B, 3, h, w) smoothly to (B, 3, H, W)."""
    return F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False).clamp(0.0, 1.0)
