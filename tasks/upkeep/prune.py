"""What may be deleted from the results folder: what no recent run, no saved plan and no present setting names.

Only files whose names say that a stage of ours wrote them are ever looked at; all others are left alone.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from seizures.errors import SeizuresError
from seizures.settings import KEY_LENGTH
from tasks.machinery.atomic import is_temporary
from tasks.machinery.sealed import add_to_sealed, read_sealed
from tasks.settings.sections import results_root
from tasks.stage.integrity import DAMAGED_SUFFIX
from tasks.stage.publishing import INDEX_NAME, SUMMARY_NAME, fault_of_listed, read_summary, remove_run, walk
from tasks.stage.stage import BAD_EXTENSION, WHY_EXTENSION, Stage
from tasks.stages.answer_pages import PoolAnswers, WriteSeizurePage
from tasks.stages.answers import AnswerSeizure, FollowSeizure
from tasks.stages.baselines import PredictBaselines
from tasks.stages.calibration import CalibrateProbabilities
from tasks.stages.checklist import TabulateChecklists, WriteChecklists
from tasks.stages.evaluation import EvaluateFold, PoolPredictions, ScorePredictions
from tasks.stages.external import ScoreExternally, WriteExternalPage
from tasks.stages.features import ExtractFeatures, features_of_run
from tasks.stages.folds import AssignFolds
from tasks.stages.imported import ImportedFeatures
from tasks.stages.middles import ExtractMiddles
from tasks.stages.packed import PackFeatures
from tasks.stages.provenance import WriteProvenance
from tasks.stages.report import DrawPictures, WriteReport
from tasks.stages.shared_features import CompareFeatures
from tasks.stages.snippets import features_of_networks, sound_networks
from tasks.stages.training import TrainFold
from tasks.stages.unfolding import PoolUnfolding, ScoreUnfolding, UnfoldFold
from tasks.stages.videos import DecodeRecording, SimulateRecording
from tasks.upkeep.plan import foresee, plans_folder

DAY_SECONDS = 86400.0
# What RunAll, Predict and TestClassifier make, and so what a run names; results of other stages are left alone.
RUN_STAGES: tuple[type[Stage], ...] = (
    SimulateRecording, DecodeRecording, ExtractFeatures, ImportedFeatures, CompareFeatures, PackFeatures, AssignFolds,
    TrainFold, EvaluateFold, PredictBaselines, PoolPredictions, ScorePredictions, CalibrateProbabilities, DrawPictures,
    WriteProvenance, TabulateChecklists, WriteChecklists, WriteReport, UnfoldFold, PoolUnfolding, ScoreUnfolding,
    ExtractMiddles, AnswerSeizure, FollowSeizure, WriteSeizurePage, PoolAnswers, ScoreExternally, WriteExternalPage,
)  # fmt: skip
RUNS, TEMPORARY, DAMAGED = "(old runs)", "(temporary files)", "(damaged files)"
_KEY = f"[0-9a-f]{{{KEY_LENGTH}}}"


class Result(NamedTuple):
    """What names a result."""

    stage: str
    label: str
    key: str


class Unused(NamedTuple):
    """Something that may be deleted: its kind (a stage, or another), and its files, or its folder, in that order."""

    kind: str
    name: str
    paths: tuple[Path, ...]
    num_bytes: int
    age_seconds: float


def unused(*, keep_runs: int, older_than_seconds: float) -> list[Unused]:
    """Return what nothing names and is older than that: results, old runs, and the temporary files of killed processes.

    Raises:
        SeizuresError: A run or a saved plan cannot be read, so that what it names is unknown.
    """
    kept_runs, old_runs = _runs(keep_runs)
    wanted = [*foresee()[0], *walk(*features_of_networks(sound_networks()))]
    kept = {Result(stage.task_family, stage.label, stage.key) for stage in wanted}
    # Of the packed features, as large as all features, one file is enough: any is made again of these in seconds.
    packs = PackFeatures.__name__
    kept.update(result for run in kept_runs for result in _named_by_run(run) if result.stage != packs)
    kept.update(result for plan in sorted(plans_folder().glob("*.json")) for result in _named_by_plan(plan))
    found = [
        _unused(result.stage, f"{result.label}/{result.key}", paths)
        for result, paths in _results().items()
        if result not in kept
    ]
    found += [_unused(RUNS, run.name, [run]) for run in old_runs]
    found += [item for item in temporaries() if item.age_seconds >= DAY_SECONDS]
    return [item for item in found if item.age_seconds >= older_than_seconds]


def spent_frames(*, older_than_seconds: float) -> list[Unused]:
    """Return the decoded frames whose features are complete: new features of other settings would decode them again."""
    results = _results()
    spent: set[Result] = set()
    for result, paths in results.items():
        files = {path.name[KEY_LENGTH + 1 :]: path for path in paths}
        if result.stage != "ExtractFeatures" or not {"h5", WHY_EXTENSION} <= set(files):
            continue
        for name, key in ((read_sealed(files[WHY_EXTENSION]) or {}).get("upstream") or {}).items():
            stage, _, label = name.partition("/")
            spent.add(Result(stage, label, key))
    # The network and the baselines' movement read the same frames: both must be complete.
    waiting = [stage for stage in features_of_run() if isinstance(stage, ExtractFeatures) and not stage.complete()]
    spent -= {Result(view.task_family, view.label, view.key) for stage in waiting for view in stage.requires()}
    frames = [
        _unused(result.stage, f"{result.label}/{result.key}", [path for path in paths if path.suffix == ".h5"])
        for result, paths in results.items()
        if result in spent and any(path.suffix == ".h5" for path in paths)
    ]
    return [item for item in frames if item.age_seconds >= older_than_seconds]


def temporaries() -> Iterator[Unused]:
    """Yield what a killed process left before it was whole, files, drafts of runs and links, and damaged results."""
    for folder, folders, files in os.walk(results_root()):
        drafts = [name for name in folders if is_temporary(Path(name))]
        folders[:] = [name for name in folders if name not in drafts]
        for name in [*drafts, *files]:
            path = Path(folder, name)
            if is_temporary(path) or name.endswith(DAMAGED_SUFFIX):
                kind = TEMPORARY if is_temporary(path) else DAMAGED
                yield _unused(kind, path.relative_to(results_root()).as_posix(), [path])


def delete(items: Iterable[Unused]) -> None:
    """Delete; a folder that is empty then goes too."""
    for item in items:
        for path in item.paths:
            if item.kind == RUNS:
                remove_run(path)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        folder = item.paths[0].parent
        if item.kind not in (RUNS, TEMPORARY) and not any(folder.iterdir()):
            folder.rmdir()


def delete_frames(items: Iterable[Unused]) -> None:
    """Delete frames, and note that they are not missing."""
    for item in items:
        for path in item.paths:
            note = path.with_name(f"{path.name[:KEY_LENGTH]}.{WHY_EXTENSION}")
            if (said := read_sealed(note)) is not None:
                add_to_sealed(note, said, is_pruned=True)
            path.unlink(missing_ok=True)


def _results() -> dict[Result, list[Path]]:
    """Return the files of every result; the result itself first, so that a stop half-way leaves its note."""
    found: dict[Result, list[Path]] = defaultdict(list)
    for stage in RUN_STAGES:
        ours = re.compile(rf"({_KEY})\.({'|'.join(map(re.escape, (stage.extension, BAD_EXTENSION, WHY_EXTENSION)))})")
        for path in sorted(results_root().glob(f"{stage.get_task_family()}/*/*")):
            match = ours.fullmatch(path.name)
            if match and path.is_file() and not path.is_symlink():
                found[Result(stage.get_task_family(), path.parent.name, match[1])].append(path)
    return {
        result: sorted(paths, key=lambda path: path.name.endswith(WHY_EXTENSION)) for result, paths in found.items()
    }


def _runs(keep: int) -> tuple[list[Path], list[Path]]:
    """Return the runs to keep, the newest and those that a link such as `predictions/ward` shows, and the others."""
    root = results_root()
    runs = [path for path in (root / "runs").glob("*") if re.fullmatch(_KEY, path.name) and path.is_dir()]
    runs.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    published = (path.parent for depth in ("*", "*/*") for path in root.glob(f"{depth}/{SUMMARY_NAME}"))
    shown = {(read_summary(path) or {}).get("run") for path in published if path.parent != root / "runs"}
    kept = [run for place, run in enumerate(runs) if place < keep or run.name in shown]
    return kept, [run for run in runs if run not in kept]


def _named_by_run(run: Path) -> list[Result]:
    try:
        if fault := fault_of_listed(run, INDEX_NAME):
            raise ValueError(fault)
        with (run / INDEX_NAME).open(encoding="utf-8", newline="") as file:
            return [Result(row["stage"], row["label"], row["key"]) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(run / INDEX_NAME, str(error), f"run RunAll, or delete {run}") from error


def _named_by_plan(plan: Path) -> list[Result]:
    said = read_sealed(plan, "results")
    if said is None:
        raise _unreadable(plan, "it is not as it was written", "save the plan again, or delete it")
    return [Result(*names) for names in said["results"]]


def _unreadable(path: Path, why: str, advice: str) -> SeizuresError:
    return SeizuresError(f"{path}: cannot be read ({why}), so what it uses is unknown; {advice}")


def _unused(kind: str, name: str, paths: Iterable[Path]) -> Unused:
    paths = tuple(paths)
    states = [path.lstat() for path in paths]
    size = sum(item.lstat().st_size for path in paths if path.is_dir() for item in path.rglob("*")) if paths else 0
    size += sum(state.st_size for state in states)
    return Unused(kind, name, paths, size, time.time() - max(state.st_mtime for state in states))
