"""A run as a whole: every stage below a task, what they cost, and the links to what the present settings mean."""

from __future__ import annotations

import contextlib
import csv
import errno
import filecmp
import itertools
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.machinery.atomic import full_disk_told, is_temporary, temporary_name, unfinished
from tasks.machinery.disks import has_links, require_same_disk
from tasks.machinery.sealed import has_no_seal, read_sealed, write_sealed
from tasks.settings.sections import results_root
from tasks.stage.integrity import describe_file, fault_of_file
from tasks.stage.stage import BAD_EXTENSION, Stage

SUMMARY_NAME = "summary.json"
INDEX_NAME = "index.csv"
PUBLISH_TRIES = 10
_LARGEST_COPY_BYTES = 2**24
_NO_SUMMARY: Mapping[str, Any] = {"files": {}, "links": []}
_OF_THE_SYSTEM = re.compile(r"\.|~\$|(Thumbs\.db|desktop\.ini)$", re.IGNORECASE)  # ours that are not whole, too
_logger = logging.getLogger(__name__)


def walk(*roots: Stage, only_incomplete: bool = False) -> list[Stage]:
    """Return the stages below `roots`, and themselves, each once, in dependency order.

    With `only_incomplete`, a stage that is complete is left out with all below it: what is left, Luigi would run.
    Without, what a result was made of is below it even where it is not needed again.
    """
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.task_id in found or (only_incomplete and stage.complete()):
            return
        for needed in stage.requires() if only_incomplete else (*stage.requires(), *stage.upstream()):
            visit(needed)
        found[stage.task_id] = stage

    for root in roots:
        visit(root)
    return list(found.values())


