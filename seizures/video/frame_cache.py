"""The cache of decoded frames: one HDF5 file per recording. The schema stands here; nothing else reads or writes it.

::

    /         attributes: format = "seizure-frames", format_version, frame_rate_hz, those of `WindowFacts`, the caller's
              own, and complete = 1, written last
    /frames   uint8 (T, H, W, 3) RGB; chunked along T, with a checksum per chunk (fletcher32)
    /valid    bool (T,); False where the source was damaged

Frames are not compressed: camera noise leaves gzip little to gain, and the cache is read more often than written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from seizures.errors import FeatureFileError
from seizures.files.hdf5 import created
from seizures.video.blocks import FrameSource

FORMAT = "seizure-frames"
FORMAT_VERSION = 1
_CHUNK_LENGTH = 16  # frames; 600 kB at 112 x 112, so that a chunk fits in HDF5's cache of 1 MB


def write_frames(
    path: Path,
    window: FrameSource,
    *,
    attributes: Mapping[str, str | int | float | bool | None],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write every frame of `window` to a new file at `path`, and mark it complete last.

    Args:
        path: where to write; an existing file is replaced.
        window: read to its end here, block by block; the caller closes it.
        attributes: what else to keep with the frames; None is left out.
        progress: called with the frames written and those to write, 0 where the film's end decides.

    Raises:
        VideoError: the window cannot be decoded; what stands at `path` then is not complete.
        OSError: the disk is full, for instance.

    """
    size = window.frame_size
    with created(path) as (file, output):
        frames = file.create_dataset(
            "frames",
            (0, size, size, 3),
            np.uint8,
            maxshape=(None, size, size, 3),
            chunks=(_CHUNK_LENGTH, size, size, 3),
            fletcher32=True,
        )
        frames.attrs["description"] = "RGB frames on the uniform clock, axes: frame, row, column, channel"
        valid = file.create_dataset("valid", (0,), np.bool_, maxshape=(None,), chunks=(4096,), fletcher32=True)
        valid.attrs["description"] = "False where the source frame was damaged"
        for block in window:
            start, stop = len(frames), len(frames) + len(block.frames)
            frames.resize(stop, axis=0)
            valid.resize(stop, axis=0)
            frames[start:stop] = block.frames
            valid[start:stop] = block.valid
            output.check()
            if progress is not None:
                progress(stop, window.clock.num_ticks() or 0)
        header = {"format": FORMAT, "format_version": FORMAT_VERSION, "frame_rate_hz": window.clock.frame_rate_hz}
        for name, value in {**attributes, **dataclasses.asdict(window.facts), **header}.items():
            if value is not None:
                file.attrs[name] = value
        file.flush()
        file.attrs["complete"] = 1


def open_frames(path: Path) -> FrameFile:
    """Open a file of frames for reading; close it, or use it as a context manager.

    Raises:
        FeatureFileError: not a file of frames, of another version, not complete, or its shapes disagree.

    """
    try:
        # Readers never write, and locks fail on the network file systems where caches lie.
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise FeatureFileError(f"{path}: cannot be opened as a file of frames (HDF5): {error}") from error
    try:
        faults = _find_faults(file)
        if faults:
            raise FeatureFileError(f"{path}: {'; '.join(faults)}; delete it and it will be made again")
        return FrameFile(file)
    except BaseException:
        file.close()
        raise


class FrameFile:
    """Frames of one recording, read slice by slice.

    Attributes:
        num_frames: T.
        frame_size: H = W, in pixels.
        frame_rate_hz: ticks per second of the clock.
        valid: bool (T,); False where the source was damaged.
        facts: every attribute of the file, as Python values.

    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._frames = file["frames"]
        self.path = Path(file.filename)
        self.num_frames: int = self._frames.shape[0]
        self.frame_size: int = self._frames.shape[1]
        self.valid: NDArray[np.bool_] = file["valid"][:]
        self.facts: dict[str, Any] = {name: _plain(value) for name, value in file.attrs.items()}
        self.frame_rate_hz = float(self.facts["frame_rate_hz"])

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return frames `start` to `stop` (half-open), uint8 (t, H, W, 3).

        Raises:
            IndexError: the range is not within the file.
            FeatureFileError: a checksum is wrong.

        """
        if not 0 <= start <= stop <= self.num_frames:
            raise IndexError(f"frames {start} to {stop} of a file of {self.num_frames}")
        try:
            frames: NDArray[np.uint8] = self._frames[start:stop]
        except OSError as error:
            raise FeatureFileError(f"{self.path}: frames {start} to {stop} are damaged on disk: {error}") from error
        return frames


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _find_faults(file: h5py.File) -> list[str]:
    if file.attrs.get("format") != FORMAT:
        return [f"not a file of frames (format = {file.attrs.get('format')!r}, wanted {FORMAT!r})"]
    if file.attrs.get("format_version") != FORMAT_VERSION:
        return [f"format_version = {file.attrs.get('format_version')}, this software reads {FORMAT_VERSION}"]
    if file.attrs.get("complete") != 1:
        return ["not complete: it was interrupted while it was written"]
    frames, valid = file.get("frames"), file.get("valid")
    if not isinstance(frames, h5py.Dataset) or not isinstance(valid, h5py.Dataset):
        return ["the datasets /frames and /valid are not both there"]
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        return [f"/frames is {frames.dtype} {frames.shape}, wanted uint8 (T, H, W, 3)"]
    if valid.shape != frames.shape[:1]:
        return [f"/valid has the shape {valid.shape}, /frames {frames.shape}"]
    return []
