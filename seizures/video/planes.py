"""The samples of a decoded frame as numbers, whatever its depth."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray


def levels(frame: av.VideoFrame, index: int, *, row_step: int = 1, column_step: int = 1) -> NDArray[np.int16]:
    """Return plane `index` of a frame, thinned out, in levels of 255: int16 (rows, columns).

    Of packed formats the columns are bytes: neighbours along a column are the same kind of sample all the same.
    """
    plane, num_bits = frame.planes[index], frame.format.components[0].bits
    kind = np.uint8 if num_bits <= 8 else np.uint16
    samples: NDArray[np.integer] = np.frombuffer(memoryview(plane), dtype=kind).reshape(plane.height, -1)
    thinned = samples[::row_step, : plane.width : column_step] >> max(0, num_bits - 8)
    return thinned.astype(np.int16)
