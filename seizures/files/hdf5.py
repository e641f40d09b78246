"""Open a new HDF5 file so that a full disk is an error and not a crash.

When the system refuses a write, HDF5 cannot close its file, keeps it open, and brings the whole process down when it
tries again at the exit. So the writes go through a Python file that remembers the first refusal and lets HDF5 believe
that all is well; what is at the path then is not a usable file, and the refusal is raised as soon as it is asked for.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator

import h5py


class Output(io.FileIO):
    """A new file that swallows errors of writing; `check` raises the first of them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path), "w+")
        self._refusal: OSError | None = None

    def check(self) -> None:
        """Raise the error of the first write that failed.

        Raises:
            OSError: for instance that no space is left on the device.

        """
        if self._refusal is not None:
            raise self._refusal

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Write all of `data`, bytes; a raw file may take a part at a time."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest and self._refusal is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._refusal = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the size."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._refusal = self._refusal or error
            return size or 0


@contextlib.contextmanager
def created(path: str | os.PathLike[str], *, alignment_bytes: int = 1) -> Iterator[tuple[h5py.File, Output]]:
    """Yield a new HDF5 file and its output, whose `check` reports a full disk early; both are closed afterwards.

    Args:
        path: of the file.
        alignment_bytes: arrays of at least this size begin at a multiple of it.

    Raises:
        OSError: the file could not be written whole.

    """
    with Output(path) as output:
        with h5py.File(output, "w", alignment_threshold=alignment_bytes, alignment_interval=alignment_bytes) as file:
            yield file, output
        output.check()
