"""What the manifest says of patients and seizures besides films and labels: site, age_band, sex, state, any column."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from seizures.errors import ManifestError
from seizures.manifest.faults import Fault, fault_lines, fault_message, shown
from seizures.manifest.identity import SeizureId
from seizures.manifest.table import DESCRIPTIVE_COLUMNS, ID_COLUMNS, PATIENT_COLUMNS

if TYPE_CHECKING:
    from seizures.manifest.recordings import Recording

_MOST_ROWS = 8


def description_columns(recordings: Iterable[Recording]) -> tuple[str, ...]:
    """Return the names of the columns whose values `column_values` gives, in the order of the manifest."""
    return tuple(dict.fromkeys(name for item in recordings for name, _ in item.descriptions))


def column_values(recordings: Iterable[Recording], name: str) -> dict[SeizureId, str]:
    """Return what a column says of each seizure, skipped ones included: `site`, `age_band`, `sex`, `state`, any other.

    A blank cell says nothing: the seizure then has the value of its other views, and for site, age_band and sex that
    of the patient's other rows. A seizure of which no row says anything has "".

    Raises:
        ManifestError: the manifest has no such column; or the views of a seizure have different values.

    """
    recordings = tuple(recordings)
    known = description_columns(recordings)
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        guess = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
        raise ManifestError(f"{name!r} is not a column of the manifest that describes patients or seizures; {guess}")
    faults = list(_contradictions(recordings, name))
    if faults:
        lines = fault_lines(faults)
        raise ManifestError(fault_message(f"column {name} of the manifest", lines, num_faults=len(faults)))
    by_whom = {_whom(item, name): text for item in recordings if (text := _text(item, name))}
    return {item.id.seizure: by_whom.get(_whom(item, name), "") for item in recordings}


def description_faults(recordings: Sequence[Recording], bad_cells: set[tuple[int, str]]) -> Iterator[Fault]:
    """Yield contradictions in site, age_band, sex and state, and values that differ in case only.

    Rows with a fault in their ids, or in the cell itself, are left out.
    """
    for name in DESCRIPTIVE_COLUMNS:
        sound = [
            item
            for item in recordings
            if not any((item.row, column) in bad_cells for column in (*ID_COLUMNS, name)) and _text(item, name)
        ]
        contradictions = list(_contradictions(sound, name))
        yield from contradictions or _two_spellings(sound, name)


def _text(item: Recording, name: str) -> str:
    return dict(item.descriptions).get(name, "")


def _whom(item: Recording, name: str) -> Hashable:
    """Return whom a value of this column is of: the patient, or the seizure."""
    return item.patient_id if name in PATIENT_COLUMNS else item.id.seizure


def _contradictions(recordings: Iterable[Recording], name: str) -> Iterator[Fault]:
    """Yield one fault for each patient, or each seizure, that has more than one value, with all its rows."""
    rows: dict[Hashable, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for item in recordings:
        if text := _text(item, name):
            rows[_whom(item, name)][text].append(item.row)
    for whom, by_value in rows.items():
        if len(by_value) > 1:
            said = " and ".join(f"{shown(text)} ({_rows(numbers)})" for text, numbers in by_value.items())
            kind = "seizure" if isinstance(whom, SeizureId) else "patient"
            id_text = whom.name if isinstance(whom, SeizureId) else str(whom)
            first = min(number for numbers in by_value.values() for number in numbers)
            yield Fault(first, name, "", f"{kind} {id_text} has {said}; expected one value per {kind}")


def _two_spellings(recordings: Iterable[Recording], name: str) -> Iterator[Fault]:
    first: dict[str, tuple[str, int]] = {}
    for item in recordings:
        text = _text(item, name)
        other, row = first.setdefault(text.casefold(), (text, item.row))
        if other != text:
            yield Fault(item.row, name, shown(text), f"and {shown(other)} (row {row}) differ in case; use one spelling")


def _rows(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _MOST_ROWS} more" if len(numbers) > _MOST_ROWS else ""
    return ("row " if len(numbers) == 1 else "rows ") + ", ".join(map(str, numbers[:_MOST_ROWS])) + more
