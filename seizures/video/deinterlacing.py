"""Interlaced pictures taken apart, before a tick is given its frame.

`bwdif` makes one picture of each frame: the field that was taken first, with the other rows drawn from it and from its
neighbours. Whether a film needs it is decided for the film (`seizures.video.interlacing`), file by file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

import av
import av.filter

from seizures.settings import FrameSettings
from seizures.video.clock import Stamped
from seizures.video.filters import linked
from seizures.video.interlacing import scan_film
from seizures.video.open_file import Progress, no_progress
from seizures.video.origin import Origin

_PREROLL_FRAMES = 4  # before the onset, for the first picture to have neighbours

Frames = Iterator[Stamped[av.VideoFrame]]


class Deinterlacer:
    """Takes interlaced frames apart as `[Frames] deinterlace` says: `auto`, `always` or `never`.

    Attributes:
        verdict: what was done and why, known after the first frame.
        text: the filter, as ffmpeg writes it, with a comma behind; empty where there is none.

    """

    def __init__(self, settings: FrameSettings, from_seconds: float, progress: Progress = no_progress) -> None:
        self.verdict = "never" if settings.deinterlace == "never" else ""
        self.text = ""
        self._mode = settings.deinterlace
        self._raw_rate_hz = settings.raw_rate_hz
        self._from_seconds = from_seconds
        self._progress = progress

    def apply(self, frames: Frames) -> Frames:
        """Yield the frames, deinterlaced where needed, with the times that they had."""
        if self._mode == "never":
            yield from frames
            return
        for path, of_one_file in groupby(frames, key=_path_of):
            if path is None:
                yield from of_one_file
                continue
            scan = scan_film(path, self._raw_rate_hz, self._progress)
            if self._mode == "auto" and not scan.is_interlaced:
                self._note(f"no: {scan.why}", "")
                yield from of_one_file
                continue
            filter_text = f"mode=send_frame:parity={scan.field_order}:deint=all"
            self._note(f"{'always' if self._mode == 'always' else 'yes'}: {scan.why}", f"bwdif={filter_text},")
            yield from self._deinterlaced(of_one_file, filter_text)

    def _note(self, verdict: str, text: str) -> None:
        if verdict not in self.verdict:
            self.verdict = f"{self.verdict}; {verdict}" if self.verdict else verdict
        if text not in self.text:
            self.text += text

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
                    graph, key = linked(frame, [f"bwdif={filter_text}"]), found
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


def _path_of(stamped: Stamped[av.VideoFrame]) -> Path | None:
    origin = stamped.frame.opaque
    return origin.film if isinstance(origin, Origin) else None


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
