"""Reading a feature file: one HDF5 per seizure, opened lazily after a check that it is whole (docs/format.md).

Letters in shapes: S snippets, D features. Needs neither torch nor Luigi.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from seizures.errors import FeatureFileError
from seizures.features import checksum
from seizures.features.schema import FeatureHeader, check_header, check_views, plain_value
from seizures.manifest.identity import SeizureId

if TYPE_CHECKING:
    import pandas as pd
    import torch


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
        self.attributes: Mapping[str, Any] = _Attributes(group, path)

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


class _Attributes(Mapping[str, Any]):
    """What a file says of a view: each attribute is read when it is asked for first, while the file is open."""

    def __init__(self, group: Any, path: Path) -> None:
        self._group = group
        self._path = path
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = plain_value(self._open()[name], empty=name.endswith("_seconds"))
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def _open(self) -> Any:
        if not self._group:  # of a closed file HDF5 would say that it has no attributes
            raise FeatureFileError(f"{self._path}: closed; ask for the attributes of its views while it is open")
        return self._group.attrs


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
        self.frame_step = header.frame_step
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
        taken = "" if self.frame_step == 1 else f", of which the network took every {self.frame_step}."
        snippets = f"snippets of {self.frames_per_snippet} frames{taken}, one every {self.stride_frames}"
        label = self.label or "label not known"
        title = f"FeatureFile {SeizureId(self.patient_id, self.seizure_id).name} ({label}): {self.network}"
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
        raise FeatureFileError(f"{path}: {reason}; expected a feature file ({error})") from error
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
