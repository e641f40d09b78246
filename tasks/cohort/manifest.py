"""The seizures that the present settings mean: the manifest, read once, and what is left out of it."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from seizures.errors import ManifestError, SettingsError
from seizures.manifest import descriptions
from seizures.manifest.faults import Fault, fault_lines, fault_message
from seizures.manifest.film_names import split_stream
from seizures.manifest.identity import RecordingId, SeizureId
from seizures.manifest.montage import apply_profile, read_profile
from seizures.manifest.recordings import (
    Recording,
    Seizure,
    check_videos,
    examine_manifest,
    group_seizures,
    resolve_videos,
)
from seizures.manifest.shared_films import patients_sharing
from seizures.simulation.cohort import SimulatedRecording, simulate_cohort
from seizures.video.start_times import find_zone, resolve
from tasks.machinery.fingerprint import film_starts, fingerprint
from tasks.settings.sections import Dataset, Demo, results_root, section


class LeftOut(NamedTuple):
    """A seizure, or one view of it, that is not in the results, and why."""

    patient_id: str
    seizure_id: str
    view: str
    reason: str

    @property
    def name(self) -> str:
        """Patient, seizure and view as the folders of the results have them."""
        seizure = SeizureId(self.patient_id, self.seizure_id)
        return seizure.view(self.view).name if self.view else seizure.name


@functools.cache
def _asked() -> list[bool]:
    """Hold whether the seizures are only asked about; a list, so that it can be changed."""
    return [False]


def ask_only() -> None:
    """Say that the seizures of this process's manifest are asked about, and not trained on: labels may be missing."""
    _asked()[0] = True


def needs_labels() -> bool:
    """Tell whether every seizure must have a label."""
    return not _asked()[0]


@functools.cache
def examined() -> tuple[tuple[Recording, ...], tuple[Fault, ...]]:
    """Return the rows of the manifest as they are written, and what is wrong with them."""
    dataset = section(Dataset)
    found, faults = examine_manifest(
        Path(dataset.manifest),
        labels=dataset.label_names(),
        for_training=needs_labels(),
        needs_labels=needs_labels(),
    )
    return found, tuple(faults)


@functools.cache
def recordings() -> tuple[Recording, ...]:
    """Return the rows of the manifest, with the boxes that the site's profile says, and times on the videos' clocks."""
    dataset = section(Dataset)
    rows, faults = examined()
    if faults:
        raise ManifestError(fault_message(dataset.manifest, fault_lines(faults), num_faults=len(faults)))
    return placed(on_video_clocks(rows))


