"""Films without an index, as a recorder leaves them that loses power: where in the file a moment is.

libav can only read such a file from its beginning. Here the place is found without it: Matroska writes the time into
its clusters and MP4 into its fragments, so that bisection finds the last one before a moment; the chunks of an AVI have
no time, and are counted. libav is then shown the file with every byte in its place, except that what lies between the
beginning of the film and the place that was found says that it is padding, over which any reader jumps.
"""

from __future__ import annotations

import errno
import io
import math
import re
import struct
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from av import Packet, VideoStream
from av.container import InputContainer

_BLOCK_BYTES = 1 << 16
_PAGE_BYTES = 1 << 14
_KEPT_BYTES = 1 << 16  # of the film's beginning, from which libav learns what the stream is, as in the whole file
_LONGEST_MARK_BYTES = 64
_LONGEST_HEAD_BYTES = 1 << 24
_LONGEST_SCAN_BYTES = 1 << 28  # a mark that is farther is not found: what is found then is an earlier one

_CUES = b"\x1c\x53\xbb\x6b"
_CLUSTER = re.compile(  # its id, its size in 1 to 8 bytes, perhaps a checksum, and the time
    rb"\x1f\x43\xb6\x75(?:[\x80-\xff]|[\x40-\x7f].|[\x20-\x3f]..|[\x10-\x1f].{3}|[\x08-\x0f].{4}|[\x04-\x07].{5}"
    rb"|[\x02\x03].{6}|\x01.{7})(?:\xbf\x84.{4})?\xe7([\x81-\x88])(.{8})",
    re.DOTALL,
)
_FRAGMENT = re.compile(rb"....moof\x00\x00\x00\x10mfhd", re.DOTALL)
_LONGEST_JUNK_BYTES = 1 << 30
_STAMPED_PACKET = re.compile(  # of a picture's MPEG stream: its id, its size, its flags (MPEG-2) or fillings, its pts
    rb"\x00\x00\x01[\xe0-\xef]..(?:[\x80-\xbf][\x80-\xff].|\xff*(?:[\x40-\x7f].)?)([\x21-\x3f].{4})", re.DOTALL
)
_NUM_SAMPLES = 32
_MPEG_SECOND = 90_000
_HALF_ROUND = 2**32  # of an MPEG clock: what falls by more has gone round


class Place(NamedTuple):
    """Where to go on reading: at a byte, after so many frames that are left out of the count of the demuxer.

    `padding` holds the bytes that make the part before it padding, by their places.
    """

    position: int
    num_left_out: int
    padding: dict[int, bytes]

    def renumber(self, packet: Packet[VideoStream]) -> None:
        """Add what is left out to the stamps of a packet behind it."""
        if self.num_left_out and (packet.pos or 0) >= self.position:
            packet.dts = None if packet.dts is None else packet.dts + self.num_left_out
            packet.pts = None if packet.pts is None else packet.pts + self.num_left_out


class Padded:
    """A file with a few bytes replaced, for libav to read."""

    def __init__(self, file: io.RawIOBase | io.FileIO, padding: dict[int, bytes]) -> None:
        self._file = file
        self._padding = padding
        self.tell = file.tell

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; one that cannot be, which only damage names, is an error of the film and not of the disk."""
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return -errno.EINVAL

    def read(self, num_bytes: int) -> bytes:
        """Read on, at most so many bytes."""
        start = self._file.tell()
        content = self._file.read(num_bytes) or b""
        for position, header in self._padding.items():
            first, last = max(position, start), min(position + len(header), start + len(content))
            if first < last:
                replaced = header[first - position : last - position]
                content = content[: first - start] + replaced + content[last - start :]
        return content


class Unindexed(ABC):
    """A film without an index."""

    @abstractmethod
    def find(self, seconds: float) -> Place | None:
        """Return a place shortly before `seconds` of the file's own clock; None where none is found or needed."""


def look(path: Path, container: InputContainer, stream: VideoStream) -> Unindexed | None:
    """Return the film if it has no index, or if that cannot be told before seeking; None if libav finds its way."""
    seconds_per_tick = float(stream.time_base or 0)
    if container.format.name == "avi":
        entries = stream.index_entries
        return _Chunks(path, stream.index, seconds_per_tick, entries[-1].timestamp if len(entries) else 0)
    with path.open("rb", buffering=0) as file:
        if container.format.name == "matroska,webm":
            clusters = _Clusters(path, seconds_per_tick)
            return None if clusters.has_index(file) else clusters
        return _Fragments(path, seconds_per_tick, stream.id) if is_fragmented(file) else None


