"""Bundles from other laboratories: checked from outside to inside, compared with each other, and joined.

Nothing of a bundle is trusted before it is checked: names and sizes first, then checksums, then its tables, then each
feature file in a process of its own (`seizures.processes.examiner`). Nothing in a bundle is ever executed.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seizures.errors import FeatureFileError, ManifestError
from seizures.exchange import bundle
from seizures.features.file import open_features
from seizures.features.shared_rows import row_hashes, shared_rows
from seizures.features.validation import FAULT, Examined, Finding, differences, table
from seizures.files import archives
from seizures.files.scratch import scratch_folder
from seizures.manifest.identity import RecordingId, SeizureId
from seizures.manifest.recordings import Recording, read_manifest
from seizures.manifest.table import label_problem
from seizures.processes.examiner import examine_files

MAX_TEXT_BYTES = 2**24
MAX_PAIRS = 5  # named one by one
TIME_TOLERANCE_SECONDS = 1e-9

_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")
_MEMBER = re.compile(r"features/[A-Za-z0-9._+-]+\.h5|README\.md|bundle\.json|manifest\.csv|drift\.json")


@dataclasses.dataclass(frozen=True)
class Checked:
    """A bundle whose files were checked: what it says of itself, its rows, and the outcome for each feature file."""

    name: str
    folder: Path
    info: Mapping[str, Any]
    recordings: tuple[Recording, ...]
    examined: Mapping[str, Examined]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[Finding]:
        """What makes the bundle unusable."""
        return [finding for finding in self.findings if finding.severity == FAULT]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Checked]:
    """Check a bundle, a folder or a zip, and yield what is known of it; a zip is unpacked for as long as that takes.

    Raises:
        FeatureFileError: a zip that cannot be unpacked safely. All else is in the findings.

    """
    if path.is_dir():
        yield check_folder(path, path.name)
    elif not path.is_file():
        raise FeatureFileError(f"{path}: no such bundle; expected a folder or a zip")
    elif not archives.is_zip(path):
        raise FeatureFileError(f"{path}: not a bundle; expected a folder or a zip")
    else:
        with scratch_folder() as folder:
            archives.unpack(path, folder)
            yield check_folder(folder, path.name)


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder means to be a bundle."""
    return (folder / bundle.INFO_NAME).exists() or (folder / bundle.SUMS_NAME).exists()


def check_folder(folder: Path, name: str) -> Checked:
    """Check the files of a bundle; what is wrong is returned as findings."""
    findings = list(_member_findings(folder))
    nothing = Checked(name, folder, {}, (), {}, tuple(findings))
    if findings:
        return nothing
    try:
        info = _read_info(folder / bundle.INFO_NAME)
        recordings = read_manifest(folder / bundle.MANIFEST_NAME, labels=info["labels"], for_training=False)
    except (FeatureFileError, ManifestError) as error:
        return dataclasses.replace(nothing, findings=(Finding(name, "", FAULT, str(error)),))
    paths = sorted((folder / bundle.FEATURES_FOLDER).glob("*.h5"))
    examined = {path.stem: outcome for path, outcome in zip(paths, examine_files(paths), strict=True)}
    for path, outcome in zip(paths, examined.values(), strict=True):
        shown = path.relative_to(folder).as_posix()
        findings += [dataclasses.replace(finding, file=shown) for finding in outcome.findings]
    findings += _manifest_findings(recordings, examined)
    findings += _recipe_findings(info, examined)
    return Checked(name, folder, info, recordings, examined, tuple(findings))


def require_joinable(
    bundles: Sequence[Checked], *, allow_mixed: bool = False, allow_shared_films: bool = False
) -> None:
    """Raise FeatureFileError with all that keeps these bundles from being used, alone or together."""
    faulty = [dataclasses.replace(found, file=f"{one.name}/{found.file}") for one in bundles for found in one.faults]
    if faulty:
        raise FeatureFileError(f"nothing was imported: {len(faulty)} faults\n{table(faulty)}")
    problems = []
    keys: dict[str, dict[str, str]] = defaultdict(dict)
    for one in bundles:
        keys[str(one.info["site"]).casefold()].setdefault(str(one.info["key_id"]), one.name)
    for site, by_key in keys.items():
        if len(by_key) > 1:
            what = "come from different keys under one site name, so that their pseudonyms may collide"
            problems.append(f"{' and '.join(by_key.values())} (site {site}) {what}; let one of them export anew")
    owners: dict[SeizureId, str] = {}
    for one in bundles:
        for seizure in dict.fromkeys(SeizureId(*map(str.casefold, item.id.seizure)) for item in one.recordings):
            if owners.setdefault(seizure, one.name) != one.name:
                problems.append(f"{seizure.name} is in {owners[seizure]} and in {one.name}; import one of them")
    if len({tuple(one.info["labels"]) for one in bundles}) > 1:
        problems.append("the bundles have different labels")
    mixed = differences(((one.name, one.info["made"]) for one in bundles), allow_mixed=allow_mixed)
    if mixed:
        hint = "" if allow_mixed else "; [Dataset] allow_mixed_features = true lets those differ that can be reconciled"
        problems.append("\n    ".join([f"their features were made in different ways{hint}:", *mixed]))
    if not problems and not allow_shared_films:
        problems += _patients_twice(bundles)
    if problems:
        raise FeatureFileError("\n  ".join(["nothing was imported:", *problems]))


