"""One reading of a stream: packets go in, frames come out, each with what is known of its packet.

A frame carries the number of its packet as its pts, so that it is known whatever a container stamps. Packets are taken
some way ahead of the decoder: a picture that is missing shows at a later one, and a seam at the key frame behind it.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import islice, pairwise
from statistics import median
from typing import TypeAlias

import av

from seizures.errors import VideoError
from seizures.video.damage import DamageMap, Heard, Lineage, Packet, listening
from seizures.video.frame_numbers import reader_of
from seizures.video.timestamps import NUM_AROUND, usual_around

logger = logging.getLogger(__name__)

_NUM_AHEAD = NUM_AROUND + 4  # packets that are read before the first of them is decoded
_NUM_KEPT = 4096  # packets that are remembered
_LONGEST_SEAM = 3  # packets of pictures that are at work when films are joined
_EMPTY_BYTES = 16  # a packet that is no larger says that the picture stays
_FEW_STEPS = 4
_CONFIRMING = 12  # packets behind a missing number, within which the decoder must miss something, too
_MOST_ERRORS = 100  # in a row, at the end of the stream
_WITHHOLDING = ("h264", "hevc")  # decoders that give no picture before one that can be drawn

VideoPacket: TypeAlias = "av.Packet[av.VideoStream]"


class DamageError(Exception):
    """There is damage; which frame it has struck is to be found out."""


class UnreadBytes:
    """Tells where a file has bytes that became no packet, in a place where time is empty: something was there."""

    def __init__(self) -> None:
        self._last: tuple[int, int, int] | None = None  # place and end of the last packet in the file, and its dts
        self._block_bytes = 0  # the smallest step from place to place
        self._are_in_blocks = False  # a place is that of a block, which several packets share and padding fills up
        self._num_unplaced = 0  # packets since then without a place or a dts, as pictures that begin in another's pack
        self._unplaced_bytes = 0
        self._stamps: deque[int] = deque(maxlen=_LONGEST_SEAM + 2)
        self._steps: deque[float] = deque(maxlen=NUM_AROUND)
        self._between: deque[float] = deque(maxlen=NUM_AROUND)  # bytes before a packet that are in none
        self._sizes: deque[int] = deque(maxlen=NUM_AROUND)

    def is_even(self, packet: VideoPacket) -> bool:
        """Tell whether no time is empty before a packet that was taken, as far as the last few packets go."""
        stamps = [stamp for stamp in self._stamps if packet.dts is not None and stamp <= packet.dts]
        return all(later - earlier <= 1.5 * median(self._steps) for earlier, later in pairwise(stamps) if self._steps)

    def num_missing(self, packet: VideoPacket) -> tuple[int, int]:
        """Take the next packet; return how many pictures bytes may have held, and before which packet (1: the last).

        A packet without a place may stand on either side of such bytes; they are taken to be before it.
        """
        if packet.dts is not None:
            self._stamps.append(packet.dts)
        self._sizes.append(packet.size)
        if packet.pos is None or packet.dts is None:
            self._num_unplaced += 1
            self._unplaced_bytes += packet.size
            return 0, 0
        last, self._last = self._last, (packet.pos, packet.pos + packet.size, packet.dts)
        num_packets, inside = self._num_unplaced + 1, self._unplaced_bytes
        self._num_unplaced = self._unplaced_bytes = 0
        if last is not None and packet.pos > last[0]:
            self._block_bytes = min(self._block_bytes or packet.pos, packet.pos - last[0])
        self._are_in_blocks = self._are_in_blocks or (last is not None and packet.pos == last[0])
        if last is None or (passed := packet.dts - last[2]) <= 0:
            return 0, 0
        between = max(0, packet.pos - last[1] - inside - self._are_in_blocks * self._block_bytes)
        if len(self._steps) >= _FEW_STEPS and passed > (num_packets + 0.5) * (usual := median(self._steps)):
            explained = 1.5 * max(self._between) * passed / usual + 0.5 * median(self._sizes)
            return (round(passed / usual) - num_packets, num_packets - 1) if between > explained else (0, 0)
        self._steps.append(passed / num_packets)
        self._between.append(between / num_packets)
        return 0, 0


class Reading:
    """Decodes the packets of one reading, which begins at a key frame or at the beginning of the file.

    Args:
        stream: with the decoder.
        packets: in the order of decoding.
        is_careful: the decoder works on one thread and is listened to; else the first damage raises DamageError.
        is_counted: tells of a packet whether its stamps were only counted by the demuxer.
        trusts_pts: the pts are those of seeing.
        is_reordered: frames may be seen in another order than that of decoding.

    Attributes:
        damage: what was struck so far.
        num_corrupt: packets that the demuxer found damaged.
        first_error: what decoder or demuxer said first.
        begins_at_key: the first packet is a key frame's, by its container.
        withholds: the decoder gives no picture before one that can be drawn, so that its first one is sound.

    """

    def __init__(
        self,
        stream: av.VideoStream,
        packets: Iterable[VideoPacket],
        *,
        is_careful: bool,
        is_counted: Callable[[VideoPacket], bool],
        trusts_pts: bool,
        is_reordered: bool,
    ) -> None:
        self.damage = DamageMap()
        self.num_corrupt = 0
        self.first_error = ""
        self.begins_at_key = False
        self._first_pts: int | None = None  # of the first packet
        self.withholds = stream.codec_context.name in _WITHHOLDING
        self._stream = stream
        self._packets = packets
        self._is_careful = is_careful
        self._is_counted = is_counted
        self._numbers = reader_of(stream.codec_context.name, stream.codec_context.extradata or b"")
        self._bytes = UnreadBytes()
        self._lineage = Lineage()
        self._taken: dict[int, Packet] = {}
        self._ahead: deque[tuple[VideoPacket, Packet]] = deque()
        self._stamps: list[int] = []  # dts of the packets that were taken, rising
        self._unconfirmed: tuple[Packet, int] | None = None  # a number is missing, and the decoder has said nothing yet
        self._broken: VideoError | None = None
        self._last_number: int | None = None  # of the last packet, when all were read
        self._trusts_pts = trusts_pts
        self._is_reordered = is_reordered
        self._unseen: list[Packet] = []  # that went in, and whose frames have not come out
        self._last_time: int | None = None  # of the last frame that came out
        self._steps: deque[int] = deque(maxlen=NUM_AROUND)  # between frames that came out

    def frames(self) -> Iterator[tuple[av.VideoFrame, Packet, bool]]:
        """Yield each frame with its packet, and whether damage has reached it.

        Raises:
            DamageError: the first damage, unless the reading is careful.
            VideoError: the clock cannot be followed; after the last frame before that.

        """
        decoded = self._decoded()
        yield from self.damage.judged(decoded) if self._is_careful else ((*pair, False) for pair in decoded)
        if self._broken is not None:
            raise self._broken

    def usual_around(self, packet: Packet) -> float | None:
        """Return the usual time between two frames around a packet, in units of the stream; None where unknown."""
        return None if packet.dts is None else usual_around(self._stamps, packet.dts)

    def is_at_the_end(self, packet: Packet) -> bool:
        """Tell whether a packet is one of the last, where those that are seen before it may have been cut off."""
        return self._is_reordered and self._last_number is not None and packet.number > self._last_number - _FEW_STEPS

    def is_silent_after(self, time: int) -> bool:
        """Tell whether a packet from a time on, in units of the stream, gave no picture, and was not empty."""
        last = islice(reversed(self._taken.values()), _NUM_AHEAD)
        return any(
            not packet.came_out and packet.num_bytes > _EMPTY_BYTES and (packet.time is None or packet.time >= time)
            for packet in last
        )

    def _decoded(self) -> Iterator[tuple[av.VideoFrame, Packet]]:
        last: Packet | None = None
        for packet, taken in self._lined_up():
            last = taken
            if taken.complaint:
                self._strike(taken, taken.complaint)
            packet.pts = taken.number
            self._unseen.append(taken)
            yield from self._out(self._decode(packet, taken), taken)
        if last is None:
            return
        for _ in range(_MOST_ERRORS):
            try:
                frames = self._stream.codec_context.decode(None)
            except EOFError:
                return
            except av.FFmpegError as error:
                self._strike(last, f"decoding: {error.strerror}")
                continue
            for frame in frames:
                # MPEG-4 gives its last picture the number of an empty packet behind it.
                silent = [one.number for one in self._unseen if not one.came_out and one.num_bytes > _EMPTY_BYTES]
                if silent and self._taken[frame.pts or 0].num_bytes <= _EMPTY_BYTES:
                    frame.pts = silent[-1]
            yield from self._out(frames, last)
            return

    def _decode(self, packet: VideoPacket, taken: Packet) -> list[av.VideoFrame]:
        """Decode a packet; what the decoder says against it strikes it."""
        frames: list[av.VideoFrame] = []
        said = ""
        with listening(self._stream.codec_context.name) if self._is_careful else nullcontext(Heard()) as heard:
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                said = error.strerror or str(error)
        said = said or heard.error
        is_confirmed = said or heard.misses_number or taken.complaint or not self._numbers.is_told_by_decoder
        if taken.num_missing and self._is_careful and not is_confirmed and not self.damage.has_struck(taken):
            self._unconfirmed, taken.num_missing = (taken, taken.num_missing), 0
        missing = "pictures are missing" if taken.num_missing else ""
        if said := said or missing:
            self._strike(taken, f"decoding: {said}")
        elif heard.misses_earlier:
            self._confirm(taken)
        return frames

    def _out(self, frames: Iterable[av.VideoFrame], going_in: Packet) -> Iterator[tuple[av.VideoFrame, Packet]]:
        for frame in frames:
            taken = going_in if frame.pts is None else self._taken.get(frame.pts, going_in)
            taken.came_out = True
            if self._precedes_start(taken.pts):
                continue
            if (time := self._due(taken)) is not None:
                self._look_for_silent(time)
            if frame.is_corrupt:
                self._strike(taken, "the picture is damaged")
            yield frame, taken

    def _look_for_silent(self, time: int) -> None:
        """Strike the packets that should have been seen since the last frame, and gave none without a word.

        The second field of a frame may come in a packet of its own, and an empty one says that the picture stays.
        """
        last, self._last_time = self._last_time, time
        if last is None or time <= last:
            return
        if len(self._steps) >= _FEW_STEPS:
            step = median(self._steps)
            for packet in self._unseen:
                due = self._due(packet)
                is_due = due is not None and last + 0.75 * step < due < time - 0.25 * step
                if is_due and not packet.came_out and packet.num_bytes > _EMPTY_BYTES:
                    self._strike(packet, "a packet gives no picture")
        self._steps.append(time - last)
        self._unseen = [
            one for one in self._unseen if not one.came_out and (due := self._due(one)) is not None and due > time
        ]

    def _due(self, packet: Packet) -> int | None:
        """Return when a packet's frame is seen, in units of the stream, where the packet alone tells it."""
        if self._is_reordered:
            return packet.pts if self._trusts_pts else None
        return packet.time

    def _lined_up(self) -> Iterator[tuple[VideoPacket, Packet]]:
        """Yield the packets that are to be decoded, when what follows them was looked at."""
        try:
            for packet in self._packets:
                if not self._taken:
                    self._first_pts, self.begins_at_key = packet.pts, bool(packet.is_keyframe)
                elif self._precedes_start(packet.pts) and not self._numbers.is_told_by_decoder:
                    continue
                self._take(packet)
                if len(self._ahead) > _NUM_AHEAD:
                    yield self._ahead.popleft()
        except VideoError as error:
            self._broken = error
        self._last_number = next(reversed(self._taken), None)
        while self._ahead:
            yield self._ahead.popleft()

    def _precedes_start(self, pts: int | None) -> bool:
        """Tell whether a picture is seen before the key frame with which the reading began, and is not shown.

        A decoder that counts pictures gets it all the same.
        """
        return self._first_pts is not None and pts is not None and pts < self._first_pts

    def _take(self, packet: VideoPacket) -> None:
        number = len(self._taken) and next(reversed(self._taken)) + 1
        num_missing, back = self._numbers.num_missing(memoryview(packet))
        is_key = bool(packet.is_keyframe)
        lineage = self._lineage.enter(number, packet.pts, is_key=is_key, is_refresh=self._numbers.is_refresh)
        taken = Packet(number, packet.pts, packet.dts, lineage[0], packet.size, not self._is_counted(packet))
        taken.leads_to = lineage[1]
        num_skipped, skipped_back = self._bytes.num_missing(packet)
        if is_key and self._bytes.is_even(packet):
            # A seam, where a counter starts again behind a whole packet: the decoder tells if it is none.
            for _, before in list(self._ahead)[-_LONGEST_SEAM:]:
                before.complaint = ""
        if packet.is_corrupt:
            self.num_corrupt += 1
            taken.complaint = "a packet is damaged"
        self._taken[number] = taken
        self._ahead.append((packet, taken))
        if num_skipped:
            _, behind = self._ahead[-1 - min(skipped_back, len(self._ahead) - 1)]
            behind.complaint, behind.num_missing = "bytes before a packet cannot be read", num_skipped
        if num_missing:
            behind = self._taken.get(number - back, taken)
            behind.num_missing = num_missing
            behind.complaint = behind.complaint or ("" if self._numbers.is_told_by_decoder else "pictures are missing")
        if packet.dts is not None and (not self._stamps or packet.dts > self._stamps[-1]):
            self._stamps.append(packet.dts)
        if len(self._taken) > 2 * _NUM_KEPT:
            self._taken = dict(list(self._taken.items())[_NUM_KEPT:])
            del self._stamps[: bisect_left(self._stamps, (packet.dts or 0)) - _NUM_KEPT]

    def _strike(self, packet: Packet, text: str) -> None:
        """Take note of damage; the first time, raise DamageError."""
        logger.debug("%s", text)
        is_shown = packet.leads_to != 0  # what the others are drawn from was not read
        self.first_error = self.first_error or (text if is_shown else "")
        if not self._is_careful:
            raise DamageError(text)
        if not is_shown:
            return
        self.damage.strike(packet)
        self._confirm(packet)

    def _confirm(self, packet: Packet) -> None:
        """Strike the packet before which a number was missing, if the decoder misses something at this one."""
        if self._unconfirmed is not None:
            doubtful, num_missing = self._unconfirmed
            if 0 <= packet.number - doubtful.number <= _CONFIRMING:
                doubtful.num_missing = num_missing
                self.damage.strike(doubtful)
            self._unconfirmed = None
