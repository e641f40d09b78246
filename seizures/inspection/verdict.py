"""What is known of a video file once all of it was decoded, and whether it can be used: plain values, no decoder.

Claims of the file and what was measured stand in different fields.
"""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seizures.manifest.recordings import Recording
from seizures.video.blocks import LONGEST_SHORTFALL_SECONDS
from seizures.video.timestamps import LONGEST_GAP_SECONDS

GOOD, WARNINGS, UNUSABLE = "good", "usable with warnings", "unusable"
FROM_BEST = (GOOD, WARNINGS, UNUSABLE)

_LONGEST_FROZEN_SECONDS = 2.0
_LONGEST_BLACK_SECONDS = 1.0
_LARGEST_RATE_ERROR = 0.02
_LARGEST_DURATION_ERROR_SECONDS = 1.0
_SMALLEST_RATE_HZ = 14.5
_MOST_LOST = 0.5  # of the frames
_BROADCASTS = ("mpeg", "mpegts")  # by libavformat's names: program and transport stream


@dataclasses.dataclass(frozen=True)
class FileFacts:
    """One file: `claimed` is the header's word, the rest was found by decoding. NaN and 0 are what a file leaves open.

    `num_lost`, `num_damaged`, `num_gaps` and `num_reversals` are those of `seizures.video.blocks.WindowFacts`; a
    duplicate equals the frame before it, and a frozen stretch is made of duplicates; colourless is grey, as infrared
    is.
    """

    video: str
    error: str = ""
    container: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    pixel_format: str = ""
    colour_range: str = ""
    colour_matrix: str = ""
    pixel_aspect: str = "1:1"
    rotation_degrees: int = 0
    num_video_streams: int = 0
    start_time: str = ""
    field_order_claimed: str = ""
    interlaced: str = ""
    frame_rate_claimed_hz: float = math.nan
    frame_rate_hz: float = math.nan
    is_variable_rate: bool = False
    duration_claimed_seconds: float = math.nan
    duration_seconds: float = 0.0
    num_frames_claimed: int = 0
    num_frames: int = 0
    num_lost: int = 0
    num_damaged: int = 0
    first_damage_seconds: float = math.nan
    damage: str = ""
    num_corrupt_packets: int = 0
    num_gaps: int = 0
    gap_seconds: float = 0.0
    num_reversals: int = 0
    num_duplicates: int = 0
    longest_frozen_seconds: float = 0.0
    black_seconds: float = 0.0
    colourless_seconds: float = 0.0

    @property
    def is_interlaced(self) -> bool:
        """Tell whether the frames are, whatever the header says."""
        return self.interlaced.startswith("yes")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Good, usable with warnings, or unusable; `reasons` names each warning, or the one fault."""

    word: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def judge(facts: FileFacts) -> Verdict:
    """Return whether a file can be used; notes are what the software takes care of by itself."""
    if facts.error:
        return Verdict(UNUSABLE, (facts.error,), ())
    num_wanted = facts.num_frames + facts.num_lost
    if not facts.num_frames or facts.num_lost > _MOST_LOST * num_wanted:
        return Verdict(UNUSABLE, (f"{facts.num_lost} of {num_wanted} frames cannot be decoded",), ())
    warnings = [*_damage_warnings(facts), *_time_warnings(facts), *_picture_warnings(facts)]
    return Verdict(WARNINGS if warnings else GOOD, tuple(warnings), tuple(_notes(facts)))


def _damage_warnings(facts: FileFacts) -> list[str]:
    found = []
    if facts.num_lost or facts.num_damaged:
        where = "" if math.isnan(facts.first_damage_seconds) else f" from {facts.first_damage_seconds:.2f} s on"
        num_wanted = facts.num_frames + facts.num_lost
        parts = [f"{facts.num_lost} of {num_wanted} frames lost"] if facts.num_lost else []
        parts += [f"{facts.num_damaged} damaged"] if facts.num_damaged else []
        found.append(f"damaged{where}: {', '.join(parts)}; left out unless [Frames] damaged = mask")
    elif facts.num_corrupt_packets:
        found.append(_times(facts.num_corrupt_packets, "damaged packet"))
    return found


def _time_warnings(facts: FileFacts) -> list[str]:
    found = []
    if facts.num_gaps:
        found.append(f"time is missing in {_times(facts.num_gaps, 'place')}, {facts.gap_seconds:.1f} s in all")
    if facts.num_reversals:
        found.append(f"the clock runs backwards {_times(facts.num_reversals, 'time')}")
    claimed, measured = facts.frame_rate_claimed_hz, facts.frame_rate_hz
    if facts.is_variable_rate:
        found.append(f"variable frame rate, {measured:.2f} Hz on average")
    elif claimed > 0 and measured > 0 and abs(claimed / measured - 1) > _LARGEST_RATE_ERROR and not facts.num_lost:
        found.append(f"says {claimed:.2f} Hz and has {measured:.2f} Hz")
    if 0 < measured < _SMALLEST_RATE_HZ:
        found.append(f"only {measured:.1f} frames a second: frames are repeated")
    shortfall = facts.duration_claimed_seconds - facts.duration_seconds
    if abs(shortfall) > _LARGEST_DURATION_ERROR_SECONDS:
        found.append(f"says {facts.duration_claimed_seconds:.1f} s and lasts {facts.duration_seconds:.1f} s")
    return found


def _picture_warnings(facts: FileFacts) -> list[str]:
    found = []
    if facts.longest_frozen_seconds > _LONGEST_FROZEN_SECONDS:
        found.append(f"the picture stands still for {facts.longest_frozen_seconds:.1f} s")
    if facts.black_seconds > _LONGEST_BLACK_SECONDS:
        found.append(f"black for {facts.black_seconds:.1f} s")
    if facts.num_video_streams > 1:
        found.append(f"{facts.num_video_streams} video streams; the largest is used, {facts.width}x{facts.height}")
    return found


def _notes(facts: FileFacts) -> list[str]:
    notes = []
    if facts.is_interlaced:
        notes.append("interlaced: is deinterlaced")
    elif facts.field_order_claimed not in ("", "progressive", "unknown"):
        notes.append("says interlaced, is not")
    if facts.rotation_degrees:
        notes.append(f"turned by {facts.rotation_degrees} degrees, as its flag asks")
    if facts.colourless_seconds > 0:
        notes.append(f"without colour (infrared?) for {facts.colourless_seconds:.0f} s")
    if facts.pixel_aspect not in ("1:1", "0:1"):
        notes.append(f"pixels of {facts.pixel_aspect}")
    return notes


def judge_recording(item: Recording, views: Sequence[Recording], files: Sequence[FileFacts]) -> Verdict:
    """Return whether a recording can be used: the worst verdict of its files, what they say, and what is its own.

    Args:
        item: one view of a seizure.
        views: all views of that seizure.
        files: the files of the view, in order.

    """
    verdicts = [judge(facts) for facts in files]
    word = max((verdict.word for verdict in verdicts), key=FROM_BEST.index)
    names = [f"{facts.video}: " if len(files) > 1 else "" for facts in files]
    reasons = [name + one for name, verdict in zip(names, verdicts, strict=True) for one in verdict.reasons]
    end_seconds = sum(facts.duration_seconds for facts in files)
    if word != UNUSABLE and (item.offset_seconds or 0.0) > end_seconds + LONGEST_SHORTFALL_SECONDS:
        if (item.offset_seconds or 0.0) > end_seconds + LONGEST_SHORTFALL_SECONDS + _longest_pauses_seconds(files):
            return Verdict(UNUSABLE, (f"the offset is after the end of the film, at {end_seconds:.2f} s", *reasons), ())
        reasons.append(
            f"its files last {end_seconds:.2f} s in all, and the offset is later: time is missing between them, or the "
            "film ends too early; the contact sheet shows which"
        )
    shown = (item.video, item.crop, item.mask)
    same = [other.view for other in views if other.view != item.view and (other.video, other.crop, other.mask) == shown]
    if same:
        reasons.append(f"the same picture as {', '.join(same)}: give each view its crop")
    return Verdict(WARNINGS if word == GOOD and reasons else word, tuple(reasons), ())


def _longest_pauses_seconds(files: Sequence[FileFacts]) -> float:
    """Return how much time may be missing between the files at most: an MPEG clock runs on from one to the next."""
    return LONGEST_GAP_SECONDS * sum(facts.container in _BROADCASTS for facts in files[1:])


def facts_from(values: dict[str, Any]) -> FileFacts:
    """Return the facts that `seizures.settings.canonical` made plain."""
    numbers = {field.name for field in dataclasses.fields(FileFacts) if field.type == "float"}
    plain: dict[str, Any] = {name: float(value) if name in numbers else value for name, value in values.items()}
    return FileFacts(**plain)


def table_rows(files: Sequence[FileFacts]) -> list[dict[str, str]]:
    """Return one row of text per file: the verdict first, then every fact."""
    rows = []
    for facts in files:
        verdict = judge(facts)
        row = {"video": facts.video, "verdict": verdict.word}
        row |= {"reasons": "; ".join(verdict.reasons), "notes": "; ".join(verdict.notes)}
        row |= {field.name: _text(getattr(facts, field.name)) for field in dataclasses.fields(facts)[2:]}
        rows.append(row)
    return rows


def write_table(path: Path, files: Sequence[FileFacts]) -> None:
    """Write the rows as CSV."""
    rows = table_rows(files)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["video", "verdict", "reasons"])
        writer.writeheader()
        writer.writerows(rows)


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)
