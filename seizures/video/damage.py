"""Which frames damage has struck: those whose packets were damaged, and those that are drawn from them.

A frame is drawn from frames that were decoded before it, back to the last key frame; but it may be seen before them.
So what damage reaches is known in the order of decoding, and a frame is judged only when no frame that is seen after it
and was decoded before it can still turn out to be damaged.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import av

_NUM_HELD_FRAMES = 16  # the most that any codec has between the orders of decoding and of seeing
_NUM_PLACES = 4096


class _Place(NamedTuple):
    """Of a packet in the order of decoding: its number, and how many key frames there were up to it."""

    number: int
    group: int


class DamageMap:
    """The damage of one reading of a file whose decoder works on one thread, so that it says which frame is damaged."""

    def __init__(self) -> None:
        self._last = _Place(0, 0)
        self._places: dict[int, _Place] = {}
        self._first_damaged: dict[int, int] = {}  # by group, the number of its first damaged packet

    def enter(self, pts: int | None, *, is_key: bool) -> None:
        """Take the next packet, in the order of decoding."""
        self._last = _Place(self._last.number + 1, self._last.group + is_key)
        if pts is not None:
            self._places[pts] = self._last
        if len(self._places) > _NUM_PLACES:  # stamps of packets that never became frames
            del self._places[next(iter(self._places))]

    def strike(self, pts: int | None) -> None:
        """Take it that the packet or the frame with this stamp is damaged; without a stamp, the last packet."""
        place = self._last if pts is None else self._places.get(pts, self._last)
        self._first_damaged[place.group] = min(place.number, self._first_damaged.get(place.group, place.number))

    def judged(self, frames: Iterable[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, bool]]:
        """Yield frames in the order in which they are seen, and whether damage has reached them."""
        held: deque[av.VideoFrame] = deque()
        for frame in frames:
            held.append(frame)
            if len(held) > _NUM_HELD_FRAMES:
                yield self._judge(held.popleft())
        while held:
            yield self._judge(held.popleft())

    def _judge(self, frame: av.VideoFrame) -> tuple[av.VideoFrame, bool]:
        if frame.pts is None:  # nothing tells where it stands
            return frame, frame.is_corrupt or bool(self._first_damaged)
        place = self._places.pop(frame.pts, None)
        is_struck = place is not None and self._first_damaged.get(place.group, math.inf) <= place.number
        return frame, frame.is_corrupt or is_struck
