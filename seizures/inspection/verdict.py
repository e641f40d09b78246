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

from seizures.files.spreadsheet import harmless_cell
from seizures.manifest.recordings import Recording

GOOD, WARNINGS, UNUSABLE = "good", "usable with warnings", "unusable"
FROM_BEST = (GOOD, WARNINGS, UNUSABLE)

_LONGEST_FROZEN_SECONDS = 2.0
_LONGEST_BLACK_SECONDS = 1.0
_LARGEST_RATE_ERROR = 0.02
_LARGEST_DURATION_ERROR_SECONDS = 1.0
_SMALLEST_RATE_HZ = 14.5
_LARGEST_LEAD_SECONDS = 0.1
LONGEST_WAY_SECONDS = 60.0  # to a window, from the key frame before it, that needs no word
_LARGEST_COMBED_SHARE = 0.25  # of the moving frames of a film that counts as progressive


@dataclasses.dataclass(frozen=True)
class FileFacts:
    """One file: `claimed` is the header's word, the rest was found by decoding. NaN and 0 are what a file leaves open.

    `num_lost`, `num_damaged`, `num_gaps` and `num_reversals` are those of `seizures.video.blocks.WindowFacts`; a
    duplicate equals the frame before it, and a frozen stretch is made of duplicates; colourless is grey, as infrared
    is. `transfer` is HLG or PQ, `orientation` what the display matrix asks for, `picture_changes` what size, pixel
    shape or orientation become later on, `streams` which of several videos is used, `raw_rate` where the rate of a
    stream without a container comes from; each is empty where there is nothing to say. `num_combed` of the
    `num_moving` frames that were looked at all over the film show combing; `interlaced` is what decoding decides.

    Of the time: `sound_lead_seconds` is how much later the picture starts than the sound; `num_long_stays` pictures
    stay longer than those around them because the next one is late or was never recorded; `num_disbelieved` stamps are
    wrong; the clock starts again `num_restarts` times; from `keyless_from_seconds` on it is longest to the next key
    frame.
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
    transfer: str = ""
    pixel_aspect: str = "1:1"
    orientation: str = ""
    picture_changes: str = ""
    streams: str = ""
    raw_rate: str = ""
    start_time: str = ""
    field_order_claimed: str = ""
    interlaced: str = ""
    num_moving: int = 0
    num_combed: int = 0
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
    is_stamped_by_decoding: bool = False
    sound_lead_seconds: float = 0.0
    rate_changes: str = ""
    num_long_stays: int = 0
    longest_stay_seconds: float = 0.0
    longest_stay_at_seconds: float = 0.0
    num_repeated_stamps: int = 0
    num_disbelieved: int = 0
    num_restarts: int = 0
    first_restart_seconds: float = math.nan
    keyless_from_seconds: float = 0.0
    keyless_seconds: float = 0.0
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


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a recording in RunAll; `problem` says why it is excluded, and is empty where it is used."""

    problem: str = ""
    num_snippets: int = 0
    num_invalid_snippets: int = 0
    duration_seconds: float = 0.0


def judge(facts: FileFacts) -> Verdict:
    """Return whether a file can be used; notes are what the software takes care of by itself.

    Unusable is a file of which not one frame can be shown. Whether a seizure in it can be used is the recording's
    verdict (`judge_recording`), by the rules of RunAll.
    """
    if not facts.num_frames:
        return Verdict(UNUSABLE, (facts.error or "not one frame can be decoded",), ())
    warnings = [f"readable up to {facts.duration_seconds:.2f} s, then: {facts.error}"] if facts.error else []
    warnings += [*_damage_warnings(facts), *_time_warnings(facts), *_picture_warnings(facts)]
    return Verdict(WARNINGS if warnings else GOOD, tuple(warnings), tuple(_notes(facts)))


