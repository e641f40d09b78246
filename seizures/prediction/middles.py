"""The snippets that a verdict needs: the middles of the n segments of each view, and no others.

Which snippets these are follows from the length of a view and from which of its snippets are valid, so it is known
before any of them has gone through the network.

Letters in shapes: S snippets of a view, N segments, D features.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from seizures.classification.sampling import minimum_frames
from seizures.classification.sequences import SequenceBank, SequenceSampler, clonic_onset_seconds
from seizures.classification.training_loop import MIDDLE
from seizures.errors import TooShortError
from seizures.features.file import FeatureFile
from seizures.manifest.identity import SeizureId

USES = ("all", "evaluate")  # a person before the camera does not keep a seizure from being asked about

Middles = Mapping[str, torch.Tensor]  # by view, float32 (N, D)


def middle_rows(
    valid: Mapping[str, npt.NDArray[np.bool_]],
    *,
    frames_per_snippet: int,
    stride_frames: int,
    frame_rate_hz: float,
    num_segments: int,
) -> dict[str, npt.NDArray[np.int64]]:
    """Return which snippets stand for the segments of each view, int64 (N,): what `predict` takes of all features.

    Args:
        valid: by view, bool (S,): which snippets have only frames that could be decoded.
        frames_per_snippet: frames of a snippet.
        stride_frames: frames between the starts of neighbouring snippets.
        frame_rate_hz: frames in a second.
        num_segments: N.

    Returns:
        The rows by view. A view that is too short for so many segments is not among them.

    Raises:
        TooShortError: all views are too short.
    """
    seconds = {
        view: ((len(flags) - 1) * stride_frames + frames_per_snippet) / frame_rate_hz for view, flags in valid.items()
    }
    wanted = minimum_frames(frames_per_snippet, num_segments) / frame_rate_hz
    views = [view for view in valid if seconds[view] >= wanted - 1e-9]
    if not views:
        raise TooShortError(
            f"lasts {max(seconds.values(), default=0.0):.1f} s, and the classifier needs at least {wanted:.1f} s "
            f"({num_segments} segments of more than {frames_per_snippet} frames); correct onset and offset, or take a "
            "classifier with fewer segments"
        )
    bank = _bank_without_values(
        [valid[view] for view in views], views, frames_per_snippet, stride_frames, frame_rate_hz
    )
    rows = SequenceSampler(bank, num_segments).rows(MIDDLE).numpy() - bank.first_row[:, None]
    return dict(zip(views, rows, strict=True))


def bank_of(file: FeatureFile, label_names: tuple[str, ...]) -> SequenceBank:
    """Return the views of one open feature file as a bank, whether its label is known or not (it is then the first)."""
    views = {name: view for name, view in file.views.items() if view.attributes.get("use", "all") in USES}
    label = label_names.index(file.label) if file.label in label_names else 0
    return SequenceBank(
        values=torch.from_numpy(np.concatenate([view.read() for view in views.values()])),
        **_places([view.valid for view in views.values()], file.frames_per_snippet, file.stride_frames),
        labels=np.full(len(views), label, dtype=np.int64),
        clonic_onset_seconds=np.array([clonic_onset_seconds(view.attributes) for view in views.values()]),
        label_names=label_names,
        patient_ids=(file.patient_id,) * len(views),
        seizure_ids=(file.seizure_id,) * len(views),
        views=tuple(views),
        uses=tuple(str(view.attributes.get("use", "all")) for view in views.values()),
        frames_per_snippet=file.frames_per_snippet,
        stride_frames=file.stride_frames,
        frame_rate_hz=file.frame_rate_hz,
    )


def segment_seconds(num_frames: int, num_segments: int, frame_rate_hz: float) -> list[tuple[float, float]]:
    """Return from when to when each segment of a view lasts, in seconds after its first frame."""
    edges = np.cumsum([0, *(len(part) for part in np.array_split(np.arange(num_frames), num_segments))])
    return [(float(a) / frame_rate_hz, float(b) / frame_rate_hz) for a, b in itertools.pairwise(edges)]


def _places(valid: Sequence[npt.NDArray[np.bool_]], frames_per_snippet: int, stride_frames: int) -> dict[str, Any]:
    num_rows = np.array([len(flags) for flags in valid], dtype=np.int64)
    return {
        "valid": np.concatenate(valid),
        "first_row": np.cumsum(num_rows) - num_rows,
        "num_rows": num_rows,
        "num_frames": (num_rows - 1) * stride_frames + frames_per_snippet,
    }


def _bank_without_values(
    valid: Sequence[npt.NDArray[np.bool_]],
    views: Sequence[str],
    frames_per_snippet: int,
    stride_frames: int,
    frame_rate_hz: float,
) -> SequenceBank:
    nobody = SeizureId("", "")
    return SequenceBank(
        values=torch.empty((0, 0)),
        **_places(valid, frames_per_snippet, stride_frames),
        labels=np.zeros(len(views), dtype=np.int64),
        clonic_onset_seconds=np.full(len(views), np.nan),
        label_names=("", ""),
        patient_ids=(nobody.patient_id,) * len(views),
        seizure_ids=(nobody.seizure_id,) * len(views),
        views=tuple(views),
        uses=("all",) * len(views),
        frames_per_snippet=frames_per_snippet,
        stride_frames=stride_frames,
        frame_rate_hz=frame_rate_hz,
    )
