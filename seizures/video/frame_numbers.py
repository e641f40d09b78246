"""The numbers that a bitstream gives its pictures: where one is left out, a picture is lost that others are drawn from.

H.264 counts its reference pictures (`frame_num`), MPEG-1 and MPEG-2 all pictures of a group (`temporal_reference`). An
encoder that skips a picture skips no number; a network, a tape or a cut that loses one does. The other codecs have no
numbers, or their decoders say themselves what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

_HEAD_BYTES = 64  # of a slice or a set of parameters, in which all lies that is looked at
_PICTURE_START = b"\x00\x00\x01\x00"
_GROUP_START = b"\x00\x00\x01\xb8"
_SEARCHED_BYTES = 4096
_HALF_ROUND = 512  # of the numbers of MPEG
_MOST_LEADING = 16  # B pictures before the first reference of a group
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_INTRA_SLICES = {2, 4, 7, 9}


class FrameNumbers(Protocol):
    """Reads the packets of one stream in the order of decoding."""

    is_refresh: bool  # the last packet may begin a refresh that is spread over several pictures
    is_told_by_decoder: bool  # the decoder sees a missing number, too, and only what it says counts

    def num_missing(self, content: memoryview) -> tuple[int, int]:
        """Take the next packet; return how many pictures are missing, and before which packet (0: it, 1: the last)."""


def reader_of(codec: str, extradata: bytes) -> FrameNumbers:
    """Return the reader for a codec as libav names it."""
    if codec == "h264":
        return _H264(extradata)
    return _Mpeg() if codec in ("mpeg1video", "mpeg2video") else _Unnumbered()


class _Unnumbered:
    is_refresh = False
    is_told_by_decoder = False

    def num_missing(self, content: memoryview) -> tuple[int, int]:  # noqa: ARG002 the protocol's
        return 0, 0


class _Mpeg:
    """MPEG-1 and MPEG-2: within a group, between two reference pictures all numbers are those of B pictures."""

    is_refresh = False
    is_told_by_decoder = False

    def __init__(self) -> None:
        self._references: list[int] = []  # the last two, by number
        self._is_intra = False  # the last one
        self._between: set[int] = set()  # numbers of the B pictures since the last one
        self._packets_since = 0
        self._shortest = 0  # distance between two references so far; a longer one with holes has lost a reference

    def num_missing(self, content: memoryview) -> tuple[int, int]:
        head = bytes(content[:_SEARCHED_BYTES])
        at = head.find(_PICTURE_START)
        if at < 0 or at + 6 > len(head):
            return 0, 0
        number = head[at + 4] << 2 | head[at + 5] >> 6
        self._packets_since += 1
        if head[at + 5] >> 3 & 7 == 3:  # a B picture
            self._between.add(number)
            return 0, 0
        found = self._check(), self._packets_since
        starts_group = 0 <= head.find(_GROUP_START) < at
        self._references = [number] if starts_group else [*self._references[-1:], number]
        self._is_intra = head[at + 5] >> 3 & 7 == 1
        self._between, self._packets_since = set(), 0
        return found

    def _check(self) -> int:
        """Return how many pictures are missing before the last reference, now that all that precede it were read."""
        if len(self._references) < 2:
            return 0
        first, last = self._references
        distance = (last - first) % 1024
        if distance > _HALF_ROUND:  # numbers fall where a group begins: its head is lost, and its first picture
            return 0 if self._is_intra and last < _MOST_LEADING else 1
        num_missing = distance - 1 - sum(0 < (number - first) % 1024 < distance for number in self._between)
        is_usual = not self._shortest or distance <= self._shortest
        self._shortest = min(distance, self._shortest or distance) if distance else self._shortest
        return 0 if is_usual else max(0, num_missing)


class _H264:
    """H.264: a picture has the number of the last reference picture, or the next one."""

    is_told_by_decoder = True

    def __init__(self, extradata: bytes) -> None:
        self.is_refresh = False
        self._last: int | None = None
        self._num_bits = 0
        self._planes_are_apart = False
        self._allows_gaps = False
        self._length_bytes = 0  # of the size before each unit; 0: start codes
        if extradata[:1] == b"\x01" and len(extradata) > 8:
            self._length_bytes = (extradata[4] & 3) + 1
            if extradata[5] & 31:
                self._take_parameters(extradata[8 : 8 + _HEAD_BYTES])
        elif extradata:
            for unit in self._units(memoryview(extradata)):
                if unit[0] & 31 == 7:
                    self._take_parameters(unit)

    def num_missing(self, content: memoryview) -> tuple[int, int]:
        for unit in self._units(content):
            kind = unit[0] & 31
            if kind == 7:
                self._take_parameters(unit)
            elif kind in (1, 5):
                return self._take_slice(unit, is_start=kind == 5), 0
        return 0, 0

    def _units(self, content: memoryview) -> Iterator[bytes]:
        """Yield the heads of the units of a packet, up to the first slice."""
        at, length = 0, len(content)
        while True:
            if self._length_bytes:
                start = at + self._length_bytes
                at = start + int.from_bytes(content[at:start], "big")
            else:
                start = at = bytes(content[at : at + _SEARCHED_BYTES]).find(b"\x00\x00\x01") + at + 3
                if bytes(content[start - 3 : start]) != b"\x00\x00\x01":
                    return
            if start >= length:
                return
            yield bytes(content[start : start + _HEAD_BYTES])

    def _take_parameters(self, unit: bytes) -> None:
        """Read the sequence's parameters as far as they are needed."""
        bits = _Bits(unit)
        bits.take(8)
        profile = bits.take(8)
        bits.take(16)
        bits.number()
        self._planes_are_apart = False
        if profile in _HIGH_PROFILES:
            chroma = bits.number()
            if chroma == 3:
                self._planes_are_apart = bool(bits.take(1))
            bits.number(), bits.number(), bits.take(1)
            if bits.take(1):
                for index in range(8 if chroma != 3 else 12):
                    if bits.take(1):
                        bits.skip_scaling_list(16 if index < 6 else 64)
        self._num_bits = bits.number() + 4
        order = bits.number()
        if order == 0:
            bits.number()
        elif order == 1:
            bits.take(1), bits.number(), bits.number()
            for _ in range(min(255, bits.number())):
                bits.number()
        bits.number()
        self._allows_gaps = bool(bits.take(1))

    def _take_slice(self, unit: bytes, *, is_start: bool) -> int:
        if not 4 <= self._num_bits <= 16:
            return 0
        bits = _Bits(unit)
        is_reference = bits.take(8) >> 5 & 3 > 0
        bits.number()
        self.is_refresh = not is_start and bits.number() not in _INTRA_SLICES
        if is_start:
            bits.number()
        bits.number()
        if self._planes_are_apart:
            bits.take(2)
        number = bits.take(self._num_bits)
        limit = 1 << self._num_bits
        num_missing = 0
        if not is_start and self._last is not None and not self._allows_gaps:
            num_missing = max(0, (number - self._last) % limit - 1)
        if is_reference or is_start:
            self._last = number
        elif num_missing:
            self._last = (number - 1) % limit
        return num_missing


class _Bits:
    """The bits of a unit, without the bytes that keep start codes out of it; behind its end all are 0."""

    def __init__(self, unit: bytes) -> None:
        content = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value, self._num_left = int.from_bytes(content, "big"), 8 * len(content)

    def take(self, count: int) -> int:
        self._num_left -= count
        kept = self._value >> self._num_left if self._num_left >= 0 else 0
        return kept & ((1 << count) - 1)

    def number(self) -> int:
        """Read an unsigned number in the code of Golomb."""
        num_zeros = 0
        while num_zeros < 32 and self._num_left > 0 and not self.take(1):
            num_zeros += 1
        return (1 << num_zeros) - 1 + self.take(num_zeros)

    def skip_scaling_list(self, size: int) -> None:
        last = following = 8
        for _ in range(size):
            if following:
                code = self.number()
                following = (last + (code + 1 >> 1) * (1 if code & 1 else -1)) % 256
            last = following or last
