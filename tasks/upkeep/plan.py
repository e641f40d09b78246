"""What a run would do, and why: the stages that the present settings mean, seen ahead of their making."""

from __future__ import annotations

import functools
import itertools
import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.machinery.sealed import write_sealed
from tasks.machinery.tables import shorten
from tasks.settings.cells import num_repeats, num_seeds
from tasks.settings.sections import Folds, results_root, section
from tasks.stage.publishing import lost, walk
from tasks.stage.stage import Stage
from tasks.stages.features import ExtractFeatures, features_of_run
from tasks.stages.folds import deal_ahead
from tasks.stages.inspection import surveyed
from tasks.stages.report import WriteReport
from tasks.stages.videos import DecodeRecording

PLANS_FOLDER = "plans"
MAX_EARLIER = 20  # results of one label that a new one is compared with
MAX_TIMED = 200  # results of one stage whose seconds are averaged


@dataclass(frozen=True)
class Step:
    """One result that a run would make.

    Attributes:
        stage: Its task.
        changes: How its recipe differs from the nearest earlier one of the same label; None where there is none.
        seconds: How long it may take, None where no earlier result tells.
    """

    stage: Stage
    changes: tuple[str, ...] | None
    seconds: float | None


@dataclass(frozen=True)
class Plan:
    """What RunAll, or Predict, would do.

    Attributes:
        stages: Every stage that the present settings mean, needed ones first, as far as they can be seen ahead.
        steps: What would run, in order.
        estimated: How many tasks of each later stage there will be, where only the features will tell which.
        seconds_each: Seconds of one result of a stage, from earlier results.
    """

    stages: tuple[Stage, ...]
    steps: tuple[Step, ...]
    estimated: Mapping[str, int]
    seconds_each: Mapping[str, float]

    def save(self, name: str) -> Path:
        """Write the results that this plan names to `plans/<name>.json`, which Prune respects; return its path."""
        path = plans_folder() / f"{name}.json"
        write_sealed(path, {"results": [[stage.task_family, stage.label, stage.key] for stage in self.stages]})
        return path


def plans_folder() -> Path:
    """Return the folder of saved plans."""
    return results_root() / PLANS_FOLDER


def make_plan() -> Plan:
    """Compare what exists with what RunAll wants; runs nothing, and writes only the cached hashes of videos."""
    stages, foreseen = foresee()
    roots = [*features_of_run(), *([WriteReport()] if foreseen else [])]
    return plan_of(roots, stages, {} if foreseen else _estimated_counts())


def plan_of(roots: Sequence[Stage], stages: Sequence[Stage], estimated: Mapping[str, int]) -> Plan:
    """Compare what exists with what a task wants: its `roots`, of all `stages` below them, and what is estimated."""
    unfinished = [*lost(roots), *walk(*roots, only_incomplete=True)]
    families = {stage.task_family for stage in unfinished} | set(estimated)
    seconds_each = {name: mean for name in families if (mean := _mean_seconds(name)) is not None}
    steps = tuple(_step(stage, seconds_each.get(stage.task_family)) for stage in unfinished)
    return Plan(tuple(stages), steps, estimated, seconds_each)


def damage(stages: Iterable[Stage], *, thorough: bool) -> list[tuple[Path, str]]:
    """Return the results that are there and are not as they were written, with what is wrong; `thorough`: hash all."""
    found = ((stage.path, stage.fault(thorough=thorough)) for stage in stages)
    return [(path.relative_to(results_root()), fault) for path, fault in found if fault]


def long_ways(plan: Plan) -> list[tuple[str, str]]:
    """Return the windows that are far from the key frame before them, as (recording and film, what that costs).

    Only the survey of a film knows: a film without one, and what lies behind it, is not spoken of.
    """
    from seizures.inspection.verdict import describe_long_way

    found = []
    for stage in (step.stage for step in plan.steps):
        if not isinstance(stage, DecodeRecording):
            continue
        from_seconds = stage.recording.onset_seconds or 0.0
        for name in stage.recording.video:
            survey = surveyed(name)
            if not survey.complete():
                break
            facts = survey.facts()
            if from_seconds < facts.duration_seconds:
                words = describe_long_way(facts, from_seconds)
                found += [(f"{stage.label}, {name}", words)] if words else []
                break
            from_seconds -= facts.duration_seconds
    return found


def foresee() -> tuple[list[Stage], bool]:
    """Return all stages of the present settings, and whether they are all.

    Where features are missing, the folds are dealt in memory assuming that every video is good. They cannot be dealt as
    long as a seizure's duration is unknown: then only the stages up to the features are returned.
    """
    foreseen = deal_ahead()
    return walk(*features_of_run(), *([WriteReport()] if foreseen else [])), foreseen


