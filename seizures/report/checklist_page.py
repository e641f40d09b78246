"""The page of the reporting checklists, beside the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seizures.files.template import write_page
from seizures.report.checklists.answers import AUTHORS, PART, RUN, STATUS_WORDS, Answer
from seizures.report.checklists.inventory import CHECKLISTS


def write_checklist_page(path: Path, answers: Sequence[Answer], *, warning: str = "") -> None:
    """Write the page to `path`.

    Args:
        path: where to.
        answers: see `answers.answer_items`.
        warning: what a reader must know before anything else.

    """
    lists = []
    for one in CHECKLISTS:
        rows = [answer for answer in answers if answer.list == one.name]
        counts = {status: sum(answer.status == status for answer in rows) for status in (RUN, PART, AUTHORS)}
        blank = sum(answer.status != RUN and "(blank)" in answer.source for answer in rows)
        lists.append({"about": one, "rows": rows, "counts": counts, "blank": blank})
    write_page(path, "seizures.report", "checklist.html.j2", warning=warning, lists=lists, words=STATUS_WORDS)
