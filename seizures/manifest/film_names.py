"""The name of a film in the manifest: a file, and with `#2` behind it the second video stream of that file.

No decoder is needed here: planning asks these questions of every film.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from seizures.settings import digest

_WITH_STREAM = re.compile(r"(.+)#([1-9][0-9]?)")
_CONTAINERS = re.compile(  # by their first bytes: MP4 and MOV, Matroska, AVI, ASF, FLV, MPEG-TS and -PS, Ogg, MXF, IVF
    rb"....(ftyp|moov|mdat|wide|free|skip)|\x1a\x45\xdf\xa3|RIFF|\x30\x26\xb2\x75|FLV|\x47|\x00\x00\x01\xba|OggS"
    rb"|\x06\x0e\x2b\x34|DKIF",
    re.DOTALL,
)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')  # in names on exFAT, NTFS and shares of Windows
_LONGEST_NAME_BYTES = 180


def split_stream(path: Path) -> tuple[Path, int | None]:
    """Return the file of a film, and the number of the video stream that its name asks for; None: the largest.

    Streams are counted from 1, in the order of the file, without cover pictures. A file whose own name ends in `#2` is
    that file.
    """
    match = _WITH_STREAM.fullmatch(path.name)
    if match is None or path.is_file():
        return path, None
    return path.with_name(match[1]), int(match[2])


def may_be_raw(path: Path) -> bool:
    """Tell whether a film may be a raw stream, one without a container that knows the time, by its first bytes."""
    with split_stream(path)[0].open("rb") as file:
        return _CONTAINERS.match(file.read(8)) is None


def folder_name(video: str) -> str:
    """Return a name for a folder that tells of one film, which any disk takes: exFAT has no `:`, and none is longer."""
    name = _FORBIDDEN.sub("_", video.replace("/", "+")).rstrip(". ")
    if name == video.replace("/", "+") and len(os.fsencode(name)) <= _LONGEST_NAME_BYTES:
        return name
    shortened = os.fsencode(name)[:_LONGEST_NAME_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"{shortened}~{digest(video)}"
