"""What becomes of a recording in RunAll: the same rules on the same decoded frames, with the words of the run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from seizures.classification.sampling import minimum_frames
from seizures.errors import VideoError
from seizures.features.snippets import usable_snippets


@dataclasses.dataclass(frozen=True)
class Rules:
    """The settings that decide whether a decoded seizure is used."""

    frames_per_snippet: int
    stride_frames: int
    num_segments: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one recording; `problem` says why RunAll excludes it, and is empty where it does not."""

    problem: str = ""
    num_snippets: int = 0
    num_invalid_snippets: int = 0
    duration_seconds: float = 0.0


def examine(name: str, frames: Path, rules: Rules) -> Outcome:
    """Return what RunAll makes of the decoded frames of a recording.

    Args:
        name: the recording, for messages.
        frames: the file of `seizures.video.frame_cache`.
        rules: snippets and segments.

    Raises:
        FeatureFileError: the file is damaged.

    """
    from seizures.video.frame_cache import open_frames  # here: h5py takes a while, and planning comes by

    with open_frames(frames) as file:
        valid, frame_rate_hz = np.asarray(file.valid), file.frame_rate_hz
    try:
        good = usable_snippets(name, valid, rules.frames_per_snippet, rules.stride_frames)
    except VideoError as error:
        return Outcome(str(error).removeprefix(f"{name}: "))
    wanted = minimum_frames(rules.frames_per_snippet, rules.num_segments)
    if len(valid) < wanted:
        return Outcome(f"too short: it has {len(valid)} frames, and num_segments = {rules.num_segments} takes {wanted}")
    duration_seconds = ((len(good) - 1) * rules.stride_frames + rules.frames_per_snippet) / frame_rate_hz
    return Outcome("", len(good), int((~good).sum()), duration_seconds)
