"""One film in two rows: under two patients, in two seizures of one, or as two views that are the same picture.

A patient who is trained on under one id and scored under another makes every score too good. So one content under two
patients is a fault, also where the windows do not overlap: the film of one patient that stands under a second id is far
more likely than two patients in one film, and a laboratory that has those says so.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from seizures.manifest.faults import Fault
from seizures.manifest.film_names import split_stream
from seizures.manifest.recordings import Recording


def shared_film_faults(
    recordings: Iterable[Recording], contents: Mapping[str, str], *, between_patients: bool = True
) -> Iterator[Fault]:
    """Yield a fault for each row that shows what an earlier row shows, and must not; the first such row is named.

    Args:
        recordings: those that are not skipped, with times in seconds.
        contents: what is in each film, by its name in the manifest: two films with one text are copies.
        between_patients: whether patients who share a film are a fault.

    """
    recordings = list(recordings)
    for recording in recordings:
        if len({contents[piece] for piece in recording.video}) < len(recording.video):
            yield Fault(recording.row, "video", "", "holds two films of the same content; name each piece once")
    named = set()
    for one, other in _pairs(recordings, contents):
        fault = _fault(one, other, contents)
        is_allowed = one.patient_id != other.patient_id and not between_patients
        if fault is not None and not is_allowed and (fault.row, fault.column) not in named:
            named.add((fault.row, fault.column))
            yield fault


def _fault(one: Recording, other: Recording, contents: Mapping[str, str]) -> Fault | None:
    if one.patient_id != other.patient_id:
        return _between_patients(one, other, contents)
    if one.seizure_id != other.seizure_id:
        return _between_seizures(one, other, contents)
    if _picture(one, contents) != _picture(other, contents):
        return None
    problem = f"and {one.view} (row {one.row}) are the same picture: same film, window, crop and mask"
    return Fault(other.row, "view", other.view, f"{problem}; name the other camera's film, or remove a row")


def patients_sharing(recordings: Iterable[Recording], contents: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the pairs of patients who share a film, each once, in the order of the manifest."""
    pairs = ((one.patient_id, other.patient_id) for one, other in _pairs(recordings, contents))
    return list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))


def _pairs(recordings: Iterable[Recording], contents: Mapping[str, str]) -> Iterator[tuple[Recording, Recording]]:
    """Yield every two rows that have a film in common, the earlier one first, each two once."""
    rows_with: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        for content in dict.fromkeys(contents[piece] for piece in recording.video):
            rows_with[content].append(recording)
    seen = set()
    for rows in rows_with.values():
        for one, other in itertools.combinations(rows, 2):
            if (one.row, other.row) not in seen:
                seen.add((one.row, other.row))
                yield one, other


def _between_patients(one: Recording, other: Recording, contents: Mapping[str, str]) -> Fault:
    mine = {contents[piece] for piece in one.video}
    piece = next(piece for piece in other.video if contents[piece] in mine)
    windows = {True: ", and the windows overlap", False: ", in another window", None: ""}
    problem = (
        f"is the film of patient {one.patient_id} in row {one.row}{windows[_overlap(one, other, contents)]}; give one "
        "patient one id, or name the right film. If both are in the film, say why in [Dataset] allow_shared_films"
    )
    return Fault(other.row, "video", repr(piece), problem)


def _between_seizures(one: Recording, other: Recording, contents: Mapping[str, str]) -> Fault | None:
    if not _overlap(one, other, contents):
        return None
    labels = f"; the labels contradict: {one.label} there, {other.label} here" if one.label != other.label else ""
    if _window(one) == _window(other):
        problem = f"is the film and window of {one.name} (row {one.row}): one seizure under two ids{labels}; remove one"
    else:
        problem = f"overlaps with {one.name} (row {one.row}) in the same film{labels}; mend the times or the film"
    return Fault(other.row, "onset_seconds", f"{other.name} from {_told(other)}", problem)


def _told(recording: Recording) -> str:
    start, end = _window(recording)
    return f"{start:g} s to {'the end' if math.isinf(end) else f'{end:g} s'}"


def _window(recording: Recording) -> tuple[float, float]:
    end = recording.offset_seconds
    return recording.onset_seconds or 0.0, math.inf if end is None else end


def _overlap(one: Recording, other: Recording, contents: Mapping[str, str]) -> bool | None:
    """Tell whether two windows overlap; None where the films before the common one differ, so that the clocks do."""
    ours, theirs = ([contents[piece] for piece in item.video] for item in (one, other))
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False))
    if not any(True for _ in same):
        return None
    (start, end), (other_start, other_end) = _window(one), _window(other)
    return start < other_end and other_start < end


def _picture(recording: Recording, contents: Mapping[str, str]) -> tuple[object, ...]:
    streams = [split_stream(Path(piece))[1] for piece in recording.video]
    films = [(contents[piece], stream) for piece, stream in zip(recording.video, streams, strict=True)]
    return films, _window(recording), recording.crop, recording.mask
