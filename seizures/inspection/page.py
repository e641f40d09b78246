"""The page on which an engineer approves the videos: a verdict per file, a contact sheet per recording."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from seizures.files import template
from seizures.inspection.verdict import GOOD, UNUSABLE, WARNINGS, FileFacts, Verdict, judge, table_rows

_STYLES = {UNUSABLE: "unusable", WARNINGS: "warned", GOOD: "good"}


@dataclasses.dataclass(frozen=True)
class RecordingLook:
    """A recording on the page: its contact sheet (PNG), or none. `words` say window and boxes."""

    name: str
    words: str
    sheet: Path | None
    verdict: Verdict


def write_page(
    path: Path,
    files: Sequence[FileFacts],
    recordings: Sequence[RecordingLook],
    excluded: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the page: one file, with its pictures inside, that asks no network; the worst files come first.

    Args:
        path: where to write.
        files: what was found in every file.
        recordings: the recordings, in the order of the manifest.
        excluded: names of the seizures that manifest and settings exclude, each with the reason.

    """
    order = list(_STYLES)
    entries = [
        {"facts": facts, "verdict": judge(facts), "rows": list(row.items())[4:]}
        for facts, row in zip(files, table_rows(files), strict=True)
    ]
    for entry in entries:
        entry["style"] = _STYLES[entry["verdict"].word]  # type: ignore[attr-defined]
    entries.sort(key=lambda entry: order.index(entry["verdict"].word))  # type: ignore[attr-defined]
    words = [entry["verdict"].word for entry in entries]  # type: ignore[attr-defined]
    template.write_page(
        path,
        "seizures.inspection",
        "inspection.html.j2",
        num_files=len(files),
        counts=[(word, style, words.count(word)) for word, style in reversed(_STYLES.items())],
        files=entries,
        excluded=excluded,
        recordings=[
            {"look": item, "picture": _data_uri(item.sheet), "style": _STYLES[item.verdict.word]} for item in recordings
        ],
    )


def _data_uri(picture: Path | None) -> str:
    if picture is None:
        return ""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")
