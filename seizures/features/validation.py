"""Whether one feature file is sound: its structure, its checksums, and whether its values can be what they claim.

`examine` looks at one file in this process. A file from elsewhere is examined by `seizures.processes.examiner`, in a
process of its own with bounds on memory and time, since a damaged file can make the HDF5 library itself stumble.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from seizures.errors import FeatureFileError
from seizures.features import checksum
from seizures.features.file import FeatureFile, FeatureView, open_features
from seizures.features.hdf5_structure import HDF5_ERRORS, structure_faults
from seizures.features.schema import NOT_KNOWN, FeatureHeader
from seizures.manifest.table import USES, id_problem, label_problem
from seizures.settings import digest

FAULT, WARNING = "fault", "warning"
BLOCK_BYTES = 2**24
MAX_FEATURE = 1e6
MAX_RATE_HZ = 1000.0
MAX_HOURS = 24
TIME_TOLERANCE_SECONDS = 1e-6
DURATION_TOLERANCE_SECONDS = 1.0
MAX_REPEATED = 0.5
# What a recipe states in words; empty where a file does not say.
STATED = ("preprocessing", "deinterlace", "precision")
# Features that differ in one of these were made in different ways. The first decide what a number means; the last
# ones, what time is.
COMPARED = ("network", "weights_sha256", *STATED, "feature_dim", "frames_per_snippet", "stride_frames")
COMPARED_ALWAYS = ("feature_dim", "frames_per_snippet", "frame_rate_hz")

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,80}")


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong (`fault`), or may be (`warning`), where in which file."""

    file: str
    place: str
    severity: str
    problem: str


@dataclasses.dataclass(frozen=True)
class ViewSummary:
    """What a view of an examined file says of itself; times are on the file's clock, None where not known."""

    use: str
    num_snippets: int
    feature_dim: int
    onset_seconds: float | None
    offset_seconds: float | None
    clonic_onset_seconds: float | None


@dataclasses.dataclass(frozen=True)
class FileSummary:
    """What an examined file says of itself: who, and how its features were made."""

    patient_id: str
    seizure_id: str
    label: str
    network: str
    weights_sha256: str
    stated: Mapping[str, str]
    frames_per_snippet: int
    stride_frames: int
    frame_rate_hz: float
    views: Mapping[str, ViewSummary]

    @property
    def feature_dim(self) -> int:
        """D, which the views share."""
        return next(iter(self.views.values())).feature_dim

    @property
    def made(self) -> dict[str, Any]:
        """All that must be the same in features that are used together."""
        names = dict.fromkeys((*COMPARED, *COMPARED_ALWAYS))
        return {name: self.stated[name] if name in STATED else getattr(self, name) for name in names}


@dataclasses.dataclass(frozen=True)
class Examined:
    """The outcome for one file: what it says of itself (None where it cannot be read), and what was found."""

    path: str
    summary: FileSummary | None
    findings: tuple[Finding, ...]


def examine(path: str | os.PathLike[str], *, thorough: bool = True) -> Examined:
    """Examine one file in this process, all of it or (not `thorough`) its structure and header; nothing is raised."""
    text = os.fspath(path)
    faults = structure_faults(path)
    if faults:
        return Examined(text, None, tuple(Finding(text, "", FAULT, fault) for fault in faults))
    try:
        with open_features(path) as file:
            summary = summarise(file)
            findings = [Finding(text, *found) for found in (_findings(file) if thorough else ())]
    except (FeatureFileError, *HDF5_ERRORS) as error:
        problem = str(error).removeprefix(f"{text}: ") or type(error).__name__
        return Examined(text, None, (Finding(text, "", FAULT, problem),))
    return Examined(text, summary, tuple(findings))


