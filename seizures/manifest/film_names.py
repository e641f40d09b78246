"""The name of a film in the manifest: a file, and with `#2` behind it the second video stream of that file."""

from __future__ import annotations

import re
from pathlib import Path

_WITH_STREAM = re.compile(r"(.+)#([1-9][0-9]?)")


def split_stream(path: Path) -> tuple[Path, int | None]:
    """Return the file of a film, and the number of the video stream that its name asks for; None: the largest.

    Streams are counted from 1, in the order of the file, without cover pictures. A file whose own name ends in `#2` is
    that file.
    """
    match = _WITH_STREAM.fullmatch(path.name)
    if match is None or path.is_file():
        return path, None
    return path.with_name(match[1]), int(match[2])
