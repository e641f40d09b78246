"""Frames to the middle snippets that a verdict needs, and to no others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from seizures.errors import VideoError
from tasks.cohort.networks import weights_identity
from tasks.machinery.processes import computing
from tasks.settings.sections import Features, Frames, Machine, section
from tasks.settings.ways import network_of, weights_of
from tasks.stage.mixins import SeizureMixin
from tasks.stage.stage import Amount, Stage
from tasks.stages.features import decoded, loaded_network
from tasks.stages.videos import DecodeRecording

if TYPE_CHECKING:
    from seizures.prediction.asked import Asked


def middles_key_parts(num_segments: int) -> dict[str, Any]:
    """Return what of the settings decides the middle snippets: the network, its weights, and which snippets."""
    features = section(Features)
    return {
        "network": network_of(""),
        "weights": weights_identity(),
        "stride_frames": features.stride_frames,
        "precision": features.precision,
        "frame_rate_hz": section(Frames).frame_rate_hz,
        "num_segments": num_segments,
    }


def compute_middles(name: str, frames: Mapping[str, Path], num_segments: int, kind: str = "") -> Asked:
    """Compute the middle snippets of the frames of each view by the network of [Features].

    With `kind`, the frames are made into a film of another kind first (`seizures.prediction.other_kinds`).
    """
    from seizures.features.extraction import choose_device
    from seizures.prediction.asked import extract_asked

    features, machine = section(Features), section(Machine)
    with computing(machine.num_threads or None):
        device = choose_device(machine.device)
        return extract_asked(
            name,
            frames,
            loaded_network(network_of(""), weights_of(""), features.weights_dir, features.precision, device),
            num_segments=num_segments,
            stride_frames=features.stride_frames,
            batch_size=machine.snippets_per_batch,
            device=device,
            precision=features.precision,
            kind=kind,
        )


class ExtractMiddles(SeizureMixin, Stage):
    """Compute the middle snippets of a seizure that is asked about, and no others."""

    extension = "h5"
    leaves_out = (VideoError,)
    resources = {"network": 1}  # noqa: RUF012  # as ExtractFeatures
    num_segments: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """Patient and seizure, and how many snippets."""
        return f"{self.id.name}+{self.num_segments}"

    def requires(self) -> list[DecodeRecording]:
        """Require the frames of every view."""
        return [decoded(item.id) for item in self.seizure.recordings]

    def reads(self) -> dict[str, Any]:
        """Return the network, its weights, and which snippets."""
        return middles_key_parts(self.num_segments)

    def produce(self, path: Path) -> Amount:
        """Compute them for the views that could be decoded."""
        from seizures.prediction.asked import write_asked

        good = {stage.view: stage.result for stage in self.requires() if stage.bad_reason() is None}
        if not good:
            raise VideoError("; ".join(f"{stage.view}: {stage.bad_reason()}" for stage in self.requires()))
        asked = compute_middles(self.id.name, good, self.num_segments)
        write_asked(path, [asked])
        return Amount(self.num_segments * len(asked.views), "snippets")
