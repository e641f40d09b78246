"""The manifest as a table of text: the CSV that people save, its header, and what each cell may hold.

`seizures.manifest.recordings` makes recordings of it.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from seizures.errors import ManifestError
from seizures.files.text import decode_text, strip_edges
from seizures.manifest.faults import Fault, shown

ID_COLUMNS = ("patient_id", "seizure_id", "view")
REQUIRED_COLUMNS = (*ID_COLUMNS, "video", "label")
TIME_COLUMNS = ("onset_seconds", "offset_seconds", "clonic_onset_seconds")
BOX_COLUMNS = ("crop", "mask")
PATIENT_COLUMNS = ("site", "age_band", "sex")  # one value a patient
DESCRIPTIVE_COLUMNS = (*PATIENT_COLUMNS, "state")  # whom and what a row shows; no stage before the scores reads them
COLUMNS = (*REQUIRED_COLUMNS, *TIME_COLUMNS, "use", "reason", *BOX_COLUMNS, "dealing_order", *DESCRIPTIVE_COLUMNS)
USES = ("all", "evaluate", "skip")
SEPARATORS = (",", ";", "\t")
MAX_ID_LENGTH = 64
MAX_DESCRIPTION_LENGTH = 80
MAX_FILE_BYTES = 2**26

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # device names of Windows
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{0,6})?)")
_LABEL = re.compile(r"[^\W_][\w .()+-]{0,39}")
_ORDER = re.compile(r"[a-z]{0,16}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOX = re.compile(r"([0-9]{1,6})\s*,\s*([0-9]{1,6})\s*,\s*([0-9]{1,6})\s*,\s*([0-9]{1,6})")
_BARE_TIME = re.compile(r"(onset|offset|clonic|clonic_?onset)_?(s|sec|secs|second|seconds|ms|min|time|frame)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_END = "end of manifest"
_MAX_TITLES = 20  # lines above the header
_FEWEST_KNOWN = 3  # columns, in a header below titles
_EXCEL_DATE = re.compile(
    r"[0-9]{1,2}[-. ]{1,2}(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mrz|mai|okt|dez|janv|fevr|avr|juin|juil|aout"
    r"|ene|abr|ago|dic)\.?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mrz|mai|okt|dez)[-. ]{1,2}[0-9]{2}",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(r"[0-9][.,]?[0-9]*E\+[0-9]{2}", re.IGNORECASE)


def read_table(path: Path) -> tuple[int, list[str], list[tuple[int, list[str]]]]:
    """Return the header's row number, its names, and (row number, cells) of every row that is not blank.

    The header is the first row that names columns which are known. Titles above it, and Excel's own line `sep=;`, are
    passed over.
    """
    text = _read_text(path)
    lines = text.splitlines()[:_MAX_TITLES]

    def num_known(line: str, separator: str) -> int:
        cells = next(csv.reader([line[:10_000]], delimiter=separator, skipinitialspace=True), [])
        return len({strip_edges(name) for name in cells} & set(COLUMNS))

    found = max(
        ((num_known(line, mark), line.count(mark), mark) for line in lines for mark in SEPARATORS), default=None
    )
    separator = found[2] if found and found[0] else _most_used(text)
    # An open quotation mark swallows all that follows, which would lose rows silently: the last line tells.
    file = io.StringIO(f"{text}\n{_END}", newline="")
    try:
        records = list(enumerate(csv.reader(file, delimiter=separator, skipinitialspace=True), start=1))
    except csv.Error as error:
        raise ManifestError(f"{path}: not a table: {error}") from error
    last_row, last_cells = records.pop()
    if last_cells != [_END]:
        raise ManifestError(f"{path}: 1 fault\n  row {last_row}: a quotation mark is opened and never closed")
    table = [(row, [strip_edges(cell) for cell in cells]) for row, cells in records]
    table = [(row, cells) for row, cells in table if any(cells)]
    at = next((at for at, (_, cells) in enumerate(table[:_MAX_TITLES]) if _is_header(cells)), 0)
    table = table[at:]
    if len(table) < 2:
        said = "the file is empty" if not table else "there is a header and no row below it"
        raise ManifestError(f"{path}: {said}; expected one row per camera view of a seizure")
    header_row, header = table[0]
    return header_row, header, table[1:]


def _is_header(cells: Sequence[str]) -> bool:
    return len(set(cells) & set(COLUMNS)) >= _FEWEST_KNOWN


def _most_used(text: str) -> str:
    """Return the separator that the first line has most of, where no line names a column that is known."""
    first = next((line for line in text.splitlines() if line.strip()), "")[:10_000]
    return max(SEPARATORS, key=first.count)


def _read_text(path: Path) -> str:
    hint = "save it from the spreadsheet as `CSV UTF-8`"
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ManifestError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, which is no manifest")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: no such file; the manifest lists the videos, see the README") from error
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        if content.startswith(b"PK\x03\x04"):
            raise ValueError("not a text file, but a spreadsheet")
        return decode_text(content)
    except ValueError as error:
        raise ManifestError(f"{path}: {error}; {hint}") from error


def mend_header(
    row: int, header: Sequence[str], required: Sequence[str] = REQUIRED_COLUMNS
) -> tuple[list[str], list[Fault]]:
    """Find unknown columns that probably mean a known one, missing columns, and known columns that stand there twice.

    Returns:
        The header with the names that were meant, so that the cells can be checked all the same, and the faults.

    """
    near = {name: known for name in header if (known := _nearest_column(name, header))}
    faults = [Fault(row, "", shown(name), f"is not a column; did you mean {known}?") for name, known in near.items()]
    meant = [near[name] if name in near and near[name] not in header else name for name in header]
    missing = [name for name in required if name not in meant]
    if missing:
        found = ", ".join(name for name in header if name)
        faults.append(Fault(row, "", "", f"no column {', '.join(missing)}; found {shown(found)}"))
    for name in COLUMNS:
        if meant.count(name) > 1:
            faults.append(Fault(row, name, "", f"there are {meant.count(name)} columns of this name"))
    return meant, faults


def name_cells(
    header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]
) -> tuple[dict[int, dict[str, str]], list[Fault]]:
    """Return row number -> column -> text, and the rows whose cells do not fit the header (which are left out).

    Spreadsheets drop empty cells at the end of a row: those are empty. A column that is not known has its cells too,
    unless it has no name or shares it with another.
    """
    positions = {name: header.index(name) for name in COLUMNS if name in header}
    positions |= {name: at for at, name in enumerate(header) if name and header.count(name) == 1}
    records, faults = {}, []
    for row, cells in rows:
        if any(cells[len(header) :]):
            problem = f"more cells than the {len(header)} of the header; put quotation marks around a cell with commas"
            faults.append(Fault(row, "", "", problem))
        else:
            records[row] = {name: cells[at] if at < len(cells) else "" for name, at in positions.items()}
    return records, faults


def _nearest_column(name: str, header: Sequence[str]) -> str | None:
    """Return the known column that `name` probably means, None where it is known itself or far from all.

    Near is one letter out of place (two in a name of ten or more), whatever the case, spaces, `-` and `_`; and a time
    without its unit, such as `onset`, where the column that it might mean is absent. `site`, `sex` and `state` are one
    letter from columns that a laboratory may well have (`side`, `stage`): only their case and marks are mended.
    """
    if name in COLUMNS:
        return None
    plain = re.sub(r"[\W_]", "", name.lower())
    near = [
        (misplaced, known in header, known)
        for known in COLUMNS
        if plain and (misplaced := _num_misplaced(plain, known.replace("_", ""))) <= _most_misplaced(known)
    ]
    if near:
        return min(near)[2]
    if match := _BARE_TIME.fullmatch(re.sub(r"\W+", "_", name.lower()).strip("_")):
        known = {"onset": "onset_seconds", "offset": "offset_seconds"}.get(match[1], "clonic_onset_seconds")
        return known if known not in header else None
    return None


def _most_misplaced(known: str) -> int:
    if known in DESCRIPTIVE_COLUMNS and len(known) < 6:
        return 0
    return 2 if len(known) >= 10 else 1


def _num_misplaced(one: str, other: str) -> int:
    """Count the letters to insert, drop, change or swap with a neighbour."""
    matches = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return max(len(one), len(other)) - sum(match.size for match in matches)


def cell_checks(labels: Sequence[str], *, needs_labels: bool = True) -> dict[str, Callable[[str], str | None]]:
    """Return a function per column, from the text of a cell to what is wrong with it, None where nothing is.

    Unless it `needs_labels`, the cell of a label may be empty.
    """
    known = labels if needs_labels else (*labels, "")
    return {
        **dict.fromkeys(ID_COLUMNS, id_problem),
        **dict.fromkeys(TIME_COLUMNS, _time_problem),
        **dict.fromkeys(BOX_COLUMNS, _box_problem),
        **dict.fromkeys(DESCRIPTIVE_COLUMNS, _description_problem),
        "video": _pieces_problem,
        "label": lambda text: None if as_one_line(text) in known else f"is not a label; expected {' or '.join(labels)}",
        "dealing_order": lambda text: (
            None if _ORDER.fullmatch(text) else "expected letters as ImportFeatures writes them"
        ),
        "use": lambda text: None if text in ("", *USES) else f"expected {', '.join(USES)} or nothing",
    }


def column_faults(
    records: Mapping[int, Mapping[str, str]], checks: Mapping[str, Callable[[str], str | None]]
) -> list[Fault]:
    """Check each cell by itself; faults come by row and column."""
    return [
        Fault(row, name, shown(record[name]), problem)
        for row, record in records.items()
        for name, check in sorted(checks.items())
        if (problem := check(record[name])) is not None
    ]


def parse_seconds(text: str) -> float | None:
    """Return the seconds that a cell holds, of a clock time those since midnight; None where empty or at fault."""
    if match := _CLOCK.fullmatch(text):
        return 3600.0 * int(match[1]) + 60.0 * int(match[2]) + float(match[3])
    return float(text) if text and _time_problem(text) is None else None


def is_clock_time(text: str) -> bool:
    """Tell whether a cell holds, or tries to hold, a clock time."""
    return ":" in text


def clock_text(seconds: float) -> str:
    """Return the clock time of seconds since midnight, of whichever day, as `08:15:30.5`."""
    minutes, rest = divmod(round(seconds, 3) % 86_400, 60)
    text = f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{rest:06.3f}"
    return text.rstrip("0").rstrip(".") if text.endswith("0") else text


def value_text(value: object, is_clock_time: bool = False) -> str:
    """Return a value of a recording for a message."""
    if is_clock_time and isinstance(value, float):
        return clock_text(value)
    return "empty" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def as_one_line(text: str) -> str:
    """Return text with single spaces between its words, of whatever kind and number they were."""
    return " ".join(text.split())


def parse_box(text: str) -> tuple[int, int, int, int] | None:
    """Return left, top, width and height; None where the cell is empty or has a fault."""
    match = _BOX.fullmatch(text)
    return (int(match[1]), int(match[2]), int(match[3]), int(match[4])) if match else None


def id_problem(text: str) -> str | None:
    """Return what is wrong with an id of a patient, seizure or view; None where nothing is."""
    if not text:
        return "is empty; write it in every row (merged cells of a spreadsheet keep it in the first row only)"
    if _EXCEL_DATE.fullmatch(text) or _SCIENTIFIC.fullmatch(text):
        return (
            "is what a spreadsheet makes of an id such as 1-2 or 1E5; format the column as text and type the id again"
        )
    if not _ID.fullmatch(text):
        return "is not an id; expected letters, digits, - _ . and no point at the start"
    if text.startswith("-"):
        return "begins as a formula does; put a letter or digit before the -"
    if _RESERVED.fullmatch(text) or text.endswith("."):
        return "cannot name a file on Windows; choose another id"
    return None if len(text) <= MAX_ID_LENGTH else f"is too long; expected at most {MAX_ID_LENGTH} letters"


def label_problem(text: str) -> str | None:
    """Return what is wrong with a label; None where nothing is."""
    wanted = "at most 40 letters, digits, spaces and . ( ) + - _, the first a letter or digit"
    return None if _LABEL.fullmatch(text) and text == as_one_line(text) else f"cannot be a label; expected {wanted}"


def _time_problem(text: str) -> str | None:
    if text and re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text):
        return "has a decimal comma; write a decimal point"
    if is_clock_time(text):
        if re.fullmatch(r"[0-9:]*,[0-9]+", text):
            return "has a decimal comma; write a decimal point"
        return None if _CLOCK.fullmatch(text) else "is not a clock time; expected hh:mm:ss or hh:mm:ss.sss of 24 hours"
    if text and not (_NUMBER.fullmatch(text) and math.isfinite(float(text))):
        return "is not a number of seconds"
    return "is before the first frame of the video; expected 0 or more" if text and float(text) < 0 else None


def _box_problem(text: str) -> str | None:
    if not text:
        return None
    match = _BOX.fullmatch(text)
    if not match or 0 in (int(match[3]), int(match[4])):
        return "is not a region; expected left,top,width,height in whole pixels, e.g. 0,0,800,450"
    return None


def _description_problem(text: str) -> str | None:
    if _EXCEL_DATE.fullmatch(text):
        return "is what a spreadsheet makes of a range such as 10-12; format the column as text and type it again"
    if _CONTROL.search(as_one_line(text)):
        return "holds a control character"
    is_long = len(as_one_line(text)) > MAX_DESCRIPTION_LENGTH
    return f"is too long; expected at most {MAX_DESCRIPTION_LENGTH} letters" if is_long else None


def _pieces_problem(text: str) -> str | None:
    pieces = [piece.strip() for piece in text.split(";")] if text else []
    if _CONTROL.search(text):
        return "holds a control character or a line break"
    if not all(pieces):
        return "holds an empty path; expected paths separated by single ;"
    return "names a file twice" if len(set(pieces)) < len(pieces) else None
