"""Whether a film is interlaced: decided once for the whole of it, by samples from its beginning to its end.

An interlaced frame holds two moments, one in its even rows and one in its odd ones. Where something moves, neighbouring
rows differ more than rows two apart (combing); in a progressive picture it is the other way round. The header is
believed only where nothing moves in any sample.

A few successive frames are decoded at places all over the film, until three places where something moves agree. So all
seizures of a film are treated alike, wherever their onsets are. Damaged frames count only where there are no others,
and a film that cannot be sought is sampled over its first 670 frames. The answer is kept while the process lives.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from seizures.errors import VideoError
from seizures.manifest.film_names import split_stream
from seizures.video.open_file import FrameShot, OpenFile

logger = logging.getLogger(__name__)

_NUM_AT_A_PLACE = 6  # successive frames
_ENOUGH_PLACES = 3  # with movement, that agree
_SIXTYFOURTHS = (32, 8, 56, 20, 44, 0, 14, 26, 38, 50, 62, 4, 11, 17, 23, 29, 35, 41, 47, 53, 59)  # of the film
_SECONDS = (0.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1500.0, 7200.0)  # where the length is not known, or a wrong one
_READ_EVERY, _NUM_READ_PLACES = 50, 12  # frames; where a film cannot be sought
_MOVED_LEVELS = 12  # of 255, above the noise of a camera
_SMALLEST_MOVED_SHARE = 0.002
_COMBED_RATIO = 1.25
_SMALLEST_COMBED_SHARE = 0.25  # of the frames in which something moves
_MOST_COLUMNS = 240

Planes = Sequence[NDArray[np.int16]]


@dataclass(frozen=True)
class Scan:
    """What was found in a film: `field_order` is `tff`, `bff`, or `auto` where nothing tells; `why` in words."""

    is_interlaced: bool
    field_order: str
    why: str


def scan_film(path: Path, raw_rate_hz: float = 0.0, progress: Callable[[], None] = lambda: None) -> Scan:
    """Return whether a film is interlaced; the same for whatever window of it.

    Args:
        path: the film, as the manifest names it.
        raw_rate_hz: frame rate of a raw stream that does not state it.
        progress: called for every packet that is read.

    Raises:
        VideoError: the file cannot be opened.

    """
    status = split_stream(path)[0].stat()
    return _scan(path, (status.st_size, status.st_mtime_ns, status.st_ino), raw_rate_hz, _Unhashed(progress))


@dataclass(frozen=True)
class _Unhashed:
    """A function that does not tell one call from another."""

    call: Callable[[], None] = field(compare=False)


@functools.lru_cache(maxsize=1024)
def _scan(path: Path, _state: tuple[int, int, int], raw_rate_hz: float, progress: _Unhashed) -> Scan:
    found, spoilt = _Found(), _Found()
    for places in (_sought_places, _read_places):
        with closing(OpenFile(path, progress.call, raw_rate_hz=raw_rate_hz)) as file:
            for shots in places(file):
                sound = [shot.frame for shot in shots if not shot.is_damaged]
                (found if sound else spoilt).add(sound or [shot.frame for shot in shots])
                if found.is_enough:
                    break
        if found.has_moved:
            break
    return (spoilt if spoilt.has_moved and not found.has_moved else found).verdict()


def _sought_places(file: OpenFile) -> Iterator[list[FrameShot]]:
    """Yield a few successive frames from each of several places all over a film, no place twice."""
    if not file.has_timestamps or file.is_raw:
        return
    claimed = file.claims()["duration_claimed_seconds"]
    length = float(claimed) if isinstance(claimed, float) and math.isfinite(claimed) else 0.0
    zero = file.first_key_seconds or 0.0
    seen: set[float] = set()
    for seconds in (*(length * share / 64 for share in _SIXTYFOURTHS if length), *_SECONDS):
        try:
            if not file.search(zero + seconds):
                file.seek(zero + seconds)
            place = list(islice(file.shots(), _NUM_AT_A_PLACE))
        except (av.FFmpegError, VideoError) as error:
            logger.debug("%s: no sample at %.3f s: %s", file.path.name, seconds, error)
            continue
        if place and place[0].start_seconds not in seen:
            seen.add(place[0].start_seconds)
            yield place


def _read_places(file: OpenFile) -> Iterator[list[FrameShot]]:
    """Yield a few successive frames from each of several places, read from the beginning on."""
    shots = file.shots()
    try:
        for _ in range(_NUM_READ_PLACES):
            if place := list(islice(shots, _NUM_AT_A_PLACE)):
                yield place
            next(islice(shots, _READ_EVERY, _READ_EVERY), None)
    except VideoError as error:
        logger.debug("%s: no more samples: %s", file.path.name, error)


class _Found:
    """What the samples of a film show together."""

    def __init__(self) -> None:
        self._ratios: list[float] = []
        self._places: list[bool] = []  # with movement: whether they are combed
        self._orders = [0.0, 0.0]  # how far the fields are from each other in time, if the top one is first, if not
        self._num_flagged = self._num_frames = 0

    def add(self, frames: Sequence[av.VideoFrame]) -> None:
        """Take successive frames of one place."""
        self._num_frames += len(frames)
        self._num_flagged += sum(frame.interlaced_frame for frame in frames)
        planes = planes_of(frames)
        ratios = [ratio for one, other in pairwise(planes) if (ratio := comb_ratio(one, other)) is not None]
        self._ratios += ratios
        if len(ratios) > 1:
            self._places.append(_are_combed(ratios))
        self._orders = [sum(pair) for pair in zip(self._orders, _field_distances(planes), strict=True)]

    @property
    def has_moved(self) -> bool:
        """Tell whether movement was seen, so that nothing is left to the header."""
        return len(self._ratios) > 1

    @property
    def is_enough(self) -> bool:
        """Tell whether enough places agree."""
        return len(self._places) >= _ENOUGH_PLACES and len(set(self._places)) == 1

    def verdict(self) -> Scan:
        """Say what all of them show."""
        order = _first_field(*self._orders)
        if not self.has_moved:
            flagged = 2 * self._num_flagged > self._num_frames
            return Scan(
                flagged, order, f"nothing moves in the samples, and the header says {'' if flagged else 'not '}so"
            )
        num_combed = sum(ratio > _COMBED_RATIO for ratio in self._ratios)
        why = f"combing in {num_combed} of {len(self._ratios)} moving frames, sampled over the whole film"
        return Scan(_are_combed(self._ratios), order, why)


def is_combed(one: av.VideoFrame, other: av.VideoFrame) -> bool | None:
    """Tell whether the second of two successive frames is combed; None where nothing moves."""
    planes = planes_of([one, other])
    ratio = comb_ratio(*planes) if planes else None
    return None if ratio is None else ratio > _COMBED_RATIO


def _are_combed(ratios: Sequence[float]) -> bool:
    return sum(ratio > _COMBED_RATIO for ratio in ratios) >= max(2.0, _SMALLEST_COMBED_SHARE * len(ratios))


def _field_distances(planes: Planes) -> tuple[float, float]:
    """Return how far fields that follow each other are apart, if the top field is first, and if the bottom one is.

    The field that is first in a frame is nearer in time to the last field of the frame before it.
    """
    top_first = bottom_first = 0.0
    for one, other in pairwise(planes):
        moved = np.abs(other - one) > _MOVED_LEVELS
        rows = min(one[0::2].shape[0], one[1::2].shape[0])
        where = moved[0::2][:rows] | moved[1::2][:rows]
        top_first += float(np.abs(other[0::2][:rows] - one[1::2][:rows])[where].sum())
        bottom_first += float(np.abs(other[1::2][:rows] - one[0::2][:rows])[where].sum())
    return top_first, bottom_first


def _first_field(top_first: float, bottom_first: float) -> str:
    if max(top_first, bottom_first) < 1.05 * min(top_first, bottom_first) or top_first == bottom_first:
        return "auto"
    return "tff" if top_first < bottom_first else "bff"


def comb_ratio(one: NDArray[np.int16], other: NDArray[np.int16]) -> float | None:
    """Return how combed `other`, rows x columns, is where it differs from `one`; None where nothing moves.

    Above 1: neighbouring rows differ more than rows two apart, which only combing does.
    """
    moved = np.abs(other - one)[1:-1] > _MOVED_LEVELS
    if moved.mean() < _SMALLEST_MOVED_SHARE:
        return None
    between_fields = np.abs(2 * other[1:-1] - other[:-2] - other[2:])[moved].sum()
    within_field = np.abs(other[:-2] - other[2:])[moved].sum()
    return float(between_fields / (2 * within_field + 1.0))


def planes_of(frames: Sequence[av.VideoFrame]) -> Planes:
    """Return the first plane of each frame, levels of 255, thinned out along the rows; nothing where sizes differ."""
    sizes = {(frame.width, frame.height, frame.format.name) for frame in frames}
    return [levels(one, 0, column_step=max(1, one.width // _MOST_COLUMNS)) for one in frames] if len(sizes) == 1 else []


def levels(frame: av.VideoFrame, index: int, *, row_step: int = 1, column_step: int = 1) -> NDArray[np.int16]:
    """Return plane `index` of a frame, thinned out, in levels of 255: int16 (rows, columns).

    Of packed formats the columns are bytes: neighbours along a column are the same kind of sample all the same.
    """
    plane, num_bits = frame.planes[index], frame.format.components[0].bits
    kind = np.uint8 if num_bits <= 8 else np.uint16
    samples: NDArray[np.integer] = np.frombuffer(memoryview(plane), dtype=kind).reshape(plane.height, -1)
    thinned = samples[::row_step, : plane.width : column_step] >> max(0, num_bits - 8)
    return thinned.astype(np.int16)
