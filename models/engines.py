"""The same frozen network, made ready to run fast: what is constant is worked out before, and every core is busy.

Three steps, each of which leaves the features as they are but for the last bits (tests hold them to a relative L2
difference of 2e-4; it is about 1e-6):

- **folding**: in evaluation BatchNorm is a factor and a shift per channel, which the convolution before it takes over;
- **layout**: the weights, and what flows between the layers, lie as the device's kernels want them;
- **streams**: on a CPU one thread takes one snippet at a time, as many threads as cores. Threads that share a snippet
  wait for each other after each of a hundred layers, those that do not never do. A snippet's features then do not
  depend on its neighbours, on the size of the batch or on the number of threads.

On CUDA the folded network runs as it is, in channels-last order; the streams are the device's own.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.errors import ModelsError
from models.frozen import FrozenNetwork
from models.registry import ENGINES

OPENVINO = "openvino"
_TRACED_SIZE = 32  # pixels; no layer depends on it, and a small frame is traced sooner

Runner = Callable[[Iterable[torch.Tensor]], list[torch.Tensor]]


def choose_engine(name: str = "auto") -> str:
    """Return `torch` or `openvino`: what runs a network on a CPU; `auto` is OpenVINO where it is installed.

    Raises:
        ModelsError: no such engine, or OpenVINO is asked for and not installed.
    """
    if name not in ENGINES:
        raise ModelsError(f"engine = {name}: wanted one of {', '.join(ENGINES)}")
    is_installed = importlib.util.find_spec(OPENVINO) is not None
    if name == OPENVINO and not is_installed:
        raise ModelsError("engine = openvino: it is not installed; pip install '.[cpu]', or set engine = auto")
    if name == "auto":
        return OPENVINO if is_installed else "torch"
    return name


def prepare(network: FrozenNetwork, *, engine: str = "auto", device: str = "cpu", num_threads: int = 0) -> nn.Module:
    """Return a module that computes what `network` computes in float32, faster; `network` stays as it is.

    Args:
        network: frozen, in evaluation mode, on the CPU.
        engine: `auto`, `torch` or `openvino`, for a CPU; another device has torch alone.
        device: where it will run.
        num_threads: snippets at a time on a CPU; 0 is one per core that this process may use.

    Returns:
        A module with the network's `frames_per_snippet`, `feature_dim` and `frame_size`, from (B, 3, T, H, W) in [0, 1]
        to (B, D). On a CPU one call at a time is meant.

    Raises:
        ModelsError: the engine is unknown or not installed.
    """
    folded = copy.copy(network)
    folded._modules = {**network._modules, "net": fold_norms(network.net)}
    folded._buffers = dict(network._buffers)
    is_of_frames = network.frames_per_snippet == 1
    if device != "cpu":
        layout = torch.channels_last if is_of_frames else torch.channels_last_3d
        folded.net.to(memory_format=layout)
        return folded.to(device)
    num_streams = num_threads or _num_cores()
    if choose_engine(engine) == OPENVINO:
        return Streams(network, _openvino_runner(folded, num_streams))
    if is_of_frames:
        folded.net.to(memory_format=torch.channels_last)
    else:
        _block_layout(folded)
    return Streams(network, _torch_runner(folded, num_streams))


def _num_cores() -> int:
    """Count the cores that this process may use."""
    # Only Linux says it; elsewhere all cores are meant.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Streams(nn.Module):
    """A network that takes the snippets of a batch one by one, several at a time."""

    def __init__(self, network: FrozenNetwork, run: Runner) -> None:
        super().__init__()
        self.frames_per_snippet = network.frames_per_snippet
        self.feature_dim = network.feature_dim
        self.frame_size = network.frame_size
        self._run = run

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map RGB snippets in [0, 1], (B, 3, T, H, W), to features (B, D)."""
        return torch.cat(self._run([snippet.unsqueeze(0) for snippet in snippets]))


def fold_norms(net: nn.Module) -> fx.GraphModule:
    """Return `net` anew, each BatchNorm that alone follows a convolution become part of it; `net` stays as it is."""
    traced = fx.symbolic_trace(net)  # its own tree, the same layers
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        conv, norm = traced.get_submodule(str(before.target)), traced.get_submodule(str(node.target))
        if (isinstance(conv, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d)) or (
            isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        ):
            _replace(traced, str(before.target), fuse_conv_bn_eval(conv, norm))
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _replace(net: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, module)


class _BlockedConv(nn.Module):
    """A convolution whose weights, input and output lie in oneDNN's blocks of channels: nothing is reordered twice."""

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
    """The pooling at the end, from oneDNN's blocks back to torch's own order."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self._pool = pool

    def forward(self, blocked: torch.Tensor) -> torch.Tensor:
        dense: torch.Tensor = self._pool(blocked.to_dense())
        return dense


def _block_layout(network: FrozenNetwork) -> None:
    """Let everything from the first convolution to the pooling run in oneDNN's own layout."""
    for name, module in list(network.net.named_modules()):
        if isinstance(module, nn.Conv3d):
            _replace(network.net, name, _BlockedConv(module))
        elif isinstance(module, nn.AdaptiveAvgPool3d):
            _replace(network.net, name, _DensePool(module))


def _torch_runner(network: nn.Module, num_streams: int) -> Runner:
    pool = ThreadPoolExecutor(num_streams, "stream", initializer=torch.set_num_threads, initargs=(1,))

    def run_one(snippet: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():  # of this thread
            features: torch.Tensor = network(snippet)
            return features

    return lambda snippets: list(pool.map(run_one, snippets))


def _openvino_runner(network: FrozenNetwork, num_streams: int) -> Runner:
    # Only where it is installed. The frontend is called by itself: `openvino.convert_model` would report its use.
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    shape = [1, 3, network.frames_per_snippet, network.frame_size, network.frame_size]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it traces with torch.jit, which torch calls deprecated
        frontend = FrontEndManager().load_by_framework("pytorch")
        example = torch.zeros(1, 3, network.frames_per_snippet, _TRACED_SIZE, _TRACED_SIZE)
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        decoder = TorchScriptPythonDecoder(traced)  # held here: the frontend does not keep it
        model = frontend.convert(frontend.load(decoder))
    model.reshape(shape)
    settings = {
        "NUM_STREAMS": num_streams,
        "INFERENCE_NUM_THREADS": num_streams,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # other tasks run beside this one
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
