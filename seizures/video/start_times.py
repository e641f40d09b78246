"""Clock times of the manifest, put on the clock of the video: here, and nowhere else.

A file says when it starts by a tag: `com.apple.quicktime.creationdate` (local, with its zone) before `creation_time`
(UTC) before `date` (local). Which tag a container has is libavformat's matter. MPEG streams (.mpg, .ts) have none.
Time codes are not believed: most of them start at 0 or 1 h, whatever the hour.

A start time is a date, and so stands in no message.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import math
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path

from seizures.errors import SettingsError, VideoError
from seizures.manifest.faults import Fault, fault_lines
from seizures.manifest.recordings import Recording
from seizures.manifest.table import clock_text

_TAGS = ("com.apple.quicktime.creationdate", "creation_time", "date")
_LATEST_SECONDS = 23 * 3600.0  # after the start; a time of day further on is taken for one before the start
_MIDNIGHT = datetime.time()
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_NO_START = "does not say when it starts; write seconds since its first frame"


@dataclasses.dataclass(frozen=True)
class FilmStart:
    """When a film starts, in ISO 8601 as its file says it; or why that is not known."""

    text: str = ""
    problem: str = ""


def find_zone(name: str) -> datetime.tzinfo:
    """Return a time zone by its name, such as `UTC` or `Europe/London`.

    Raises:
        SettingsError: this machine knows no such zone.

    """
    try:
        return datetime.timezone.utc if name == "UTC" else zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"{name}: wanted a time zone by its name, such as UTC or Europe/London") from error


def read_start(path: Path) -> FilmStart:
    """Ask a file when it starts. A header may crash or hang the decoder: see `seizures.processes.decoder`."""
    import av  # who works with clock times alone needs no decoder

    from seizures.video.containers import open_film, require_regular

    try:
        require_regular(path)
        with path.open("rb", buffering=0) as file, open_film(file) as container:
            streams = [stream.metadata for stream in container.streams.video]
            tags = [{key.lower(): value for key, value in said.items()} for said in (container.metadata, *streams)]
    except VideoError as error:
        return FilmStart(problem=f"{str(error).removeprefix(f'{path.name}: ')}; set use = skip")
    except (av.FFmpegError, OSError) as error:
        return FilmStart(problem=f"cannot be opened as a video ({error.strerror}); repair it or set use = skip")
    texts = (said[tag] for tag in _TAGS for said in tags if tag in said)
    text = next((text for text in texts if _parsed(text) is not None), "")
    return FilmStart(text, "" if text else _NO_START)


def _parsed(text: str) -> datetime.datetime | None:
    """Return a moment, without a zone where the text has none; None for a date without a time of day.

    Nor is a date believed that no recording has: a clock that nobody set, or one that Python cannot count on from.
    """
    if len(text) <= len("2020-01-01"):
        return None
    text = text[:-1] + "+00:00" if text.endswith("Z") else text
    if len(text) > 5 and text[-5] in "+-" and text[-4:].isdigit():
        text = f"{text[:-2]}:{text[-2:]}"  # Apple's +0200, which Python reads from 3.11 on
    # Python reads other fractions than three or six digits from 3.11 on.
    text = re.sub(r"\.(\d{1,6})\d*", lambda fraction: f".{fraction[1]:0<6}", text)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def resolve(
    recordings: Iterable[Recording], starts: Mapping[str, FilmStart], zone: datetime.tzinfo
) -> tuple[tuple[Recording, ...], list[str]]:
    """Put the clock times of recordings that are not skipped on the clocks of their videos.

    A time of day is the first moment after the start of the first file at which a clock in `zone` showed it, so that
    midnight, and the hour that comes twice in autumn, are where they should be. Offset and clonic onset stay as far
    from the onset as the manifest has them.

    Args:
        recordings: of a manifest.
        starts: of the first file of each recording that has clock times, by its name in the manifest.
        zone: of the manifest's clock times, and of start times that do not say theirs.

    Returns:
        The recordings in their order, and a line for each fault, with its rows.

    """
    resolved, faults = list[Recording](), list[Fault]()
    for item in recordings:
        found = _resolved(item, starts, zone)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            resolved.append(found)
    return tuple(resolved), fault_lines(faults)


def _resolved(item: Recording, starts: Mapping[str, FilmStart], zone: datetime.tzinfo) -> Recording | Fault:
    if not item.has_clock_times or item.use == "skip":
        return item
    if not item.video:
        return Fault(item.row, "onset_seconds", "", "is a clock time, and there is no video that it belongs to")
    said = starts[item.video[0]]
    moment = _parsed(said.text)
    if said.problem or moment is None:
        return Fault(
            item.row, "onset_seconds", "", f"is a clock time, and {item.video[0]!r} {said.problem or _NO_START}"
        )
    start = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    clock_onset = item.onset_seconds or 0.0
    onset, is_skipped = _seconds_after(start, clock_onset, zone)
    if onset > _LATEST_SECONDS:
        problem = f"is before {item.video[0]!r} starts (or 23 h after it); is [Dataset] time_zone right?"
        if is_skipped:
            problem = "is in the hour that the clocks skipped that night; is [Dataset] time_zone right?"
        return Fault(item.row, "onset_seconds", clock_text(clock_onset), problem)
    local = start.astimezone(zone)
    return dataclasses.replace(
        item,
        onset_seconds=onset,
        offset_seconds=_moved(item.offset_seconds, onset - clock_onset),
        clonic_onset_seconds=_moved(item.clonic_onset_seconds, onset - clock_onset),
        has_clock_times=False,
        starts_at_seconds=(local.replace(tzinfo=None) - datetime.datetime.combine(local, _MIDNIGHT)).total_seconds(),
    )


def _moved(seconds: float | None, by_seconds: float) -> float | None:
    return None if seconds is None else round(seconds + by_seconds, 6)


def _seconds_after(start: datetime.datetime, seconds_of_day: float, zone: datetime.tzinfo) -> tuple[float, bool]:
    """Return how long after `start` a clock in `zone` showed a time of day for the first time.

    Infinity where it did not within a day. The second value tells whether it would have, had the clocks not been put
    forward over it.
    """
    midnight = datetime.datetime.combine(start.astimezone(zone), _MIDNIGHT)
    utc = datetime.timezone.utc
    shown, skipped = list[float](), list[float]()
    for days, fold in itertools.product((0, 1), (0, 1)):
        wanted = midnight + datetime.timedelta(days=days, seconds=seconds_of_day)
        moment = wanted.replace(tzinfo=zone, fold=fold).astimezone(utc)
        is_shown = moment.astimezone(zone).replace(tzinfo=None) == wanted
        (shown if is_shown else skipped).append((moment - start).total_seconds())
    return (
        min((after for after in shown if after >= 0), default=math.inf),
        any(0 <= after <= _LATEST_SECONDS for after in skipped),
    )
