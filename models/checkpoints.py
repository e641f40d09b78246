"""Load a network with its weights: read a checkpoint safely, convert its names, and check that it fits.

Two layouts load: ours (`net.blocks.1.res_blocks.0...`, what `network.state_dict()` gives) and the published one, which
each page converts: for example torchvision's `VideoResNet` (`layer1.0.conv1.0.3.weight`). The names may stand alone or,
as in PyTorchVideo's model zoo, under `model_state`. A file whose name ends in `.safetensors` is read as one.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from models.errors import WeightsError
from models.frozen import FrozenNetwork, build_network, page_of
from models.own_network import facts_of, forget, is_own
from models.random_weights import draw_weights
from models.registry import network_spec
from models.spec import NetworkSpec
from models.weights import find_weights, own_weights, random_seed

_NUM_NAMED = 3  # names shown of a list of possibly hundreds
_NESTED = "model_state"  # under which PyTorchVideo's model zoo keeps the names, beside others that are not needed
_COUNTER = "num_batches_tracked"  # BatchNorm's, of no effect here; old checkpoints lack it and torch fills it in


def load_network(
    name: str, weights: str | os.PathLike[str] | None = None, weights_dir: str | os.PathLike[str] | None = None
) -> FrozenNetwork:
    """Return a frozen network on the CPU, in eval mode: float32 (B, 3, T, H, W) RGB in [0, 1] to features (B, D).

    It has the attributes `frames_per_snippet`, `frame_step`, `frame_size` and `feature_dim`, and normalises colours.

    Args:
        name: One of `models.network_names()`, or `module:function` (docs/howto/bring-your-own-network.md).
        weights: A file in our layout or the published one; `random:<seed>`; or None for the network's public weights;
            not looked at where the network has none at all.
        weights_dir: Where public weights are looked up and downloaded to; None is the user's cache.

    Raises:
        UnknownNameError: No network has that name.
        WeightsError: The weights are missing, cannot be downloaded, have the wrong SHA-256, or do not fit the network.
    """
    if is_own(name):
        return _load_own_checked(name, weights)
    spec = network_spec(name)
    network = build_network(spec)
    if not spec.has_weights:
        return network.requires_grad_(False).eval()
    seed = random_seed(weights)
    if seed is not None:
        draw_weights(network, seed)
    else:
        path = find_weights(name, weights, weights_dir)
        state = convert_names(read_state_dict(path), spec)
        faults = _find_faults(network, state)
        if faults:
            raise WeightsError(f"{path} does not fit the network {name}: {'; '.join(faults)}.")
        network.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in state.items()}, assign=True
        )
    return network.requires_grad_(False).eval()


def load_own(name: str, weights: Path | None) -> FrozenNetwork:
    """Return a network of a person's own, with the weights of a file or those that it has when it is built.

    Raises:
        ModelsError: It cannot be built, does not say what it is, or the weights do not fit.
    """
    from models.own_building import build_own, spec_of

    net = build_own(name)
    spec = spec_of(name, net)
    if weights is not None:
        state = read_state_dict(weights)
        if faults := _find_faults(net, state):
            raise WeightsError(f"{weights} does not fit the network {name}: {'; '.join(faults)}.")
        net.load_state_dict(state, strict=False)  # but for counters of BatchNorm, all of it is there
    return FrozenNetwork(spec, net).requires_grad_(False).eval()


def _load_own_checked(name: str, weights: str | os.PathLike[str] | None) -> FrozenNetwork:
    from models.own_building import weights_sha256

    path = own_weights(name, weights)
    wanted = facts_of(name, path).weights_sha256
    network = load_own(name, path)
    if weights_sha256(network.net) != wanted:
        forget(name)
        raise WeightsError(
            f"network = {name}: it has other weights than when it was examined, though its source is the same. Run the "
            "same command again: its features get another key. If this comes again, it draws weights at random; let it "
            "load a file, or name one in weights."
        )
    return network


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """Read a checkpoint of named tensors onto the CPU, without running any code in it.

    Raises:
        WeightsError: It cannot be read, or is not a mapping of names to tensors.
    """
    wanted = "expected named tensors, as torch.save(network.state_dict(), path) writes them"
    try:
        if Path(path).suffix == ".safetensors":
            content: Any = load_file(Path(path), device="cpu")
        else:
            content = torch.load(Path(path), map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise WeightsError(f"Cannot read the weights {path}: {wanted}; {type(error).__name__}: {reason}") from error
    if isinstance(content, Mapping) and isinstance(content.get(_NESTED), Mapping):
        content = content[_NESTED]
    if not isinstance(content, Mapping):
        raise WeightsError(f"Cannot use the weights {path}: {wanted}; found {type(content).__name__}.")
    others = [str(key) for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if others or not content:
        found = f"something else under {_name_few(others)}" if others else "nothing"
        raise WeightsError(f"Cannot use the weights {path}: {wanted}; found {found}.")
    return {str(key): value for key, value in content.items()}


def convert_names(state: Mapping[str, torch.Tensor], spec: NetworkSpec) -> dict[str, torch.Tensor]:
    """Return `state` under our names, without the published classifier; names of neither layout are kept."""
    page = page_of(spec.architecture)
    converted = {key: page.convert_name(key) for key in state if not key.startswith(page.CLASSIFIER)}
    return {key if ours is None else f"net.{ours}": state[key] for key, ours in converted.items()}


def _find_faults(network: nn.Module, state: Mapping[str, torch.Tensor]) -> list[str]:
    """Return how `state` differs from the state dict of `network`: names, shapes, values that are not finite."""
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in state and not key.endswith(_COUNTER)]
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
            (shapes, "of the wrong shape"),
            (broken, "not finite"),
        )
        if found
    ]


def _name_few(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:_NUM_NAMED]) + (", ..." if len(found) > _NUM_NAMED else "")
