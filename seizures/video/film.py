"""The files of a recording as one film: every frame stamped with its true time on the recording's clock.

The decoder starts at the last key frame before the moment that is wanted. Where the container lands late or cannot
seek, the seek starts further back; in the end the packets are read from the beginning of the file, and only those from
that key frame on are decoded.

Pieces follow each other without a gap, unless their own clock says otherwise: many recorders cut the file and let the
clock run on.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from seizures.errors import VideoError
from seizures.video.clock import TOLERANCE_SECONDS, Stamped
from seizures.video.open_file import STEPS_BACK_SECONDS, FrameShot, OpenFile, Progress, no_progress
from seizures.video.packet_clock import LONGEST_GAP_SECONDS
from seizures.video.packet_notes import PacketNotes
from seizures.video.timestamps import Tally, in_order, settle, unslipped

logger = logging.getLogger(__name__)

_SEEK_FROM_SECONDS = 1.0  # an earlier onset is reached sooner by decoding on
_PROGRAM_STREAM_SECONDS = 3.0  # before the onset; the first times after a seek are guessed, until a picture is stamped
_LARGEST_OVERLAP_SECONDS = 0.5  # of a piece with the one before it, where the clock runs on

Frames = Iterator[Stamped[av.VideoFrame]]


class Pieces:
    """The frames of the pieces of a recording, one after the other, on the recording's clock, from the onset on."""

    def __init__(
        self, paths: Sequence[Path], onset_seconds: float, progress: Progress = no_progress, raw_rate_hz: float = 0.0
    ) -> None:
        self.progress = progress
        self._raw_rate_hz = raw_rate_hz
        self.name = ";".join(path.name for path in paths)
        self.end_seconds = 0.0  # of the last frame that was read, or that should have been
        self.tally = Tally()
        self._later = list(paths)
        self._onset_seconds = onset_seconds
        self._start_seconds = 0.0  # of the piece that is open
        self._piece = _Piece(self._later.pop(0), self.tally, self.progress, self._raw_rate_hz)
        self.source = self._piece.source
        self._skip_pieces()
        self.tolerance_seconds = self.source.tolerance_seconds

    def close(self) -> None:
        """Close the file that is open."""
        self._piece.close()

    def frames(self) -> Frames:
        """Yield the frames from the last key frame before the onset to the end of the last piece."""
        while True:
            start_seconds = self._start_seconds
            measured = self._piece.measure() if self._later else None
            for stamped in self._piece.frames(max(0.0, self._onset_seconds - start_seconds)):
                self.end_seconds = start_seconds + stamped.end_seconds
                yield Stamped(
                    start_seconds + stamped.start_seconds,
                    self.end_seconds,
                    stamped.frame,
                    stamped.is_sound,
                    stamped.is_damage,
                )
            self.end_seconds = max(self.end_seconds, start_seconds + self._piece.end_seconds)
            self._note_damage()
            self.close()
            if measured is None:
                return
            self._open_next(measured)

    def measure_end(self) -> float:
        """Return the end of the film in seconds, by its packets; the onset must be infinite: the last piece is open."""
        return self._start_seconds + self._piece.measure()[0]

    @property
    def damage(self) -> str:
        """What was found damaged first, in words; empty where nothing was."""
        self._note_damage()
        return self.tally.first_damage

    @property
    def num_corrupt_packets(self) -> int:
        """Count the packets of the open file that its demuxer found damaged."""
        return self._piece.num_corrupt_packets

    @property
    def notes(self) -> PacketNotes:
        """What the packets of the open file say, on its own clock."""
        return self._piece.notes

    @property
    def zero_seconds(self) -> float:
        """Return the first frame's time on the clock of the open file."""
        return self._piece.zero_seconds

    def _note_damage(self) -> None:
        self.tally.first_damage = self.tally.first_damage or self._piece.first_error

    def _skip_pieces(self) -> None:
        """Go on to the piece in which the onset is, by the lengths of the pieces before it, not decoding them."""
        while self._later:
            measured = self._piece.measure()
            if self._onset_seconds + TOLERANCE_SECONDS < self._start_seconds + measured[0]:
                return
            self._piece.close()
            self._open_next(measured)

    def _open_next(self, measured: tuple[float, float]) -> None:
        """Open the next piece; it starts where this one ends, later if its clock says so. `measured`: length, end."""
        length_seconds, own_end_seconds = measured
        self._piece = _Piece(self._later.pop(0), self.tally, self.progress, self._raw_rate_hz)
        pause_seconds = self._piece.zero_seconds - own_end_seconds
        runs_on = self._piece.is_broadcast and -_LARGEST_OVERLAP_SECONDS < pause_seconds < LONGEST_GAP_SECONDS
        self._start_seconds += length_seconds
        if runs_on and pause_seconds > self.source.cadence.slack_seconds:
            self._start_seconds += pause_seconds
            self.tally.num_gaps += self._start_seconds > self._onset_seconds