@dataclass
class _Clocked(Unindexed):
    """A film in parts, each of which begins with a mark that says its time."""

    path: Path
    seconds_per_tick: float

    def find(self, seconds: float) -> Place | None:
        with self.path.open("rb", buffering=0) as file:
            high = file.seek(0, io.SEEK_END)
            kept = self.next_mark(file, _KEPT_BYTES, high)
            if kept is None or kept[1] > seconds:
                return None
            low = kept[0]
            while high - low > _BLOCK_BYTES:
                middle = (low + high) // 2
                mark = self.next_mark(file, middle, high)
                if mark is None or mark[1] > seconds:
                    high = middle
                else:
                    low = mark[0]
        return Place(low, 0, {kept[0]: self.padding(low - kept[0])}) if low > kept[0] else None

    @abstractmethod
    def next_mark(self, file: io.FileIO, start: int, stop: int) -> tuple[int, float] | None:
        """Return place and time of the first mark that begins from `start` to before `stop`."""

    @abstractmethod
    def padding(self, num_bytes: int) -> bytes:
        """Return the header of a part of so many bytes, itself included, that any reader skips."""


class _Clusters(_Clocked):
    """Matroska without cues."""

    def has_index(self, file: io.FileIO) -> bool:
        """Tell whether there are cues, or whether the directory at the beginning says so."""
        first = next(_matches(file, _CLUSTER, 0, file.seek(0, io.SEEK_END)), None)
        return first is None or first[0] > _LONGEST_HEAD_BYTES or _CUES in _read_at(file, 0, first[0])

    def next_mark(self, file: io.FileIO, start: int, stop: int) -> tuple[int, float] | None:
        for position, match in _matches(file, _CLUSTER, start, stop):
            length = match[1][0] & 0x7F
            return position, int.from_bytes(match[2][:length], "big") * self.seconds_per_tick
        return None

    def padding(self, num_bytes: int) -> bytes:
        return b"\xec\x01" + (num_bytes - 9).to_bytes(7, "big")


@dataclass
class _Fragments(_Clocked):
    """A fragmented MP4 without an index of its fragments."""

    track: int

    def next_mark(self, file: io.FileIO, start: int, stop: int) -> tuple[int, float] | None:
        for position, _ in _matches(file, _FRAGMENT, start, stop):
            ticks = self._decode_time(file, position)
            if ticks is not None:
                return position, ticks * self.seconds_per_tick
        return None

    def _decode_time(self, file: io.FileIO, position: int) -> int | None:
        """Return when the fragment's first frame of the track is decoded."""
        size = int.from_bytes(_read_at(file, position, 4), "big")
        for kind, start, stop in _boxes(file, position + 8, position + size):
            if kind == b"traf":
                inner = {kind: _read_at(file, at, min(end - at, 16)) for kind, at, end in _boxes(file, start, stop)}
                header, time = inner.get(b"tfhd", b""), inner.get(b"tfdt", b"")
                if header[4:8] == self.track.to_bytes(4, "big") and len(time) >= 8:
                    return int.from_bytes(time[4:12] if time[0] else time[4:8], "big")
        return None

    def padding(self, num_bytes: int) -> bytes:
        return struct.pack(">I4sQ", 1, b"free", num_bytes)


