"""Prepare a frozen network to run fast: fold constants beforehand, and keep every core busy.

Three steps. Each changes the features only by rounding: a relative L2 difference of about 1e-6, at most 2e-4 by test.

- **folding**: in evaluation, BatchNorm is a scale and a shift per channel; they move into the preceding convolution.
  A network without BatchNorm, or one that cannot be traced, runs as it is. So does one of a person's own that would
  compute something else, such as one with a convolution that is used twice;
- **layout**: weights and activations of convolutions are stored in the order that the device's kernels expect;
- **streams**: on a CPU, each core runs its own snippet on one thread. Threads that share a snippet wait for each other
  after each of a hundred layers. A snippet's features then do not depend on its neighbours, the batch size or the
  number of threads.

On CUDA the folded network runs unchanged, in channels-last order; the device has streams of its own.

The tests run over every network that is registered. Of one of a person's own nothing is known, so each step is tried
on noise, and is taken only if the features stay the same.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn
from torch.fx.experimental import optimization
from torch.jit._trace import TracerWarning

from models import frozen
from models.errors import ModelsError
from models.frozen import FrozenNetwork
from models.own_network import is_own
from models.registry import ENGINES

OPENVINO = "openvino"
LARGEST_DIFFERENCE = 2e-4  # relative L2, of the features
_CHECKED = frozen.__file__  # which decides by the sizes of snippets alone
_TRACED_SIZE = 32  # pixels, where no layer depends on it: a small frame traces faster
_Norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_Blocked = (nn.Conv3d, nn.ReLU, nn.AdaptiveAvgPool3d, nn.Flatten, nn.Identity)  # what runs in oneDNN's blocked layout
_BLOCKED_CALLS = ("add", "iadd", "flatten")

Runner = Callable[[Iterable[torch.Tensor]], list[torch.Tensor]]


def choose_engine(name: str = "auto") -> str:
    """Return the engine that runs a network on a CPU, `torch` or `openvino`; `auto` is OpenVINO if it is installed.

    Raises:
        ModelsError: The engine is unknown or not installed.
    """
    if name not in ENGINES:
        raise ModelsError(f"engine = {name}: expected one of {', '.join(ENGINES)}")
    is_installed = importlib.util.find_spec(OPENVINO) is not None
    if name == OPENVINO and not is_installed:
        raise ModelsError("engine = openvino: not installed; pip install '.[cpu]', or set engine = auto")
    if name == "auto":
        return OPENVINO if is_installed else "torch"
    return name


def prepare(network: FrozenNetwork, *, engine: str = "auto", device: str = "cpu", num_threads: int = 0) -> nn.Module:
    """Return a faster module that computes the same as `network` in float32; `network` is left unchanged.

    Args:
        network: Frozen, in evaluation mode, on the CPU.
        engine: `auto`, `torch` or `openvino`, on a CPU; on other devices, and for a network without weights, torch is
            the only engine. A network of a person's own of which OpenVINO computes other features, or none, is run by
            torch if it is `auto`.
        device: Where it will run.
        num_threads: Snippets at a time on a CPU; 0 is one per core that this process may use.

    Returns:
        A module with the network's `frames_per_snippet`, `frame_step`, `feature_dim` and `frame_size`, from
        (B, 3, T, H, W) in [0, 1] to (B, D). On a CPU, call it from one thread at a time.

    Raises:
        ModelsError: The engine is unknown or not installed; or OpenVINO is asked for and cannot run a network of a
            person's own; or that network computes other features when several snippets run at the same time.
    """
    if not network.has_weights:  # nothing to fold or to lay out, and torch is as fast as any engine
        if device != "cpu":
            return copy.copy(network).to(device)
        return Streams(network, _torch_runner(network, num_threads or _num_cores()))
    num_streams = num_threads or _num_cores()
    if device != "cpu":
        return _channels_last(_fold(network)).to(device)
    if is_own(network.spec.name):
        return Streams(network, _own_runner(network, engine, num_streams))
    if choose_engine(engine) == OPENVINO:
        return Streams(network, _openvino_runner(_fold(network), num_streams))
    return Streams(network, _fast_torch_runner(network, num_streams))


def _num_cores() -> int:
    """Count the cores that this process may use; all cores if the system does not tell (only Linux does)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Streams(nn.Module):
    """A network that runs the snippets of a batch one by one, several in parallel."""

    def __init__(self, network: FrozenNetwork, run: Runner) -> None:
        super().__init__()
        self.frames_per_snippet = network.frames_per_snippet
        self.frame_step = network.frame_step
        self.feature_dim = network.feature_dim
        self.frame_size = network.frame_size
        self._run = run

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map RGB snippets in [0, 1], (B, 3, T, H, W), to features (B, D)."""
        return torch.cat(self._run([snippet.unsqueeze(0) for snippet in snippets]))


def fold_norms(net: nn.Module) -> nn.Module:
    """Return a copy of `net` with each BatchNorm folded into its convolution; `net` is left unchanged.

    A BatchNorm stays where the output of its convolution goes elsewhere too, and where the network cannot be traced.
    """
    if any(isinstance(module, _Norm) for module in net.modules()):
        try:
            # In place of the traced copy, not of `net`: tracing gives it a tree of its own with the same layers.
            folded: nn.Module = optimization.fuse(net, inplace=True)
            return folded
        except fx.proxy.TraceError:  # the way through the layers depends on values: it runs as it is
            pass
    return copy.deepcopy(net)


def _fold(network: FrozenNetwork) -> FrozenNetwork:
    """Return a copy of the network with folded layers; of a person's own, only if it computes the same."""
    folded = copy.copy(network)
    folded._buffers = dict(network._buffers)
    try:
        folded._modules = {**network._modules, "net": fold_norms(network.net)}
        if not is_own(network.spec.name) or not _difference(network, lambda snippets: [*map(folded, snippets)], 2):
            return folded
    except Exception:  # what tracing does to a network that nobody here has seen
        if not is_own(network.spec.name):
            raise
    folded._modules = {**network._modules, "net": copy.deepcopy(network.net)}
    return folded


