"""Ids that are spelt differently and probably mean the same: `P1`, `P01`, `p-1`.

One patient under two ids is trained on and scored at the same time.
"""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[0-9]+|[^\W\d_]+")


def plain(text: str) -> str:
    """Return an id without what people change when they type it again: case, width, spaces, punctuation, leading zeros.

    Punctuation between two numbers stays, as `1-2` is not `12`.
    """
    runs = _RUN.findall(unicodedata.normalize("NFKC", text).casefold())
    found = ""
    for run in runs:
        number = run.lstrip("0") or "0" if run[0].isdecimal() else run
        found += f"-{number}" if found[-1:].isdecimal() and number[0].isdecimal() else number
    return found or text


def difference(one: str, other: str) -> str:
    """Return in what two ids with one plain form differ; nothing where a zero only stands elsewhere (`a01b1`, `a1b01`).

    Ids that were drawn at random have zeros anywhere, and all one length.
    """
    one, other = (unicodedata.normalize("NFKC", text) for text in (one, other))
    if one.casefold() == other.casefold():
        return "case"
    one, other = (re.sub(r"[\W_]", "", text).casefold() for text in (one, other))
    if one == other:
        return "punctuation"
    return "leading zeros" if len(one) != len(other) else ""