def _estimated_counts() -> dict[str, int]:
    dealings = num_repeats()
    trainings = dealings * section(Folds).num_folds * num_seeds()
    written = ("DrawPictures", "WriteProvenance", "TabulateChecklists", "WriteChecklists", "WriteReport")
    scored = ("PoolPredictions", "ScorePredictions", "CalibrateProbabilities", "PoolUnfolding", "ScoreUnfolding")
    once = dict.fromkeys((*scored, *written), 1)
    of_folds = dict.fromkeys(("TrainFold", "EvaluateFold", "UnfoldFold"), trainings)
    dealt = {"AssignFolds": dealings, "PredictBaselines": dealings, **of_folds}
    return {"CompareFeatures": 1, "PackFeatures": 1, **dealt, **once}


def _step(stage: Stage, mean_seconds: float | None) -> Step:
    earlier = _earlier(stage.path.parent)
    if not earlier:
        return Step(stage, None, mean_seconds)
    changes = min((recipe_changes(old, stage.recipe, stage.label) for old in earlier), key=len)
    is_copied = isinstance(stage, ExtractFeatures) and stage.earlier() is not None
    return Step(stage, tuple(changes), 0.0 if is_copied else _seconds(earlier[0]) or mean_seconds)


def _earlier(folder: Path) -> list[dict[str, Any]]:
    """Return what is said of the earlier results in a folder, the newest first."""
    notes = [path for path in folder.glob("*.why.json") if path.is_file()]
    notes.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [note for path in notes[:MAX_EARLIER] if (note := _note(path))]


@functools.cache
def _note(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _mean_seconds(family: str) -> float | None:
    notes = (_note(path) for path in itertools.islice(results_root().glob(f"{family}/*/*.why.json"), MAX_TIMED))
    known = [seconds for note in notes if (seconds := _seconds(note)) is not None]
    return statistics.fmean(known) if known else None


def _seconds(note: Mapping[str, Any]) -> float | None:
    """Return what making a result took; None where that is not known, or it was copied from another."""
    found = None if note.get("copied_from") else note.get("seconds")
    return float(found) if isinstance(found, (int, float)) else None


def recipe_changes(old: Mapping[str, Any], new: Mapping[str, Any], own: str = "") -> list[str]:
    """Return how one recipe differs from another, a text a field: `name: old -> new`.

    Of the results of other stages, which have only keys, it is named which ones are others, new (+) or gone (-); those
    of the same label as `own`, or of a part of it, are called its own, so that many results change in the same way.
    """
    before, after = _flat({name: old.get(name, {}) for name in new}), _flat(new)
    fields: list[str] = []
    upstream: dict[str, list[str]] = {}
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if was == now:
            continue
        group, _, rest = name.partition(".")
        if group == "upstream":
            sign = "+" if was is _ABSENT else "-" if now is _ABSENT else ""
            family, _, label = rest.partition("/")
            upstream.setdefault(family, []).append(sign + label)
        else:
            fields.append(f"{rest if group == 'reads' else name}: {_shown(was)} -> {_shown(now)}")
    return fields + [f"{family}: {_whose(labels, own)}" for family, labels in upstream.items()]


_ABSENT = object()


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return every leaf under its path; what lists hold of a patient or a seizure is named by the ids."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, list) and item and all(isinstance(part, Mapping) for part in item):
            ids = ["+".join(str(id_) for key, id_ in part.items() if key.endswith("_id")) for part in item]
            item = {id_ or str(place): part for place, (id_, part) in enumerate(zip(ids, item, strict=True))}
        if isinstance(item, Mapping):
            found.update(_flat(item, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = item
    return found


def _shown(value: object) -> str:
    if value is _ABSENT:
        return "(absent)"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"({len(value)} items)" if isinstance(value, list) else f"{text[:12]}..."


def _whose(labels: list[str], own: str) -> str:
    return "its own" if own and all(label.startswith(own) for label in labels) else shorten(labels, 4)


@dataclass(frozen=True)
class StageState:
    """How many results of one stage are there, are still to be made, are left out as bad, or are not needed."""

    complete: int
    missing: int
    bad: int
    not_needed: int


def stage_states(plan: Plan) -> dict[str, StageState]:
    """Count the results of each stage; one is not needed where all that is made of it is complete already."""
    waiting = {step.stage.task_id for step in plan.steps}
    counts: dict[str, Counter[str]] = {stage.task_family: Counter() for stage in plan.stages}
    for stage in plan.stages:
        if stage.task_id in waiting:
            state = "missing"
        elif not stage.complete():
            state = "not_needed"
        else:
            state = "complete" if stage.is_made() else "bad"
        counts[stage.task_family][state] += 1
    for family, number in plan.estimated.items():
        counts.setdefault(family, Counter())["missing"] += number
    names = ("complete", "missing", "bad", "not_needed")
    return {family: StageState(*(found[name] for name in names)) for family, found in counts.items()}
