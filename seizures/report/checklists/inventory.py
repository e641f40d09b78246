"""The items of four reporting checklists: official numbers, our own short names, and where an answer can come from."""

from __future__ import annotations

import csv
import importlib.resources
from typing import NamedTuple


class Checklist(NamedTuple):
    """One list: what it is for, where it was published, and whether its wording may be copied."""

    name: str
    purpose: str
    published: str
    licence: str


class Item(NamedTuple):
    """One row of a list: sources in the files of a run, and the key of study.toml that only the authors can fill."""

    list: str
    item: str
    topic: str
    sources: tuple[str, ...]
    study: str


CHECKLISTS = (
    Checklist("TRIPOD+AI", "developing or testing a prediction model", "BMJ 2024;385:e078378, 27 items", "CC BY 4.0"),
    Checklist(
        "STARD-AI",
        "the accuracy of a test",
        "Nat Med 2025;31:3283, doi 10.1038/s41591-025-03953-8, 40 items",
        "CC BY",
    ),
    Checklist(
        "CLAIM 2024", "artificial intelligence in imaging", "Radiol Artif Intell 2024;6(4):e240300, 44 items", "RSNA"
    ),
    Checklist(
        "PROBAST+AI",
        "judging quality and risk of bias; D: development, E: evaluation",
        "BMJ 2025;388:e082505, 16 and 18 questions",
        "CC BY-NC 4.0",
    ),
)


def read_items() -> tuple[Item, ...]:
    """Return the items of all lists, in the order of the lists."""
    text = importlib.resources.files("seizures.report.checklists").joinpath("items.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        Item(
            row["list"],
            row["item"],
            row["topic"],
            tuple(part.strip() for part in row["sources"].split(";") if part.strip()),
            row["study"],
        )
        for row in rows
    )