def lost(roots: Iterable[Stage]) -> list[Stage]:
    """Return the stages below `roots` whose result is gone or damaged although all that is made of it is complete.

    Frames that Prune has deleted are not missing.
    """
    roots = list(roots)
    wanted = {stage.task_id for stage in walk(*roots, only_incomplete=True)}
    found = (stage for stage in walk(*roots) if stage.task_id not in wanted)
    return [stage for stage in found if not stage.complete() and not stage.is_pruned()]


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return what a run says of itself in its folder; None where that is damaged, not there, or another file."""
    return read_sealed(folder / SUMMARY_NAME, "run", "files", "links")


def published_key(link: str = "current") -> str | None:
    """Return the run that a link in the results folder points to, or None where it has not all that it had."""
    folder = results_root() / link
    said = read_summary(folder)
    if said is None or any(fault_of_file(folder / name, file) for name, file in said["files"].items()):
        return None
    if not folder.is_symlink() and _edited(folder, said):
        return None
    return str(said["run"]) if all(os.path.lexists(folder / name) for name in said["links"]) else None


def fault_of_listed(run: Path, name: str) -> str:
    """Return what is wrong with a file of a run that its summary lists; empty where nothing is.

    The summary of an earlier release lists nothing.
    """
    said = read_summary(run)
    if said is None and has_no_seal(run / SUMMARY_NAME):
        return ""
    if said is None:
        return f"{SUMMARY_NAME} is damaged or not there"
    return fault_of_file(run / name, said["files"][name])


def made_anew(stages: Iterable[Stage]) -> dict[str, list[str]]:
    """Return by stage the labels of the results that were made since the run that `current` points to had ended."""
    try:
        ended = (results_root() / "current" / SUMMARY_NAME).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found: dict[str, list[str]] = {}
    for stage in stages:
        with contextlib.suppress(FileNotFoundError):
            if stage.file("why.json").stat().st_mtime > ended:
                found.setdefault(stage.task_family, []).append(stage.label)
    return found


def publish(
    report: Stage, named: dict[str, Stage], summary: dict[str, Any], fill: Callable[[Path], None] | None = None
) -> Path:
    """Point `current` to the results of the present settings, at once and whole; return it.

    `runs/<key>` holds a link to each result by stage and label, `index.csv` with all of them, the `named` results
    under plain names, the summary, and the files that `fill` writes there. Earlier runs stay, as long as Prune leaves
    them.
    """
    root = results_root()
    require_same_disk(root)
    folder = root / "runs" / report.key
    with full_disk_told(root), unfinished(temporary_name(folder)) as draft:
        made = _made(walk(report))
        for stage, path in made:
            link = draft / stage.task_family / (stage.label + path.name[len(stage.key) :])
            if os.path.lexists(link):  # of another network: the second has its key in its name
                link = link.with_name(f"{stage.label}+{path.name}")
            _link(link, path, folder, draft)
        for name, stage in named.items():
            _link(draft / name, stage.path, folder, draft)
        if fill is not None:
            fill(draft)
        _write_index(draft / INDEX_NAME, made)
        _write_summary(draft, {"run": report.key, **summary})
        remove_run(folder, read_summary(draft))
        _replace_folder(draft, folder)
        _point(root / "current", folder.relative_to(root))
    return root / "current"


def publish_beside(
    link: str,
    last: Stage,
    named: Mapping[str, Stage],
    summary: Mapping[str, Any],
    others: Iterable[Stage] = (),
    fill: Callable[[Path], None] | None = None,
) -> Path:
    """Point `results/<link>` to the `named` results beside those of RunAll; return it.

    `runs/<key>`, with the key of the `last` of them, names every result below, and the `others` with theirs, so that
    Prune keeps them; `fill` writes files there. The link may lie in a folder: `predictions/ward`.
    """
    root = results_root()
    require_same_disk(root)
    folder = root / "runs" / last.key
    made = _made(walk(*named.values(), *others))
    with full_disk_told(root):
        folder.mkdir(parents=True, exist_ok=True)
        for name, stage in named.items():
            _point(folder / name, Path("..", "..") / stage.path.relative_to(root))
        with unfinished(temporary_name(folder / INDEX_NAME)) as draft:
            _write_index(draft, made)
            draft.replace(folder / INDEX_NAME)
        if fill is not None:
            fill(folder)
        _write_summary(folder, {"run": last.key, **summary})
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        _point(root / link, Path(os.path.relpath(folder, (root / link).parent)))
    return root / link


def _write_summary(folder: Path, content: Mapping[str, Any]) -> None:
    """Write what a run says of itself, and which files and links are in its folder."""
    found = sorted(path for path in folder.rglob("*") if path.name != SUMMARY_NAME and not is_temporary(path))
    links = [path.relative_to(folder).as_posix() for path in found if path.is_symlink()]
    files = {
        path.relative_to(folder).as_posix(): describe_file(path)
        for path in found
        if path.is_file() and not path.is_symlink()
    }
    write_sealed(folder / SUMMARY_NAME, {**content, "files": files, "links": links})


def _made(stages: Iterable[Stage]) -> list[tuple[Stage, Path]]:
    """Return the stages that have a result, or the note that their input is bad, with its path."""
    found = ((stage, stage.path if stage.path.exists() else stage.file(BAD_EXTENSION)) for stage in stages)
    return [(stage, path) for stage, path in found if path.exists()]


def _write_index(path: Path, made: Iterable[tuple[Stage, Path]]) -> None:
    """Write what a run names: Prune keeps it."""
    rows = [
        (stage.task_family, stage.label, stage.key, result.relative_to(results_root()).as_posix())
        for stage, result in made
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("stage", "label", "key", "file"), *rows])


def _point(link: Path, target: Path) -> None:
    """Let `link` show a file or folder, given relative to it; on a disk without links, let it be a copy."""
    _make_way(link)
    with unfinished(temporary_name(link)) as pointer:
        if has_links(results_root()):
            pointer.symlink_to(target)
            pointer.replace(link)
        elif (link.parent / target).is_dir():
            shutil.copytree(link.parent / target, pointer)
            if link.is_symlink():  # of a time when this disk could make links
                link.unlink()
            _replace_folder(pointer, link)
        else:
            shutil.copyfile(link.parent / target, pointer)
            pointer.replace(link)


def remove_run(folder: Path, said: Mapping[str, Any] | None = None) -> None:
    """Remove the folder of a run; keep one that a person has put something into, through `current`, by another name.

    `said` is what the run that takes its place says of itself: the summary in the folder may be damaged.
    """
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        _keep(folder, [folder.name])
        return
    _remove_or_keep(folder, _strangers(folder, read_summary(folder) or said or _NO_SUMMARY))


def _make_way(folder: Path) -> None:
    """Remove a folder that only holds what a run has published; keep one with something else under another name."""
    if folder.is_symlink() or not folder.is_dir():
        return
    said = read_summary(folder) or _NO_SUMMARY
    _remove_or_keep(folder, [*_strangers(folder, said), *_edited(folder, said)])


def _strangers(folder: Path, said: Mapping[str, Any]) -> list[str]:
    """Return the files in a published folder that neither a run has made, by its summary, nor the system of a desk."""
    known = {SUMMARY_NAME, *said["files"], *said["links"]}
    found = (path for path in folder.rglob("*") if not path.is_dir() and not _OF_THE_SYSTEM.match(path.name))
    return sorted(name for path in found if (name := path.relative_to(folder).as_posix()) not in known)


def _edited(folder: Path, said: Mapping[str, Any]) -> list[str]:
    """Return the files in a copy of a published folder that somebody has changed since."""
    run = results_root() / "runs" / str(said.get("run"))
    files = [name for name, file in said["files"].items() if fault_of_file(folder / name, file)]
    copies = [name for name in said["links"] if not (folder / name).is_symlink()]
    changed = [*files, *(name for name in copies if not _is_same(folder / name, run / name))]
    return sorted(name for name in changed if (folder / name).is_file())


def _is_same(copy: Path, original: Path) -> bool:
    """Tell whether a copy is as its original; of one that is too large to be copied here, whether it is as long."""
    try:
        num_bytes = copy.stat().st_size
        if num_bytes != original.stat().st_size:
            return False
        return num_bytes > _LARGEST_COPY_BYTES or filecmp.cmp(copy, original, shallow=False)
    except OSError:
        return False


def _remove_or_keep(folder: Path, strange: Sequence[str]) -> None:
    """Remove a folder; keep one with something strange in it."""
    if strange:
        _keep(folder, strange)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(folder: Path, strange: Sequence[str]) -> None:
    """Give a folder another name, and say so: it holds what a person put there."""
    number = next(n for n in itertools.count(1) if not os.path.lexists(folder.with_name(f"{folder.name}.kept-{n}")))
    kept = folder.rename(folder.with_name(f"{folder.name}.kept-{number}"))
    said = "%s: what no run has made, or has been changed, is there (%s): it is kept as %s"
    _logger.warning(said, folder, ", ".join(strange[:3]), kept.name)


def _replace_folder(draft: Path, folder: Path) -> None:
    """Put `draft` in the place of `folder`, also where another run does the same at this moment."""
    for tries_left in range(PUBLISH_TRIES - 1, -1, -1):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            draft.rename(folder)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not tries_left:
                raise


def _link(link: Path, target: Path, folder: Path, draft: Path) -> None:
    """Let `link`, in the draft of a folder, show a result; without links it is a copy, or nothing for a large one."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if has_links(results_root()):
        link.symlink_to(os.path.relpath(target, folder / link.parent.relative_to(draft)))
    elif target.stat().st_size <= _LARGEST_COPY_BYTES:
        shutil.copyfile(target, link)
