"""Facts of a run that its pages and provenance.json tell: settings, devices, how features were made, who is in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
from seizures.manifest.identity import SeizureId
from seizures.manifest.recordings import Recording
from seizures.settings import canonical, canonical_json
from tasks.cohort import manifest as cohort
from tasks.cohort.recipes import feature_recipes
from tasks.settings.sections import SECTIONS, Machine, Report, Results, Snippets, Sweep, section
from tasks.settings.ways import network_of
from tasks.stages.features import all_features, features_of
from tasks.stages.folds import fold_items, fold_rows, seizure_of

PATH_SETTINGS = ("manifest", "video_root", "weights", "weights_dir", "features", "site_profile", "study")


def durations() -> dict[SeizureId, float]:
    """Return the seconds of each seizure that has a place in the folds."""
    known = [(item, item.duration_seconds) for item in fold_items()]
    return {item.id: seconds for item, seconds in known if seconds is not None}


def num_not_trained_on() -> int:
    """Count the views in which the patient is out of sight: they are scored, and not trained on."""
    return num_views(lambda item: item.use == "evaluate")


def num_views(is_wanted: Callable[[Recording], bool]) -> int:
    """Count the views of the folds' seizures that are so."""
    return sum(is_wanted(item) for row in fold_rows() for item in seizure_of(row).recordings)


def ways() -> list[dict[str, Any]]:
    """Return each way in which features were made, once, with the network's words and, where known, its frames."""
    found = {canonical_json(item): dict(item) for item in feature_recipes().values()}
    for way in found.values():
        way["network_words"] = models.describe_network(str(way["network"]), str(way["weights_sha256"]))
        # A network of somebody else's own is not built to be described.
        if way["network"] in (*models.network_names(), network_of("")):
            spec = models.network_spec(way["network"])
            way["frame_size"] = spec.frame_size
            if spec.frame_step > 1:
                way["frame_step"] = spec.frame_step
    return [found[text] for text in sorted(found)]


def release_and_commit() -> str:
    """Return the release, and the beginning of the commit if this is a checkout, for a person to read."""
    from seizures import provenance

    release, version = provenance.release(), provenance.code_version()
    commit, _, changes = version.partition("-")
    return release if version == release else f"{release} (commit {commit[:12]}{', with changes' if changes else ''})"


def devices() -> str:
    """Return what computed the features, which may have been several machines."""
    found = set()
    for stage in all_features():
        with contextlib.suppress(FileNotFoundError, KeyError):
            found.add(json.loads(stage.file("why.json").read_text(encoding="utf-8"))["device"])
    return ", ".join(sorted(found)) or "not recorded"


def settings_by_section() -> dict[str, dict[str, Any]]:
    """Return every setting that decides a result, by section; of a path its last name, as folders tell of people."""
    return {
        kind.get_task_family(): {name: _shown(name, getattr(section(kind), name)) for name, _ in kind.get_params()}
        for kind in SECTIONS
        if kind not in (Machine, Report, Results, Snippets, Sweep)
    }


def _shown(name: str, value: Any) -> Any:
    return Path(value).name if name in PATH_SETTINGS else canonical(value)


def flow() -> dict[str, list[str]]:
    """Return the label and the outcome of every seizure in the manifest by its name: what its flow is counted of."""
    listed, outcomes = listed_and_outcomes()
    return {seizure.name: [label, outcomes[seizure]] for seizure, label in listed.items()}


def listed_and_outcomes() -> tuple[dict[SeizureId, str], dict[SeizureId, str]]:
    """Return the label of every seizure in the manifest, and what became of it, as `seizures.report.flow` names it."""
    listed = {item.id.seizure: item.label for item in cohort.recordings()}
    wanted = {item.id.seizure for item in cohort.recordings() if item.use != "skip"}
    scored = {row.id for row in fold_rows()}
    outcomes = {}
    for seizure in listed:
        if seizure in scored:
            outcomes[seizure] = "scored"
        elif seizure not in wanted:
            outcomes[seizure] = "skipped"
        elif seizure in cohort.seizures() and features_of(seizure).bad_reason() is not None:
            outcomes[seizure] = "unusable"
        else:
            outcomes[seizure] = "short"
    return listed, outcomes
