"""Chunks of float32 as HDF5's own filters store them (shuffle, gzip, fletcher32), packed faster than those do.

Of a float's four bytes, only the highest, sign and most of the exponent, is worth compressing: what a network averages
spans few exponents, and its mantissas are noise. HDF5 gives all four to zlib, and lets it look for repeats; here three
are stored as they are, and the fourth is coded by Huffman alone. Every HDF5 reader undoes it as any gzip.
"""

from __future__ import annotations

import functools
import zlib

import numpy as np
import numpy.typing as npt

FILTERS = {"shuffle": True, "compression": "gzip", "compression_opts": 1, "fletcher32": True}

ONLY_CHECKED = 0b011  # a bit for each filter that is left out, in their order: shuffle, gzip
_RAW_DEFLATE = -15  # no header and no checksum: those of the whole are written here
_ZLIB_HEADER = b"\x78\x01"


def packed(values: npt.NDArray[np.float32]) -> bytes:
    """Return a whole chunk, of any shape, as it lies in a file behind `FILTERS`."""
    planes = np.ascontiguousarray(values, dtype="<f4").view(np.uint8).reshape(-1, 4).T
    low, high = planes[:3].tobytes(), planes[3].tobytes()
    stored = zlib.compressobj(0, zlib.DEFLATED, _RAW_DEFLATE)
    coded = zlib.compressobj(1, zlib.DEFLATED, _RAW_DEFLATE, zlib.DEF_MEM_LEVEL, zlib.Z_HUFFMAN_ONLY)
    content = b"".join(
        [
            _ZLIB_HEADER,
            stored.compress(low),
            stored.flush(zlib.Z_FULL_FLUSH),
            coded.compress(high),
            coded.flush(),
            zlib.adler32(high, zlib.adler32(low)).to_bytes(4, "big"),
        ]
    )
    return content + fletcher32(content).to_bytes(4, "little")


def unpacked(values: npt.NDArray[np.float32]) -> bytes:
    """Return a whole chunk as it lies in a file where its mask (`ONLY_CHECKED`) leaves out all but the checksum."""
    content = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return content + fletcher32(content).to_bytes(4, "little")


def fletcher32(content: bytes) -> int:
    """Return HDF5's Fletcher checksum: of 16-bit words, big-endian, an odd last byte being the higher half of one."""
    words = np.frombuffer(content + b"\0" * (len(content) % 2), dtype=">u2").astype(np.uint64)
    return _folded(int(words @ _falling(len(words)))) << 16 | _folded(int(words.sum()))


@functools.lru_cache(maxsize=8)
def _falling(count: int) -> npt.NDArray[np.uint64]:
    return np.arange(count, 0, -1, dtype=np.uint64)


def _folded(total: int) -> int:
    """Return a sum as adding with carry leaves it: modulo 65535, of which 0 is written as 65535 unless all was 0."""
    return total % 65535 or (65535 if total else 0)
