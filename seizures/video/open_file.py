"""One file, opened: its packets, and the frames that come out of them.

Errors of decoder and demuxer end nothing: the reading goes on behind them. Packets are read some way ahead of the
decoder, so that what comes is known: a picture whose number is missing, a packet that is damaged, the cadence.

Decoding on several threads, libav does not say reliably which frame an error belongs to. So a file is decoded on all
threads until the first sign of damage, and from there on once more on one thread, which tells
(`seizures.video.damage`).
"""

from __future__ import annotations

import logging
import math
import os
import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain, dropwhile, islice, pairwise
from pathlib import Path

import av
import av.container

from seizures.errors import VideoError
from seizures.manifest.film_names import split_stream
from seizures.video.containers import open_film, require_regular
from seizures.video.decoding import DamageError, Reading, VideoPacket
from seizures.video.origin import origin_of
from seizures.video.packet_clock import PacketClock
from seizures.video.packet_notes import PacketNotes
from seizures.video.seeking import Padded, Place, is_fragmented, look, starts_again
from seizures.video.stamps import STAMPED_BY_ORDER_OF_DECODING, StampMeaning, find_meaning
from seizures.video.stream import (
    MICROSECOND,
    ChunkNumbers,
    claimed_seconds,
    claims,
    describe,
    find_first_key,
    from_last_key,
    is_read_whole,
    sound_lead_seconds,
)
from seizures.video.streams import choose_stream, raw_options, raw_period_seconds, refusal
from seizures.video.timed import Timed
from seizures.video.timestamps import FrameClock, Shot

logger = logging.getLogger(__name__)

_MOST_THREADS = 8  # each holds a frame; more do not help at the sizes that cameras have
_NO_TIMESTAMPS = 0x80  # of libavformat's AVFMT_ flags
_MAKE_UP_STAMPS = 0x1  # of libavformat's AVFMT_FLAG_ flags: GENPTS, which PyAV sets
_NUM_PROBED = 48  # packets, from which the cadence at the beginning is measured
_MOST_READ_ERRORS = 100  # in a row, without a packet between them
_TAIL_SECONDS = 5.0
STEPS_BACK_SECONDS = (0.0, 3.0, 15.0, 60.0)

FrameShot = Shot[av.VideoFrame]
Progress = Callable[[], None]


def no_progress() -> None:
    """Tell nobody."""


