"""Interlaced pictures: found by their combs, and taken apart before a tick is given its frame.

An interlaced frame holds two moments, one in its even rows and one in its odd ones. Where something moves, neighbouring
rows differ more than rows two apart; in a progressive picture it is the other way round. The file's own word is asked
only where nothing moves in the frames that are looked at.

`bwdif` makes one picture of each frame: the field that was taken first, with the other rows drawn from it and from its
neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from seizures.video.clock import Stamped
from seizures.video.planes import levels

NUM_SAMPLED = 20  # frames, from the first that is decoded on
_MOVED_LEVELS = 12  # of 255, above the noise of a camera
_SMALLEST_MOVED_SHARE = 0.002
_COMBED_RATIO = 1.25
_SMALLEST_COMBED_SHARE = 0.25  # of the frames in which something moves
_PREROLL_FRAMES = 4  # before the onset, for the first picture to have neighbours
_MOST_COLUMNS = 240

Frames = Iterator[Stamped[av.VideoFrame]]


class Interlacing:
    """Takes interlaced frames apart as the setting says: `auto`, `always` or `never`.

    Attributes:
        verdict: what was done and why, known after the first frame.
        text: the filter, as ffmpeg writes it, with a comma behind; empty where there is none.

    """

    def __init__(self, mode: str, from_seconds: float) -> None:
        self.verdict = ""
        self.text = ""
        self._mode = mode
        self._from_seconds = from_seconds

    def apply(self, frames: Frames) -> Frames:
        """Yield the frames, deinterlaced where needed, with the times that they had."""
        if self._mode == "never":
            self.verdict = "never"
            return frames
        first = list(islice(frames, NUM_SAMPLED))
        combed, why = is_interlaced([stamped.frame for stamped in first])
        rest = chain(first, frames)
        if self._mode == "auto" and not combed:
            self.verdict = f"no: {why}"
            return rest
        parity = field_order([stamped.frame for stamped in first])
        filter_text = f"mode=send_frame:parity={parity}:deint=all"
        self.text = f"bwdif={filter_text},"
        self.verdict = f"always: {why}" if self._mode == "always" else f"yes: {why}"
        return self._deinterlaced(rest, filter_text)

    def _deinterlaced(self, frames: Frames, filter_text: str) -> Frames:
        waiting: deque[Stamped[av.VideoFrame]] = deque()
        graph: av.filter.Graph | None = None
        key: tuple[object, ...] | None = None
        early: deque[Stamped[av.VideoFrame]] = deque(maxlen=_PREROLL_FRAMES)
        for stamped in frames:
            if stamped.end_seconds <= self._from_seconds:
                early.append(stamped)  # of what precedes the onset, only the last few frames are needed
                continue
            for one in (*early, stamped):
                frame = one.frame
                if key != (found := (frame.width, frame.height, frame.format.name)):
                    if graph is not None:
                        yield from _flushed(graph, waiting)
                    graph, key = _graph(frame, filter_text), found
                    waiting.append(one)  # nothing is before the first
                assert graph is not None
                waiting.append(one)
                graph.vpush(frame)
                yield from _pulled(graph, waiting)
            early.clear()
        if graph is None:
            yield from early
        else:
            yield from _flushed(graph, waiting)


def _graph(frame: av.VideoFrame, filter_text: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
    source += f":colorspace={frame.colorspace}:range={frame.color_range}"
    nodes = [graph.add("buffer", source), graph.add("bwdif", filter_text), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


def _pulled(graph: av.filter.Graph, waiting: deque[Stamped[av.VideoFrame]]) -> Frames:
    """Yield the pictures that are ready; one is drawn from three frames, and sound where they are.

    `waiting` are the frames that went in, from the one before the next picture on.
    """
    while len(waiting) > 1:
        try:
            frame = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        one, drawn_from = waiting[1], list(islice(waiting, 3))
        waiting.popleft()
        is_sound = all(source.is_sound for source in drawn_from)
        is_damage = any(source.is_damage for source in drawn_from)
        yield Stamped(one.start_seconds, one.end_seconds, frame, is_sound, is_damage)


def _flushed(graph: av.filter.Graph, waiting: deque[Stamped[av.VideoFrame]]) -> Frames:
    graph.vpush(None)
    yield from _pulled(graph, waiting)
    waiting.clear()


def is_interlaced(frames: Sequence[av.VideoFrame]) -> tuple[bool, str]:
    """Tell whether successive frames are interlaced, and how it was found, in words."""
    planes = _planes(frames)
    ratios = [ratio for one, other in pairwise(planes) if (ratio := comb_ratio(one, other)) is not None]
    if len(ratios) < 2:
        flagged = bool(frames) and 2 * sum(frame.interlaced_frame for frame in frames) > len(frames)
        return flagged, f"nothing moves in the first frames, and the file says {'' if flagged else 'not '}interlaced"
    num_combed = sum(ratio > _COMBED_RATIO for ratio in ratios)
    is_combed = num_combed >= max(2.0, _SMALLEST_COMBED_SHARE * len(ratios))
    return is_combed, f"combs in {num_combed} of {len(ratios)} frames with movement"


def field_order(frames: Sequence[av.VideoFrame]) -> str:
    """Return which field of successive frames was taken first: `tff`, `bff`, or `auto` where nothing tells.

    The field that is first in a frame is nearer in time to the last field of the frame before it.
    """
    top_first = bottom_first = 0.0
    for one, other in pairwise(_planes(frames)):
        moved = np.abs(other - one) > _MOVED_LEVELS
        rows = min(one[0::2].shape[0], one[1::2].shape[0])
        where = moved[0::2][:rows] | moved[1::2][:rows]
        top_first += float(np.abs(other[0::2][:rows] - one[1::2][:rows])[where].sum())
        bottom_first += float(np.abs(other[1::2][:rows] - one[0::2][:rows])[where].sum())
    if max(top_first, bottom_first) < 1.05 * min(top_first, bottom_first) or top_first == bottom_first:
        return "auto"
    return "tff" if top_first < bottom_first else "bff"


def comb_ratio(one: NDArray[np.int16], other: NDArray[np.int16]) -> float | None:
    """Return how combed `other`, rows x columns, is where it differs from `one`; None where nothing moves.

    Above 1: neighbouring rows differ more than rows two apart, which only a comb does.
    """
    moved = np.abs(other - one)[1:-1] > _MOVED_LEVELS
    if moved.mean() < _SMALLEST_MOVED_SHARE:
        return None
    between_fields = np.abs(2 * other[1:-1] - other[:-2] - other[2:])[moved].sum()
    within_field = np.abs(other[:-2] - other[2:])[moved].sum()
    return float(between_fields / (2 * within_field + 1.0))


def _planes(frames: Sequence[av.VideoFrame]) -> list[NDArray[np.int16]]:
    """Return the first plane of each frame, levels of 255, thinned out along the rows."""
    sizes = {(frame.width, frame.height, frame.format.name) for frame in frames}
    return [levels(one, 0, column_step=max(1, one.width // _MOST_COLUMNS)) for one in frames] if len(sizes) == 1 else []
