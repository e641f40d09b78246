"""Three ways to damage a file at one of many places, as disks, tapes and networks do."""

from __future__ import annotations

import random
from collections.abc import Callable

_TS_PACKET_BYTES = 188
_NUM_FLIPPED = 8


def cut(content: bytes, share: float, seed: int) -> bytes:
    """Keep the first part of a file."""
    return content[: int(len(content) * share)]


def flip(content: bytes, share: float, seed: int) -> bytes:
    """Turn over single bits in a stretch of 200 bytes."""
    damaged = bytearray(content)
    draw = random.Random(seed)
    start = min(int(len(content) * share), len(content) - 200)
    for _ in range(_NUM_FLIPPED):
        damaged[start + draw.randrange(200)] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def drop(content: bytes, share: float, seed: int) -> bytes:
    """Lose five packets of a transport stream; elsewhere, overwrite as many bytes with zeros."""
    start = int(len(content) * share) // _TS_PACKET_BYTES * _TS_PACKET_BYTES
    stop = min(start + 5 * _TS_PACKET_BYTES, len(content))
    is_transport_stream = content[0] == content[_TS_PACKET_BYTES] == 0x47
    return content[:start] + (b"" if is_transport_stream else bytes(stop - start)) + content[stop:]


KINDS: tuple[Callable[[bytes, float, int], bytes], ...] = (cut, flip, drop)
SHARES = tuple((index + 0.5) / 20 for index in range(20))
