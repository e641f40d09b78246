"""The features of many seizures in one file, which processes map into memory instead of reading a file a seizure.

Letters in shapes: R rows (snippets of all views), D features, V views.

The file is HDF5: `features`, float32 (R, D), view after view, and `valid`, bool (R,), both contiguous and without
filters, and `index`, a JSON text with an entry for each view: what `describe_views` says of it, its first row, and the
CRC-32 of its rows. The attribute `index_crc32` is that of the text. The file holds the values of the feature files bit
for bit; it is made from them, and is no format for exchange.
"""

from __future__ import annotations

import itertools
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import torch

from seizures.classification.sequences import (
    SequenceBank,
    assemble,
    common_stride,
    describe_views,
    require_label,
    require_one_way,
    room_for,
)
from seizures.errors import FeatureFileError
from seizures.features.file import open_features
from seizures.files.hdf5 import created

ALIGNMENT_BYTES = 4096  # a page of memory


def pack_features(path: str | os.PathLike[str], feature_files: Sequence[str | os.PathLike[str]]) -> int:
    """Write the features of all views of some feature files into one file; memory holds one view at a time.

    Args:
        path: where to write.
        feature_files: what to pack; views follow in the order of the files, by name within a file.

    Returns:
        R, the number of snippets.

    Raises:
        FeatureFileError: a file is not usable, or its features cannot be in one array with the others'.

    """
    views: list[dict[str, Any]] = []
    for feature_file in feature_files:
        with open_features(feature_file) as file:
            views += describe_views(file)
    if not views:
        raise FeatureFileError("there are no feature files to pack")
    require_one_way(views, allow_mixed=True)
    num_rows: int = sum(view["num_snippets"] for view in views)
    with created(path, alignment_bytes=ALIGNMENT_BYTES) as (pack, output):
        features = pack.create_dataset("features", (num_rows, views[0]["recipe"]["feature_dim"]), np.float32)
        valid = pack.create_dataset("valid", (num_rows,), np.bool_)
        first_row = 0
        for feature_file, described in itertools.groupby(views, key=lambda view: view["path"]):
            with open_features(feature_file) as file:
                for view in described:
                    rows, is_valid = file.views[view["view"]].read(), file.views[view["view"]].valid
                    place = slice(first_row, first_row + len(rows))
                    features[place], valid[place] = rows, is_valid
                    view |= {"first_row": first_row, "crc32": _checksum(rows, is_valid)}
                    first_row = place.stop
                    output.check()
        text = json.dumps(views)
        pack.create_dataset("index", data=text)
        pack.attrs["index_crc32"] = zlib.crc32(text.encode())
        pack.attrs["complete"] = 1
    return num_rows


class PackedFeatures:
    """A packed file, mapped into memory: what is used of it is read when it is used. Get one from `open_packed`."""

    def __init__(
        self, path: Path, views: list[dict[str, Any]], values: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]
    ) -> None:
        self.path = path
        self._views = views
        self._values = torch.from_numpy(values)
        self._valid = valid
        self._intact: set[int] = set()

    def find(self, uses: Sequence[str]) -> dict[tuple[str, str], list[int]]:
        """Return the numbers of the views with these uses, by patient and seizure."""
        found: dict[tuple[str, str], list[int]] = {}
        for number, view in enumerate(self._views):
            if view["use"] in uses:
                found.setdefault((view["patient_id"], view["seizure_id"]), []).append(number)
        return found

    def bank(self, numbers: Sequence[int], labels: Sequence[str], *, allow_mixed: bool = False) -> SequenceBank:
        """Return a bank of some views, whose features are those of the file, not copied unless strides differ.

        Args:
            numbers: of the views, in the order in which they are wanted.
            labels: the label names in the order of the classifier's outputs.
            allow_mixed: let networks, weights and strides differ; of all strides, the least common multiple is taken.

        Raises:
            FeatureFileError: the views are damaged, a label is unknown, or features were made in different ways.

        """
        require_one_way(self._views, allow_mixed=allow_mixed)
        for view in self._views:
            require_label(view["path"], view["label"], labels)
        self._require_intact(numbers)
        views = [self._views[number] for number in numbers]
        stride_frames, steps = common_stride(views)
        num_rows = -(-np.array([view["num_snippets"] for view in views], dtype=np.int64) // steps)
        first_row = np.array([view["first_row"] for view in views], dtype=np.int64)
        values, valid = self._values, self._valid
        if (steps > 1).any():
            values, valid, first_row = self._every(steps, first_row, num_rows)
        return assemble(
            views, labels, values, valid, first_row=first_row, num_rows=num_rows, stride_frames=stride_frames
        )

    def _every(
        self, steps: npt.NDArray[np.int64], first_row: npt.NDArray[np.int64], num_rows: npt.NDArray[np.int64]
    ) -> tuple[torch.Tensor, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Return copies of every n-th row of the views, view after view, with the place of each."""
        stop_row = np.cumsum(num_rows)
        values = room_for(int(stop_row[-1]), self._values.shape[1])
        valid = np.empty(len(values), dtype=np.bool_)
        for step, first, number, stop in zip(steps, first_row, num_rows, stop_row, strict=True):
            rows = slice(first, first + (number - 1) * step + 1, step)
            values[stop - number : stop], valid[stop - number : stop] = self._values[rows], self._valid[rows]
        return values, valid, stop_row - num_rows

    def _require_intact(self, numbers: Sequence[int]) -> None:
        """Compare the checksums of these views with what they were, once for each view."""
        values = self._values.numpy()
        for number in set(numbers) - self._intact:
            view = self._views[number]
            rows = slice(view["first_row"], view["first_row"] + view["num_snippets"])
            if _checksum(values[rows], self._valid[rows]) != view["crc32"]:
                name = f"{view['patient_id']}+{view['seizure_id']}+{view['view']}"
                raise FeatureFileError(f"{self.path}: the features of {name} are damaged; RunAll makes the file again")
            self._intact.add(number)


def open_packed(path: str | os.PathLike[str]) -> PackedFeatures:
    """Map a file that `pack_features` has written; its features are read, and checked, when they are used.

    Raises:
        FeatureFileError: it is no such file.

    """
    path = Path(path)
    try:
        with h5py.File(path, "r", locking=False) as file:  # finished files never change, and NFS may have no locks
            if file.attrs["complete"] != 1:
                raise ValueError("it is incomplete")
            text = file["index"][()]
            if zlib.crc32(text) != file.attrs["index_crc32"]:
                raise ValueError("its list of views is not as it was written")
            views = json.loads(text)
            features, valid = file["features"], np.asarray(file["valid"])
            place, shape = features.id.get_offset(), features.shape
        # Copy-on-write: torch warns of arrays that it could not write to. Nobody writes.
        values = np.memmap(path, np.float32, mode="c", offset=place, shape=shape)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise FeatureFileError(f"{path}: not a file of packed features, or damaged ({error})") from error
    return PackedFeatures(path, views, values, valid)


def _checksum(rows: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> int:
    return zlib.crc32(valid.tobytes(), zlib.crc32(np.ascontiguousarray(rows).data))
