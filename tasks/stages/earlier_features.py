"""Features that an earlier result of the same seizure has already: a corrected label must not run the network again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seizures.errors import FeatureFileError
from tasks.machinery.sealed import read_sealed
from tasks.stage.integrity import fault_of_result
from tasks.stage.stage import WHY_EXTENSION

# What a feature file says of its seizure, and the network never sees.
SAID = ("label", "clonic_onset_seconds", "uses")
_OF_RECIPE = ("stage", "version", "label", "upstream")


class EarlierFeatures(NamedTuple):
    """A feature file whose vectors are the wanted ones: its key, and on what they were computed (empty: not noted)."""

    path: Path
    key: str
    device: str


def find_earlier(
    path: Path, recipe: Mapping[str, Any], views: Collection[str], *, thorough: bool = False
) -> EarlierFeatures | None:
    """Return the newest whole result beside `path` that was made as `recipe` says, but for what is said of the seizure.

    Args:
        path: of the result that is wanted.
        recipe: of that result.
        views: whose vectors are wanted; without any there is nothing to find.
        thorough: hash what is found, because it is going to be read.
    """
    notes = [(note, said) for note, said in _notes(path) if _differ_in_what_is_said(said, recipe)]
    for note, said in sorted(notes, key=lambda item: (str(item[1].get("made", "")), item[0].name), reverse=True):
        found = EarlierFeatures(
            note.with_name(f"{said['key']}{path.suffix}"), str(said["key"]), str(said.get("device", ""))
        )
        if views and found.path != path and _is_usable(found, note, views, thorough=thorough):
            return found
    return None


def _notes(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for note in path.parent.glob(f"*.{WHY_EXTENSION}"):
        said = read_sealed(note, "key", "reads", *_OF_RECIPE)
        if said is not None:
            yield note, said


def _differ_in_what_is_said(said: Mapping[str, Any], recipe: Mapping[str, Any]) -> bool:
    """Tell whether two recipes are the same, but for what is said of the seizure."""
    if any(said[name] != recipe[name] for name in _OF_RECIPE):
        return False
    one, other = ({name: item for name, item in of["reads"].items() if name not in SAID} for of in (said, recipe))
    return one == other


def _is_usable(found: EarlierFeatures, note: Path, views: Collection[str], *, thorough: bool) -> bool:
    """Tell whether a result is there, as it was written, and has all of these views."""
    from seizures.features.file import open_features

    try:
        if fault_of_result(found.path, note, found.key, thorough=thorough):
            return False
        with open_features(found.path) as file:
            return set(views) <= set(file.views)
    except (FileNotFoundError, FeatureFileError):
        return False
