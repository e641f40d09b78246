"""Every registered network on a CPU: each engine against the published code, eager and one snippet at a time.

Usage: python -m benchmarks.networks [name ...]; without names, all that have weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torchvision.models import get_model, list_models

import models
from benchmarks.bench import HEADING, line, machine
from benchmarks.measure import Row, in_turns, once, seconds
from benchmarks.network import eager, engines, prepared

NUM_SNIPPETS = 2  # as many as there are cores here: two streams


def public(name: str, network: nn.Module) -> nn.Module:
    """Return the published code's network, without weights of its own; the network itself where that is the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore calls the deprecated torch.jit.script
        from pytorchvideo.models import hub
    torch_name = {"resnet_34": "resnet34", "wide_resnet_50_2": "wide_resnet50_2"}.get(name, name)
    if torch_name in list_models():
        return get_model(torch_name, weights=None).eval()
    if hasattr(hub, name):
        found: nn.Module = getattr(hub, name)().eval()
        return found
    return network


def rows(_folder: Path, repeats: int, names: tuple[str, ...] = ()) -> Iterator[Row]:
    """Measure every network, or those named: seconds a snippet of each engine, against the published code."""
    for name in names or models.network_names():
        spec = models.network_spec(name)
        if not spec.has_weights:
            continue
        network = models.load_network(name, "random:0")
        shape = (NUM_SNIPPETS, 3, spec.frames_per_snippet, spec.frame_size, spec.frame_size)
        snippets = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        as_published = snippets[:, :, 0] if spec.kind == "frame" and public(name, network) is not network else snippets
        ways = {"peer": (eager, (public(name, network), as_published))}
        for engine in engines():
            ways[engine] = (prepared, (models.prepare(network, engine=engine), snippets))
        in_turns(ways, 3, once)  # the first runs lay the weights out
        found = in_turns(ways, repeats, once)
        wanted = eager(network, snippets)
        for engine in engines():
            run, peer = found[engine], found["peer"]
            difference = float((run.result - wanted).norm() / wanted.norm())
            size = f"{spec.frames_per_snippet} x {spec.frame_size} x {spec.frame_size}"
            yield Row(
                f"{name}, a snippet of {size}, engine {engine} (relative L2 to eager {difference:.0e})",
                seconds(run.seconds / NUM_SNIPPETS),
                seconds(peer.seconds / NUM_SNIPPETS),
                times_the_peer=peer.seconds / run.seconds,
            )


def main() -> None:
    """Measure the networks that are named, and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    sys.stdout.write(f"{HEADING}\n|---|---|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder), options.repeats, tuple(options.names)):
            sys.stdout.write(line(row) + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"on {machine()}\n")


if __name__ == "__main__":
    main()
