"""Text files are read as editors and spreadsheets of all ages save them."""

from __future__ import annotations

import codecs

import pytest

from seizures.files.text import decode_text, strip_edges

TEXT = "für Müller;50 %\r\n1;2\r\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("latin-1"),
    ],
)
def test_every_encoding_gives_the_same_text(content: bytes) -> None:
    assert decode_text(content) == TEXT


def test_quotes_and_dashes_of_windows() -> None:
    assert decode_text("“a” €".encode("cp1252")) == "“a” €"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\x81", "line 2: neither UTF-8 nor Windows-1252"),
        (b"a\x00b", "not a text file"),
        (b"\xe9a\x00b", "not a text file"),
        (codecs.BOM_UTF16_LE + b"a", "breaks off"),
        (b"\xef\xbb\xbfa\x00", "not a text file"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_text(content)


def test_edges_are_spaces_of_any_kind_and_nothing_inside() -> None:
    assert strip_edges("\ufeff\u00a0 P01\u200b ") == "P01"
    assert strip_edges("a\u00a0b") == "a\u00a0b"
