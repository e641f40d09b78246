"""What is held out together: a patient, or everybody who shares a value of a column of the manifest, such as a site."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator

from seizures.errors import ManifestError
from seizures.manifest.descriptions import description_columns
from seizures.manifest.identity import SeizureId
from tasks.cohort import manifest as cohort
from tasks.machinery.tables import shorten
from tasks.settings.cells import fold_settings
from tasks.settings.mistakes import nearest
from tasks.settings.sections import Dataset, section

_MOST_NAMED = 5


@functools.cache
def groups() -> dict[SeizureId, str]:
    """Return the group of each seizure by `[Folds] group`; empty where patients are held out one by one."""
    group = fold_settings().group
    if group == "patient":
        return {}
    values = cohort.column_values(group)
    return {seizure: values[seizure] for seizure in cohort.seizures()}


def group_mistakes() -> Iterator[str]:
    """Yield what keeps the manifest's patients from being held out by `[Folds] group`."""
    settings, manifest = fold_settings(), section(Dataset).manifest
    if settings.group == "patient":
        return
    said = f"[Folds] group = {settings.group}"
    if settings.dealing == "seizures":
        yield f"{said}: with seizures dealt into folds, nothing is held out together; set [Folds] dealing = patients"
    known = description_columns(cohort.recordings())
    if settings.group not in known:
        yield f"{said}: {manifest} has no such column{nearest(settings.group, ['patient', *known])}"
        return
    try:
        values = groups()
    except ManifestError as error:
        yield f"{said}: {error}"
        return
    blank = sorted(seizure.name for seizure, value in values.items() if not value)
    if blank:
        shown = shorten(blank, _MOST_NAMED)
        yield f"{said}: nothing stands there for {shown}; fill the column in, or set use = skip in these rows"
    of_patient: dict[str, set[str]] = defaultdict(set)
    for seizure, value in values.items():
        of_patient[seizure.patient_id].add(value)
    split = sorted(patient for patient, found in of_patient.items() if len(found - {""}) > 1)
    if split:
        shown = shorten(split, _MOST_NAMED)
        yield f"{said}: {shown}: a patient with two values cannot be held out with one; choose another column"
