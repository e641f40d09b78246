"""The manifest: one row per camera view of one seizure (docs: the format of data_manifest.csv).

`read_manifest` reports all the faults of a file in one message, with row numbers as a person sees them (the header is
row 1). Nothing here imports pandas: planning reads the manifest in every run.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from seizures.errors import ManifestError
from seizures.manifest.comparisons import compare_rows
from seizures.manifest.descriptions import description_faults
from seizures.manifest.faults import Fault, fault_lines, fault_message, shown
from seizures.manifest.film_names import split_stream
from seizures.manifest.identity import RecordingId, SeizureId
from seizures.manifest.table import (
    COLUMNS,
    DESCRIPTIVE_COLUMNS,
    REQUIRED_COLUMNS,
    TIME_COLUMNS,
    as_one_line,
    cell_checks,
    column_faults,
    is_clock_time,
    mend_header,
    name_cells,
    parse_box,
    parse_seconds,
    read_table,
    value_text,
)

__all__ = [
    "Box",
    "Recording",
    "Seizure",
    "check_videos",
    "examine_manifest",
    "group_seizures",
    "read_manifest",
    "resolve_videos",
]


_DAY_SECONDS = 86_400.0
_LONGEST_BY_CLOCK_SECONDS = _DAY_SECONDS / 2  # an offset further behind its onset is before it, and a mistake


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle of the source picture, in its pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Recording:
    """One camera view of one seizure: one row of the manifest.

    Times are seconds on the clock of the video, whose first frame is at 0; None is the start (onset) or the end
    (offset) of the video. `video` holds the pieces of one continuous film in order, and is empty where features are
    imported. `row` is the row of the manifest. `dealing_order` is the place of imported features among others: letters
    that sort, or nothing.

    Where `has_clock_times`, the row gives clock times, and all three times are seconds since the midnight before the
    onset until `seizures.video.start_times.resolve` puts them on the video's clock. It leaves `starts_at_seconds`, the
    time of day of the first frame.

    `descriptions` holds the text of site, age_band, sex, state and of every column that is not known, by name, where
    the manifest has that column; `seizures.manifest.descriptions.column_values` gives them by seizure. They stand in
    no key of decoding, features, folds or training, and rows that differ in them alone are equal.
    """

    patient_id: str
    seizure_id: str
    view: str
    video: tuple[str, ...]
    onset_seconds: float | None
    offset_seconds: float | None
    label: str
    clonic_onset_seconds: float | None
    use: str
    reason: str
    crop: Box | None
    mask: Box | None
    row: int
    has_clock_times: bool = False
    starts_at_seconds: float | None = None
    dealing_order: str = ""
    descriptions: tuple[tuple[str, str], ...] = dataclasses.field(default=(), compare=False)

    @property
    def id(self) -> RecordingId:
        """Return patient, seizure and view."""
        return RecordingId(self.patient_id, self.seizure_id, self.view)

    @property
    def name(self) -> str:
        """Name the recording as files do, e.g. `P01+01+large`."""
        return self.id.name


@dataclasses.dataclass(frozen=True)
class Seizure:
    """One seizure: its views that are not skipped (at least one), which share label and times.

    Clock times become other seconds in each view whose film starts at another moment. Those of the seizure are then
    its first view's by name, whatever the order of the rows, as the film that stands for it is.
    """

    patient_id: str
    seizure_id: str
    label: str
    recordings: tuple[Recording, ...]

    @property
    def id(self) -> SeizureId:
        """Return patient and seizure."""
        return SeizureId(self.patient_id, self.seizure_id)

    @property
    def name(self) -> str:
        """Name the seizure as files do, e.g. `P01+01`."""
        return self.id.name

    @functools.cached_property
    def _first_view(self) -> Recording:
        return min(self.recordings, key=lambda item: item.view)

    @property
    def onset_seconds(self) -> float | None:
        """Return the clinical onset; None is the start of the video."""
        return self._first_view.onset_seconds

    @property
    def offset_seconds(self) -> float | None:
        """Return the clinical offset; None is the end of the video."""
        return self._first_view.offset_seconds

    @property
    def clonic_onset_seconds(self) -> float | None:
        """Return the onset of the clonic phase, where it is known."""
        return self._first_view.clonic_onset_seconds

    @property
    def dealing_order(self) -> str:
        """Return the place of imported features among others; empty where the manifest states none."""
        return self.recordings[0].dealing_order

    @property
    def duration_seconds(self) -> float | None:
        """Return the time from onset to offset; None where the seizure lasts to the end of the video."""
        if self.offset_seconds is None:
            return None
        return self.offset_seconds - (self.onset_seconds or 0.0)


def read_manifest(
    path: str | Path,
    *,
    labels: Sequence[str] = ("FOS", "TCS"),
    for_training: bool = True,
    needs_labels: bool = True,
) -> tuple[Recording, ...]:
    """Read and check a manifest; videos are checked by `check_videos`.

    Args:
        path: CSV in UTF-8 with or without BOM, separated by commas, semicolons or tabs.
        labels: labels that a seizure may have; only the second one may have a clonic onset.
        for_training: refuse a manifest without seizures of both labels; a part of a cohort may have one only.
        needs_labels: refuse a row without a label; of a seizure that is asked about, none is known.

    Returns:
        One recording per row, in the order of the file, skipped ones included.

    Raises:
        ManifestError: the message lists all faults of the file, with their rows.

    """
    recordings, faults = examine_manifest(path, labels=labels, for_training=for_training, needs_labels=needs_labels)
    if faults:
        raise ManifestError(fault_message(path, fault_lines(faults), num_faults=len(faults)))
    return recordings


def examine_manifest(
    path: str | Path,
    *,
    labels: Sequence[str] = ("FOS", "TCS"),
    for_training: bool = True,
    needs_labels: bool = True,
) -> tuple[tuple[Recording, ...], list[Fault]]:
    """Read a manifest as `read_manifest` does, and return its recordings with its faults; a wrong cell is as if empty.

    Raises:
        ManifestError: it is no table, so that there are no rows.

    """
    path = Path(path)
    header_row, names, rows = read_table(path)
    required = [name for name in REQUIRED_COLUMNS if needs_labels or name != "label"]
    header, faults = mend_header(header_row, names, required)
    records, ragged = name_cells(header, rows)
    checks = {name: check for name, check in cell_checks(labels, needs_labels=needs_labels).items() if name in header}
    faults += [*ragged, *column_faults(records, checks)]
    bad_cells = {(fault.row, fault.column) for fault in faults}
    recordings = tuple(_recording(row, record) for row, record in records.items())
    mixed = list(_kind_faults(records, bad_cells))
    faults += mixed
    bad_cells |= {(fault.row, name) for fault in mixed for name in TIME_COLUMNS}
    faults += _row_faults(recordings, bad_cells, labels)
    if all(name in header for name in required):
        faults += compare_rows(recordings, bad_cells)
        faults += description_faults(recordings, bad_cells)
    if for_training and needs_labels and not faults:  # one mistyped label would otherwise be reported twice
        faults += _whole_faults(recordings, labels)
    return recordings, faults


def group_seizures(recordings: Iterable[Recording]) -> tuple[Seizure, ...]:
    """Join the views that are not skipped to seizures, in the order of the manifest."""
    groups: dict[SeizureId, list[Recording]] = defaultdict(list)
    for recording in recordings:
        if recording.use != "skip":
            groups[recording.id.seizure].append(recording)
    return tuple(Seizure(*seizure, views[0].label, tuple(views)) for seizure, views in groups.items())


def resolve_videos(recording: Recording, video_root: str | Path) -> tuple[Path, ...]:
    """Return the files of a recording, in order; `.` and `..` are resolved in the text, links are not followed."""
    return tuple(Path(os.path.normpath(Path(video_root) / piece)) for piece in recording.video)


def check_videos(recordings: Iterable[Recording], video_root: str | Path, *, allow_outside: bool = False) -> list[str]:
    """Return one line per fault of `video_faults`, with the rows that it concerns."""
    return fault_lines(video_faults(recordings, video_root, allow_outside=allow_outside))


def video_faults(
    recordings: Iterable[Recording], video_root: str | Path, *, allow_outside: bool = False
) -> Iterator[Fault]:
    """Look for the videos of all recordings that are not skipped.

    A video must lie in `video_root` unless `allow_outside`, and so must the file to which a link in it points.
    """
    for recording in recordings:
        if recording.use == "skip":
            continue
        if not recording.video:
            yield Fault(recording.row, "video", "", "empty; expected a path below video_root")
        for piece, path in zip(recording.video, resolve_videos(recording, video_root), strict=True):
            problem = _video_problem(piece, path, Path(video_root), allow_outside)
            if problem:
                # The value is part of the problem, so that rows that share a film share a line.
                yield Fault(recording.row, "video", "", f"{piece!r} {problem}")


def _video_problem(piece: str, path: Path, video_root: Path, allow_outside: bool) -> str | None:
    path, _ = split_stream(path)
    root, absolute = os.path.abspath(video_root), os.path.abspath(path)  # noqa: PTH100 - must not follow links
    if not allow_outside and not Path(absolute).is_relative_to(root):
        return f"lies outside video_root {video_root}; move it there, or allow videos outside in the settings"
    if not allow_outside and path.exists() and not path.resolve().is_relative_to(Path(root).resolve()):
        return f"is a link out of video_root {video_root}; move the file there, or allow videos outside in the settings"
    if not path.is_file():
        hint = "; write / between folders" if "\\" in piece else ""
        return f"{'is not a file' if path.exists() else 'does not exist'} in video_root {video_root}{hint}"
    return None if os.access(path, os.R_OK) else "cannot be read; check its permissions"


def _recording(row: int, record: Mapping[str, str]) -> Recording:
    """Convert a row; a cell with a fault becomes None, and the caller raises in the end."""
    onset, offset, clonic = (parse_seconds(record.get(name, "")) for name in TIME_COLUMNS)
    has_clock_times = any(is_clock_time(record.get(name, "")) for name in TIME_COLUMNS)
    if has_clock_times and onset is not None:
        offset, clonic = (_not_before(onset, seconds) for seconds in (offset, clonic))
    crop, mask = (parse_box(record.get(name, "")) for name in ("crop", "mask"))
    return Recording(
        patient_id=record.get("patient_id", ""),
        seizure_id=record.get("seizure_id", ""),
        view=record.get("view", ""),
        video=tuple(piece.strip() for piece in record.get("video", "").split(";") if piece.strip()),
        onset_seconds=onset,
        offset_seconds=offset,
        label=as_one_line(record.get("label", "")),
        clonic_onset_seconds=clonic,
        use=record.get("use", "") or "all",
        reason=record.get("reason", ""),
        crop=Box(*crop) if crop else None,
        mask=Box(*mask) if mask else None,
        row=row,
        has_clock_times=has_clock_times,
        dealing_order=record.get("dealing_order", ""),
        descriptions=tuple(
            (name, as_one_line(text))
            for name, text in record.items()
            if name in DESCRIPTIVE_COLUMNS or name not in COLUMNS
        ),
    )


def _not_before(onset: float, seconds: float | None) -> float | None:
    """Put a time of day on the day after the onset's where it is earlier than the onset: midnight was between."""
    return seconds if seconds is None or seconds >= onset else seconds + _DAY_SECONDS