class _Piece:
    """One file: its frames in order, stamped in seconds after its own first frame."""

    def __init__(self, path: Path, tally: Tally, progress: Progress, raw_rate_hz: float) -> None:
        self._progress = progress
        self._raw_rate_hz = raw_rate_hz
        self._path = path
        self._file = OpenFile(path, progress, has_extent=False, raw_rate_hz=raw_rate_hz)
        self.source = self._file.source
        self.is_broadcast = self._file.is_broadcast
        self.end_seconds = 0.0  # of what the file holds, decoded or not; known after the last frame
        self._tally = tally
        self._shots = self._prepared(self._file.shots())
        try:
            first = next(self._shots, None)
            if first is None:
                said = f": {self._file.first_error}" if self._file.first_error else ""
                raise VideoError(f"{path.name}: not one frame can be decoded{said}")
        except VideoError:
            self.close()
            raise
        self.zero_seconds = first.start_seconds
        if first.num_lost and self._file.first_key_seconds is not None:  # the first picture is lost; its time is not
            self.zero_seconds = min(self._file.first_key_seconds, first.start_seconds)
        self._shots = itertools.chain([first], self._shots)

    def close(self) -> None:
        self._file.close()

    @property
    def num_corrupt_packets(self) -> int:
        """Count the packets that the demuxer found damaged."""
        return self._file.num_corrupt_packets

    @property
    def notes(self) -> PacketNotes:
        """What the packets say."""
        return self._file.notes

    @property
    def first_error(self) -> str:
        """What decoder or demuxer said first; empty where nothing."""
        return self._file.first_error

    def measure(self) -> tuple[float, float]:
        """Return the length in seconds, and the end on the file's own clock."""
        file = self._open()
        try:
            end_seconds = file.measure()
        finally:
            file.close()
        return end_seconds - (self.zero_seconds if file.has_timestamps else 0.0), end_seconds

    def frames(self, from_seconds: float) -> Frames:
        """Yield the frames from the last key frame not after `from_seconds`, or from an earlier one, to the end.

        What goes wrong from there on is counted.
        """
        if from_seconds > _SEEK_FROM_SECONDS:
            self._seek(self.zero_seconds + from_seconds)
        from_own = self.zero_seconds + from_seconds
        settled = settle(
            self._shots,
            self.source.cadence,
            self._tally,
            counts=lambda seconds: seconds > from_own,
            end_seconds=lambda: self._file.last_end_seconds,
            is_cut=lambda: self._file.num_lost_tail > 0,
        )
        for stamped in settled:
            start, end = stamped.start_seconds - self.zero_seconds, stamped.end_seconds - self.zero_seconds
            yield Stamped(start, end, stamped.frame, stamped.is_sound, stamped.is_damage)
        self._tally.num_lost += self._file.num_lost_tail
        self.end_seconds = self._file.last_end_seconds - self.zero_seconds

    def _seek(self, target_seconds: float) -> None:
        """Land on a key frame that is not after the target; at worst by reading the file from its beginning."""
        try:
            if self._file.search(target_seconds):
                if self._lands(self._file.shots(target_seconds), target_seconds):
                    return
                self._renew()
        except (av.FFmpegError, VideoError) as error:
            logger.debug("%s: cannot search for %.3f s: %s", self._path.name, target_seconds, error)
            self._renew()
        margin_seconds = _PROGRAM_STREAM_SECONDS if self.source.container == "mpeg" else 0.0
        for step_seconds in (margin_seconds + step for step in STEPS_BACK_SECONDS if self._file.can_be_sought()):
            if target_seconds - step_seconds <= self.zero_seconds:
                break
            try:
                self._file.seek(target_seconds - step_seconds)
                shots = self._file.shots()
                landed = next(shots, None)
            except (av.FFmpegError, VideoError) as error:
                logger.debug("%s: cannot seek to %.3f s: %s", self._path.name, target_seconds - step_seconds, error)
                break
            if landed and landed.start_seconds < target_seconds - step_seconds - LONGEST_GAP_SECONDS:
                break  # there is no index, or the clock went round: the container does not know where it is
            if landed and self._lands(itertools.chain([landed], shots), target_seconds):
                return
        self._renew()
        if self._file.has_timestamps:
            if self._lands(self._file.shots(target_seconds - margin_seconds), target_seconds):
                return
            self._renew()  # its packets say key frame where there is none
        self._shots = self._prepared(self._file.shots())

    def _lands(self, shots: Iterator[FrameShot], target_seconds: float) -> bool:
        """Go on with these frames if they begin with a sound frame that is not after the target."""
        landed = next(shots, None)
        if landed is None or not landed.is_key or landed.start_seconds > target_seconds + TOLERANCE_SECONDS:
            return False
        self._shots = self._prepared(itertools.chain([landed], shots))
        return True

    def _renew(self) -> None:
        """Stand at the beginning of the file."""
        self.close()
        self._file = self._open()

    def _prepared(self, shots: Iterator[FrameShot]) -> Iterator[FrameShot]:
        shots = unslipped(shots) if self.source.container == "mpeg" else shots
        return in_order(shots, self._tally, self._path.name)

    def _open(self) -> OpenFile:
        return OpenFile(self._path, self._progress, raw_rate_hz=self._raw_rate_hz, meaning=self._file.meaning)
