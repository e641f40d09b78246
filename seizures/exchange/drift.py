"""The drift guard: does this machine compute the features that another one computed from the same pictures?

A short clip is shipped with the software: drawn by `seizures.simulation.cohort`, in the public domain, as a film and as
the frames that were decoded from it once. A network's features of a few snippets of those stored frames are a
reference; another version of torch, another GPU or precision is measured against it. Decoding the film again and
comparing the frames measures the decoder by itself.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from seizures.errors import FeatureFileError
from seizures.features.extraction import SnippetNetwork, extract_features, snippet_length
from seizures.files.scratch import scratch_folder
from seizures.settings import FrameSettings
from seizures.video.frame_cache import FrameFile, open_frames, write_frames
from seizures.video.window import WindowRequest, open_window

FORMAT = "seizure-drift-reference"
FORMAT_VERSION = 1
CLIP, FRAMES, SHIPPED = "clip.mp4", "frames.h5", "r2plus1d_small.json"
FRAME_RATE_HZ = 15.0
FRAME_SIZE = 112
NUM_FRAMES = 36
STRIDE_FRAMES = 4
# float32 on other hardware differs by about 1e-5, half precision by 1e-2; features of another network by 1.
MAX_RELATIVE_ERROR = 1e-3
MIN_COSINE = 0.999999
MAX_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class Reference:
    """The features of the shipped clip, float32 (S, D), and what computed them."""

    network: str
    weights: str
    made_with: Mapping[str, Any]
    features: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Drift:
    """How far features are from a reference, and decoded frames from the stored ones.

    `min_cosine` is the least cosine of a snippet's two vectors, `max_relative_error` the largest length of their
    difference over the reference's length; `max_pixel_difference` (of 255) is of the decoder alone.
    """

    min_cosine: float
    max_relative_error: float
    num_snippets: int
    max_pixel_difference: int
    mean_pixel_difference: float

    @property
    def is_small(self) -> bool:
        """True where features of both machines may be used together."""
        return self.min_cosine >= MIN_COSINE and self.max_relative_error <= MAX_RELATIVE_ERROR


class _ClipFrames:
    """The stored frames at another size: their middle, or each pixel several times; exact, unlike a resampling.

    For a network whose snippets are longer than the clip, it is played forwards and backwards in turn.
    """

    def __init__(self, frames: npt.NDArray[np.uint8], size: int, fewest: int) -> None:
        frames = np.pad(frames, ((0, max(0, fewest - len(frames))), (0, 0), (0, 0), (0, 0)), mode="reflect")
        repeats = -(-size // frames.shape[1])
        larger = frames.repeat(repeats, axis=1).repeat(repeats, axis=2)
        margin = (larger.shape[1] - size) // 2
        self._frames = np.ascontiguousarray(larger[:, margin : margin + size, margin : margin + size])
        self.num_frames = len(frames)

    def read(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        return self._frames[start:stop]


def compute_features(network: SnippetNetwork, device: str, precision: str = "float32") -> npt.NDArray[np.float32]:
    """Return the features of the snippets of the stored frames, float32 (S, D)."""
    with as_file(_shipped(FRAMES)) as path, open_frames(path) as stored:
        frames = cast("FrameFile", _ClipFrames(_all(stored), network.frame_size, snippet_length(network)))
    blocks = extract_features(
        frames, network, stride_frames=STRIDE_FRAMES, batch_size=8, device=device, precision=precision
    )
    return np.concatenate([rows for _, rows in blocks])


def measure(features: npt.NDArray[np.float32], reference: Reference) -> Drift:
    """Compare features (S, D) with a reference, and this machine's decoder with the stored frames.

    Raises:
        FeatureFileError: the two have different shapes.

    """
    ours, theirs = features.astype(np.float64), reference.features.astype(np.float64)
    if ours.shape != theirs.shape:
        raise FeatureFileError(f"the reference has features of shape {theirs.shape}, this network gives {ours.shape}")
    lengths = np.linalg.norm(ours, axis=1), np.linalg.norm(theirs, axis=1)
    floor = np.finfo(np.float64).tiny
    cosines = (ours * theirs).sum(axis=1) / np.maximum(lengths[0] * lengths[1], floor)
    errors = np.linalg.norm(ours - theirs, axis=1) / np.maximum(lengths[1], floor)
    largest, mean = _decoder_difference()
    return Drift(float(cosines.min()), float(errors.max()), len(ours), largest, mean)


def write_reference(path: Path, reference: Reference) -> None:
    """Write a reference as JSON; each number in the shortest text that gives the same float32."""
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "network": reference.network,
        "weights": reference.weights,
        "made_with": dict(reference.made_with),
        "features": [[float(str(value)) for value in row] for row in reference.features],
    }
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_reference(path: Path) -> Reference:
    """Read a reference.

    Raises:
        FeatureFileError: it is none, or of another version.

    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError(f"expected format {FORMAT}, version {FORMAT_VERSION}")
        features = np.array(content["features"], dtype=np.float32)
        if features.ndim != 2 or not np.isfinite(features).all():
            raise ValueError("its features are no table of numbers")
        return Reference(str(content["network"]), str(content["weights"]), dict(content["made_with"]), features)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FeatureFileError(f"{path}: not a drift reference: {error}") from error


def shipped_reference() -> Reference:
    """Return the reference of the demo's network (`r2plus1d_small`, `random:0`), which needs no download."""
    with as_file(_shipped(SHIPPED)) as path:
        return read_reference(path)


def _decoder_difference() -> tuple[int, float]:
    """Decode the film on this machine; return the largest and the mean difference from the stored frames."""
    with (
        scratch_folder() as scratch,
        as_file(_shipped(CLIP)) as clip,
        as_file(_shipped(FRAMES)) as stored_path,
    ):
        _decode(clip, scratch / "frames.h5")
        with open_frames(stored_path) as stored, open_frames(scratch / "frames.h5") as decoded:
            apart = np.abs(_all(stored).astype(np.int16) - _all(decoded))
    return int(apart.max()), float(apart.mean())


def _decode(clip: Path, path: Path) -> None:
    settings = FrameSettings(FRAME_RATE_HZ, "letterbox")
    end_seconds = 2.0 + NUM_FRAMES / FRAME_RATE_HZ
    with open_window(WindowRequest((clip,), 2.0, end_seconds, settings=settings, frame_size=FRAME_SIZE)) as window:
        write_frames(path, window, attributes={})


def _all(frames: FrameFile) -> npt.NDArray[np.uint8]:
    return frames.read(0, frames.num_frames)


def _shipped(name: str) -> Any:
    return files("seizures.exchange") / "drift_data" / name