def _damage_warnings(facts: FileFacts) -> list[str]:
    found = []
    if facts.num_lost or facts.num_damaged:
        where = "" if math.isnan(facts.first_damage_seconds) else f" from {facts.first_damage_seconds:.2f} s on"
        num_wanted = facts.num_frames + facts.num_lost
        parts = [f"{facts.num_lost} of {num_wanted} frames lost"] if facts.num_lost else []
        parts += [f"{facts.num_damaged} damaged"] if facts.num_damaged else []
        found.append(f"damaged{where}: {', '.join(parts)}; seizures there are excluded unless [Frames] damaged = mask")
    return found


def _time_warnings(facts: FileFacts) -> list[str]:
    found = []
    if facts.num_gaps:
        found.append(f"time is missing in {_times(facts.num_gaps, 'place')}, {facts.gap_seconds:.1f} s in all")
    if facts.num_reversals:
        found.append(f"the clock runs backwards {_times(facts.num_reversals, 'time')}")
    if facts.num_restarts:
        restarts = _times(facts.num_restarts, "time")
        found.append(
            f"its clock starts again {restarts}, first at {facts.first_restart_seconds:.2f} s "
            "(joined files?): times go on counting from the first picture"
        )
    if facts.sound_lead_seconds > _LARGEST_LEAD_SECONDS:
        found.append(
            f"the picture starts {facts.sound_lead_seconds:.2f} s after the sound: times of the manifest count from "
            "the first picture, those of a player from the sound"
        )
    claimed, measured = facts.frame_rate_claimed_hz, facts.frame_rate_hz
    if facts.rate_changes:
        found.append(f"the frame rate changes {facts.rate_changes}: the time stamps count")
    elif facts.is_variable_rate:
        found.append(f"variable frame rate, {measured:.2f} Hz on average")
    elif claimed > 0 and measured > 0 and abs(claimed / measured - 1) > _LARGEST_RATE_ERROR and not facts.num_lost:
        found.append(f"header says {claimed:.2f} Hz, measured {measured:.2f} Hz: the time stamps count")
    if 0 < measured < _SMALLEST_RATE_HZ:
        found.append(f"only {measured:.1f} frames a second: frames are repeated")
    shortfall = facts.duration_claimed_seconds - facts.duration_seconds
    if abs(shortfall) > _LARGEST_DURATION_ERROR_SECONDS and not facts.error:
        found.append(f"header says {facts.duration_claimed_seconds:.1f} s, measured {facts.duration_seconds:.1f} s")
    return found


def _picture_warnings(facts: FileFacts) -> list[str]:
    found = []
    if facts.longest_frozen_seconds > _LONGEST_FROZEN_SECONDS:
        found.append(f"the picture stands still for {facts.longest_frozen_seconds:.1f} s")
    if facts.black_seconds > _LONGEST_BLACK_SECONDS:
        found.append(f"black for {facts.black_seconds:.1f} s")
    if facts.streams and "#" not in facts.video:
        found.append(f"{facts.streams}; the manifest can name another, as {facts.video}#1")
    if facts.picture_changes:
        found.append(f"the picture changes: {facts.picture_changes}; crop and mask are scaled with it")
    if "no quarter turn" in facts.orientation:
        found.append(f"shown {facts.orientation}")
    if not facts.is_interlaced and facts.num_combed > _LARGEST_COMBED_SHARE * facts.num_moving:
        found.append(
            f"{facts.num_combed} of {facts.num_moving} moving frames are combed, and the film counts as progressive; "
            "look at the contact sheet, and set [Frames] deinterlace = always if it is interlaced"
        )
    return found


