"""A network with its weights: reading a checkpoint safely, its names in our layout, and whether it fits.

Two layouts load: ours (`net.blocks.1.res_blocks.0...`, what `network.state_dict()` gives) and torchvision's, in which
the public weights are published: that of `VideoResNet` (`layer1.0.conv1.0.3.weight`), and for networks of frames that
of `ResNet` (`layer1.0.conv1.weight`).
"""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from models.errors import WeightsError
from models.frozen import FrozenNetwork, build_network
from models.random_weights import draw_weights
from models.registry import NetworkSpec, network_spec
from models.weights import find_weights, random_seed

_NUM_NAMED = 3  # names shown of a list that may hold hundreds
_CLASSIFIER = re.compile(r"fc\.(weight|bias)")
_CONV = {"0": "conv_xy", "1": "norm", "3": "conv_t"}  # places in torchvision's Conv2Plus1D
_COUNTER = "num_batches_tracked"  # BatchNorm's, of no effect here; checkpoints of old versions have none


def load_network(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> FrozenNetwork:
    """Return a frozen network on the CPU, in eval mode, that maps float32 (B, 3, T, H, W) in [0, 1] to (B, D).

    Args:
        name: One of `models.network_names()`.
        weights: A file in our layout or torchvision's; `random:<seed>`; or None for the public weights of the name.
        weights_dir: Where public weights are looked for and fetched to; None is the user's cache.

    Raises:
        UnknownNameError: No network is called `name`.
        WeightsError: The weights are not there, cannot be fetched, have another SHA-256, or do not fit the network.
    """
    spec = network_spec(name)
    network = build_network(spec)
    seed = random_seed(weights)
    if seed is not None:
        draw_weights(network, seed)
    else:
        path = find_weights(name, weights, weights_dir)
        state = convert_names(read_state_dict(path), spec)
        _fill_counters(network, state)
        faults = _find_faults(network, state)
        if faults:
            raise WeightsError(f"{path} does not fit the network {name}: {'; '.join(faults)}.")
        network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    return network.requires_grad_(False).eval()


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Read a checkpoint of tensors by name onto the CPU, without running any code in it.

    Raises:
        WeightsError: It cannot be read, or holds something else.
    """
    wanted = "wanted tensors by name, as torch.save(network.state_dict(), path) writes them"
    try:
        content = torch.load(Path(path), map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise WeightsError(f"Cannot read the weights {path}: {wanted}; {type(error).__name__}: {reason}") from error
    if not isinstance(content, Mapping):
        raise WeightsError(f"Cannot use the weights {path}: {wanted}; found {type(content).__name__}.")
    others = [str(key) for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if others or not content:
        found = f"under {_name_few(others)} something else" if others else "nothing"
        raise WeightsError(f"Cannot use the weights {path}: {wanted}; found {found}.")
    return {str(key): value for key, value in content.items()}


def convert_names(state: Mapping[str, torch.Tensor], spec: NetworkSpec) -> dict[str, torch.Tensor]:
    """Return `state` under our names, without torchvision's classifier; names of neither layout stay as they are."""
    convert = _convert_frame_name if spec.frames_per_snippet == 1 else _convert_video_name
    return {convert(key): value for key, value in state.items() if not _CLASSIFIER.fullmatch(key)}


def _convert_frame_name(key: str) -> str:
    """Return our name for that of torchvision's `ResNet`, e.g. `layer1.0.conv1.weight`."""
    return f"net.{key}" if re.match(r"(conv1|bn1|layer[1-4])\.", key) else key


def _convert_video_name(key: str) -> str:
    """Return our name for that of torchvision's `VideoResNet`, e.g. `layer1.0.conv1.0.3.weight`."""
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
        return key
    return f"net.{ours}.{leaf}"


def _fill_counters(network: FrozenNetwork, state: dict[str, torch.Tensor]) -> None:
    for key in network.state_dict():
        if key.endswith(_COUNTER):
            state.setdefault(key, torch.tensor(0))


def _find_faults(network: FrozenNetwork, state: Mapping[str, torch.Tensor]) -> list[str]:
    """Return how `state` differs from what `network` wants: names, shapes, values that are not finite."""
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in state]
    unexpected = [key for key in state if key not in wanted]
    both = [key for key in wanted if key in state]
    shapes = [
        f"{key} {tuple(state[key].shape)}, not {tuple(wanted[key].shape)}"
        for key in both
        if state[key].shape != wanted[key].shape
    ]
    broken = [key for key in both if not torch.isfinite(state[key]).all()]
    return [
        f"{len(found)} {what}: {_name_few(found)}"
        for found, what in (
            (missing, "missing"),
            (unexpected, "unexpected"),
            (shapes, "of another shape"),
            (broken, "not finite"),
        )
        if found
    ]


def _name_few(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:_NUM_NAMED]) + (", ..." if len(found) > _NUM_NAMED else "")
