"""Build a network of a person's own, and find out whether it is what it says: the half that needs torch.

Axes: B batch, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from models.errors import ModelsError
from models.own_network import ANSWER_BYTES, SEPARATOR
from models.spec import Kind, NetworkSpec

_HERE = Path(__file__).parent
_COUNTS = ("frames_per_snippet", "frame_size", "feature_dim")
_LARGEST = 2**16
_MAX_SAID = 4000  # letters of a fault
_LARGEST_DIFFERENCE = 1e-2  # relative L2, of a snippet alone and in a batch; half precision rounds


def build_own(name: str) -> nn.Module:
    """Return what the function returns, in evaluation mode and frozen.

    Raises:
        ModelsError: It cannot be imported or called, or returns no module; the message says why, and in which line.
    """
    module, _, function = name.partition(SEPARATOR)
    _let_import_from_here()
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ModelsError(f"importing {module} fails: {_where(error)}") from error
    found = getattr(imported, function, None)
    if not callable(found):
        own = [one for one, value in vars(imported).items() if getattr(value, "__module__", "") == module]
        raise ModelsError(f"{module} has no function {function}; it has {', '.join(own[:8]) or 'none at all'}")
    try:
        with torch.random.fork_rng(devices=[]):
            network = found()
    except (Exception, SystemExit) as error:
        raise ModelsError(f"{function}() fails: {_where(error)}") from error
    if not isinstance(network, nn.Module):
        raise ModelsError(f"{function}() returns {type(network).__name__}, expected a torch.nn.Module")
    for key, value in itertools.chain(network.named_parameters(), network.named_buffers()):
        if value.is_meta or is_lazy(value):
            raise ModelsError(
                f"{key} has no values when {function}() returns; those of lazy layers are drawn by the first snippet; "
                "let the function pass one through"
            )
    return network.cpu().requires_grad_(False).eval()


def _let_import_from_here() -> None:
    """Let modules of the current folder be imported from now on: a network may import some when it computes."""
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.insert(0, str(Path.cwd()))


def spec_of(name: str, network: nn.Module) -> NetworkSpec:
    """Return what the registry would know of it.

    Raises:
        ModelsError: An attribute is missing or no such thing; all are told.
    """
    faults = []
    for attribute in _COUNTS:
        value = getattr(network, attribute, None)
        if type(value) is not int or not 1 <= value <= _LARGEST:
            faults.append(f"{attribute} = {value!r:.60}: expected a whole number from 1 to {_LARGEST}")
    step, is_fixed = getattr(network, "frame_step", 1), getattr(network, "is_size_fixed", False)
    if type(step) is not int or not 1 <= step <= _LARGEST:
        faults.append(f"frame_step = {step!r:.60}: expected a whole number from 1 to {_LARGEST}")
    if type(is_fixed) is not bool:
        faults.append(f"is_size_fixed = {is_fixed!r:.60}: expected True or False")
    colours = {}
    for attribute, usual in (("colour_mean", 0.0), ("colour_std", 1.0)):
        try:
            values = torch.as_tensor(getattr(network, attribute, [usual] * 3)).flatten().tolist()
        except (TypeError, ValueError, RuntimeError):
            values = []
        if len(values) != 3 or not all(-10 < value < 10 for value in values) or (usual and min(values) <= 0):
            faults.append(f"{attribute}: expected three numbers, for red, green and blue")
        colours[attribute] = tuple(map(float, values))
    if faults:
        raise ModelsError("; ".join(["the module that it returns does not say what it is", *faults]))
    kind: Kind = "frame" if network.frames_per_snippet == 1 else "spatiotemporal"
    mean, std = colours["colour_mean"], colours["colour_std"]
    return NetworkSpec(
        name=name,
        words="a network of the laboratory's own",
        kind=kind,
        architecture="own",
        citation=f"{name}, the laboratory's own",
        licence="not stated",
        feature_dim=int(network.feature_dim),  # type: ignore[arg-type]
        frame_size=int(network.frame_size),  # type: ignore[arg-type]
        frames_per_snippet=int(network.frames_per_snippet),  # type: ignore[arg-type]
        colour_mean=(mean[0], mean[1], mean[2]),
        colour_std=(std[0], std[1], std[2]),
        public_weights=None,
        frame_step=step,
        is_size_fixed=is_fixed,
    )


def weights_sha256(network: nn.Module) -> str:
    """Return the SHA-256 of the names, shapes and bytes of all that it would save."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@torch.inference_mode()
def try_out(network: nn.Module, spec: NetworkSpec) -> None:
    """Run two snippets of noise, bright and dark, through it: one by one, one of them again, and both at once.

    Raises:
        ModelsError: It fails, or its features have another shape, are not finite, are others the second time, or
            depend on the other snippet.
    """
    sizes = (2, 3, spec.frames_per_snippet, spec.frame_size, spec.frame_size)
    snippets = torch.rand(sizes, generator=torch.Generator().manual_seed(0))
    snippets[1] *= 0.25  # darker: the mean of both is that of neither
    one, other, again, both = (
        _features(network, part) for part in (snippets[:1], snippets[1:], snippets[:1], snippets)
    )
    for found, batch in ((one, 1), (both, 2)):
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        if shape != (batch, spec.feature_dim):
            raise ModelsError(
                f"snippets of shape {(batch, *sizes[1:])} give {shape}, expected the shape {(batch, spec.feature_dim)}"
            )
    if not (one.is_floating_point() and bool(torch.isfinite(both).all())):
        raise ModelsError(f"its features of a snippet of noise are not finite numbers; their type is {one.dtype}")
    if not torch.equal(one, again):
        raise ModelsError("the same snippet gives other features the second time; is something random in eval mode?")
    alone = torch.cat([one, other]).float()
    if not float((both.float() - alone).norm()) <= _LARGEST_DIFFERENCE * float(alone.norm()):
        raise ModelsError(
            "a snippet has other features beside another one than alone; let forward treat each by itself (dimension 0)"
        )


def _features(network: nn.Module, snippets: torch.Tensor) -> torch.Tensor:
    try:
        found: torch.Tensor = network(snippets)
    except Exception as error:
        raise ModelsError(f"snippets of shape {tuple(snippets.shape)} fail: {_where(error)}") from error
    return found


def tell(name: str, weights: str, answer: str) -> None:
    """Write what `examine` says, as JSON, to the file descriptor `answer`; called in a process of its own."""
    said = examine(name, weights)
    said |= {"fault": said["fault"][:_MAX_SAID]} if "fault" in said else {}
    os.write(int(answer), json.dumps(said).encode()[:ANSWER_BYTES])


def examine(name: str, weights: str) -> dict[str, Any]:
    """Return what there is to say of a network: its `spec` and `weights_sha256`, or its `fault`."""
    from models.checkpoints import load_own

    try:
        network = load_own(name, Path(weights) if weights else None)
        said = {"spec": asdict(network.spec), "weights_sha256": weights_sha256(network.net)}
        try_out(network, network.spec)
    except ModelsError as error:
        return {"fault": str(error)}
    except Exception as error:  # noqa: BLE001  # of a module that nobody here has seen, such as a state dict that holds no tensors
        return {"fault": f"it cannot be used: {_where(error)}"}
    return said


def _where(error: BaseException) -> str:
    """Return what went wrong, and the innermost line that is not torch's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    frames = [
        frame for frame in frames if not frame.filename.startswith("<frozen") and Path(frame.filename).parent != _HERE
    ]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error)[:500]}{place}"
