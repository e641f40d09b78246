"""Videos into frames on a uniform clock, for the library the one door to a decoder.

Every source frame of the window is decoded, because the next ones are drawn from it. Frames are chosen by their true
timestamps (`seizures.video.clock`), so that a film of any rate, also a variable one, is seen as a person would see it.
Only the chosen frames go through one libavfilter graph (`seizures.video.filters`), whose text is kept with them. Files
are opened, sought and decoded in `seizures.video.film`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from seizures.errors import DamagedVideoError, VideoError
from seizures.settings import FrameSettings
from seizures.video.blocks import LONGEST_SHORTFALL_SECONDS, FrameBlock, WindowFacts
from seizures.video.clock import Clock, Stamped, choose, is_seen
from seizures.video.deinterlacing import Deinterlacer
from seizures.video.film import Pieces
from seizures.video.filters import FrameGraph
from seizures.video.open_file import Progress, no_progress
from seizures.video.request import WindowRequest

__all__ = ["BLOCK_LENGTH", "FrameBlock", "Window", "WindowFacts", "WindowRequest", "open_window"]

BLOCK_LENGTH = 64


def open_window(request: WindowRequest, progress: Progress = no_progress) -> Window:
    """Open a window; `progress` is called for every packet that is read.

    Raises:
        VideoError: a piece cannot be opened, holds no video, is damaged before the onset, or a box does not fit.

    """
    clock = request.clock
    if clock.onset_seconds < 0:
        raise VideoError(
            f"{request.name}: onset_seconds = {clock.onset_seconds:g} is before the first frame, which is at 0"
        )
    pieces = Pieces(request.paths, clock.onset_seconds, progress, request.settings.raw_rate_hz)
    graph = FrameGraph(request.crop, request.mask, request.settings.preprocessing, request.frame_size)
    graph.start_film(pieces.source)
    return Window(pieces, clock, graph, request.settings)


class Window:
    """The frames of one window, read once and in order as blocks of at most 64; `facts` after the last.

    Use it as a context manager: leaving closes the file. Iteration raises VideoError where decoding breaks, where
    there are no frames, and where the film ends more than a second before the offset.
    """

    def __init__(self, pieces: Pieces, clock: Clock, graph: FrameGraph, settings: FrameSettings) -> None:
        self.clock = clock
        self._settings = settings
        self._interlacing = Deinterlacer(settings, clock.onset_seconds, pieces.progress)
        self.frame_size = graph.frame_size
        self._pieces = pieces
        self._graph = graph
        self._num_frames = 0
        self._num_invalid = 0
        self._exhausted = False

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file that is open."""
        self._pieces.close()

    def __iter__(self) -> Iterator[FrameBlock]:
        """Yield the blocks: all of 64 frames but the last."""
        frames, valid = self._new_block()
        row = 0
        shown: Stamped[av.VideoFrame] | None = None
        picture = black = np.zeros_like(frames[0])
        source = self._interlacing.apply(self._pieces.frames())
        tolerance_seconds = self._pieces.tolerance_seconds
        for tick, stamped in choose(source, self.clock, tolerance_seconds, lambda: self._pieces.end_seconds):
            if stamped is not shown:
                shown, picture = stamped, self._painted(stamped) if stamped.is_sound else black
            seen = is_seen(stamped, self.clock.tick_seconds(tick), tolerance_seconds)
            frames[row], valid[row] = picture if seen else black, seen and stamped.is_sound
            if not valid[row]:
                self._num_invalid += 1
                self._judge(stamped, seen, tick)
            row += 1
            self._num_frames += 1
            if row == BLOCK_LENGTH:
                yield FrameBlock(frames, valid)
                frames, valid = self._new_block()
                row = 0
        self._check_end()
        if row:
            yield FrameBlock(frames[:row], valid[:row])
        self._exhausted = True

    def _judge(self, stamped: Stamped[av.VideoFrame], seen: bool, tick: int) -> None:
        """Raise DamagedVideoError where a tick has no picture because of damage, unless damage is to be masked."""
        if self._settings.damaged == "mask" or not stamped.is_damage:
            return
        what = "the picture is damaged" if seen else "frames are missing"
        said = f" ({self._pieces.damage})" if self._pieces.damage else ""
        raise DamagedVideoError(
            f"{self._pieces.name}: {what} at {self.clock.tick_seconds(tick):.3f} s{said}; "
            "[Frames] damaged = mask goes on behind the damage"
        )

    @property
    def facts(self) -> WindowFacts:
        """What decoding found; known once every block was read."""
        if not self._exhausted:
            raise RuntimeError("the facts of a window are known after its last block")
        source = self._pieces.source
        return WindowFacts(
            video_name=self._pieces.name,
            codec=source.codec,
            source_width=source.width,
            source_height=source.height,
            source_frame_rate_hz=math.nan if source.frame_rate_hz is None else float(source.frame_rate_hz),
            num_frames_decoded=self._num_frames,
            preprocessing=self._interlacing.text + self._graph.text,
            num_frames_invalid=self._num_invalid,
            num_frames_lost=self._pieces.tally.num_lost,
            num_frames_damaged=self._pieces.tally.num_damaged,
            num_gaps=self._pieces.tally.num_gaps,
            num_reversals=self._pieces.tally.num_reversals,
            deinterlacing=self._interlacing.verdict,
        )

    def _new_block(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        size = self.frame_size
        return np.zeros((BLOCK_LENGTH, size, size, 3), np.uint8), np.zeros(BLOCK_LENGTH, np.bool_)

    def _painted(self, stamped: Stamped[av.VideoFrame]) -> NDArray[np.uint8]:
        try:
            return self._graph.apply(stamped.frame)
        except av.FFmpegError as error:
            raise VideoError(f"{self._pieces.name}: the frame at {stamped.start_seconds:.3f} s: {error}") from error
        except VideoError as error:
            raise VideoError(f"{self._pieces.name}: {error}") from error

    def _check_end(self) -> None:
        name, end_seconds = self._pieces.name, self._pieces.end_seconds
        if self._num_frames == 0:
            onset_seconds = self.clock.onset_seconds
            raise VideoError(f"{name}: no frames from {onset_seconds:g} s on; the film ends at {end_seconds:.3f} s")
        if self._num_invalid == self._num_frames:
            raise DamagedVideoError(
                f"{name}: not one sound frame in the window; {self._pieces.damage or 'time is missing'}"
            )
        wanted, decoded = self.clock.num_ticks(), self.clock.num_ticks(end_seconds)
        shortfall_seconds = (self.clock.offset_seconds or 0.0) - end_seconds
        if wanted is not None and decoded != wanted and shortfall_seconds > LONGEST_SHORTFALL_SECONDS:
            raise VideoError(
                f"{name}: offset_seconds = {self.clock.offset_seconds:g} is {shortfall_seconds:.1f} s after the end of "
                f"the film at {end_seconds:.3f} s; correct it in the manifest, or leave it empty for the end"
            )
