"""Seizures without a video, whose features were computed elsewhere: which they are, and what is in their files."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seizures.manifest.recordings import Seizure
from tasks.cohort import manifest as cohort
from tasks.settings.sections import Dataset, section

if TYPE_CHECKING:
    from seizures.features.validation import Examined


def imported_seizures() -> list[Seizure]:
    """Return the seizures of which no view has a video."""
    return [item for item in cohort.seizures().values() if is_imported(item)]


def is_imported(seizure: Seizure) -> bool:
    """Tell whether the features of a seizure come from elsewhere."""
    return not any(recording.video for recording in seizure.recordings)


def source_of(seizure: Seizure) -> Path:
    """Return the file that has the features of a seizure from elsewhere."""
    return Path(section(Dataset).features) / f"{seizure.name}.h5"


@functools.cache
def examined() -> Mapping[str, Examined]:
    """Return the structure and header of each imported file, looked at in a process of its own."""
    from seizures.processes.examiner import examine_files

    seizures = imported_seizures()
    outcomes = examine_files([source_of(item) for item in seizures], thorough=False)
    return {item.name: outcome for item, outcome in zip(seizures, outcomes, strict=True)}


def extracts_any() -> bool:
    """Tell whether some features are computed here, and not all imported."""
    return not all(is_imported(item) for item in cohort.seizures().values())


def import_mistakes() -> Iterator[str]:
    """Yield what is wrong with the files of the imported seizures, or between them and the manifest."""
    from seizures.exchange.importing import disagreements

    if not imported_seizures():
        return
    folder = section(Dataset).features
    if not folder or not Path(folder).is_dir():
        wanted = "expected the folder with the features of the seizures without a video; ImportFeatures makes one"
        yield f"[Dataset] features = {folder}: {wanted}"
        return
    outcomes = examined()
    for seizure in imported_seizures():
        outcome = outcomes[seizure.name]
        if outcome.summary is None:
            yield from (f"{finding.file}: {finding.problem}" for finding in outcome.findings)
        else:
            yield from (f"{seizure.name}: {what}" for what in disagreements(seizure.recordings, outcome))