def _channels_last(network: FrozenNetwork) -> FrozenNetwork:
    """Store the weights of a network of convolutions alone in channels-last order."""
    if not any(isinstance(module, nn.Linear) for module in network.net.modules()):
        layout = torch.channels_last if network.frames_per_snippet == 1 else torch.channels_last_3d
        network.net.to(memory_format=layout)
    return network


def _fast_torch_runner(network: FrozenNetwork, num_streams: int) -> Runner:
    folded = _fold(network)
    if _can_be_blocked(folded.net):
        _block_layout(folded)
    else:
        _channels_last(folded)
    return _torch_runner(folded, num_streams)


def _own_runner(network: FrozenNetwork, engine: str, num_streams: int) -> Runner:
    """Return the fastest way to run a network of a person's own on a CPU that was seen to compute the same.

    Raises:
        ModelsError: OpenVINO is asked for and is no such way, or none is.
    """
    ways: list[Callable[[], Runner]] = [
        lambda: _fast_torch_runner(network, num_streams),
        lambda: _torch_runner(_channels_last(_fold(network)), num_streams),
        lambda: _torch_runner(network, num_streams),
    ]
    if choose_engine(engine) == OPENVINO:
        ways.insert(0, lambda: _openvino_runner(_fold(network), num_streams))
    reason = ""
    for way in ways:
        try:
            run = way()
            reason = _difference(network, run, max(2, num_streams))
        except ModelsError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  # of tracing, converting or running what nobody here has seen
            reason = f"{type(error).__name__}: {str(error).strip()}".partition("\n")[0][:300]
        if not reason:
            return run
        if engine == OPENVINO:
            raise ModelsError(f"engine = openvino cannot run {network.spec.name}: {reason}; set engine = auto")
    raise ModelsError(
        f"network = {network.spec.name}: with {num_streams} snippets at the same time, one per thread, {reason}. Does "
        "it keep something of a snippet in the module? Set num_threads = 1, or let forward keep nothing"
    )


@torch.inference_mode()
def _difference(network: FrozenNetwork, run: Runner, num_snippets: int) -> str:
    """Return how features of noise differ from the network's own; empty if by rounding alone."""
    size = (2, 1, 3, network.frames_per_snippet, network.frame_size, network.frame_size)
    snippets = torch.rand(size, generator=torch.Generator().manual_seed(0))
    wanted = [network(snippet) for snippet in snippets]
    for index, found in enumerate(run(snippets[index % 2] for index in range(num_snippets))):
        own = wanted[index % 2]
        if found.shape != own.shape:
            return f"it gives features of shape {tuple(found.shape)} instead of {tuple(own.shape)}"
        distance, scale = float((found - own).norm()), float(own.norm())
        if not distance <= LARGEST_DIFFERENCE * scale:
            return f"its features differ by {distance:.2g} from those of torch, whose norm is {scale:.2g}"
    return ""


