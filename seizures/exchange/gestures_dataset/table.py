"""The table of the authors' public dataset (doi 10.5522/04/14781771), `seizures.csv`: who, which label, which views.

The label is whether `OnsetClonic` has a value. `GTCS`, which looks like it, disagrees for some seizures; `RatioGTCS` is
the onset of the clonic phase as a share of the duration. Both ids are text, with their leading zeros.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seizures.errors import FeatureFileError
from seizures.features.validation import FAULT, WARNING, Finding
from seizures.manifest.faults import shown
from seizures.manifest.identity import SeizureId
from seizures.manifest.table import id_problem, read_table

TABLE_NAME = "seizures.csv"
REQUIRED = ("Subject", "Seizure", "OnsetClonic")
COLUMNS = (*REQUIRED, "GTCS", "RatioGTCS", "Duration", "Discard")
LABELS = ("FOS", "TCS")
VIEWS = {"L": "large", "S": "small"}
DISCARDS: Mapping[str, Mapping[str, str]] = {
    "": {"large": "all", "small": "all"},
    "Large": {"large": "evaluate", "small": "all"},
    "Small": {"large": "all", "small": "evaluate"},
    "Yes": {"large": "skip", "small": "skip"},
}
_EMPTY = {"", "nan", "na", "n/a", "none", "null"}
_TRUE, _FALSE = {"1", "1.0", "true", "yes", "y"}, {"0", "0.0", "false", "no", "n"}


@dataclasses.dataclass(frozen=True)
class TableRow:
    """One seizure of the table; `clonic_ratio` and `duration_seconds` are None where the table has no number."""

    patient_id: str
    seizure_id: str
    label: str
    uses: Mapping[str, str]
    reason: str
    clonic_ratio: float | None
    duration_seconds: float | None

    @property
    def id(self) -> SeizureId:
        """Return patient and seizure."""
        return SeizureId(self.patient_id, self.seizure_id)

    @property
    def name(self) -> str:
        """Name the seizure as files do."""
        return self.id.name


def read_seizures(path: Path) -> tuple[tuple[TableRow, ...], list[Finding]]:
    """Read the table; a row that cannot be used is a finding and no row.

    Raises:
        FeatureFileError: a column is missing or there twice.
        ManifestError: it is no table.

    """
    header_row, header, table = read_table(path)
    missing = [name for name in REQUIRED if name not in header]
    twice = [name for name in COLUMNS if header.count(name) > 1]
    if missing or twice:
        problem = f"no column {', '.join(missing)}" if missing else f"column {', '.join(twice)} is there twice"
        found = ", ".join(name or "(unnamed)" for name in header)
        raise FeatureFileError(f"{path.name}: row {header_row}: {problem}; found {found}")
    rows, findings = [], list[Finding]()
    groups: dict[SeizureId, list[tuple[int, dict[str, str]]]] = defaultdict(list)
    for number, cells in table:
        record = {name: _cell(cells, header, name) for name in COLUMNS}
        wrong = [f"{name} {shown(record[name])} {p}" for name in REQUIRED[:2] if (p := id_problem(record[name]))]
        if wrong:
            findings.append(Finding(TABLE_NAME, f"row {number}", FAULT, f"left out: {'; '.join(wrong)}"))
        else:
            groups[SeizureId(record["Subject"].casefold(), record["Seizure"].casefold())].append((number, record))
    for same in groups.values():
        number, record = same[0]
        name = SeizureId(record["Subject"], record["Seizure"]).name
        numbers = ", ".join(str(other) for other, _ in same)
        if any(other != record for _, other in same):
            problem = f"left out: rows {numbers} are of this seizure, and differ"
            findings.append(Finding(TABLE_NAME, name, FAULT, problem))
            continue
        if len(same) > 1:
            findings.append(Finding(TABLE_NAME, name, WARNING, f"rows {numbers} are the same; one is taken"))
        rows.append(_row(record))
        findings += [Finding(TABLE_NAME, name, WARNING, f"row {number}: {what}") for what in _disagreements(record)]
    return tuple(rows), findings


def _cell(cells: Sequence[str], header: Sequence[str], name: str) -> str:
    at = header.index(name) if name in header else len(cells)
    text = cells[at] if at < len(cells) else ""
    return "" if name not in REQUIRED[:2] and text.casefold() in _EMPTY else text


def _row(record: Mapping[str, str]) -> TableRow:
    discard = record["Discard"].title()
    uses = DISCARDS.get(discard, DISCARDS[""])
    return TableRow(
        patient_id=record["Subject"],
        seizure_id=record["Seizure"],
        label=LABELS[bool(record["OnsetClonic"])],
        uses=uses,
        reason=f"Discard = {discard}" if discard and discard in DISCARDS else "",
        clonic_ratio=_number(record["RatioGTCS"]),
        duration_seconds=_number(record["Duration"]),
    )


def _disagreements(record: Mapping[str, str]) -> Iterator[str]:
    """Say where the other columns of a row disagree with the label, or hold what is not known."""
    is_tcs = bool(record["OnsetClonic"])
    told = f"taken as {LABELS[is_tcs]}, since OnsetClonic {'has a value' if is_tcs else 'is empty'}"
    gtcs = record["GTCS"].casefold()
    if gtcs in _TRUE | _FALSE and (gtcs in _TRUE) != is_tcs:
        yield f"GTCS = {record['GTCS']}; {told}"
    elif gtcs and gtcs not in _TRUE | _FALSE:
        yield f"GTCS = {shown(record['GTCS'])} is neither true nor false; {told}"
    ratio = _number(record["RatioGTCS"])
    if record["RatioGTCS"] and (ratio is None or not 0 <= ratio < 1):
        yield f"RatioGTCS = {shown(record['RatioGTCS'])} is no share of the duration; the clonic onset is not known"
    elif ratio is not None and not is_tcs:
        yield f"RatioGTCS = {record['RatioGTCS']}; {told}"
    if record["Duration"] and _number(record["Duration"]) is None:
        yield f"Duration = {shown(record['Duration'])} is not a number of seconds"
    if record["Discard"].title() not in DISCARDS:
        known = ", ".join(name for name in DISCARDS if name)
        yield f"Discard = {shown(record['Discard'])} is none of {known}; both views are taken"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