def placed(found: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """Return recordings with the boxes that the site's profile says."""
    profile = section(Dataset).site_profile
    return apply_profile(found, read_profile(Path(profile))) if profile else found


def sharers() -> list[tuple[str, str]]:
    """Return the pairs of patients who share a film, which [Dataset] allow_shared_films allows."""
    found = [item for item in recordings() if item.use != "skip"]
    return patients_sharing(found, film_contents(found))


def film_contents(found: Iterable[Recording]) -> dict[str, str]:
    """Return what tells the content of each film from others, by its name in the manifest; two copies have one text.

    A film that no other is as large as has no copy, and is not read for that; nor is an empty file anybody's copy.
    """
    names = list(dict.fromkeys(piece for item in found for piece in item.video))
    if section(Demo).enabled:
        return {name: name for name in names}
    files = {name: split_stream(video(name))[0] for name in names}
    sizes = {file: file.stat().st_size for file in set(files.values())}
    alike = Counter(sizes.values())
    return {
        name: fingerprint(file, results_root() / "fingerprints")
        if sizes[file] and alike[sizes[file]] > 1
        else str(file)
        for name, file in files.items()
    }


def on_video_clocks(found: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """Return recordings with their clock times put on the clocks of their videos, which say when they start."""
    clocked = [item for item in found if item.has_clock_times and item.use != "skip"]
    if not clocked:
        return found
    dataset = section(Dataset)
    if section(Demo).enabled:
        faults = [f"row {clocked[0].row}: a clock time; the films of the demo start at no time of day"]
    else:
        outside = dataset.allow_outside_video_root
        faults = check_videos([item for item in clocked if item.video], Path(dataset.video_root), allow_outside=outside)
    if not faults:
        names = list(dict.fromkeys(item.video[0] for item in clocked if item.video))
        starts = film_starts([video(name) for name in names], results_root() / "fingerprints")
        found, faults = resolve(found, dict(zip(names, starts, strict=True)), find_zone(dataset.time_zone))
    if faults:
        raise ManifestError(fault_message(dataset.manifest, faults))
    return found


def column_values(name: str) -> dict[SeizureId, str]:
    """Return the text of a column of the manifest for each seizure.

    Raises:
        ManifestError: there is no such column, or a seizure has several values in it.

    """
    return descriptions.column_values(recordings(), name)


@functools.cache
def seizures() -> dict[SeizureId, Seizure]:
    """Return the seizures that are not skipped nor known to be too short, by patient and seizure."""
    return {item.id: item for item in _grouped() if not _is_short(item)}


def left_out_by_manifest() -> list[LeftOut]:
    """Return what the manifest itself leaves out: skipped views, and seizures under the minimum duration."""
    skipped = [LeftOut(*row.id, row.reason or "use = skip") for row in recordings() if row.use == "skip"]
    return skipped + [
        LeftOut(*item.id, "", short_reason(item.duration_seconds or 0.0)) for item in _grouped() if _is_short(item)
    ]


def is_short(duration_seconds: float) -> bool:
    """Tell whether a seizure of this duration is left out."""
    return duration_seconds < section(Dataset).minimum_duration_seconds


def short_reason(duration_seconds: float) -> str:
    """Say that a seizure is too short."""
    minimum = section(Dataset).minimum_duration_seconds
    if not needs_labels():
        return f"lasts {duration_seconds:.1f} s, and the classifier needs at least {minimum:.1f} s"
    return f"lasts {duration_seconds:.1f} s, under minimum_duration_seconds = {minimum:g}"


def seizure(wanted: SeizureId) -> Seizure:
    """Return one seizure.

    Raises:
        SettingsError: the manifest does not have it, skips it, or it is too short.

    """
    found = seizures().get(wanted)
    if found is None:
        raise SettingsError(f"{wanted.name}: no such seizure in {section(Dataset).manifest}, or it is excluded there")
    return found


def recording(wanted: RecordingId) -> Recording:
    """Return one view of one seizure.

    Raises:
        SettingsError: the manifest does not have it, or excludes it.

    """
    found = [item for item in seizure(wanted.seizure).recordings if item.view == wanted.view]
    if not found:
        raise SettingsError(f"{wanted.name}: no such view in {section(Dataset).manifest}, or it is excluded there")
    return found[0]


@functools.cache
def demo() -> dict[str, SimulatedRecording]:
    """Return the simulated recordings that the settings of `[Demo]` mean, by the name of their video."""
    wanted = section(Demo)
    simulated = simulate_cohort(
        wanted.num_patients,
        wanted.num_seizures,
        wanted.seed,
        min_duration_seconds=wanted.min_duration_seconds,
        max_duration_seconds=wanted.max_duration_seconds,
    )
    return {item.video: item for item in simulated}


def video(name: str) -> Path:
    """Return one file, by its name in the manifest."""
    return Path(os.path.normpath(Path(section(Dataset).video_root) / name))


def videos(item: Recording) -> tuple[Path, ...]:
    """Return the files of a recording, in order."""
    return resolve_videos(item, Path(section(Dataset).video_root))


@functools.cache
def _grouped() -> tuple[Seizure, ...]:
    return group_seizures(recordings())


def _is_short(item: Seizure) -> bool:
    duration = item.duration_seconds
    return duration is not None and is_short(duration)
