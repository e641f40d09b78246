"""Each item of a checklist answered from the files of a run and from study.toml; what nobody wrote down stays blank."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seizures.report.checklists.inventory import Item

RUN, PART, AUTHORS = "run", "part", "authors"
STATUS_WORDS = {
    RUN: "answered by the run",
    PART: "the run answers a part; the rest is for the authors",
    AUTHORS: "for the authors",
}
_FILES = {"metrics": "metrics.json", "provenance": "provenance.json"}
_LONGEST = 300  # characters of an answer; more is in the file that is named
_FEW = ("mean", "low", "high")


class Answer(NamedTuple):
    """One row of checklist.csv; `source` names the file of every part of the answer, and the key in it."""

    list: str
    item: str
    topic: str
    status: str
    answer: str
    source: str


def answer_items(
    items: Iterable[Item], files: Mapping[str, Mapping[str, Any]], study: Mapping[str, str]
) -> tuple[Answer, ...]:
    """Answer every item.

    Args:
        items: see `inventory.read_items`.
        files: the content of `metrics` (metrics.json) and `provenance` (provenance.json).
        study: what the authors wrote (`study.read_study`), which is quoted as it stands.

    Returns:
        A row for each item, in order. A source that the run does not have adds nothing.

    """
    return tuple(_answer(item, files, study) for item in items)


def _answer(item: Item, files: Mapping[str, Mapping[str, Any]], study: Mapping[str, str]) -> Answer:
    texts, sources = [], []
    for source in item.sources:
        kind, _, key = source.partition(":")
        if kind == "file":
            texts.append(f"see {key}")
            sources.append(key.partition(",")[0])
            continue
        found = _look_up(files[kind], key)
        if found not in (None, "", {}, []):
            texts.append(f"{key}: {_shorten(found)}")
            sources.append(f"{_FILES[kind]} {key}")
    quoted = study.get(item.study, "") if item.study else ""
    if quoted:
        texts.append(quoted)
        sources.append(f"study.toml {item.study}")
    elif item.study:
        sources.append(f"study.toml {item.study} (blank)")
    status = RUN if not item.study else PART if len(texts) > bool(quoted) else AUTHORS
    return Answer(item.list, item.item, item.topic, status, "; ".join(texts), "; ".join(sources))


def _look_up(content: Mapping[str, Any], key: str) -> Any:
    found: Any = content
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def _shorten(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} ... (all of it in the file)"


def _text(value: Any) -> str:
    """Return a value for a person to read: of a score, its mean and interval."""
    if isinstance(value, Mapping):
        if "words" in value:  # a step of the flow, or a baseline
            return f"{value.get('title') or value.get('name')}: {value['words']}"
        if "mean" in value:
            kept = {name: value[name] for name in _FEW if value.get(name) is not None}
            return ", ".join(f"{name} {number:.3g}" for name, number in kept.items()) or "undefined"
        return "; ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value)


def write_answers(path: Path, answers: Sequence[Answer]) -> None:
    """Write checklist.csv: UTF-8, a row an item."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Answer._fields)
        writer.writerows(answers)


def read_answers(path: Path) -> tuple[Answer, ...]:
    """Read checklist.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(Answer(**row) for row in csv.DictReader(file))
