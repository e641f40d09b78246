"""The seizures that the present settings mean: the manifest, read once, and what is left out of it."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import NamedTuple

from seizures.errors import ManifestError, SettingsError
from seizures.manifest.identity import RecordingId, SeizureId
from seizures.manifest.montage import apply_profile, read_profile
from seizures.manifest.recordings import (
    Recording,
    Seizure,
    check_videos,
    fault_message,
    group_seizures,
    read_manifest,
    resolve_videos,
)
from seizures.simulation.cohort import SimulatedRecording, simulate_cohort
from seizures.video.start_times import find_zone, resolve
from tasks.machinery.fingerprint import film_starts
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
def recordings() -> tuple[Recording, ...]:
    """Return the rows of the manifest, with the boxes that the site's profile says, and times on the videos' clocks."""
    dataset = section(Dataset)
    found = on_video_clocks(read_manifest(Path(dataset.manifest), labels=dataset.label_names()))
    return apply_profile(found, read_profile(Path(dataset.site_profile))) if dataset.site_profile else found


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
