"""The geometry of a site's montage: which region of the picture is which camera view.

A recording system that pastes two cameras into one file does so in the same way for years. A site profile says it once,
per view, and the manifest's `view` names the entry; a row with a crop or a mask of its own keeps its own::

    [large]
    picture = 1920,1080         the size that the boxes are meant for (optional)
    mask = 0,0,800,450          left,top,width,height: painted black

    [small]
    crop = 0,0,800,450          left,top,width,height: the region that is this view
"""

from __future__ import annotations

import configparser
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from seizures.errors import SettingsError
from seizures.files.text import decode_text
from seizures.manifest.recordings import Box, Recording
from seizures.manifest.table import parse_box

KEYS = ("crop", "mask", "picture")


@dataclasses.dataclass(frozen=True)
class ViewGeometry:
    """One view of a montage; boxes are in pixels of the picture as shown."""

    crop: Box | None
    mask: Box | None


def read_profile(path: Path) -> dict[str, ViewGeometry]:
    """Return the geometry of each view that the profile names.

    Raises:
        SettingsError: the file cannot be read; the message lists all faults.

    """
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",))
    try:
        parser.read_string(decode_text(path.read_bytes()), str(path))
    except OSError as error:
        raise SettingsError(f"{path}: the site profile cannot be read: {error.strerror}") from error
    except (configparser.Error, ValueError) as error:
        raise SettingsError(f"{path}: not a site profile: {' '.join(str(error).split())}") from error
    faults: list[str] = []
    found = {view: _geometry(view, dict(parser[view]), faults) for view in parser.sections()}
    if not found:
        faults.append("names no view; expected a section for each, such as [large]")
    if faults:
        raise SettingsError("\n  ".join([f"{path}: {len(faults)} faults in the site profile", *faults]))
    return found


def apply_profile(recordings: Iterable[Recording], profile: Mapping[str, ViewGeometry]) -> tuple[Recording, ...]:
    """Give each recording without boxes of its own those of its view; a view that the profile does not name has none.

    Crop and mask go together: a row that has one of them is left as it is.
    """
    placed = []
    for recording in recordings:
        geometry = profile.get(recording.view)
        if geometry is not None and recording.crop is None and recording.mask is None:
            recording = dataclasses.replace(recording, crop=geometry.crop, mask=geometry.mask)
        placed.append(recording)
    return tuple(placed)


def _geometry(view: str, values: Mapping[str, str], faults: list[str]) -> ViewGeometry:
    faults += [f"[{view}] {name}: no such key; expected {', '.join(KEYS)}" for name in values if name not in KEYS]
    boxes: dict[str, Box | None] = {}
    for name in ("crop", "mask"):
        text = values.get(name, "").strip()
        numbers = parse_box(text)
        boxes[name] = Box(*numbers) if numbers else None
        if text and (numbers is None or 0 in numbers[2:]):
            faults.append(f"[{view}] {name} = {text}: expected left,top,width,height in whole pixels, e.g. 0,0,800,450")
    if "picture" in values:
        faults += _misfits(view, values["picture"], boxes)
    return ViewGeometry(boxes["crop"], boxes["mask"])


def _misfits(view: str, text: str, boxes: Mapping[str, Box | None]) -> list[str]:
    size = [part.strip() for part in text.split(",")]
    if len(size) != 2 or not all(part.isdecimal() for part in size):
        return [f"[{view}] picture = {text}: expected width,height in whole pixels, e.g. 1920,1080"]
    width, height = map(int, size)
    return [
        f"[{view}] {name}: does not fit in the picture of {width}x{height}"
        for name, box in boxes.items()
        if box is not None and (box.left + box.width > width or box.top + box.height > height)
    ]
