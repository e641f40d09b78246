"""The authors' training set and loss for single snippets: the middle of each segment of 32 frames, weighted.

Pérez-García et al. 2021, section 3.1, and the same experiment in chapter 2 of the first author's thesis: a video is cut
into consecutive segments of 32 frames, and each network's snippet is centred in its segment, so that all networks learn
from the same instants (docs/snippets.md)::

    frames of a segment   0 1 2 ... 11 12 13 14 15 16 17 18 19 20 ... 31
    a snippet of 32       x x x ... x  x  x  x  x  x  x  x  x  x  ... x     starts at 0
    a snippet of 8                     x  x  x  x  x  x  x  x               starts at 12
    a single frame                                 x                        frame 16 of 15.5: no frame is in the middle

Letters in shapes: S segments, R rows (snippets of all views), D features, I instants in training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from seizures.classification.sampling import place_snippets, start_frames_to_rows
from seizures.classification.sequences import SequenceBank, clonic_onset_seconds, label_number
from seizures.classification.single_snippets import AFTER, BEFORE, train_layer
from seizures.errors import TooFewSeizuresError
from seizures.features.file import open_features
from seizures.manifest.identity import RecordingId
from seizures.settings import SEGMENT_FRAMES, SnippetSettings

Instants = Mapping[str, npt.NDArray[np.int64]]  # the numbers of a view's segments, by `patient+seizure+view`


def middle_starts(segments: npt.ArrayLike, frames_per_snippet: int) -> npt.NDArray[np.int64]:
    """Return the first frame of the snippet in the middle of each segment, int64 (S,), from its number, (S,).

    The middle is the mean of the first and the last possible start, half to even, as in all segments of the paper.
    """
    if not 1 <= frames_per_snippet <= SEGMENT_FRAMES:
        raise ValueError(f"frames_per_snippet = {frames_per_snippet}: expected 1 to {SEGMENT_FRAMES}")
    first = SEGMENT_FRAMES * np.asarray(segments, dtype=np.int64)
    return place_snippets(first, first + SEGMENT_FRAMES - frames_per_snippet, 0.5)


def instants_seconds(segments: npt.ArrayLike, frame_rate_hz: float) -> npt.NDArray[np.float64]:
    """Return the middle of each segment in seconds after the beginning of the first frame, float64 (S,)."""
    numbers = np.asarray(segments, dtype=np.float64)
    seconds: npt.NDArray[np.float64] = SEGMENT_FRAMES * (numbers + 0.5) / frame_rate_hz
    return seconds


def common_instants(
    paths: Sequence[Sequence[Path]], labels: Sequence[str]
) -> tuple[dict[str, npt.NDArray[np.int64]], tuple[int, int]]:
    """Find the segments whose middle snippet every network has, and how many are before and after the clonic onset.

    A segment is whole within the frames that a network's snippets span. It is left out for all networks where the
    snippet of one touches undecodable frames, or where one has no features of the view. So are views of which the
    patient is out of sight, and seizures of the second label whose clonic onset is not known.

    Args:
        paths: for each network, the feature files of the seizures to train on; the features themselves are not read.
        labels: the negative and the positive label.

    Returns:
        The numbers of the segments by view, in order, and the numbers before and after.
    """
    common: dict[str, npt.NDArray[np.int64]] = {}
    num_after = 0
    for place, of_network in enumerate(paths):
        own: dict[str, npt.NDArray[np.int64]] = {}
        num_after = 0
        for path in of_network:
            with open_features(path) as file:
                for name, view in file.views.items():
                    onset = clonic_onset_seconds(view.attributes) if label_number(file, labels) == 1 else math.inf
                    if view.attributes.get("use", "all") != "all" or math.isnan(onset):
                        continue
                    segments = np.arange(view.num_frames // SEGMENT_FRAMES, dtype=np.int64)
                    starts = middle_starts(segments, file.frames_per_snippet)
                    rows = start_frames_to_rows(starts, file.stride_frames, view.num_snippets)
                    found = segments[np.asarray(view.valid)[rows]]
                    recording = RecordingId(file.patient_id, file.seizure_id, name).name
                    own[recording] = found if not place else np.intersect1d(found, common.get(recording, found[:0]))
                    num_after += int((instants_seconds(own[recording], file.frame_rate_hz) >= onset).sum())
        common = own
    return common, (sum(map(len, common.values())) - num_after, num_after)


def weighted_loss(logits: torch.Tensor, is_after: torch.Tensor, weight: float) -> torch.Tensor:
    """Return the authors' loss: binary cross-entropy in which a snippet after the clonic onset weighs `weight`, mean.

    Args:
        logits: (B,) of one sigmoid.
        is_after: (B,) 1 after the onset, 0 before.
        weight: snippets before / snippets after, of the training set.
    """
    pos_weight = torch.tensor(weight, dtype=logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, is_after.to(logits.dtype), pos_weight=pos_weight)


def training_set(bank: SequenceBank, instants: Instants) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of the bank at the instants, in the order of its views, and their classes, both int64 (I,).

    The class is that of the instant, so that it is the same for all networks. With a stride above 1 a row is the
    nearest snippet, at most half a stride away (a whole one at a view's end).
    """
    rows, classes = [], []
    for view, name in enumerate(bank.names):
        segments = instants.get(name, np.arange(0))
        starts = middle_starts(segments, bank.frames_per_snippet)
        own = start_frames_to_rows(starts, bank.stride_frames, int(bank.num_rows[view]))
        onset = bank.clonic_onset_seconds[view] if bank.labels[view] else math.inf
        rows.append(own + bank.first_row[view])
        classes.append(np.where(instants_seconds(segments, bank.frame_rate_hz) >= onset, AFTER, BEFORE))
    return np.concatenate(rows).astype(np.int64), np.concatenate(classes).astype(np.int64)


def fit_on_middles(
    bank: SequenceBank,
    instants: Instants,
    settings: SnippetSettings,
    progress: Callable[[int, int], None] | None = None,
) -> nn.Linear:
    """Fit one linear layer, (B, D) to one logit (B, 1), on all instants with the authors' loss.

    The same views in the same order, instants and settings give the same bytes on one machine, whatever the ids are.

    Args:
        bank: the views to train on.
        instants: of them, as `common_instants` finds them for all networks.
        settings: how to fit.
        progress: called with the epochs that are done and all.

    Raises:
        TooFewSeizuresError: no instant is before, or none after, the clonic onset.
    """
    rows, classes = training_set(bank, instants)
    num_after = int((classes == AFTER).sum())
    num_before = len(classes) - num_after
    if not num_before or not num_after:
        raise TooFewSeizuresError(
            f"expected segments before and after the clonic onset to train on, found {num_before} and {num_after}"
        )
    values = torch.index_select(bank.values, 0, torch.from_numpy(rows))  # (I, D)

    def loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return weighted_loss(outputs[:, 0], labels, num_before / num_after)

    rng = np.random.default_rng(settings.seed)
    return train_layer(1, values, torch.from_numpy(classes), loss, settings, rng, progress)