def _replace(net: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, module)


class _BlockedConv(nn.Module):
    """A convolution whose weights, input and output are in oneDNN's blocked layout, so nothing is reordered twice."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        padding = tuple(int(size) for size in conv.padding)
        self._arguments: Any = (padding, conv.stride, conv.dilation, conv.groups)
        blocks: Any = conv.weight.detach().to_mkldnn()
        reorder: Any = torch._C._nn.mkldnn_reorder_conv3d_weight
        self._weight = reorder(blocks, *self._arguments)
        self._bias = None if conv.bias is None else conv.bias.detach().to_mkldnn()

    def forward(self, blocked: torch.Tensor) -> torch.Tensor:
        blocked = blocked if blocked.is_mkldnn else blocked.to_mkldnn()
        return torch.mkldnn_convolution(blocked, self._weight, self._bias, *self._arguments)


class _DensePool(nn.Module):
    """The final pooling, from oneDNN's blocked layout back to torch's."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self._pool = pool

    def forward(self, blocked: torch.Tensor) -> torch.Tensor:
        dense: torch.Tensor = self._pool(blocked.to_dense())
        return dense


def _can_be_blocked(net: nn.Module) -> bool:
    """Tell whether every layer of a folded network, and every call between them, runs in the blocked layout."""
    return isinstance(net, fx.GraphModule) and all(
        isinstance(net.get_submodule(str(node.target)), _Blocked)
        if node.op == "call_module"
        else str(getattr(node.target, "__name__", node.target)) in _BLOCKED_CALLS
        for node in net.graph.nodes
        if node.op.startswith("call")
    )


def _block_layout(network: FrozenNetwork) -> None:
    """Run everything from the first convolution to the pooling in oneDNN's blocked layout."""
    for name, module in list(network.net.named_modules()):
        if isinstance(module, nn.Conv3d):
            _replace(network.net, name, _BlockedConv(module))
        elif isinstance(module, nn.AdaptiveAvgPool3d):
            _replace(network.net, name, _DensePool(module))


def _torch_runner(network: nn.Module, num_streams: int) -> Runner:
    pool = ThreadPoolExecutor(num_streams, "stream", initializer=torch.set_num_threads, initargs=(1,))

    def run_one(snippet: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():  # it applies to this thread only
            features: torch.Tensor = network(snippet)
            return features

    return lambda snippets: list(pool.map(run_one, snippets))


def _openvino_runner(network: FrozenNetwork, num_streams: int) -> Runner:
    # An optional dependency. The frontend is called directly: `openvino.convert_model` would send usage statistics.
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    shape = [1, 3, network.frames_per_snippet, network.frame_size, network.frame_size]
    with warnings.catch_warnings(record=True) as warned, torch.no_grad():
        warnings.simplefilter("ignore")  # torch.jit, which it traces with, is deprecated
        warnings.simplefilter("always", TracerWarning)
        frontend = FrontEndManager().load_by_framework("pytorch")
        example = torch.zeros(shape)
        if not (network.is_size_fixed or is_own(network.spec.name)):
            example = example[..., :_TRACED_SIZE, :_TRACED_SIZE]
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        decoder = TorchScriptPythonDecoder(traced)  # keep a reference: the frontend does not
        model = frontend.convert(frontend.load(decoder))
    for one in warned:  # a way through the layers that depends on values would be followed once, for ever
        if is_own(network.spec.name) and issubclass(one.category, TracerWarning) and one.filename != _CHECKED:
            place = f"{Path(one.filename).name}, line {one.lineno}"
            raise ModelsError(f"{place}: what forward does there may depend on values or sizes")
    model.reshape(shape)
    settings = {
        "NUM_STREAMS": num_streams,
        "INFERENCE_NUM_THREADS": num_streams,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # other tasks share the cores
    }
    queue = openvino.AsyncInferQueue(openvino.Core().compile_model(model, "CPU", settings), num_streams)
    queue.set_callback(_keep)

    def run(snippets: Iterable[torch.Tensor]) -> list[torch.Tensor]:
        results: list[torch.Tensor] = []
        for index, snippet in enumerate(snippets):
            results.append(torch.empty(0))
            queue.start_async([snippet.numpy()], (results, index))
        queue.wait_all()
        return results

    return run


def _keep(request: Any, place: tuple[list[torch.Tensor], int]) -> None:
    results, index = place
    results[index] = torch.from_numpy(request.get_output_tensor(0).data.copy())
