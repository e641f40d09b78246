"""What is wrong in a manifest, with its rows, and the one message that says all of it."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

MAX_LINES = 20


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong in one cell: `problem` is the same text for the same mistake elsewhere, `value` is the cell's."""

    row: int
    column: str
    value: str
    problem: str


def fault_lines(faults: Iterable[Fault]) -> list[str]:
    """Describe faults in the order of their rows, one line for one mistake however many rows repeat it."""
    groups: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in sorted(faults, key=lambda fault: fault.row):
        groups[fault.column, fault.problem].append(fault)
    lines = []
    for (column, problem), alike in groups.items():
        rows = list(dict.fromkeys(fault.row for fault in alike))
        where = "rows " + ", ".join(map(str, rows[:5])) if len(rows) > 1 else f"row {rows[0]}"
        where += f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        values = list(dict.fromkeys(fault.value for fault in alike))
        value = values[0] + (" and others" if len(values) > 1 else "")
        place = ", ".join(part for part in (where if rows[0] else "", column) if part)
        lines.append(": ".join(part for part in (place, f"{value} {problem}".strip()) if part))
    return lines


def fault_message(source: str | Path, lines: Sequence[str], *, num_faults: int | None = None) -> str:
    """Make one message of the faults of `source`: a heading and at most 20 lines."""
    count = len(lines) if num_faults is None else num_faults
    shown = [f"  {line}" for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        shown.append(f"  and {len(lines) - MAX_LINES} more")
    return "\n".join([f"{source}: {count} fault{'s' if count != 1 else ''}", *shown])


def shown(text: str) -> str:
    """Quote the text of a cell for a message, shortened."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