def summarise(file: FeatureFile) -> FileSummary:
    """Return what an open file says of itself."""
    views = {
        name: ViewSummary(
            use=str(view.attributes.get("use", "all")),
            num_snippets=view.num_snippets,
            feature_dim=view.feature_dim,
            **{key: _seconds(view, key) for key in ("onset_seconds", "offset_seconds", "clonic_onset_seconds")},
        )
        for name, view in file.views.items()
    }
    return FileSummary(
        patient_id=str(file.patient_id),
        seizure_id=str(file.seizure_id),
        label=str(file.label),
        network=str(file.network),
        weights_sha256=str(file.weights_sha256),
        stated={name: str(file.recipe.get(name, "")) for name in STATED},
        frames_per_snippet=int(file.frames_per_snippet),
        stride_frames=int(file.stride_frames),
        frame_rate_hz=float(file.frame_rate_hz),
        views=views,
    )


def differences(made: Iterable[tuple[str, Mapping[str, Any]]], *, allow_mixed: bool = False) -> list[str]:
    """Say in which ways features were made differently, one line for each thing that differs, with who has what.

    Args:
        made: pairs of a name (of a file, or of the settings) and what `FileSummary.made` returns.
        allow_mixed: let all differ but the number of features, the snippet's length and the clock.

    """
    pairs = list(made)
    lines = []
    for name in COMPARED_ALWAYS if allow_mixed else dict.fromkeys((*COMPARED, *COMPARED_ALWAYS)):
        values: dict[Any, list[str]] = {}
        for who, what in pairs:
            values.setdefault(what.get(name, ""), []).append(who)
        if len(values) > 1:
            shown = (f"{value or 'not stated'} ({len(who)}: {who[0]} ...)" for value, who in values.items())
            lines.append(f"{name}: {'; '.join(itertools.islice(shown, 6))}")
    return lines


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as a table of text, a line each, faults first."""
    if not findings:
        return ""
    rows = sorted(findings, key=lambda found: (found.severity != FAULT, found.file))
    cells = [("", "file", "place", "problem"), *((row.severity, row.file, row.place, row.problem) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return "\n".join("  ".join([*(row[k].ljust(widths[k]) for k in range(3)), row[3]]).rstrip() for row in cells) + "\n"


def _findings(file: FeatureFile) -> Iterator[tuple[str, str, str]]:
    header = file.header
    stated = file.file_sha256
    if stated is None:
        yield "", FAULT, f"attribute {checksum.ATTRIBUTE} is missing: damage to the file would go unnoticed"
    elif not checksum.is_intact(file.path, stated):
        yield "", FAULT, f"damaged: its bytes do not have the checksum that it states ({checksum.ATTRIBUTE})"
        return
    for name in ("patient_id", "seizure_id"):
        problem = id_problem(str(getattr(header, name)))
        if problem:
            yield "", FAULT, f"{name} {getattr(header, name)!r} {problem}"
    problem = label_problem(header.label) if isinstance(header.label, str) else "is no text"
    if problem and header.label != NOT_KNOWN:
        yield "", FAULT, f"label {str(header.label)[:40]!r} {problem}"
    for name in ("network", "weights_sha256"):
        if not isinstance(getattr(header, name), str) or not _WORD.fullmatch(getattr(header, name)):
            yield "", FAULT, f"{name} is not a short word of letters, digits, - _ . :"
    if header.recipe_key != digest(header.recipe):
        yield "", FAULT, "recipe_key is not the digest of the recipe"
    if not float(header.frame_rate_hz) <= MAX_RATE_HZ:
        yield "", FAULT, f"frame_rate_hz = {header.frame_rate_hz}: expected at most {MAX_RATE_HZ:g}"
    if not all(float(number).is_integer() for number in (header.frames_per_snippet, header.stride_frames)):
        yield "", FAULT, "frames_per_snippet and stride_frames: expected whole numbers"
        return
    if not float(header.frame_step).is_integer() or (header.frames_per_snippet - 1) % header.frame_step:
        found = f"frame_step = {header.frame_step} and frames_per_snippet = {header.frames_per_snippet}"
        yield "", FAULT, f"{found}: expected whole steps from the first frame of a snippet to its last"
    for view in file.views.values():
        place = f"/views/{view.name}"
        problem = id_problem(view.name)
        if problem:
            yield place, FAULT, f"view {view.name!r} {problem}"
        yield from ((place, *found) for found in _time_findings(view, header))
        yield from ((place, *found) for found in _value_findings(view))


def _time_findings(view: FeatureView, header: FeatureHeader) -> Iterator[tuple[str, str]]:
    starts = view.start_seconds
    wanted = np.arange(view.num_snippets) * (header.stride_frames / header.frame_rate_hz)
    if not np.isfinite(starts).all() or (np.diff(starts) <= 0).any():
        yield FAULT, "start_seconds do not rise strictly"
    elif np.abs(starts - wanted).max() > TIME_TOLERANCE_SECONDS:
        yield FAULT, "start_seconds do not fit stride_frames and frame_rate_hz"
    span = view.num_frames / header.frame_rate_hz
    if span > MAX_HOURS * 3600:
        yield FAULT, f"spans {span / 3600:.0f} hours"
    onset, offset, clonic = (
        _seconds(view, name) for name in ("onset_seconds", "offset_seconds", "clonic_onset_seconds")
    )
    if offset is not None:
        duration = offset - (onset or 0.0)
        if duration <= 0:
            yield FAULT, "offset_seconds is not after onset_seconds"
        elif abs(duration - span) > DURATION_TOLERANCE_SECONDS + header.stride_frames / header.frame_rate_hz:
            yield FAULT, f"its snippets span {span:.1f} s, its seizure lasts {duration:.1f} s"
    if clonic is not None and not (onset or 0.0) <= clonic < (np.inf if offset is None else offset):
        yield FAULT, "clonic_onset_seconds is not between onset and offset"
    if view.attributes.get("use", "all") not in USES[:2]:
        yield FAULT, f"use = {view.attributes['use']!r}: expected {' or '.join(USES[:2])}"


def _value_findings(view: FeatureView) -> Iterator[tuple[str, str]]:
    """Read the view once, block by block, and count what no network would give."""
    counts = {"not finite": 0, "larger than 1e6": 0, "constant": 0}
    repeated, valid = 0, view.valid
    step = max(1, BLOCK_BYTES // (4 * view.feature_dim))
    last = None
    for start in range(0, view.num_snippets, step):
        rows = view.read(start, start + step)
        finite = np.isfinite(rows).all(axis=1)
        counts["not finite"] += int((~finite).sum())
        counts["larger than 1e6"] += int((np.abs(rows[finite]) > MAX_FEATURE).any(axis=1).sum())
        counts["constant"] += int((rows == rows[:, :1]).all(axis=1).sum()) if view.feature_dim > 1 else 0
        block = rows if last is None else np.concatenate([last, rows])
        repeated += int((block[1:] == block[:-1]).all(axis=1).sum())
        last = rows[-1:]
    yield from ((FAULT, f"{count} of {view.num_snippets} rows are {what}") for what, count in counts.items() if count)
    if repeated:
        severity = FAULT if repeated > MAX_REPEATED * view.num_snippets else WARNING
        yield severity, f"{repeated} of {view.num_snippets} rows are the same as the row before them (a still picture?)"
    if not valid.any():
        yield FAULT, "no snippet is valid"
    elif not valid.all():
        yield WARNING, f"{int((~valid).sum())} of {view.num_snippets} snippets touch frames that were not decoded"


def _seconds(view: FeatureView, name: str) -> float | None:
    value = view.attributes.get(name)
    if value is None:
        return None
    if isinstance(value, str) or not np.isfinite(float(value)):
        raise FeatureFileError(f"/views/{view.name}: {name} = {value!r}: expected a number of seconds")
    return float(value)
