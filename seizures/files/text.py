"""Text as people save it: from editors and spreadsheets of all ages, in the encodings that they choose."""

from __future__ import annotations

import codecs

_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_EDGES = _INVISIBLE + "\u00a0\u2007\u202f \t\r\n\v\f"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(content: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16 with a byte order mark, in plain UTF-8, or else in Windows-1252.

    Windows-1252 holds all printable characters of Latin-1. A file in another old encoding gets some letters wrong, and
    whatever these letters name is then not found.

    Raises:
        ValueError: it is in none of them, or no text at all; the message says so, with the line.

    """
    if content.startswith(_UTF_16):
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise ValueError("text in UTF-16 that breaks off, or is damaged") from error
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = _decode_old(content)
    if "\x00" in text:
        raise ValueError("not a text file")
    return text


def strip_edges(text: str) -> str:
    """Return text without spaces of any width, and without invisible characters, at both ends."""
    return text.strip(_EDGES)


def _decode_old(content: bytes) -> str:
    if b"\x00" in content:
        raise ValueError("not a text file")
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: neither UTF-8 nor Windows-1252") from error
