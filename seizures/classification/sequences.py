"""The features of many seizures in one tensor, and the rows of it that make a batch of sequences.

Letters in shapes: R rows (snippets of all views), D features, V views (samples), B views of a batch, N segments. One
sequence is one view of one seizure, seen through one snippet from each of N segments (paper, section 2.3).
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from seizures.classification import sampling
from seizures.errors import FeatureFileError, SettingsError
from seizures.features.file import FeatureFile, open_features
from seizures.features.schema import NOT_KNOWN
from seizures.manifest.identity import RecordingId

LARGEST_IN_MEMORY_BYTES = 4 << 30  # the paper's whole set at stride 1 takes 1.1 GB
MUST_AGREE = ("network", "weights_sha256", "frames_per_snippet", "stride_frames", "frame_rate_hz")
MAY_DIFFER = ("network", "weights_sha256", "stride_frames")  # where a person has asked for mixed features


@dataclass(frozen=True, eq=False)
class SequenceBank:
    """Features of V views, view after view in one tensor; `select` shares that tensor.

    Attributes:
        values: float32 (R, D).
        valid: (R,) bool; False where a snippet touches frames that could not be decoded.
        first_row, num_rows: int64 (V,); the rows of a view are [first_row, first_row + num_rows).
        num_frames: int64 (V,); frames that the snippets of a view span.
        labels: int64 (V,); index into `label_names`.
        clonic_onset_seconds: float64 (V,); after the beginning of the view's first frame, NaN where there is none.
        label_names: the labels in the order of the classifier's outputs.
        patient_ids, seizure_ids, views, uses: V texts each.
        frames_per_snippet, stride_frames, frame_rate_hz: the same for all views.

    """

    values: torch.Tensor
    valid: npt.NDArray[np.bool_]
    first_row: npt.NDArray[np.int64]
    num_rows: npt.NDArray[np.int64]
    num_frames: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    clonic_onset_seconds: npt.NDArray[np.float64]
    label_names: tuple[str, ...]
    patient_ids: tuple[str, ...]
    seizure_ids: tuple[str, ...]
    views: tuple[str, ...]
    uses: tuple[str, ...]
    frames_per_snippet: int
    stride_frames: int
    frame_rate_hz: float

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def feature_dim(self) -> int:
        """D, the number of features of a snippet."""
        return self.values.shape[1]

    @property
    def names(self) -> tuple[str, ...]:
        """`patient+seizure+view` of each view."""
        return tuple(recording.name for recording in map(RecordingId, self.patient_ids, self.seizure_ids, self.views))

    def select(self, views: npt.ArrayLike) -> SequenceBank:
        """Return a bank of some of the views, by number or by bool flags (V,); the features are shared, not copied."""
        chosen = np.arange(len(self))[np.asarray(views)]
        changes: dict[str, Any] = {
            name: getattr(self, name)[chosen]
            for name in ("first_row", "num_rows", "num_frames", "labels", "clonic_onset_seconds")
        }
        for name in ("patient_ids", "seizure_ids", "views", "uses"):
            changes[name] = tuple(getattr(self, name)[view] for view in chosen)
        return dataclasses.replace(self, **changes)


class SequenceSampler:
    """Places the snippets of all views of a bank: segment ranges once, rows for any positions at once.

    A snippet that touches undecodable frames gives way to the nearest valid one of its segment; where its segment has
    none, to the nearest valid one of the view (of two as near, the earlier).
    """

    def __init__(self, bank: SequenceBank, num_segments: int) -> None:
        wanted = sampling.minimum_frames(bank.frames_per_snippet, num_segments)
        short = [f"{bank.names[view]} has {bank.num_frames[view]}" for view in np.flatnonzero(bank.num_frames < wanted)]
        if short:
            what = (
                f"num_segments = {num_segments} takes {wanted} frames a seizure ({bank.frames_per_snippet} a snippet)"
            )
            raise SettingsError(f"{what}, and {'; '.join(short)}; lower num_segments or leave short seizures out")
        self._bank = bank
        self._first, self._last = sampling.segment_ranges(bank.num_frames, bank.frames_per_snippet, num_segments)
        self.shape = self._first.shape
        row_numbers = np.arange(len(bank.valid))
        self._valid_before = np.maximum.accumulate(np.where(bank.valid, row_numbers, -1))
        self._valid_after = np.minimum.accumulate(np.where(bank.valid, row_numbers, len(bank.valid))[::-1])[::-1]

    def rows(self, positions: npt.ArrayLike) -> torch.Tensor:
        """Return the rows of `bank.values` for positions in [0, 1], (V, N) or what broadcasts to it: int64 (V, N)."""
        return self._usable_rows(sampling.place_snippets(self._first, self._last, positions))

    def draw_rows(self, gamma: float, rng: np.random.Generator) -> torch.Tensor:
        """Return the rows of `bank.values` for one epoch, int64 (V, N), drawn as `sampling.sample_positions` says."""
        return self._usable_rows(sampling.draw_starts(self._first, self._last, gamma, rng))

    def draw_beginnings(self, rng: np.random.Generator) -> SequenceSampler:
        """Return a sampler in which each view is, with probability 1/2, only a beginning of itself.

        A beginning is some of the first snippets of the view: at least as many as the segments take, of which one is
        valid, and at most all. Each of these numbers is equally likely.
        """
        bank = self._bank
        is_whole = rng.random(len(bank)) < 0.5
        drawn = rng.integers(self._fewest_rows, bank.num_rows, endpoint=True)
        num_rows = np.where(is_whole, bank.num_rows, drawn)
        num_frames = (num_rows - 1) * bank.stride_frames + bank.frames_per_snippet
        beginnings = copy.copy(self)  # which shares what is known of valid rows
        beginnings._bank = dataclasses.replace(bank, num_rows=num_rows, num_frames=num_frames)
        beginnings._first, beginnings._last = sampling.segment_ranges(
            num_frames, bank.frames_per_snippet, self.shape[1]
        )
        return beginnings

    @functools.cached_property
    def _fewest_rows(self) -> npt.NDArray[np.int64]:
        """The fewest snippets of a beginning, (V,)."""
        bank = self._bank
        more = sampling.minimum_frames(bank.frames_per_snippet, self.shape[1]) - bank.frames_per_snippet
        first_valid = self._valid_after[bank.first_row] - bank.first_row + 1
        return np.minimum(np.maximum(first_valid, -(-more // bank.stride_frames) + 1), bank.num_rows)

    def _usable_rows(self, starts: npt.NDArray[np.int64]) -> torch.Tensor:
        rows = self._rows_at(starts)
        faulty = ~self._bank.valid[rows]
        if faulty.any():
            rows[faulty] = self._replacements(rows, faulty)
        return torch.from_numpy(rows)

    def _rows_at(self, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        # The last start that a view allows is its last row's, so no start can fall beyond its own rows.
        longest = int(self._bank.num_rows.max(initial=1))
        return sampling.start_frames_to_rows(starts, self._bank.stride_frames, longest) + self._bank.first_row[:, None]

    def _replacements(self, rows: npt.NDArray[np.int64], faulty: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the valid rows that stand in for the faulty ones, int64 (number of faulty rows,)."""
        bank, view, row = self._bank, np.nonzero(faulty)[0], rows[faulty]
        low, high = self._rows_at(self._first)[faulty], self._rows_at(self._last)[faulty]
        before, after = self._valid_before[row], self._valid_after[row]
        far = len(bank.valid)  # outside the segment costs more than any distance, outside the view more than that
        cost_before = row - before + far * (before < low) + far * (before < bank.first_row[view])
        cost_after = after - row + far * (after > high) + far * (after >= (bank.first_row + bank.num_rows)[view])
        return np.where(cost_before <= cost_after, before, after)


