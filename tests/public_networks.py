"""The public implementations of the registered video networks, with weights that make every layer count."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import get_model

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorchvideo.models import hub

# By name: the number and the size of the frames to test with, as small as the layers allow.
SIZES = {
    **dict.fromkeys(("r2plus1d_18", "r3d_18", "mc3_18"), (4, 32)),
    "s3d": (16, 224),
    **dict.fromkeys(("mvit_v1_b", "mvit_v2_s"), (16, 224)),
    **dict.fromkeys(("swin3d_t", "swin3d_s", "swin3d_b"), (8, 64)),
    "x3d_xs": (4, 64),
    "x3d_s": (13, 64),
    "x3d_m": (16, 64),
    "slow_r50": (4, 64),
    "csn_r101": (8, 64),
    "vjepa2_vitl": (2, 64),
    "videomae_b": (16, 224),
}
_OF_PYTORCHVIDEO = ("x3d_xs", "x3d_s", "x3d_m", "slow_r50", "csn_r101")
_LAST_POOL = {
    "x3d_xs": (4, 2, 2),
    "x3d_s": (13, 2, 2),
    "x3d_m": (16, 2, 2),
    "slow_r50": (4, 2, 2),
    "csn_r101": (1, 2, 2),
}
_OF_TRANSFORMERS = ("vjepa2_vitl", "videomae_b")
_LAST_LAYER = {"s3d": "classifier.1", "mvit_v1_b": "head.1", "mvit_v2_s": "head.1"}


def build_public(name: str) -> nn.Module:
    """Return the public network with its classifier; where its last pooling has a size, that of the frames above."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        if name in _OF_PYTORCHVIDEO:
            net: nn.Module = getattr(hub, name)()
            head = net.blocks[5]
            (head.pool if name.startswith("x3d") else head).pool = nn.AvgPool3d(_LAST_POOL[name], stride=1)
        elif name in _OF_TRANSFORMERS:
            net = _transformer(name)
        else:
            net = get_model(name, weights=None)
        for module in net.modules():
            if isinstance(module, nn.BatchNorm3d):
                nn.init.normal_(module.running_mean, 0.0, 0.1)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
            if isinstance(module, (nn.BatchNorm3d, nn.LayerNorm)):
                nn.init.uniform_(module.weight, 0.3, 0.6)
                nn.init.normal_(module.bias, 0.0, 0.1)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0.0, module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.normal_(module.bias, 0.0, 0.1)
    return net.eval()


def _transformer(name: str) -> nn.Module:
    import transformers

    if name == "vjepa2_vitl":
        net: nn.Module = transformers.VJEPA2Model(transformers.VJEPA2Config())
    else:
        config = transformers.VideoMAEConfig(use_mean_pooling=True, num_labels=400)
        net = transformers.VideoMAEForVideoClassification(config)
    return net


def write_published(name: str, net: nn.Module, folder: Path) -> Path:
    """Write a file of weights as it is published; return its path."""
    if name in _OF_TRANSFORMERS:
        path = folder / "model.safetensors"
        # Published are the names of transformers 4.
        old = {"attention.attention.query.bias": "q_bias", "attention.attention.value.bias": "v_bias"}
        save_file({_old_name(key, old): value.contiguous() for key, value in net.state_dict().items()}, path)
    else:
        path = folder / "public.pth"
        torch.save(published_content(name, net), path)
    return path


def _old_name(key: str, old: dict[str, str]) -> str:
    end = next((new for new in old if key.startswith("videomae.") and key.endswith(new)), None)
    return key if end is None else f"{key.removesuffix(end)}attention.attention.{old[end]}"


def published_content(name: str, net: nn.Module) -> dict[str, object]:
    """Return what the published file of weights holds."""
    return {"model_state": net.state_dict(), "epoch": 1} if name in _OF_PYTORCHVIDEO else dict(net.state_dict())


def last_layer(name: str, net: nn.Module) -> nn.Module:
    """Return the layer that gives the classes."""
    if name in _OF_PYTORCHVIDEO:
        return net.get_submodule("blocks.5.proj")
    if name == "videomae_b":
        return net.get_submodule("classifier")
    found = _LAST_LAYER.get(name, "head" if name.startswith("swin") else "fc")
    return net.get_submodule(found)


def public_features(
    name: str, net: nn.Module, colours: Callable[[torch.Tensor], torch.Tensor]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function from snippets to what goes into the last layer, (B, D)."""

    def features(snippets: torch.Tensor) -> torch.Tensor:
        found: list[torch.Tensor] = []
        if name == "vjepa2_vitl":  # has no classifier
            with torch.inference_mode():
                return net.get_vision_features(colours(snippets).transpose(1, 2)).mean(dim=1)
        hook = last_layer(name, net).register_forward_pre_hook(lambda _module, inputs: found.append(inputs[0]))
        with torch.inference_mode():
            net(colours(snippets).transpose(1, 2) if name in _OF_TRANSFORMERS else colours(snippets))
        hook.remove()
        values = found[0]
        return values.mean(dim=(2, 3, 4)) if name == "s3d" else values.flatten(1)

    return features


def normalised(mean: tuple[float, ...], std: tuple[float, ...]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that normalises colours."""
    return functools.partial(_normalise, *(torch.tensor(values).view(3, 1, 1, 1) for values in (mean, std)))


def _normalise(mean: torch.Tensor, std: torch.Tensor, snippets: torch.Tensor) -> torch.Tensor:
    return (snippets - mean) / std
