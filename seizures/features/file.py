"""The feature file: one HDF5 per seizure, written once and whole, read lazily (docs: FORMATS, "Feature file").

Letters in shapes: S snippets, D features. Plain HDF5 of the earliest layout, so that MATLAB and R read it too. This
file needs neither torch nor Luigi: a collaborator opens features with h5py and NumPy alone.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import math
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

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
    FeatureHeader,
    ViewFacts,
    check_header,
    check_views,
    plain_value,
)
from seizures.files.hdf5 import Output, created
from seizures.provenance import release
from seizures.settings import canonical_json

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = [
    "FORMAT_VERSION",
    "FeatureFile",
    "FeatureFileWriter",
    "FeatureHeader",
    "FeatureView",
    "ViewFacts",
    "ViewWriter",
    "open_features",
    "read_duration",
]


# Of the chunks of results, which training reads again and again, one in four is packed: that pays for what HDF5 adds
# to the numbers, so that a file is no larger than they are.
PACKED_EVERY = 4


class FeatureFileWriter:
    """Write a feature file view by view and block by block; it counts as complete only after a clean exit.

    Use as a context manager. The path should be a temporary one: a file whose writing was broken off stays incomplete
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
            raise ValueError(f"view {name!r}: wanted a plain name")
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
            raise ValueError(f"view {self.name}: got rows {start_row} to {start_row + len(rows)}, wanted {wanted}")
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


class FeatureView:
    """The features of one camera view; arrays are read when asked for, while the file is open."""

    def __init__(self, group: Any, header: FeatureHeader, path: Path) -> None:
        self._group = group
        self._path = path
        self._header = header
        self.name: str = group.name.rsplit("/", 1)[-1]
        self.features: Any = group["features"]
        self.num_snippets: int = self.features.shape[0]
        self.feature_dim: int = self.features.shape[1]
        self.attributes: Mapping[str, Any] = MappingProxyType(
            {name: plain_value(value, empty=name.endswith("_seconds")) for name, value in group.attrs.items()}
        )

    @property
    def num_frames(self) -> int:
        """Number of frames that the snippets span: from the first frame of the first to the last frame of the last."""
        return (self.num_snippets - 1) * self._header.stride_frames + self._header.frames_per_snippet

    @property
    def start_seconds(self) -> npt.NDArray[np.float64]:
        """Start of each snippet in seconds since the clinical onset, float64 (S,)."""
        return np.asarray(self._read("start_seconds", slice(None)))

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """True where all frames of a snippet were decoded, bool (S,)."""
        return np.asarray(self._read("valid", slice(None)))

    def read(self, start_row: int = 0, stop_row: int | None = None) -> npt.NDArray[np.float32]:
        """Read the rows [start_row, stop_row) of the features, float32 (s, D); FeatureFileError where damaged."""
        return np.asarray(self._read("features", slice(start_row, stop_row)))

    def rows_between(self, start_seconds: float, stop_seconds: float) -> slice:
        """Return the rows of the snippets that start in [start_seconds, stop_seconds) after the clinical onset."""
        starts = self.start_seconds
        return slice(int(np.searchsorted(starts, start_seconds)), int(np.searchsorted(starts, stop_seconds)))

    def between(self, start_seconds: float, stop_seconds: float) -> npt.NDArray[np.float32]:
        """Read the features of the snippets that start in [start_seconds, stop_seconds), float32 (s, D)."""
        rows = self.rows_between(start_seconds, stop_seconds)
        return self.read(rows.start, rows.stop)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per snippet: view, start_seconds, valid, feature_0 ... feature_<D-1>."""
        import pandas as pd  # heavy, and needed here only

        table = pd.DataFrame(self.read(), columns=[f"feature_{index}" for index in range(self.feature_dim)])
        times = pd.DataFrame({"view": self.name, "start_seconds": self.start_seconds, "valid": self.valid})
        combined: pd.DataFrame = pd.concat([times, table], axis="columns")
        return combined

    def to_torch(self) -> torch.Tensor:
        """Return the features as a tensor of its own, float32 (S, D)."""
        import torch  # heavy, and needed here only

        return torch.from_numpy(self.read())

    def __repr__(self) -> str:
        seconds = self.num_frames / self._header.frame_rate_hz
        size = f"{self.num_snippets} snippets x {self.feature_dim} features"
        return f"{self.name}: {size}, {seconds:.1f} s, use {self.attributes.get('use', '?')}"

    def _read(self, name: str, rows: slice) -> Any:
        try:
            return self._group[name][rows]
        except OSError as error:
            where = f"{self._path}: /views/{self.name}/{name}"
            raise FeatureFileError(
                f"{where} cannot be read: damaged ({error}); make or fetch the file again"
            ) from error


class FeatureFile:
    """An open feature file; get one from `open_features`, and use it as a context manager."""

    def __init__(self, file: Any, path: Path, header: FeatureHeader) -> None:
        self._file = file
        self.path = path
        self.header = header
        self.patient_id = header.patient_id
        self.seizure_id = header.seizure_id
        self.label = header.label
        self.recipe = header.recipe
        self.recipe_key = header.recipe_key
        self.network = header.network
        self.weights_sha256 = header.weights_sha256
        self.frames_per_snippet = header.frames_per_snippet
        self.stride_frames = header.stride_frames
        self.frame_rate_hz = header.frame_rate_hz
        self.created_by = str(file.attrs.get("created_by", ""))
        self.created_at = str(file.attrs.get("created_at", ""))
        self.file_sha256: str | None = plain_value(file.attrs.get(checksum.ATTRIBUTE))
        self.views: Mapping[str, FeatureView] = MappingProxyType(
            {name: FeatureView(group, header, path) for name, group in file["views"].items()}
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per snippet of every view: view, start_seconds, valid, feature_0 ... feature_<D-1>."""
        import pandas as pd  # heavy, and needed here only

        return pd.concat([view.to_dataframe() for view in self.views.values()], ignore_index=True)

    def close(self) -> None:
        """Close the file; its arrays cannot be read any more."""
        self._file.close()

    def __enter__(self) -> FeatureFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        snippets = f"snippets of {self.frames_per_snippet} frames, one every {self.stride_frames}"
        title = f"FeatureFile {self.patient_id}+{self.seizure_id} ({self.label}): {self.network}"
        lines = [f"{title}, weights {self.weights_sha256}", f"  {snippets}, at {self.frame_rate_hz:g} Hz"]
        return "\n".join(lines + [f"  {view!r}" for view in self.views.values()])


