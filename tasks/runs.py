"""A run as a whole: every stage below a task, what they cost, and the links to what the present settings mean."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tasks.atomic import write_json
from tasks.base import BAD_EXTENSION, Stage
from tasks.config import results_root

SUMMARY_NAME = "summary.json"
INDEX_NAME = "index.csv"


def walk(*roots: Stage) -> list[Stage]:
    """Return the stages below `roots`, and themselves, each once, those that are needed first first."""
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.task_id in found:
            return
        for needed in stage.requires():
            visit(needed)
        found[stage.task_id] = stage

    for root in roots:
        visit(root)
    return list(found.values())


def seconds_by_stage(stages: Iterable[Stage]) -> dict[str, tuple[int, float]]:
    """Return, for each kind of stage, how many results there are and how many seconds they took when they were made."""
    found: dict[str, tuple[int, float]] = {}
    for stage in stages:
        try:
            seconds = float(json.loads(stage.file("why.json").read_text(encoding="utf-8"))["seconds"])
        except (FileNotFoundError, ValueError, KeyError):
            continue
        count, total = found.get(stage.task_family, (0, 0.0))
        found[stage.task_family] = (count + 1, total + seconds)
    return found


def published_key() -> str | None:
    """Return the run that `current` points to, or None."""
    try:
        return str(json.loads((results_root() / "current" / SUMMARY_NAME).read_text(encoding="utf-8"))["run"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return None


def publish(report: Stage, named: dict[str, Stage], summary: dict[str, Any]) -> Path:
    """Point `current` to the results of the present settings, at once and whole; return it.

    `runs/<key>` holds a link to each result by stage and label, `index.csv` with all of them, the `named` results
    under plain names, and the summary. Earlier runs stay, as long as Prune leaves them.
    """
    root = results_root()
    folder, draft = root / "runs" / report.key, root / "runs" / f".{report.key}.{os.getpid()}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    rows = []
    for stage in walk(report):
        path = stage.path if stage.path.exists() else stage.file(BAD_EXTENSION)
        if path.exists():
            _link(draft / stage.task_family / (stage.label + path.name[len(stage.key) :]), path, folder, draft)
            rows.append((stage.task_family, stage.label, stage.key, path.relative_to(root).as_posix()))
    for name, stage in named.items():
        _link(draft / name, stage.path, folder, draft)
    with (draft / INDEX_NAME).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("stage", "label", "key", "file"), *rows])
    write_json(draft / SUMMARY_NAME, {"run": report.key, **summary})
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    pointer = root / f".current.{os.getpid()}.tmp"
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(folder.relative_to(root), target_is_directory=True)
    pointer.replace(root / "current")
    return root / "current"


def _link(link: Path, target: Path, folder: Path, draft: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(target, folder / link.parent.relative_to(draft)))