def _patients_twice(bundles: Sequence[Checked]) -> Iterator[str]:
    """Name the patients of sound bundles who have the same features: one person under two pseudonyms."""
    hashes: dict[RecordingId, npt.NDArray[np.uint64]] = {}
    for one in bundles:
        for name in one.examined:
            with open_features(one.folder / bundle.FEATURES_FOLDER / f"{name}.h5") as file:
                seizure = SeizureId(file.patient_id, file.seizure_id)
                hashes |= {seizure.view(key): row_hashes(view.read(), view.valid) for key, view in file.views.items()}
    pairs = shared_rows(hashes)
    for first, other, num_rows, of in pairs[:MAX_PAIRS]:
        yield f"{other.name} has {num_rows} of {of} rows of features that are those of {first.name}"
    if len(pairs) > MAX_PAIRS:
        yield f"and {len(pairs) - MAX_PAIRS} more such pairs"
    if pairs:
        yield (
            "who has the same features is one patient under two ids: leave one out of an export, or say in [Dataset] "
            "allow_shared_films why it is right"
        )


def join(bundles: Sequence[Checked], folder: Path) -> None:
    """Write the features and the manifests of checked bundles into an empty folder.

    The folder then has `features/`, for [Dataset] features, and `manifest.csv`, for [Dataset] manifest. The dealing
    order of each bundle is kept, or one by content is given where it tells none, and the bundles follow each other by
    site, however they were named.
    """
    bundles = sorted(bundles, key=lambda one: (str(one.info["site"]).casefold(), *sorted(one.examined)))
    places: dict[SeizureId, str] = {}
    for one in bundles:
        told = {item.id.seizure: item.dealing_order for item in one.recordings}
        if not all(told.values()):
            files = {seizure: one.folder / bundle.FEATURES_FOLDER / f"{seizure.name}.h5" for seizure in told}
            told = bundle.places_by_content(files)
        for seizure in sorted(told, key=lambda seizure: (told[seizure], seizure)):
            places[seizure] = bundle.order_text(len(places))
    (folder / bundle.FEATURES_FOLDER).mkdir()
    with (folder / bundle.MANIFEST_NAME).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(bundle.MANIFEST_COLUMNS)
        for one in bundles:
            for name in one.examined:
                shutil.copyfile(
                    one.folder / bundle.FEATURES_FOLDER / f"{name}.h5", folder / bundle.FEATURES_FOLDER / f"{name}.h5"
                )
            for row in one.recordings:
                item = dataclasses.replace(row, dealing_order=places[row.id.seizure])
                writer.writerow(_cell(getattr(item, column)) for column in bundle.MANIFEST_COLUMNS)


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return ";".join(value)
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _member_findings(folder: Path) -> Iterator[Finding]:
    """Compare the files that there are with SHA256SUMS."""
    members = bundle.bundle_members(folder)
    for name, path in members.items():
        if path.is_symlink() or not path.is_file():
            yield Finding(name, "", FAULT, "is a link or no plain file")
        elif name != bundle.SUMS_NAME and not _MEMBER.fullmatch(name):
            yield Finding(name, "", FAULT, "has no place in a bundle")
    sums = members.pop(bundle.SUMS_NAME, None)
    if sums is None or sums.is_symlink() or sums.stat().st_size > MAX_TEXT_BYTES:
        yield Finding(bundle.SUMS_NAME, "", FAULT, "is missing, or is no list of checksums")
        return
    stated: dict[str, str] = {}
    for line in sums.read_text(encoding="ascii", errors="replace").splitlines():
        match = _SUM.fullmatch(line)
        if not match or match[2] in stated:
            yield Finding(bundle.SUMS_NAME, "", FAULT, f"line {line[:80]!r} is no checksum, or is there twice")
        else:
            stated[match[2]] = match[1]
    for name in sorted({*stated, *members, bundle.INFO_NAME, bundle.MANIFEST_NAME}):
        if name not in members:
            yield Finding(name, "", FAULT, "is missing")
        elif name not in stated:
            yield Finding(name, "", FAULT, f"is not listed in {bundle.SUMS_NAME}")
        elif not members[name].is_symlink() and bundle.file_sha256(members[name]) != stated[name]:
            yield Finding(name, "", FAULT, f"is damaged: it does not have its checksum in {bundle.SUMS_NAME}")


