"""What must be sound before anything is scheduled, in one message: settings, manifest, videos, weights, folders."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from luigi.task_register import Register

import models
from seizures.classification.folds import FoldItem, check_folds
from seizures.classification.paper_folds import check_seizures
from seizures.classification.sampling import minimum_frames
from seizures.errors import SeizuresError, SettingsError
from seizures.features.validation import differences
from seizures.report.checklists.study import read_study
from seizures.settings import PRECISIONS
from tasks.cohort import manifest as cohort
from tasks.cohort.asked import imported_mistakes, setting_mistakes
from tasks.cohort.groups import group_mistakes, groups
from tasks.cohort.imported_features import extracts_any, import_mistakes
from tasks.cohort.manifest_faults import manifest_mistakes
from tasks.cohort.networks import weights_faults
from tasks.cohort.recipes import feature_recipes
from tasks.machinery.atomic import may_write
from tasks.machinery.disks import make_root, protect_new_files
from tasks.settings.cells import fold_settings
from tasks.settings.command_line import format_mistakes, on_command_line
from tasks.settings.mistakes import file_mistakes, value_mistakes
from tasks.settings.sections import (
    Dataset,
    Evaluation,
    Features,
    Folds,
    Machine,
    Results,
    Training,
    results_root,
    section,
)

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


@functools.cache
def require_sound_input() -> None:
    """Raise one error with every fault that can be seen before the work begins; each run asks once."""
    mistakes = [*file_mistakes(), *value_mistakes()]
    if not mistakes:
        mistakes = [*_setting_mistakes(), *_folder_mistakes(), *_cohort_mistakes()]
    if mistakes:
        raise SettingsError(format_mistakes(mistakes))


def require_askable(info: Mapping[str, Any], *, allow_mixed: bool) -> None:
    """Raise one error with everything that keeps a classifier from being asked about the manifest's seizures.

    Args:
        info: what the classifier's file says.
        allow_mixed: features may be of another network, other weights or another stride.

    """
    mistakes = [*_machine_mistakes(), *_folder_mistakes()] or list(_asked_mistakes(info, allow_mixed))
    if mistakes:
        raise SettingsError(format_mistakes(mistakes))


def _asked_mistakes(info: Mapping[str, Any], allow_mixed: bool) -> Iterator[str]:
    faults = list(manifest_mistakes())
    if faults:
        yield from faults
        return
    mistakes = [*(network_mistakes() if extracts_any() else ()), *import_mistakes()]
    if mistakes:
        yield from mistakes
        return
    if extracts_any():
        yield from setting_mistakes(info, allow_mixed=allow_mixed)
    yield from imported_mistakes(info, feature_recipes(), allow_mixed=allow_mixed)
    if not cohort.seizures():
        yield from (f"{item.name}: {item.reason}" for item in cohort.left_out_by_manifest())


def _setting_mistakes() -> Iterator[str]:
    training = section(Training)
    if training.aggregation not in models.aggregation_names():
        known = ", ".join(models.aggregation_names())
        yield f"[Training] aggregation = {training.aggregation}: expected one of {known}"
    counts = {
        "[Features] stride_frames": section(Features).stride_frames,
        "[Training] num_seeds": training.num_seeds,
        "[Folds] num_repeats": section(Folds).num_repeats,
    }
    yield from (f"{name} = {found}: expected at least 1" for name, found in counts.items() if found < 1)
    yield from _machine_mistakes()
    try:
        read_study(Path(section(Dataset).study))
    except SeizuresError as error:
        yield f"[Dataset] study = {error}"


def _feature_mistakes() -> Iterator[str]:
    """Check how features come to be: the network of those computed here, the files of those imported, and the mix."""
    mistakes = [*(network_mistakes() if extracts_any() else ()), *import_mistakes()]
    if mistakes:
        yield from mistakes
        return
    ways, mixed = feature_recipes(), section(Dataset).allow_mixed_features
    different = differences(ways.items(), allow_mixed=mixed)
    if different:
        what = "" if mixed else "; [Dataset] allow_mixed_features = true lets those differ that can be reconciled"
        yield "\n    ".join([f"the features are made in different ways{what}:", *different])
        return
    way, training, dataset = next(iter(ways.values())), section(Training), section(Dataset)
    wanted = minimum_frames(way["frames_per_snippet"], training.num_segments) / way["frame_rate_hz"]
    if dataset.minimum_duration_seconds < wanted:
        yield (
            f"[Dataset] minimum_duration_seconds = {dataset.minimum_duration_seconds:g}: {training.num_segments} "
            f"segments of more than {way['frames_per_snippet']} frames need at least {wanted:.2f} s; raise it, or "
            "lower [Training] num_segments"
        )


def network_mistakes() -> Iterator[str]:
    """Check the network that computes features here, and its weights."""
    features = section(Features)
    if features.precision not in PRECISIONS:
        yield f"[Features] precision = {features.precision}: expected one of {', '.join(PRECISIONS)}"
    try:
        models.network_spec(features.network)
    except models.ModelsError as error:
        said = str(error).removeprefix(f"network = {features.network}: ")
        yield f"[Features] network = {features.network}: {said}"
        return
    try:
        yield from (f"[Features] {fault}" for fault in weights_faults())
    except SeizuresError as error:
        yield str(error)


def _machine_mistakes() -> Iterator[str]:
    machine = section(Machine)
    if not _DEVICE.fullmatch(machine.device):
        yield f"[Machine] device = {machine.device}: expected auto, cpu, cuda or cuda:<number>"
    if machine.engine not in models.ENGINES:
        yield f"[Machine] engine = {machine.engine}: expected one of {', '.join(models.ENGINES)}"
    for name in ("snippets_per_batch", "num_threads"):
        if getattr(machine, name) < 0:
            yield f"[Machine] {name} = {getattr(machine, name)}: expected at least 0"


def _folder_mistakes() -> Iterator[str]:
    root = results_root()
    for name in (".run", "runs", *sorted(Register.task_names())):
        if os.path.lexists(root / name) and not (root / name).is_dir():
            yield f"{root / name}: expected a folder, found something else; move it elsewhere, or delete it"
    if not may_write():
        return
    shared = section(Results).group_writable
    if on_command_line():
        protect_new_files(is_group_writable=shared)
    try:
        make_root(root, is_group_writable=shared)
        tempfile.TemporaryFile(dir=root).close()
    except OSError as error:
        yield f"[Results] root = {root}: not writable ({error.strerror}); choose another folder or fix its permissions"


def _subgroup_mistakes() -> Iterator[str]:
    evaluation = section(Evaluation)
    for name in evaluation.subgroup_names():
        try:
            cohort.column_values(name)
        except SeizuresError as error:
            yield f"[Evaluation] subgroups = {evaluation.subgroups}: {error}"


def _cohort_mistakes() -> Iterator[str]:
    faults = list(manifest_mistakes())
    if faults:
        yield from (*faults, *network_mistakes())
        return
    yield from _feature_mistakes()
    yield from _subgroup_mistakes()
    mistakes = list(group_mistakes())
    if mistakes:
        yield from mistakes
        return
    items = [
        FoldItem(*item.id, item.label, item.duration_seconds or 0.0, group=groups().get(item.id, ""))
        for item in cohort.seizures().values()
    ]
    settings = fold_settings()
    try:
        if settings.dealing == "seizures":
            check_seizures(items, settings.num_folds)
        else:
            check_folds(items, settings.num_folds, settings.group)
    except SeizuresError as error:
        yield str(error)
