"""Which frames damage has struck: those whose packets are damaged, and those that are drawn from them.

Damage is what the bitstream or the decoder says: an error, a picture that is concealed, a reference that is missing, a
number that is left out. A frame is drawn from frames that were decoded before it, back to the last key frame; but it
may be seen before them. So what damage reaches is known in the order of decoding, and a frame is judged only when no
frame that is seen after it and was decoded before it can still turn out to be damaged.

Between two groups stand leading pictures: decoded next after a key frame, and seen before it. They may be drawn from
the group before, and nothing but leading pictures of the same key frame is drawn from them.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import av.logging

_NUM_HELD_FRAMES = 16  # the most that any codec has between the orders of decoding and of seeing
# What decoders call an error, and no player shows: messages beside the picture, and how references are counted.
_HARMLESS = re.compile(r"\bSEI\b|\bsei\b|mmco: unref short|number of reference frames|co located POCs|timing|user data")
_NUMBER_GAP = "Frame num gap"
_REFERENCE_GAP = "mmco: unref short"  # a picture that is to be forgotten never came


@dataclass(slots=True)
class Packet:
    """What was known of a packet when it went to the decoder; its frame is known by the number.

    It is drawn from packets number `clean_from` and later. `num_missing` pictures are missing before it, and
    `complaint` is what the demuxer or the bitstream has against it. `is_stamped`: its time was not only counted.
    `leads_to` is the number of the key frame whose leading picture it is.
    """

    number: int
    pts: int | None
    dts: int | None
    clean_from: int
    num_bytes: int
    is_stamped: bool
    complaint: str = ""
    num_missing: int = 0
    came_out: bool = False
    leads_to: int | None = None

    @property
    def time(self) -> int | None:
        """Its time, as far as it is known without its frame."""
        return self.dts if self.pts is None else self.pts


class Lineage:
    """From where on the packets of a stream are drawn from each other, in the order of decoding."""

    def __init__(self) -> None:
        self._clean_from = self._clean_before = 0
        self._last_refresh: int | None = None
        self._key: tuple[int, int | None] | None = None  # number and pts of the last key frame
        self._may_lead = False  # nothing that is seen after that was decoded yet

    def enter(self, number: int, pts: int | None, *, is_key: bool, is_refresh: bool) -> tuple[int, int | None]:
        """Take the next packet; return the first that it can be drawn from, and the key frame that it leads to.

        A refresh that is spread over several pictures is complete where the next one begins. What is decoded after a
        key frame and seen before it may be drawn from what precedes that.
        """
        if is_key and is_refresh:
            self._clean_from = self._last_refresh if self._last_refresh is not None else self._clean_from
            self._last_refresh = number
            return self._clean_from, None
        if is_key:
            self._clean_before, self._clean_from, self._key = self._clean_from, number, (number, pts)
            self._may_lead = True
            return number, None
        if self._key is None or pts is None or self._key[1] is None or pts >= self._key[1]:
            self._may_lead = False
            return self._clean_from, None
        return self._clean_before, self._key[0] if self._may_lead else None


class DamageMap:
    """The damage of one reading of a file whose decoder works on one thread, so that it says which frame is damaged."""

    def __init__(self) -> None:
        self._struck: list[int] = []  # numbers of packets, in order
        self._struck_leading: list[int] = []  # those of leading pictures
        self._awaited: list[Packet] = []  # of these, whose frames may still come

    def strike(self, packet: Packet) -> None:
        """Take it that a packet is damaged."""
        struck = self._struck if packet.leads_to is None else self._struck_leading
        if not _has_any(struck, packet.number, packet.number):
            insort(struck, packet.number)
            self._awaited.append(packet)

    def has_struck(self, packet: Packet) -> bool:
        """Tell whether damage has reached the frame of a packet."""
        if _has_any(self._struck, packet.clean_from, packet.number):
            return True
        return packet.leads_to is not None and _has_any(self._struck_leading, packet.leads_to, packet.number)

    def num_lost(self, before: Packet) -> int:
        """Count, once, the damaged packets with a time before this one whose frames did not come out."""
        if not self._awaited:
            return 0
        late = [one for one in self._awaited if before.time is None or one.time is None or one.time < before.time]
        self._awaited = [packet for packet in self._awaited if packet not in late]
        return sum(not packet.came_out for packet in late)

    def lost_at_the_end(self) -> list[int]:
        """Return the times of the damaged packets that are still awaited; in any order."""
        return [at for packet in self._awaited if not packet.came_out and (at := packet.time) is not None]

    def judged(self, frames: Iterable[tuple[av.VideoFrame, Packet]]) -> Iterator[tuple[av.VideoFrame, Packet, bool]]:
        """Yield frames in the order in which they are seen, and whether damage has reached them."""
        held: deque[tuple[av.VideoFrame, Packet]] = deque()
        for frame, packet in frames:
            held.append((frame, packet))
            if len(held) > _NUM_HELD_FRAMES:
                yield self._judge(*held.popleft())
        while held:
            yield self._judge(*held.popleft())

    def _judge(self, frame: av.VideoFrame, packet: Packet) -> tuple[av.VideoFrame, Packet, bool]:
        return frame, packet, frame.is_corrupt or self.has_struck(packet)


def _has_any(numbers: list[int], first: int, last: int) -> bool:
    """Tell whether one of some rising numbers lies from `first` to `last`."""
    at = bisect_left(numbers, first)
    return at < len(numbers) and numbers[at] <= last


@dataclass
class Heard:
    """What a decoder said: its first error that matters, and whether it missed a number, or a picture of before."""

    error: str = ""
    misses_number: bool = False
    misses_earlier: bool = False


@contextmanager
def listening(codec: str) -> Iterator[Heard]:
    """Listen to a decoder that works on this thread; only H.264's says something between errors."""
    heard, level, skips = Heard(), av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_skip_repeated(False)
    av.logging.set_level(av.logging.DEBUG if codec == "h264" else av.logging.ERROR)
    try:
        with av.logging.Capture() as log:
            yield heard
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)
        for severity, _, text in log:
            heard.misses_number = heard.misses_number or text.startswith(_NUMBER_GAP)
            heard.misses_earlier = heard.misses_earlier or text.startswith(_REFERENCE_GAP)
            if severity <= av.logging.ERROR and not heard.error and not _HARMLESS.search(text):
                heard.error = text.strip()