class OpenFile:
    """A file and its best video stream, read forwards once from wherever `seek` puts it.

    Any method may raise an OSError that is none of libav's: it is of the disk or the network, and not the film's fault.

    Attributes:
        last_end_seconds: end of the last frame that a packet announced, on the file's own clock.
        num_corrupt_packets: packets that the demuxer found damaged.
        num_lost_tail: frames that are lost after the last one that was decoded; known after the last shot.
        first_error: what decoder or demuxer said first.
        notes: what the packets say, as far as they were read since the last seek.
        is_raw: whether this is a stream without a container that knows the time.

    """

    def __init__(
        self,
        path: Path,
        progress: Progress = no_progress,
        *,
        has_extent: bool = True,
        raw_rate_hz: float = 0.0,
        meaning: StampMeaning | None = None,
    ) -> None:
        """Open the file.

        Args:
            path: of the file.
            progress: called for every packet that is read.
            has_extent: whether the fragments of an MP4 are gone through for its length.
            raw_rate_hz: the rate of a raw stream.
            meaning: what its stamps mean, where it was opened before; None finds it.

        """
        self._raw_rate_hz = raw_rate_hz
        self._progress = progress
        self._is_scanned = has_extent
        self._place: Place | None = None  # at which reading goes on after the beginning
        self._film = path
        self.path, self._number_of_stream = split_stream(path)
        self.last_end_seconds = -math.inf
        self.num_lost_tail = 0
        self.num_corrupt_packets = 0
        self._is_careful = False
        self._sought_seconds: float | None = None
        self._last_dts: int | None = None  # of the packets that were read
        self._finish_decoding: Callable[[], None] = no_progress
        self._probed: list[VideoPacket] = []
        self._packets: Iterator[VideoPacket] = iter(())
        self.notes = PacketNotes()
        self.first_error = ""
        self.meaning = meaning or StampMeaning()
        self._open()
        if meaning is None:
            self._find_meaning()
        stamps = [at for packet in self._probed if (at := self._time(packet)) is not None]
        self.source = describe(self._container, self._stream, stamps)
        # By how many units a frame comes out after its packet went in.
        steps = [later - earlier for earlier, later in pairwise(sorted(stamps))]
        self._delay = self.meaning.reorder_depth * round(statistics.median(steps)) if steps else 0
        first_key = find_first_key(self._probed, self._time, needs_key=self.is_broadcast)
        self.first_key_seconds = None if first_key is None else self._seconds(first_key)
        self.has_timestamps = bool(stamps)
        # A film that begins between two key frames has lost its beginning.
        self._is_headless = any(p.is_keyframe for p in self._probed) and not self._probed[0].is_keyframe

    def _open(self) -> None:
        """Open the file, and read its first packets."""
        # libav takes an error of the disk for the end of the film; a file of Python's raises it.
        require_regular(self.path)
        self._file = self.path.open("rb", buffering=0)
        shown = Padded(self._file, self._place.padding if self._place else {})
        self._is_scanned = self._is_scanned or not is_fragmented(self._file)
        self._file.seek(0)
        options = raw_options(self._raw_rate_hz) | ({} if self._is_scanned else {"fflags": "+ignidx"})
        if not self.meaning.trusts_pts:
            options["ignore_editlist"] = "1"  # it may only make up for the times of seeing that are not there
        try:
            with refusal(self.path.name, self._file.close):
                self._container = open_film(shown, options=options)
        except av.FFmpegError as error:
            raise VideoError(f"{self.path.name}: cannot be opened as a video: {error.strerror}") from error
        self._container.flags &= ~_MAKE_UP_STAMPS
        with refusal(self.path.name, self.close):
            stream = choose_stream(self._container, self._number_of_stream)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 1 if self._is_careful else min(_MOST_THREADS, os.cpu_count() or 1)
        if not self._is_careful:
            stream.codec_context.options = {"err_detect": "explode"}  # so that no damage goes unsaid
        self._stream = stream
        self._finish_decoding = stream.codec_context.flush_buffers
        self._time_base = stream.time_base or MICROSECOND
        self._chunk_numbers = ChunkNumbers(self._container, self._stream)
        self._is_raw = bool(self._container.format.flags & _NO_TIMESTAMPS)
        self._restart()
        try:
            self._probed = list(islice(self._packets, _NUM_PROBED))
        except VideoError:
            self.close()
            raise
        with refusal(self.path.name, self.close):
            self._raw_seconds = raw_period_seconds(stream, self._raw_rate_hz, len(self._probed))
        self.is_raw = self._raw_seconds is not None
        self._origin = origin_of(self._film, stream)

    def _find_meaning(self) -> None:
        if not self._is_raw:
            self.meaning = find_meaning(self._container.format.name, self._stream, self._probed)
        if not self.meaning.trusts_pts:
            self._reopen(None)

    def _reopen_carefully(self) -> None:
        """Stand where the last reading began, to decode on one thread."""
        self._is_careful = True
        self.num_corrupt_packets = 0
        self._reopen(self._place)
        if self._sought_seconds is not None:
            self.seek(self._sought_seconds)

    @property
    def is_broadcast(self) -> bool:
        """Tell whether this is MPEG's program or transport stream, whose clock means something beyond the file."""
        return self._container.format.name in ("mpeg", "mpegts")

    def can_be_sought(self) -> bool:
        """Tell whether a time stands at one place of the file only."""
        return self.has_timestamps and not (self.is_broadcast and starts_again(self.path))

    def close(self) -> None:
        """Close the file when the decoder's threads are done; one that is at work might wait to hand over a message."""
        self._finish_decoding()
        self._container.close()
        self._file.close()

    def claims(self) -> dict[str, str | int | float]:
        """Return what the header says of the file and its stream, named as in `FileFacts`."""
        found = claims(self._container, self._stream, self.source, has_timestamps=self.has_timestamps)
        return found | {
            "is_stamped_by_decoding": not self.meaning.trusts_pts and self.meaning.reorder_depth > 0,
            "sound_lead_seconds": sound_lead_seconds(self._container, self.first_key_seconds),
        }

    def seek(self, seconds: float) -> None:
        """Stand at a key frame that the container believes to be at or before `seconds` of the file's own clock.

        Raises:
            av.FFmpegError: the container cannot.

        """
        self._sought_seconds = seconds
        self._container.seek(math.floor(seconds / self._time_base), stream=self._stream)
        self._restart()

    def search(self, seconds: float) -> bool:
        """In a film without an index, leave out what lies between its beginning and shortly before `seconds`.

        What is left has the last key frame that is not after that; skip to it. Tells whether that was done: otherwise
        the file stands at its beginning.
        """
        film = look(self.path, self._container, self._stream) if self.has_timestamps else None
        if film is None:
            return False
        for step_seconds in STEPS_BACK_SECONDS:
            place = film.find(seconds - step_seconds)
            if place is None:
                break
            self._reopen(place)
            first = next(from_last_key(chain(self._probed, self._packets), seconds, self._seconds), None)
            if first is not None and first.is_keyframe and (first.pos or 0) >= place.position:
                self._reopen(place)
                return True
        if self._place or not self._is_scanned:
            self._is_scanned = True
            self._reopen(None)
        return False

    def _reopen(self, place: Place | None) -> None:
        self.close()
        self._place = place
        self._open()

    def shots(self, skip_to_seconds: float = -math.inf) -> Iterator[FrameShot]:
        """Decode from where the file stands; or from the last key frame before a time, which is sought by reading.

        Times are seconds of the file's own clock. A frame without a time stamp follows the frame before it.
        """
        num_told = 0
        try:
            for shot in self._shots(skip_to_seconds):
                yield shot
                num_told += 1
        except DamageError:
            logger.debug("%s: damage; decoding once more on one thread", self.path.name)
            self._reopen_carefully()
            yield from islice(self._shots(skip_to_seconds), num_told, None)

    def _shots(self, skip_to_seconds: float) -> Iterator[FrameShot]:
        packets: Iterable[VideoPacket] = chain(self._probed, self._packets)
        if skip_to_seconds > -math.inf:
            packets = from_last_key(packets, skip_to_seconds, self._seconds)
        if self.is_broadcast and self.first_key_seconds is not None:
            packets = dropwhile(lambda packet: not packet.is_keyframe, packets)
        reading = Reading(
            self._stream,
            packets,
            is_careful=self._is_careful,
            is_counted=self._is_counted,
            trusts_pts=self.meaning.trusts_pts,
            is_reordered=self.meaning.reorder_depth > 0,
        )
        try:
            awaits_key = self._is_headless and self._sought_seconds is None and not reading.withholds
            clock = FrameClock(trusts_pts=self.meaning.trusts_pts, delay=self._delay)
            timed = Timed(
                reading,
                clock,
                self.source,
                has_stamps=self.has_timestamps,
                awaits_key=awaits_key,
                is_whole=lambda: is_read_whole(self._stream, self.source.cadence, self._last_dts),
            )
            for shot in timed.shots(self._raw_seconds):
                shot.frame.opaque = replace(self._origin)  # of its own: see `origin`
                yield shot
            self.num_lost_tail += timed.num_lost_tail
            self.last_end_seconds = timed.end_within(self.last_end_seconds)
        finally:
            self.num_corrupt_packets += reading.num_corrupt
            self.first_error = self.first_error or reading.first_error

    def measure(self) -> float:
        """Return the end of the last frame, on the file's own clock; found near the end of the file, undecoded.

        Where the end cannot be sought, all packets are read: no header is believed.

        Raises:
            VideoError: the file cannot be read a second time.

        """
        container_end = (self._container.start_time or 0) + (self._container.duration or 0)
        num_packets = 0
        if self.can_be_sought():
            with suppress(av.FFmpegError):
                self.seek(max(0.0, container_end / 1e6 - _TAIL_SECONDS))
                num_packets = sum(1 for _ in self._packets)
        if not num_packets or not math.isfinite(self.last_end_seconds):
            try:
                self._container.seek(0)
            except av.FFmpegError as error:
                raise VideoError(f"{self.path.name}: its length cannot be measured: {error.strerror}") from error
            self._restart()
            num_packets = sum(1 for _ in self._packets)
        if math.isfinite(self.last_end_seconds):
            return self.last_end_seconds
        return num_packets * self.source.cadence.usual_seconds

    def _restart(self) -> None:
        """Read on from where the container stands now."""
        self._probed = []
        self._chunk_numbers.restart()
        self.notes = PacketNotes()
        self._packets = self._read()

    def _read(self) -> Iterator[VideoPacket]:
        """Read the packets of the stream to the end of the file, on a clock that can be followed."""
        clock = PacketClock(self._time_base, self.path.name, self.notes, may_start_again=self.is_broadcast)
        usual, lead = 0.0, -1  # the lead of seeing over decoding, of a picture that no other overtakes
        for packet in clock.believed(self._demuxed()):
            at = self._time(packet)
            if packet.pts is not None and packet.dts is not None:
                own = packet.pts - packet.dts
                lead = own if lead < 0 else min(lead, own) if packet.is_keyframe else lead
            elif at is not None and self.meaning.trusts_pts:
                at += max(lead, 0)
            if at is not None and not packet.is_discard:
                self.notes.take(self._seconds(at), is_key=bool(packet.is_keyframe))
                usual = self._seconds(packet.duration or 0) or usual
                end_seconds = self._seconds(at) + (usual or claimed_seconds(self._stream))
                self.last_end_seconds = max(self.last_end_seconds, end_seconds)
            yield packet

    def _demuxed(self) -> Iterator[VideoPacket]:
        """Read packets past whatever cannot be read, with the stamps that they have of themselves."""
        num_errors = 0
        while num_errors < _MOST_READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    num_errors = 0
                    self._progress()
                    if packet.size == 0:
                        continue
                    self._last_dts = packet.dts
                    self._stamp(packet)
                    yield packet
                return
            except av.FFmpegError as error:
                num_errors += 1
                self._note(f"reading: {error.strerror}")
            except IndexError:  # PyAV's, where damage looks like a new stream
                num_errors += 1
                self._note("reading: a stream that was not announced")

    def _stamp(self, packet: VideoPacket) -> None:
        """Take away stamps that mean nothing; count in an AVI by the index, or by the place."""
        if self._is_raw:
            packet.pts = packet.dts = None
        elif self.meaning.takes_pts_for_dts:
            packet.dts, packet.pts = packet.pts, None
        elif self._container.format.name in STAMPED_BY_ORDER_OF_DECODING:
            packet.pts = None
        number = self._chunk_numbers.find(packet)
        if number is not None:
            packet.dts = number
        self._is_indexed = number is not None
        if self._place:
            self._place.renumber(packet)

    def _time(self, packet: VideoPacket) -> int | None:
        return packet.pts if self.meaning.trusts_pts and packet.pts is not None else packet.dts

    def _is_counted(self, packet: VideoPacket) -> bool:
        """Tell whether the time of a packet was only counted, from that of others before it."""
        if self._container.format.name == "avi":
            return not self._is_indexed
        return self._is_raw or (self.is_broadcast and packet.pts is None)

    def _seconds(self, ticks: float) -> float:
        return ticks * self._time_base.numerator / self._time_base.denominator  # a Fraction is slow, and no nearer

    def _note(self, text: str) -> None:
        logger.debug("%s: %s", self.path.name, text)
        self.first_error = self.first_error or text
