"""Any path that holds features, checked: a file, a folder of files, or an exchange bundle (a folder or a zip)."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from seizures.errors import FeatureFileError
from seizures.exchange import importing
from seizures.features.reader import feature_files
from seizures.features.validation import FAULT, WARNING, Finding, differences
from seizures.files.archives import is_zip
from seizures.manifest.identity import SeizureId
from seizures.processes.examiner import examine_files


def check_path(path: str | os.PathLike[str]) -> tuple[list[Finding], int]:
    """Check features from another lab before using them; memory and time are bounded, and nothing in them is executed.

    Args:
        path: a feature file, a folder of them, or an exchange bundle (a folder or a zip).

    Returns:
        What was found, an empty list where all is well: each finding has `file`, `place`, `severity` (`fault`, or
        `warning`) and `problem`. And the number of feature files.

    Raises:
        FeatureFileError: there are no features at that path.

    """
    path = Path(path)
    if (path.is_dir() and importing.is_bundle(path)) or (path.is_file() and is_zip(path)):
        try:
            with importing.opened(path) as checked:
                return list(checked.findings), len(checked.examined)
        except FeatureFileError as error:
            return [Finding(path.name, "", FAULT, str(error))], 0
    if not path.exists():
        raise FeatureFileError(f"{path}: no such file or folder")
    files = feature_files(path) if path.is_dir() else {path.name: path}
    if not files:
        raise FeatureFileError(f"{path}: no feature files (.h5) in it")
    outcomes = dict(zip(files, examine_files(list(files.values())), strict=True))
    found = [
        dataclasses.replace(finding, file=name) for name, outcome in outcomes.items() for finding in outcome.findings
    ]
    made = [(name, outcome.summary.made) for name, outcome in outcomes.items() if outcome.summary is not None]
    for line in differences(made):
        found.append(Finding(path.name, "", WARNING, f"made in different ways: {line}"))
    owners: dict[SeizureId, str] = {}
    for name, outcome in outcomes.items():
        if outcome.summary is not None:
            seizure = SeizureId(outcome.summary.patient_id, outcome.summary.seizure_id)
            if owners.setdefault(seizure, name) != name:
                found.append(Finding(name, "", WARNING, f"the same seizure as {owners[seizure]}"))
    return found, len(files)