def open_features(path: str | os.PathLike[str]) -> FeatureFile:
    """Open a feature file after checking that it is whole: format, version, completeness and shapes.

    Args:
        path: an HDF5 file in the layout of docs/format.md.

    Returns:
        The open file; arrays are read when asked for.

    Raises:
        FeatureFileError: it is no such file; the message lists every fault.

    """
    path = Path(path)
    try:
        file = h5py.File(path, "r", locking=False)  # finished files never change, and NFS may have no locks
    except OSError as error:
        reason = "cannot be opened as HDF5" if path.exists() else "no such file"
        raise FeatureFileError(f"{path}: {reason}; wanted a feature file ({error})") from error
    try:
        header, faults = check_header(file)
        faults += [] if faults else check_views(file)
        if header is None or faults:
            raise FeatureFileError(f"{path}: not a usable feature file: {'; '.join(faults)}")
        return FeatureFile(file, path, header)
    except BaseException:
        file.close()
        raise


def read_duration(path: str | os.PathLike[str]) -> float:
    """Return the seconds from the first frame to the last of the longest view.

    It leaves out the checks of `open_features`, and most of its time: a plan asks this of every file.

    Raises:
        FeatureFileError: as `open_features`.

    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            length, stride, rate = (file.attrs[name].item() for name in _DURATION_ATTRIBUTES)
            num_snippets = max(group["features"].shape[0] for group in file["views"].values())
            return float(((num_snippets - 1) * stride + length) / rate)
    except (OSError, KeyError, ValueError, AttributeError, TypeError, ZeroDivisionError):
        with open_features(path) as features:  # which says what is wrong
            return max(view.num_frames for view in features.views.values()) / features.frame_rate_hz


_DURATION_ATTRIBUTES = ("frames_per_snippet", "stride_frames", "frame_rate_hz")


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
