"""`make bench-gpu`: the network on a CUDA device: each precision against the peers' way there, and against the bound.

Usage: python -m benchmarks.bench_gpu [--seconds 20]

The peers' way is the network as published, float32, one snippet after the other, each uploaded by itself. The bound is
the device's own rate for a product of two large half-precision matrices, divided by the arithmetic of a snippet.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

import models
from benchmarks.network import GFLOP_PER_SNIPPET, NETWORK, WEIGHTS
from seizures.features.extraction import extract_features
from seizures.settings import PRECISIONS

SIZE = 8192


class Frames:
    """Frames in memory, as a file of frames shows them."""

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames
        self.frames = np.random.default_rng(0).integers(0, 256, (num_frames, 112, 112, 3), dtype=np.uint8)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return some of them."""
        return self.frames[start:stop]


def timed(way: Callable[[], object]) -> float:
    """Return the seconds that a way takes until the device is done; the first run does not count."""
    way()
    torch.cuda.synchronize()
    start = time.perf_counter()
    way()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> int:
    """Print the table, or that there is no device."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="length of the film")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.stdout.write("not run: this machine has no CUDA device\n")
        return 0
    film = Frames(15 * options.seconds)
    network = models.load_network(NETWORK, WEIGHTS)
    peer = models.load_network(NETWORK, WEIGHTS).cuda()
    windows = np.lib.stride_tricks.sliding_window_view(film.frames[:71], 8, axis=0).transpose(0, 3, 4, 1, 2)

    @torch.inference_mode()
    def one_by_one() -> None:
        for window in windows:
            peer(torch.from_numpy(window[None].astype(np.float32) / 255).cuda()).cpu()

    matrix = torch.rand(SIZE, SIZE, device="cuda", dtype=torch.bfloat16)
    bound = 2 * SIZE**3 / timed(lambda: matrix @ matrix) / (GFLOP_PER_SNIPPET * 1e9)
    peers_pace = len(windows) / timed(one_by_one)
    sys.stdout.write(f"{torch.cuda.get_device_name()}: half-precision bound {bound:,.0f} snippets/s\n")
    sys.stdout.write(f"the peers' way: {peers_pace:,.0f} snippets/s\n")
    sys.stdout.write(
        "| precision | snippets/s | times the peer | of the bound | relative L2 to float32 |\n|---|---|---|---|---|\n"
    )
    prepared, wanted = models.prepare(network, device="cuda"), np.zeros(0)
    for precision in PRECISIONS:

        def whole(precision: str = precision) -> np.ndarray:
            found = extract_features(film, prepared, stride_frames=1, batch_size=0, device="cuda", precision=precision)
            return np.concatenate([rows for _, rows in found])

        features = whole()
        wanted = features if precision == "float32" else wanted
        pace = len(features) / timed(whole)
        difference = np.linalg.norm(features - wanted) / np.linalg.norm(wanted)
        sys.stdout.write(
            f"| {precision} | {pace:,.0f} | {pace / peers_pace:.1f} | {pace / bound:.2f} | {difference:.1e} |\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