def load_bank(
    paths: Sequence[str | os.PathLike[str]],
    *,
    labels: Sequence[str] = ("FOS", "TCS"),
    uses: Sequence[str] = ("all",),
    allow_mixed: bool = False,
) -> SequenceBank:
    """Read the features of many seizures into one tensor.

    Args:
        paths: feature files; views follow in the order of the files, by name within a file.
        labels: the label names in the order of the classifier's outputs.
        uses: which views are wanted; `("all",)` for training, `("all", "evaluate")` to predict.
        allow_mixed: let networks, weights and strides differ; of all strides, the least common multiple is taken.

    Returns:
        The bank; memory is that of the features, float32 (R, D), and no more; above 4 GB they lie in a temporary file.

    Raises:
        FeatureFileError: a file is not usable, its label is unknown, or its features were made in another way.

    """
    described: list[dict[str, Any]] = []
    for path in paths:
        with open_features(path) as file:
            label_number(file, labels)
            described += [view for view in describe_views(file) if view["use"] in uses]
    if not described:
        raise FeatureFileError(f"no view with use {' or '.join(uses)} in {len(paths)} feature files")
    require_one_way(described, allow_mixed=allow_mixed)
    stride_frames, steps = common_stride(described)
    num_rows = -(-np.array([view["num_snippets"] for view in described], dtype=np.int64) // steps)
    values, valid = _read(described, num_rows, steps)
    return assemble(
        described, labels, values, valid, first_row=np.cumsum(num_rows) - num_rows, num_rows=num_rows,
        stride_frames=stride_frames,
    )  # fmt: skip


def describe_views(file: FeatureFile) -> list[dict[str, Any]]:
    """Return what a bank must know of each view of a feature file besides its features, as JSON can hold it."""
    return [
        {
            "path": os.fspath(file.path),
            "recipe": {**{name: getattr(file, name) for name in MUST_AGREE}, "feature_dim": view.feature_dim},
            "num_snippets": view.num_snippets,
            "label": file.label,
            "patient_id": file.patient_id,
            "seizure_id": file.seizure_id,
            "view": name,
            "use": str(view.attributes.get("use", "all")),
            "clonic_onset_seconds": clonic_onset_seconds(view.attributes),
        }
        for name, view in file.views.items()
    ]


def require_one_way(described: Sequence[Mapping[str, Any]], *, allow_mixed: bool) -> None:
    """Refuse features that were made in different ways.

    Args:
        described: what `describe_views` says of each view.
        allow_mixed: let networks, weights and strides differ.

    Raises:
        FeatureFileError: two differ; the message says in what.
    """
    recipes: dict[tuple[Any, ...], str] = {}
    names = [name for name in described[0]["recipe"] if not (allow_mixed and name in MAY_DIFFER)]
    for view in described:
        recipes.setdefault(tuple(view["recipe"][name] for name in names), view["path"])
    if len(recipes) > 1:
        (one, path_one), (other, path_other) = list(recipes.items())[:2]
        differences = [f"{n}: {a} and {b}" for n, a, b in zip(names, one, other, strict=True) if a != b]
        raise FeatureFileError(f"{path_one} and {path_other} do not mix: {'; '.join(differences)}")


def common_stride(described: Sequence[Mapping[str, Any]]) -> tuple[int, npt.NDArray[np.int64]]:
    """Return the least common multiple of the strides, in frames, and which rows of each view have it: every n-th."""
    strides = np.array([view["recipe"]["stride_frames"] for view in described], dtype=np.int64)
    common = math.lcm(*map(int, set(strides)))
    return common, common // strides


def assemble(
    described: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    values: torch.Tensor,
    valid: npt.NDArray[np.bool_],
    *,
    first_row: npt.NDArray[np.int64],
    num_rows: npt.NDArray[np.int64],
    stride_frames: int,
) -> SequenceBank:
    """Return the bank of some views whose features are in `values`.

    Args:
        described: what `describe_views` says of each of the V views.
        labels: the label names in the order of the classifier's outputs.
        values: float32 (R, D).
        valid: bool (R,).
        first_row: int64 (V,); the first row of each view.
        num_rows: int64 (V,); how many it has.
        stride_frames: from one row of a view to the next.

    Raises:
        FeatureFileError: a view has no valid snippet.
    """
    for view, first, number in zip(described, first_row, num_rows, strict=True):
        if not valid[first : first + number].any():
            raise FeatureFileError(f"{view['path']}: view {view['view']} has no valid snippet")
    recipe = described[0]["recipe"]
    return SequenceBank(
        values=values,
        valid=valid,
        first_row=first_row,
        num_rows=num_rows,
        num_frames=(num_rows - 1) * stride_frames + recipe["frames_per_snippet"],
        labels=np.array([list(labels).index(view["label"]) for view in described], dtype=np.int64),
        clonic_onset_seconds=np.array([view["clonic_onset_seconds"] for view in described], dtype=np.float64),
        label_names=tuple(labels),
        frames_per_snippet=recipe["frames_per_snippet"],
        stride_frames=stride_frames,
        frame_rate_hz=recipe["frame_rate_hz"],
        **{f"{name}s": tuple(view[name] for view in described) for name in ("patient_id", "seizure_id", "view", "use")},
    )


def label_number(file: FeatureFile, labels: Sequence[str]) -> int:
    """Return the place of a seizure's label among the labels.

    Raises:
        FeatureFileError: it is none of them, or not known.
    """
    require_label(os.fspath(file.path), file.label, labels)
    return list(labels).index(file.label)


def require_label(path: str, label: str, labels: Sequence[str]) -> None:
    """Refuse a label, said by the feature file at `path`, that is none of the labels, or not known.

    Raises:
        FeatureFileError: as it says.
    """
    if label == NOT_KNOWN:
        raise FeatureFileError(
            f"{path}: the label of its seizure is not known: it can be neither trained on nor scored; expected "
            f"one of {', '.join(labels)}"
        )
    if label not in labels:
        raise FeatureFileError(f"{path}: its label is {label}; expected one of {', '.join(labels)}")


def clonic_onset_seconds(attributes: Mapping[str, Any]) -> float:
    """Return when the clonic phase begins, after the seizure's onset, with which a view begins; NaN if unknown."""
    onset, clonic = (attributes.get(name) for name in ("onset_seconds", "clonic_onset_seconds"))
    return math.nan if clonic is None else float(clonic) - float(onset or 0.0)


def room_for(num_rows: int, feature_dim: int) -> torch.Tensor:
    """Return float32 (R, D) to be filled: in memory, or in an unnamed file of which memory holds what it can."""
    if 4 * num_rows * feature_dim <= LARGEST_IN_MEMORY_BYTES:
        return torch.empty((num_rows, feature_dim), dtype=torch.float32)
    with tempfile.TemporaryFile() as file:
        return torch.from_numpy(np.memmap(file, np.float32, "w+", shape=(num_rows, feature_dim)))


def _read(
    described: Sequence[Mapping[str, Any]], num_rows: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]
) -> tuple[torch.Tensor, npt.NDArray[np.bool_]]:
    """Return the features of the views, every n-th row of each, float32 (R, D), and which are valid, bool (R,)."""
    stop_row = np.cumsum(num_rows)
    values = room_for(int(stop_row[-1]), described[0]["recipe"]["feature_dim"])
    valid = np.empty(len(values), dtype=np.bool_)
    places = zip(described, stop_row - num_rows, stop_row, steps, strict=True)
    for path, views in itertools.groupby(places, key=lambda place: place[0]["path"]):
        with open_features(path) as file:
            for view, first, stop, step in views:
                rows = slice(int(first), int(stop))
                values[rows] = torch.from_numpy(file.views[view["view"]].read()[::step])
                valid[rows] = file.views[view["view"]].valid[::step]
    return values, valid