@dataclass
class _Chunks(Unindexed):
    """An AVI whose index, if there is one, does not reach far enough. Its chunks are its frames, also empty ones."""

    path: Path
    stream_number: int
    seconds_per_tick: float
    last_indexed: int
    _pages: list[tuple[int, int]] = field(default_factory=list)  # where each starts, and the number of its first chunk
    _num_counted: int = 0

    def find(self, seconds: float) -> Place | None:
        number = math.floor(seconds / self.seconds_per_tick)
        if number <= self.last_indexed:
            return None
        if number >= self._num_counted:
            self._count(number)
        if number >= self._num_counted:
            return None
        # Of the frames, too, some must be kept: their list begins there, perhaps behind a long header.
        kept, kept_number = next((page for page in self._pages if page[0] >= _KEPT_BYTES and page[1]), self._pages[-1])
        position, first_number = self._pages[bisect_right(self._pages, number, key=lambda page: page[1]) - 1]
        padding = {}
        for at in range(kept, position, _LONGEST_JUNK_BYTES):
            is_last = position - at <= 2 * _LONGEST_JUNK_BYTES
            padding[at] = struct.pack("<4sI", b"JUNK", (position - at if is_last else _LONGEST_JUNK_BYTES) - 8)
            if is_last:
                break
        return Place(position, first_number - kept_number, padding) if padding else None

    def _count(self, last: int) -> None:
        """Count the stream's chunks up to number `last`, or up to something that is not understood.

        Only the pages with the headers of chunks are read. Six hours are half a million turns of the inner loop.
        """
        digits, number = b"%02d" % self.stream_number, 0
        own = {digits + kind for kind in (b"dc", b"db")}
        others = {b"%02d" % n + kind for n in range(100) for kind in (b"dc", b"db", b"wb", b"tx", b"ix")} - own
        others |= {b"ix%02d" % n for n in range(100)} | {b"JUNK", b"idx1", b"indx"}
        unpack, at = struct.Struct("<4sI").unpack_from, 0
        self._pages = []
        with self.path.open("rb", buffering=0) as file:
            while self._num_counted <= last:
                page = _read_at(file, at, _PAGE_BYTES)
                place, last_place = 0, len(page) - 12
                if last_place < 0:
                    return
                self._pages.append((at, number))
                while place <= last_place:
                    kind, size = unpack(page, place)
                    if kind in own:
                        number += 1
                    elif kind in (b"RIFF", b"LIST"):
                        is_skipped = page[place + 8 : place + 12] in (b"hdrl", b"INFO")
                        size = size if is_skipped else 4
                    elif kind not in others:
                        return
                    place += (size + 9) & -2  # the header, and the content filled up to an even size
                at += place
                self._num_counted = number


def is_fragmented(file: io.FileIO) -> bool:
    """Tell whether this is an MP4 in fragments, without an index of them."""
    if _read_at(file, 4, 4) != b"ftyp":
        return False
    for kind, start, stop in _boxes(file, 0, file.seek(0, io.SEEK_END)):
        if kind == b"moov" and all(inner != b"mvex" for inner, *_ in _boxes(file, start, stop)):
            return False
        if kind in (b"sidx", b"moof"):
            return kind == b"moof"
    return False


def _boxes(file: io.FileIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin of the content, and end of each box of an MP4."""
    while start + 8 <= stop:
        header = _read_at(file, start, 16)
        size, kind, content = int.from_bytes(header[:4], "big"), header[4:8], start + 8
        if size == 1:
            size, content = int.from_bytes(header[8:], "big"), start + 16
        if size < content - start:
            return
        yield kind, content, start + size
        start += size


def _matches(
    file: io.FileIO, pattern: re.Pattern[bytes], start: int, stop: int
) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Yield place and match of each mark that begins from `start` to before `stop`, and not too far behind `start`."""
    stop = min(stop, start + _LONGEST_SCAN_BYTES)
    while start < stop:
        block = _read_at(file, start, _BLOCK_BYTES + _LONGEST_MARK_BYTES)
        for match in pattern.finditer(block):
            if match.start() < min(_BLOCK_BYTES, stop - start):
                yield start + match.start(), match
        start += _BLOCK_BYTES


def _read_at(file: io.FileIO, position: int, num_bytes: int) -> bytes:
    file.seek(position)
    return file.read(num_bytes)


def starts_again(path: Path) -> bool:
    """Tell whether the clock of an MPEG stream falls along the file, as where films were joined end to end.

    A few places are looked at; a film that is much shorter than the whole may hide between two of them.
    """
    stamps = []
    with path.open("rb", buffering=0) as file:
        size = file.seek(0, io.SEEK_END)
        for number in range(_NUM_SAMPLES):
            content = _read_at(file, size * number // _NUM_SAMPLES, _BLOCK_BYTES)
            stamps += [stamp for match in _STAMPED_PACKET.finditer(content) if (stamp := _stamp(match[1]))][:1]
    return any(_MPEG_SECOND < earlier - later < _HALF_ROUND for earlier, later in pairwise(stamps))


def _stamp(field: bytes) -> int | None:
    """Return an MPEG time stamp of five bytes; None where its marks are not in their places."""
    if not field[0] & field[2] & field[4] & 1:
        return None
    return (field[0] >> 1 & 7) << 30 | field[1] << 22 | field[2] >> 1 << 15 | field[3] << 7 | field[4] >> 1
