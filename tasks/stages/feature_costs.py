"""What computing the features of a way cost when it was done: seconds for a minute of film, decoding included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tasks.stage.stage import WHY_EXTENSION, Stage
from tasks.stages.features import ExtractFeatures, features_of
from tasks.stages.folds import final_views, fold_items


class FeatureCost(NamedTuple):
    """Seconds of one worker for a minute of film, and what computed; None and empty where that was not measured."""

    seconds_per_minute: float | None
    device: str


def feature_cost(way: str) -> FeatureCost:
    """Return what the features of the seizures in the folds cost, from the notes beside the results.

    Imported features were not computed here. Of features that were copied from earlier ones, and of frames whose notes
    are gone, it is not known.
    """
    seconds = minutes = 0.0
    devices = set()
    for item in fold_items():
        stage = features_of(item.id, way)
        if not isinstance(stage, ExtractFeatures) or item.duration_seconds is None:
            return FeatureCost(None, "")
        views = final_views(stage)
        notes = [_note(stage), *(_note(frames) for frames in stage.frames() if frames.view in views)]
        if any("seconds" not in note or note.get("copied_from") for note in notes):
            return FeatureCost(None, "")
        seconds += sum(float(note["seconds"]) for note in notes)
        minutes += item.duration_seconds * len(views) / 60
        devices.add(str(notes[0].get("device", "")))
    return FeatureCost(seconds / minutes if minutes else None, ", ".join(sorted(filter(None, devices))))


def _note(stage: Stage) -> Mapping[str, Any]:
    try:
        found = json.loads(stage.file(WHY_EXTENSION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
