"""Writing a feature file: one HDF5 per seizure, block by block, once and whole (docs/format.md).

Letters in shapes: S snippets, D features. Plain HDF5 of the earliest layout, so that MATLAB and R read it too.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import math
import os
from dataclasses import fields
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seizures.errors import FeatureFileError
from seizures.features import checksum
from seizures.features.chunk_packing import FILTERS, ONLY_CHECKED, packed, unpacked
from seizures.features.schema import (
    CHUNK_BYTES,
    DESCRIPTIONS,
    FORMAT,
    FORMAT_VERSION,
    OPTIONAL,
    FeatureHeader,
    ViewFacts,
)
from seizures.files.hdf5 import Output, created
from seizures.provenance import release
from seizures.settings import canonical_json

# Of the chunks of results, which training reads again and again, one in four is packed: that pays for what HDF5 adds
# to the numbers, so that a file is no larger than they are.
PACKED_EVERY = 4


class FeatureFileWriter:
    """Write a feature file view by view and block by block; it counts as complete only after a clean exit.

    Use as a context manager. The path should be a temporary one: a file whose writing was interrupted stays incomplete
    and is refused by `open_features`. All but `created_at` (and the checksum of all) is the same in every run; an
    exchange file has no date, which can tell who a patient is, and has all of its chunks packed, not some.
    """

    def __init__(self, path: str | os.PathLike[str], header: FeatureHeader, *, for_exchange: bool = False) -> None:
        self._header = header
        self._path = path
        self._packed_every = 1 if for_exchange else PACKED_EVERY
        self._opened = contextlib.ExitStack()
        self._file, self._output = self._opened.enter_context(created(path))
        self._views: list[ViewWriter] = []
        attributes = self._file.attrs
        attributes["format"] = FORMAT
        attributes["format_version"] = FORMAT_VERSION
        for field in fields(header):
            value = getattr(header, field.name)
            if field.name in OPTIONAL and value == OPTIONAL[field.name]:
                continue
            attributes[field.name] = canonical_json(value) if field.name == "recipe" else value
        attributes["created_by"] = release()
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        attributes["created_at"] = "" if for_exchange else now
        attributes.create(checksum.ATTRIBUTE, checksum.UNSEALED, dtype=h5py.string_dtype("ascii", checksum.NUM_DIGITS))

    def create_view(
        self, name: str, num_snippets: int, feature_dim: int, facts: ViewFacts, valid: npt.NDArray[np.bool_]
    ) -> ViewWriter:
        """Make the group of one view and return the object that takes its rows.

        Args:
            name: the view, a plain name without slashes.
            num_snippets: S, at least 1.
            feature_dim: D.
            facts: the attributes of the view.
            valid: (S,) True where all frames of a snippet were decoded.

        """
        if "/" in name or name in {"", ".", ".."}:
            raise ValueError(f"view {name!r}: expected a plain name")
        if num_snippets < 1 or valid.shape != (num_snippets,):
            raise ValueError(f"view {name}: {num_snippets} snippets with {valid.shape} valid flags")
        group = self._file.require_group("views").create_group(name)
        for field in fields(facts):
            value = getattr(facts, field.name)
            group.attrs[field.name] = math.nan if value is None else value
        step_seconds = self._header.stride_frames / self._header.frame_rate_hz
        # Chunks of one length, so that the last one is not padded with up to a chunk of nothing.
        num_chunks = -(-num_snippets // max(1, CHUNK_BYTES // (4 * feature_dim)))
        chunk_rows = -(-num_snippets // num_chunks)
        create = functools.partial(_create, group)
        features = create("features", np.float32, (num_snippets, feature_dim), (chunk_rows, feature_dim))
        chunk = (min(num_snippets, CHUNK_BYTES // 8),)
        create("start_seconds", np.float64, (num_snippets,), chunk)[:] = np.arange(num_snippets) * step_seconds
        create("valid", np.bool_, (num_snippets,), chunk)[:] = valid
        writer = ViewWriter(name, features, self._output, self._packed_every)
        self._views.append(writer)
        return writer

    def __enter__(self) -> FeatureFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._opened:
            if kind is not None:
                return
            short = [f"{view.name} has {view.next_row} of {view.num_rows} rows" for view in self._views if view.missing]
            if short or not self._views:
                raise FeatureFileError(f"feature file not finished: {'; '.join(short) or 'it has no view'}")
            self._file.flush()
            self._file.attrs["complete"] = 1
        checksum.seal(self._path)


class ViewWriter:
    """Take the feature rows of one view in order, so that memory does not grow with the length of the film."""

    def __init__(self, name: str, features: Any, output: Output, packed_every: int) -> None:
        self.name = name
        self._packed_every = packed_every
        self._output = output
        self._features = features
        self._chunk = np.zeros(features.chunks, dtype=np.float32)
        self.num_rows: int = features.shape[0]
        self.next_row = 0

    @property
    def missing(self) -> int:
        """Number of rows that are still to be written."""
        return self.num_rows - self.next_row

    def write(self, start_row: int, rows: npt.NDArray[np.float32]) -> None:
        """Append `rows` (b, D), the first of which is row `start_row`; blocks come in order, without gaps."""
        if start_row != self.next_row or len(rows) > self.missing:
            wanted = f"rows {self.next_row} to {self.num_rows}"
            raise ValueError(f"view {self.name}: got rows {start_row} to {start_row + len(rows)}, expected {wanted}")
        while len(rows):
            place = self.next_row % len(self._chunk)
            taken = rows[: len(self._chunk) - place]
            self._chunk[place : place + len(taken)] = taken
            self.next_row += len(taken)
            rows = rows[len(taken) :]
            if place + len(taken) == len(self._chunk) or not self.missing:
                self._write_chunk()
        self._output.check()

    def _write_chunk(self) -> None:
        number = (self.next_row - 1) // len(self._chunk)
        place = (number * len(self._chunk), 0)
        if number % self._packed_every == 0:
            self._features.id.write_direct_chunk(place, packed(self._chunk))
        else:
            self._features.id.write_direct_chunk(place, unpacked(self._chunk), filter_mask=ONLY_CHECKED)
        self._chunk[:] = 0  # what pads the last chunk


def _create(
    group: Any,
    name: str,
    dtype: npt.DTypeLike,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
) -> Any:
    # Without times in the object header, the same input gives the same bytes.
    dataset = group.create_dataset(name, shape, dtype, chunks=chunks, track_times=False, **FILTERS)
    dataset.attrs["units"], dataset.attrs["description"] = DESCRIPTIONS[name]
    return dataset
