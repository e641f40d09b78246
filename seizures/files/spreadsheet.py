"""Tables that people open in a spreadsheet, which takes a cell that begins with = + - or @ for a formula."""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?%?")


def harmless_cell(text: str) -> str:
    """Return the text of a cell, with an apostrophe before it where a spreadsheet would compute with it."""
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
