"""The authors' public features become what ImportFeatures makes: a folder with feature files and a manifest.

Each seizure lands by itself in `<to>.unfinished`, with a note of what it was made of, so that an import that was broken
off goes on where it was; when all are there, the folder gets its name.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from seizures import provenance
from seizures.errors import FeatureFileError
from seizures.exchange import bundle
from seizures.exchange.gestures_dataset.outcome import RECIPE, Outcome
from seizures.exchange.gestures_dataset.readers import Reader, in_parallel
from seizures.exchange.gestures_dataset.source import FEATURES_FOLDER, FolderView, Source, ZipView, find_source
from seizures.exchange.gestures_dataset.table import LABELS, TABLE_NAME, VIEWS, TableRow, read_seizures
from seizures.features.validation import FAULT, WARNING, Finding, table
from seizures.files.scratch import scratch_folder
from seizures.manifest.recordings import read_manifest
from tasks.exchange.bundles import IMPORT_NAME
from tasks.machinery.atomic import full_disk_told, landing, temporary_name, unfinished, write_json

UNFINISHED = ".unfinished"
PAPERS_COUNTS = {"patients": 68, "FOS": 106, "TCS": 77}


@dataclass(frozen=True)
class _View(bundle.ExportedView):
    """One row of the manifest, which here says why a view is not used."""

    reason: str = ""


class Job(NamedTuple):
    """One seizure to take, and its views in the dataset."""

    row: TableRow
    views: Mapping[str, FolderView | ZipView]

    @property
    def num_files(self) -> int:
        """Files of all its views."""
        return sum(view.num_files for view in self.views.values())


class Imported(NamedTuple):
    """What was imported: counts of the seizures that RunAll will take, what was found, and what had been there."""

    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    num_clonic_onsets: int
    num_kept: int

    def differences(self) -> list[str]:
        """Say how the counts differ from the paper's."""
        return [
            f"{name}: {self.counts[name]}, the paper has {wanted}"
            for name, wanted in PAPERS_COUNTS.items()
            if self.counts[name] != wanted
        ]


def import_gestures(
    dataset: Path,
    to: Path,
    *,
    num_readers: int,
    minimum_duration_seconds: float,
    report_progress: Callable[[int, int], None],
) -> Imported:
    """Import the dataset into the folder `to`.

    Args:
        dataset: its folder or zip.
        to: the folder to make.
        num_readers: processes that read; 0: one a core.
        minimum_duration_seconds: shorter seizures are named, and not counted.
        report_progress: called with the number of files read so far, and of all.

    Raises:
        FeatureFileError: `to` already exists, `dataset` is not the dataset, or nothing in it can be used.

    """
    if to.exists():
        raise FeatureFileError(f"{to}: already exists; choose another folder, or remove it to import again")
    source = find_source(dataset)
    rows, row_findings = _read_table(source.table)
    jobs, layout_findings = _jobs(source, rows)
    draft = to.with_name(f"{to.name}{UNFINISHED}")
    with full_disk_told(draft):
        (draft / bundle.FEATURES_FOLDER).mkdir(parents=True, exist_ok=True)
        outcomes, num_kept = _take_all(jobs, draft, num_readers or os.cpu_count() or 1, report_progress)
        taken = [(job.row, outcomes[job.row.name]) for job in jobs]
        found = [finding for _, outcome in taken for finding in outcome.findings]
        short = _short_findings(taken, minimum_duration_seconds)
        findings = (*source.findings, *row_findings, *layout_findings, *found, *short)
        good = [(row, outcome) for row, outcome in taken if outcome.views]
        if not good:
            raise FeatureFileError(f"{dataset}: no seizure in it can be used\n{table(findings)}")
        _write_manifest(draft / bundle.MANIFEST_NAME, taken, [row for row in rows if "skip" in row.uses.values()])
        counts = _counts([row for row, outcome in good if outcome.duration_seconds >= minimum_duration_seconds])
        clonic = sum(outcome.clonic_onset_seconds is not None for _, outcome in good)
        imported = Imported(counts, findings, clonic, num_kept)
        _finish(draft, imported, to, {row.name for row, _ in good})
    return imported


def _read_table(table: bytes) -> tuple[tuple[TableRow, ...], list[Finding]]:
    with scratch_folder() as scratch:
        path = scratch / TABLE_NAME
        path.write_bytes(table)
        return read_seizures(path)