def _kind_faults(records: Mapping[int, Mapping[str, str]], bad_cells: set[tuple[int, str]]) -> Iterator[Fault]:
    """Find rows that mix seconds and clock times, and clock times without the onset that they are measured from."""
    for row, record in records.items():
        cells = {name: record[name] for name in TIME_COLUMNS if record.get(name)}
        clocks = [name for name, text in cells.items() if is_clock_time(text)]
        if not clocks or any((row, name) in bad_cells for name in TIME_COLUMNS):
            continue
        if len(clocks) < len(cells):
            other = next(name for name in cells if name not in clocks)
            problem = f"is a clock time, but {other} is in seconds; write all times of a seizure in one way"
            yield Fault(row, clocks[0], shown(cells[clocks[0]]), problem)
        elif "onset_seconds" not in cells:
            yield Fault(row, "onset_seconds", "", f"empty, but {clocks[0]} is a clock time; expected that of the onset")


def _row_faults(
    recordings: Iterable[Recording], bad_cells: set[tuple[int, str]], labels: Sequence[str]
) -> Iterator[Fault]:
    """Check the order of the times of each row, and that only the second label has a clonic phase."""
    for recording in recordings:
        onset, offset, clonic = (getattr(recording, name) for name in TIME_COLUMNS)
        bad = [(recording.row, name) in bad_cells for name in (*TIME_COLUMNS, "label")]
        end = offset or ((onset or 0.0) + _LONGEST_BY_CLOCK_SECONDS if recording.has_clock_times else math.inf)
        start, said = onset or 0.0, functools.partial(value_text, is_clock_time=recording.has_clock_times)
        if offset is not None and not any(bad[:2]) and not _is_later(offset, start, recording):
            problem = "is not after the onset"
            problem += " (nor up to 12 h after it, past midnight)" if recording.has_clock_times else ""
            yield Fault(recording.row, "offset_seconds", f"{said(offset)} (onset_seconds {said(start)})", problem)
        elif clonic is not None and not any(bad[:3]) and not start <= clonic < end:
            value = f"{said(clonic)} (from {said(start)} to {'the end' if offset is None else said(offset)})"
            yield Fault(recording.row, "clonic_onset_seconds", value, "is not between onset and offset")
        if clonic is not None and not bad[3] and recording.label not in (*labels[1:2], ""):
            problem = f"cannot have a clonic onset; only {' '.join(labels[1:2]) or 'a second label'} can"
            yield Fault(recording.row, "clonic_onset_seconds", recording.label, problem)


def _is_later(offset: float, onset: float, recording: Recording) -> bool:
    longest = _LONGEST_BY_CLOCK_SECONDS if recording.has_clock_times else math.inf
    return 0 < offset - onset <= longest


def _whole_faults(recordings: Iterable[Recording], labels: Sequence[str]) -> Iterator[Fault]:
    found = list(dict.fromkeys(recording.label for recording in recordings if recording.use != "skip"))
    if not found:
        yield Fault(0, "use", "", "every row is skipped")
    elif len(found) == 1:
        yield Fault(0, "label", "", f"every seizure is {found[0]}; a classifier needs {' and '.join(labels)}")
