"""What is known of a network before it is built, as plain values. Imports no torch, so planning can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["spatiotemporal", "frame", "movement"]
"""`spatiotemporal`: a snippet of several frames to one vector; `frame`: a single frame to one vector; `movement`: a few
named numbers of a snippet, computed and not learnt."""

NO_WEIGHTS = "none"
"""What stands for the identity of weights where a network has none."""

UNHASHED_PREFIX = "file:"
"""What the identity of public weights without a published hash begins with; the published file name follows."""


@dataclass(frozen=True)
class PublicWeights:
    """A published file of weights.

    Attributes:
        url: HTTPS address of the file.
        sha256_prefix: First 8 hex digits of the file's SHA-256. They identify the weights in cache keys and reports.
            Empty where nobody published a hash: the file's name identifies the weights, and the hash of the first
            download is kept beside the file and checked ever after (docs/decisions/0012-networks-of-others.md).
        num_classes: Outputs of the published classifier, which is dropped.
        licence: SPDX identifier of the licence that the weights were published under.
        citation: Where the weights come from.
        words: What the methods paragraph says of the weights, after the network's own words.
        local_name: Name of the local copy, where the published one says nothing; empty: the published one.
    """

    url: str
    sha256_prefix: str
    num_classes: int
    licence: str
    citation: str
    words: str
    local_name: str = ""

    @property
    def file_name(self) -> str:
        """The name of the local copy, which is the published one unless `local_name` says another."""
        return self.local_name or self.url.rpartition("/")[2]

    @property
    def identity(self) -> str:
        """What identifies the weights in cache keys and feature files, known before the file is downloaded."""
        return f"sha256:{self.sha256_prefix}" if self.sha256_prefix else f"{UNHASHED_PREFIX}{self.file_name}"

    @property
    def forbids_commercial_use(self) -> bool:
        """Whether the licence allows no commercial use (Creative Commons' NC)."""
        return "-NC" in self.licence


@dataclass(frozen=True)
class NetworkSpec:
    """A network: its name, its paper, its input and output, its public weights.

    Attributes:
        name: What a person writes in `luigi.cfg`.
        words: What the methods paragraph calls it.
        kind: `spatiotemporal`, `frame` or `movement`.
        architecture: Which layers, a key of `BUILDERS` in one of the pages that `models/frozen.py` lists. Networks of
            the same architecture differ in their weights only.
        citation: The paper that describes the layers.
        licence: SPDX identifier of the licence of the code that the layers are built from.
        feature_dim: D, length of a feature vector.
        frame_size: H = W, in pixels, of the frames it was trained on.
        frames_per_snippet: T, number of frames that the network takes of a snippet; 1 if `kind` is `frame`.
        frame_step: Distance from one of these frames to the next, in frames of the video clock; 1 is consecutive. It is
            the interval that the network was trained with, on a clock of 15 Hz.
        colour_mean: Mean of R, G, B in [0, 1] that the network subtracts.
        colour_std: Standard deviation of R, G, B in [0, 1] that the network divides by.
        public_weights: The published weights, None if there are none.
        has_weights: Whether the layers have weights at all. Where they have none, `[Features] weights` is not asked
            for, their identity is `NO_WEIGHTS`, and torch runs them on every engine: there is nothing to fold.
        takes_any_size: Whether frames of any size will do, so that those decoded for another network are taken.
        is_size_fixed: Whether frames of another size, or snippets of another length, are refused: position embeddings
            or the last pooling are made for this one.
        kinetics_400_top1_percent: Published accuracy on the validation set of Kinetics-400, with these weights; None
            where none is published. What a network reached there says little of seizures.
        library: The optional library that the layers are from, which is an extra of this package; empty: none.
        top1_source: Where that number stands, and how many clips and crops of a video it is the mean of.
    """

    name: str
    words: str
    kind: Kind
    architecture: str
    citation: str
    licence: str
    feature_dim: int
    frame_size: int
    frames_per_snippet: int
    colour_mean: tuple[float, float, float]
    colour_std: tuple[float, float, float]
    public_weights: PublicWeights | None
    frame_step: int = 1
    has_weights: bool = True
    takes_any_size: bool = False
    is_size_fixed: bool = False
    kinetics_400_top1_percent: float | None = None
    top1_source: str = ""
    library: str = ""

    @property
    def span_frames(self) -> int:
        """Frames of the video clock from the first that the network takes to the last, both counted."""
        return (self.frames_per_snippet - 1) * self.frame_step + 1