def _notes(facts: FileFacts) -> list[str]:
    notes = []
    if facts.is_stamped_by_decoding:
        notes.append("its time stamps are those of decoding: pictures are timed by the order in which they are decoded")
    if facts.num_long_stays:
        notes.append(
            f"{_times(facts.num_long_stays, 'picture')} shown longer than usual, "
            f"at most {facts.longest_stay_seconds:.2f} s (at {facts.longest_stay_at_seconds:.2f} s): "
            "the next one is late or was never recorded"
        )
    if facts.num_repeated_stamps:
        repeated = _times(facts.num_repeated_stamps, "time stamp")
        notes.append(f"{repeated} repeated: of pictures at one time, the last is seen")
    if facts.num_disbelieved:
        notes.append(f"{_times(facts.num_disbelieved, 'time stamp')} far off and not believed")
    if facts.num_corrupt_packets and not (facts.num_lost or facts.num_damaged):
        notes.append(
            f"{_times(facts.num_corrupt_packets, 'packet')} called damaged by the container (joined files?), "
            "and every picture is sound"
        )
    if way := describe_long_way(facts):
        notes.append(way)
    if facts.is_interlaced:
        notes.append(f"deinterlaced ({facts.interlaced.partition(': ')[2]})")
    elif facts.field_order_claimed not in ("", "progressive", "unknown"):
        notes.append("header says interlaced, but no combing: not deinterlaced")
    if facts.orientation and "no quarter turn" not in facts.orientation:
        notes.append(f"{facts.orientation} (display matrix)")
    if facts.transfer:
        notes.append(f"high dynamic range ({facts.transfer}): tone-mapped to BT.709")
    if facts.raw_rate:
        notes.append(facts.raw_rate)
    if facts.streams and "#" in facts.video:
        notes.append(facts.streams)
    if facts.colourless_seconds > 0:
        notes.append(f"without colour (infrared?) for {facts.colourless_seconds:.0f} s")
    if facts.pixel_aspect not in ("1:1", "0:1"):
        notes.append(f"pixels of {facts.pixel_aspect}: stretched to their shape on the screen")
    return notes


def describe_long_way(facts: FileFacts, from_seconds: float | None = None) -> str:
    """Say what it costs to come to a window behind a long stretch without a key frame; empty where it costs little.

    Args:
        facts: of the file.
        from_seconds: where in the file the window starts; None asks for the worst.

    """
    first, length = facts.keyless_from_seconds, facts.keyless_seconds
    way = length if from_seconds is None else from_seconds - first
    if not LONGEST_WAY_SECONDS < way <= length:
        return ""
    reach = "up to " if from_seconds is None else ""
    return (
        f"no key frame from {first:.0f} s to {first + length:.0f} s: a window there is decoded from {first:.0f} s on, "
        f"{reach}{way:.0f} s of film before its onset"
    )


def judge_recording(
    item: Recording, views: Sequence[Recording], files: Sequence[FileFacts], outcome: Outcome
) -> Verdict:
    """Return whether RunAll uses a recording, and what its files say.

    Args:
        item: one view of a seizure.
        views: all views of that seizure.
        files: the files of the view, in order.
        outcome: what became of its window, decoded as RunAll decodes it.

    """
    verdicts = [judge(facts) for facts in files]
    names = [f"{facts.video}: " if len(files) > 1 else "" for facts in files]
    reasons = [name + one for name, verdict in zip(names, verdicts, strict=True) for one in verdict.reasons]
    if outcome.problem:
        said = (outcome.problem, *(reason for reason in reasons if reason not in outcome.problem))
        return Verdict(UNUSABLE, said, ())
    if outcome.num_invalid_snippets:
        share = f"{outcome.num_invalid_snippets} of {outcome.num_snippets} snippets"
        reasons.insert(0, f"{share} touch damaged or missing frames and are not used")
    shapes = {name: _shape(facts) for name, facts in zip(names, files, strict=True)}
    if len(set(shapes.values())) > 1:
        reasons.append(
            f"the picture changes between its files ({', '.join(f'{name}{shape}' for name, shape in shapes.items())}): "
            "each is shown in its own shape, and crop and mask are scaled"
        )
    shown = (item.video, item.crop, item.mask)
    same = [other.view for other in views if other.view != item.view and (other.video, other.crop, other.mask) == shown]
    if same:
        reasons.append(f"the same picture as {', '.join(same)}: give each view its crop")
    return Verdict(WARNINGS if reasons else GOOD, tuple(reasons), ())


def _shape(facts: FileFacts) -> str:
    pixels = "" if facts.pixel_aspect == "1:1" else f" with pixels of {facts.pixel_aspect}"
    return f"{facts.width}x{facts.height}{pixels}{f', {facts.orientation}' if facts.orientation else ''}"


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
        writer.writerows({name: harmless_cell(str(value)) for name, value in row.items()} for row in rows)


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)
