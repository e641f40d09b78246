"""What the rows of a manifest say of each other: repeated views, two spellings of an id, views that disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from seizures.manifest import spelling
from seizures.manifest.faults import Fault, shown
from seizures.manifest.table import ID_COLUMNS, TIME_COLUMNS, value_text

if TYPE_CHECKING:
    from seizures.manifest.recordings import Recording


def compare_rows(recordings: Iterable[Recording], bad_cells: set[tuple[int, str]]) -> Iterator[Fault]:
    """Yield the faults of rows that do not fit each other; rows whose ids are in `bad_cells` are left out.

    Ids that differ only in case, punctuation or leading zeros are taken for one: they are one patient, or a trap.
    """
    spellings: dict[tuple[str, ...], dict[str, Recording]] = {}
    first_with: dict[tuple[str, ...], Recording] = {}
    first_used: dict[tuple[str, ...], Recording] = {}
    for recording in recordings:
        if any((recording.row, name) in bad_cells for name in ID_COLUMNS):
            continue
        ids = [spelling.plain(getattr(recording, name)) for name in ID_COLUMNS]
        known = [spellings.setdefault(tuple(ids[:depth]), {}) for depth in (1, 2, 3)]
        clash = next((found for found in map(_spelling_fault, ID_COLUMNS, known, [recording] * 3) if found), None)
        for name, spelt in zip(ID_COLUMNS, known, strict=True):
            spelt.setdefault(getattr(recording, name), recording)
        if clash:
            yield clash
            continue
        seizure, view = recording.id[:2], tuple(recording.id)
        first = first_with.setdefault(seizure, recording)
        same_view = first_with.setdefault(view, recording)
        if same_view is not recording:
            yield Fault(recording.row, "", recording.name, f"is already in row {same_view.row}; one row per view")
            continue
        yield from _disagreements(recording, first, ("label", "dealing_order"), bad_cells)
        if recording.use != "skip":
            yield from _time_disagreements(recording, first_used.setdefault(seizure, recording), bad_cells)


def _spelling_fault(name: str, known: dict[str, Recording], recording: Recording) -> Fault | None:
    found = getattr(recording, name)
    if found in known:
        return None
    for other, row in known.items():
        kind = spelling.difference(found, other)
        if kind:
            problem = f"and {shown(other)} (row {row.row}) differ in {kind} only; use one spelling"
            return Fault(recording.row, name, shown(found), problem)
    return None


def _disagreements(
    recording: Recording, first: Recording, names: Sequence[str], bad_cells: set[tuple[int, str]]
) -> Iterator[Fault]:
    """Compare a view with the first view of its seizure."""
    for name in names:
        value, other = getattr(recording, name), getattr(first, name)
        if value != other and not {(recording.row, name), (first.row, name)} & bad_cells:
            said = value_text(value, recording.has_clock_times)
            problem = f"but {value_text(other, first.has_clock_times)} in row {first.row}; "
            yield Fault(recording.row, name, said, problem + "the views of one seizure share label and times")


def _time_disagreements(recording: Recording, first: Recording, bad_cells: set[tuple[int, str]]) -> Iterator[Fault]:
    """Compare the times of two views of a seizure, which must also be written in one way."""
    is_mixed = recording.has_clock_times != first.has_clock_times
    is_sound = not {(item.row, "onset_seconds") for item in (recording, first)} & bad_cells
    if is_mixed and is_sound and recording.onset_seconds is not None and first.onset_seconds is not None:
        kinds = ("is a clock time", "seconds") if recording.has_clock_times else ("is in seconds", "a clock time")
        value = value_text(recording.onset_seconds, recording.has_clock_times)
        problem = f"{kinds[0]}, but row {first.row} has {kinds[1]}; write all times of a seizure in one way"
        yield Fault(recording.row, "onset_seconds", value, problem)
        return
    yield from _disagreements(recording, first, TIME_COLUMNS, bad_cells)
