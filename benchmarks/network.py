"""The network R(2+1)D-34 on a CPU: eager and one snippet at a time (the peers' way), and with each engine."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import torch

import models
from benchmarks import decoding
from benchmarks.measure import Row, in_turns, megabytes, once, seconds
from seizures.features.extraction import extract_seizure
from seizures.features.schema import FeatureHeader
from seizures.settings import FrameSettings
from seizures.video.frame_cache import write_frames
from seizures.video.window import WindowRequest, open_window

NETWORK, WEIGHTS = "r2plus1d_34_8_kinetics", "random:0"
GFLOP_PER_SNIPPET = 76.2  # 8 x 112 x 112
NUM_SNIPPETS = 4


def engines() -> list[str]:
    """Return the engines that can be measured here."""
    return ["torch", *(["openvino"] if importlib.util.find_spec("openvino") else [])]


@torch.inference_mode()
def eager(network: torch.nn.Module, snippets: torch.Tensor) -> torch.Tensor:
    """Run the network as published: one snippet after the other, torch's threads within each."""
    return torch.cat([network(snippet.unsqueeze(0)) for snippet in snippets])


@torch.inference_mode()
def prepared(network: torch.nn.Module, snippets: torch.Tensor) -> torch.Tensor:
    """Run a prepared network."""
    features: torch.Tensor = network(snippets)
    return features


def multiply(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Multiply two matrices: what the machine's arithmetic reaches at best."""
    return left @ right


def rows(_folder: Path, repeats: int) -> Iterator[Row]:
    """Measure every engine against eager, and all against the machine's matrix rate."""
    network = models.load_network(NETWORK, WEIGHTS)
    snippets = torch.rand(NUM_SNIPPETS, 3, 8, 112, 112, generator=torch.Generator().manual_seed(0))
    matrix = torch.rand(3072, 3072)
    ways = {"eager": (eager, (network, snippets)), "limit": (multiply, (matrix, matrix))}
    for engine in engines():
        ways[engine] = (prepared, (models.prepare(network, engine=engine), snippets))
    in_turns(ways, 1, once)  # the first run lays the weights out
    found = in_turns(ways, repeats, once)
    gflops = 2 * 3072**3 / 1e9 / found["limit"].seconds
    for engine in engines():
        run, peer = found[engine], found["eager"]
        difference = float((run.result - peer.result).norm() / peer.result.norm())
        bound = GFLOP_PER_SNIPPET / gflops
        yield Row(
            f"R(2+1)D-34, a snippet, engine {engine} (relative L2 to eager {difference:.0e})",
            seconds(run.seconds / NUM_SNIPPETS),
            seconds(peer.seconds / NUM_SNIPPETS),
            f"{gflops:.0f} GFLOP/s: {seconds(bound)}",
            peer.seconds / run.seconds,
            bound / run.seconds * NUM_SNIPPETS,
        )


def extraction_rows(folder: Path, repeats: int) -> Iterator[Row]:
    """Measure the whole way from a film to a feature file, stride 1, against the network alone on as many snippets."""
    film = decoding.make_film(folder / "large.mp4", 1920, 1080, 30, 240)
    network = models.prepare(models.load_network(NETWORK, WEIGHTS))
    header = FeatureHeader("P01", "01", "FOS", {}, "0" * 12, NETWORK, WEIGHTS, 8, 1, decoding.RATE_HZ)
    num_snippets = 53  # of 4 s
    snippets = torch.rand(num_snippets, 3, 8, 112, 112)
    prepared(network, snippets[:2])
    ways = {
        "task": (extract, (film, folder, network, header)),
        "network": (functools.partial(prepared, network), (snippets,)),
    }
    found = in_turns(ways, min(repeats, 2), once)
    task, alone = found["task"], found["network"]
    yield Row(
        f"4 s of 1920x1080 to a feature file, {num_snippets} snippets of stride 1",
        seconds(task.seconds),
        limit=f"the network alone: {seconds(alone.seconds)}",
        of_the_limit=alone.seconds / task.seconds,
        memory=megabytes(task.peak_megabytes),
    )


def extract(film: Path, folder: Path, network: torch.nn.Module, header: FeatureHeader) -> None:
    """Decode, keep the frames, and write the features, as the two stages do one after the other."""
    with open_window(WindowRequest((film,), None, 4.0, settings=FrameSettings(decoding.RATE_HZ))) as window:
        write_frames(folder / "frames.h5", window, attributes={"video_sha256": ""})
    extract_seizure(
        {"large": folder / "frames.h5"},
        network,  # type: ignore[arg-type]
        folder / "features.h5",
        header,
        view_attributes={"large": {"use": "all"}},
        batch_size=0,
        device="cpu",
    )
