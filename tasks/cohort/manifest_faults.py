"""All that is wrong in the manifest and with its films, in one message: the first lines, and a file with the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from seizures.errors import SeizuresError
from seizures.manifest.faults import MAX_LINES, Fault, fault_lines, fault_message
from seizures.manifest.recordings import Recording, video_faults
from seizures.manifest.shared_films import shared_film_faults
from tasks.cohort import manifest as cohort
from tasks.machinery.atomic import landing
from tasks.settings.sections import Dataset, Demo, results_root, section

FILE_NAME = "manifest_faults.txt"
_FEWEST_MISSING = 4  # rows; where no film is there, the folder is wrong, and not the rows


def manifest_mistakes() -> Iterator[str]:
    """Yield one message of all faults of cells, rows and films, and another of the site's profile where it has some."""
    dataset = section(Dataset)
    file = results_root() / FILE_NAME
    try:
        found, wrong = cohort.examined()
    except SeizuresError as error:
        yield str(error)
        return
    faults = [*wrong, *_film_faults(found, {fault.row for fault in wrong if fault.column == "video"})]
    try:
        sound = _sound_rows(found, {fault.row for fault in faults}) if faults else cohort.recordings()
        used = [item for item in sound if item.use != "skip"]
        alone = not dataset.allow_shared_films
        faults += shared_film_faults(used, cohort.film_contents(used), between_patients=alone)
    except SeizuresError as error:
        yield str(error)
    lines = fault_lines(faults)
    if not lines:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        return
    message = fault_message(dataset.manifest, lines, num_faults=len(faults))
    if len(lines) <= MAX_LINES:
        yield message
        return
    try:
        with landing(file) as temporary:
            temporary.write_text("\n".join([f"{dataset.manifest}: {len(faults)} faults", *lines, ""]), encoding="utf-8")
            temporary.chmod(0o600)
        yield f"{message}; all of them: {file}"
    except OSError:  # results that cannot be written, as those of somebody else
        yield "\n  ".join([f"{dataset.manifest}: {len(faults)} faults", *lines])


def _sound_rows(found: tuple[Recording, ...], faulty: set[int]) -> tuple[Recording, ...]:
    """Return the rows without a fault whose windows are known; none where a fault concerns all (row 0)."""
    sound = (item for item in found if item.row not in faulty and not item.has_clock_times)
    return () if 0 in faulty else cohort.placed(tuple(sound))


def _film_faults(found: tuple[Recording, ...], bad_rows: set[int]) -> list[Fault]:
    """Look for the films of rows whose names can be read; a seizure without any is imported."""
    dataset = section(Dataset)
    filmed = {item.id.seizure for item in found if item.video and item.use != "skip"}
    rows = [item for item in found if item.row not in bad_rows and item.id.seizure in filmed]
    if not section(Demo).enabled:
        faults = list(video_faults(rows, Path(dataset.video_root), allow_outside=dataset.allow_outside_video_root))
        names = {piece for item in rows if item.use != "skip" for piece in item.video}
        if len(faults) < _FEWEST_MISSING or any(cohort.video(name).exists() for name in names):
            return faults
        problem = f"and the other {len(names) - 1} are not in video_root {dataset.video_root}; set [Dataset] video_root"
        return [Fault(0, "video", repr(next(iter(rows[0].video), "")), problem)]
    rendered, rows = cohort.demo(), [item for item in rows if item.use != "skip"]
    unknown = (
        "is not rendered by the demo; for your own videos set [Demo] enabled = false in luigi.cfg, and [Dataset] "
        "video_root"
    )
    faults = [
        Fault(item.row, "video", repr(";".join(item.video)), unknown)
        for item in rows
        if not item.video or not set(item.video) <= set(rendered)
    ]
    timeless = "is a clock time; the films of the demo start at no time of day"
    return faults + [Fault(item.row, "onset_seconds", "", timeless) for item in rows if item.has_clock_times]