def _jobs(source: Source, rows: Sequence[TableRow]) -> tuple[list[Job], list[Finding]]:
    """Match the table with the folders; what has no counterpart is named."""
    findings = []
    jobs = []
    known = {row.id for row in rows}
    strangers = sorted({key[:2] for key in source.views} - known)
    as_numbers = {(_number(one), _number(other)): (one, other) for one, other in strangers}
    for row in rows:
        if "skip" in row.uses.values():
            findings.append(Finding(row.name, "", WARNING, f"left out as the table says: {row.reason}"))
            continue
        views = {name: source.views[key] for name in VIEWS.values() if (key := (*row.id, name)) in source.views}
        near = as_numbers.get((_number(row.patient_id), _number(row.seizure_id)))
        hint = f"; is it {'_'.join(near)}, and did the table lose its leading zeros?" if near and not views else ""
        if not views:
            findings.append(Finding(row.name, "", FAULT, f"left out: it has no folder of features{hint}"))
            continue
        missing = [name for name in VIEWS.values() if name not in views]
        findings += [Finding(row.name, name, FAULT, "the view has no folder of features") for name in missing]
        jobs.append(Job(row, views))
    for one, other in strangers:
        where = f"{FEATURES_FOLDER}/{one}_{other}_*"
        findings.append(Finding(where, "", FAULT, f"left out: it has no usable row in {TABLE_NAME}"))
    return jobs, findings


def _take_all(
    jobs: Sequence[Job], draft: Path, num_readers: int, report_progress: Callable[[int, int], None]
) -> tuple[dict[str, Outcome], int]:
    """Take every seizure that is not in the draft already; return the outcomes, and how many were there."""
    outcomes: dict[str, Outcome] = {}
    kept = Counter[str]()

    def take(reader: Reader, job: Job) -> Outcome:
        path = draft / bundle.FEATURES_FOLDER / f"{job.row.name}.h5"
        note = draft / f"{job.row.name}.json"
        known = _known(note, path)
        with unfinished(temporary_name(path)) as temporary:
            request = {
                "row": asdict(job.row),
                "views": {name: view.as_json() for name, view in job.views.items()},
                "path": str(temporary.absolute()),
                "known_stamp": known.stamp if known else "",
            }
            outcome = reader.take(request, job.row.name, job.num_files)
            if outcome is not None and outcome.views:
                with landing(path):  # the reader has written it under the temporary name
                    pass
        if outcome is None:
            assert known is not None
            kept[job.row.name] += 1
            return known
        write_json(note, asdict(outcome))
        return outcome

    total, done = sum(job.num_files for job in jobs), 0
    for job, outcome in in_parallel(sorted(jobs, key=lambda job: -job.num_files), take, num_readers):
        outcomes[job.row.name] = outcome
        done += job.num_files
        report_progress(done, total)
    return outcomes, len(kept)


def _known(note: Path, path: Path) -> Outcome | None:
    """Return what an earlier, broken-off import made of a seizure, where all of it is there."""
    try:
        known = Outcome.from_json(json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if not known.views or path.exists() else None


def _short_findings(taken: Sequence[tuple[TableRow, Outcome]], minimum_seconds: float) -> list[Finding]:
    return [
        Finding(row.name, "", WARNING, f"lasts {outcome.duration_seconds:.1f} s, under {minimum_seconds:g} s: not used")
        for row, outcome in taken
        if outcome.views and outcome.duration_seconds < minimum_seconds
    ]


def _counts(rows: Sequence[TableRow]) -> dict[str, int]:
    labels = Counter(row.label for row in rows)
    return {"patients": len({row.patient_id for row in rows}), **{label: labels[label] for label in LABELS}}


def _write_manifest(path: Path, taken: Sequence[tuple[TableRow, Outcome]], skipped: Sequence[TableRow]) -> None:
    """Write the manifest as that of a bundle, and read it as RunAll will."""
    features = path.parent / bundle.FEATURES_FOLDER
    files = {row.id: features / f"{row.name}.h5" for row, outcome in taken if outcome.views}
    places = bundle.places_by_content(files)
    nothing = Outcome("", tuple(VIEWS.values()), 0.0, None, None, ())
    views = tuple(
        _View(
            patient_id=row.patient_id,
            seizure_id=row.seizure_id,
            view=view,
            label=row.label,
            use=row.uses[view],
            offset_seconds=outcome.offset_seconds,
            clonic_onset_seconds=outcome.clonic_onset_seconds,
            num_snippets=0,
            duration_seconds=outcome.duration_seconds,
            source="",
            dealing_order=places.get(row.id, ""),
            reason=row.reason if row.uses[view] != "all" else "",
        )
        for row, outcome in [*taken, *((row, nothing) for row in skipped)]
        for view in outcome.views
    )
    bundle.write_manifest(path, bundle.Export("", views, RECIPE))
    read_manifest(path, labels=LABELS, for_training=False)


def _finish(draft: Path, imported: Imported, to: Path, names: set[str]) -> None:
    """Remove what is not part of the result, say what was found, and give the folder its name."""
    wanted = {f"{name}.h5" for name in names}
    for path in [*draft.glob("*.json"), *draft.glob(".*"), *(draft / bundle.FEATURES_FOLDER).iterdir()]:
        if path.name not in wanted:
            path.unlink()
    said: dict[str, Any] = {
        "counts": dict(imported.counts),
        "made": dict(RECIPE),
        "warnings": [asdict(finding) for finding in imported.findings],
        "provenance": provenance.collect(),
    }
    write_json(draft / IMPORT_NAME, said)
    draft.rename(to)


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() else text