def _read_info(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise FeatureFileError(f"{path.name}: too large")
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        found = (info["format"], info["format_version"])
        labels, site, key_id, made = info["labels"], info["site"], info["key_id"], info["made"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FeatureFileError(f"{path.name}: cannot be read: {error}") from error
    if found[0] != bundle.FORMAT:
        raise FeatureFileError(f"{path.name}: its format is {found[0]!r}, expected {bundle.FORMAT!r}")
    if found[1] != bundle.FORMAT_VERSION:
        advice = f"this software reads {bundle.FORMAT_VERSION}; update the software"
        raise FeatureFileError(f"{path.name}: its format_version is {found[1]!r}, {advice}")
    plain = isinstance(labels, list) and all(isinstance(label, str) and not label_problem(label) for label in labels)
    if not plain or not labels or [type(site), type(key_id), type(made)] != [str, str, dict]:
        raise FeatureFileError(f"{path.name}: site, key_id, labels or made are not what they should be")
    return dict(info)


def _manifest_findings(recordings: Sequence[Recording], examined: Mapping[str, Examined]) -> Iterator[Finding]:
    """Compare the rows of the manifest with what the feature files say."""
    rows: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        rows[recording.id.seizure.name].append(recording)
    for name in sorted({*rows, *examined}):
        if name not in examined:
            yield Finding(bundle.MANIFEST_NAME, name, FAULT, f"has no file {bundle.FEATURES_FOLDER}/{name}.h5")
        elif name not in rows:
            yield Finding(f"{bundle.FEATURES_FOLDER}/{name}.h5", "", FAULT, "has no row in the manifest")
        elif examined[name].summary is not None:
            for problem in disagreements(rows[name], examined[name]):
                yield Finding(bundle.MANIFEST_NAME, name, FAULT, problem)


def disagreements(rows: Sequence[Recording], examined: Examined) -> Iterator[str]:
    """Say in what the rows of a seizure and its feature file disagree: ids, label, views, times."""
    summary, first = examined.summary, rows[0]
    assert summary is not None
    found = SeizureId(summary.patient_id, summary.seizure_id)
    if found != first.id.seizure:
        yield f"its file is of {found.name}"
    if summary.label != first.label:
        yield f"its label is {first.label}, its file says {summary.label or 'that it is not known'}"
    wanted = {row.view for row in rows if row.use != "skip"}
    if not wanted <= set(summary.views):
        yield f"views {', '.join(sorted(wanted - set(summary.views)))} are not in its file"
    for row in rows:
        view = summary.views.get(row.view)
        if view is None or row.use == "skip":
            continue
        if row.video:
            yield f"view {row.view} has a video; expected none where features are imported"
        ours, theirs = row.offset_seconds, view.offset_seconds
        if ours is None or theirs is None:
            continue
        lasts = (ours - (row.onset_seconds or 0.0), theirs - (view.onset_seconds or 0.0))
        if abs(lasts[0] - lasts[1]) > TIME_TOLERANCE_SECONDS:
            yield f"view {row.view} lasts {lasts[0]:g} s, its file says {lasts[1]:g} s"


def _recipe_findings(info: Mapping[str, Any], examined: Mapping[str, Examined]) -> Iterator[Finding]:
    """Compare how each file was made with what the bundle says of all."""
    made = {name: item.summary.made for name, item in examined.items() if item.summary is not None}
    for name, what in made.items():
        wrong = [key for key in what if key != "feature_dim" and what[key] != info["made"].get(key, "")]
        if wrong:
            problem = f"{', '.join(wrong)}: not as {bundle.INFO_NAME} says"
            yield Finding(f"{bundle.FEATURES_FOLDER}/{name}.h5", "", FAULT, problem)
