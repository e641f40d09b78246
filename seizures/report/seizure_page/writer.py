"""The pages of a prediction as files that only their owner can read: one of each seizure, and one of all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from seizures.errors import SoftwareError
from seizures.files.template import render_page
from seizures.report.seizure_page import belief, drawings, sentences
from seizures.report.seizure_page.data import SeizurePage, View
from seizures.report.seizure_page.numbers import capital, copies, level, percent, seconds_text, signed
from seizures.report.seizure_page.payload import data_block

PAGE_NAME = "index.html"
_STYLES = ("page.css", "screens.css")
_SCRIPTS = ("page.js", "line.js", "films.js", "hands.js")
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


def write_seizure_page(folder: Path, data: SeizurePage) -> Path:
    """Write the page of one seizure into a folder, which may already hold its clips and pictures; return its path.

    Folder and files become readable by their owner only. The same data give the same bytes.

    Raises:
        SoftwareError: a clip or a picture is not in the folder.

    """
    files = [file for view in data.views for file in (view.clip, *(one.file for one in view.pictures)) if file]
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        raise SoftwareError(f"the page of {data.name}: {', '.join(missing)} should be in {folder} and is not")
    path = _write(folder, render_page("seizures.report", "seizure_page.html.j2", **_values(data)))
    for item in folder.rglob("*"):
        if not item.is_symlink():
            item.chmod(_FOLDER_MODE if item.is_dir() else _FILE_MODE)
    return path


def write_index_page(folder: Path, pages: Mapping[str, SeizurePage], *, title: str = "Predicted") -> Path:
    """Write the page of all seizures of one run, with a link to each.

    Args:
        folder: where to.
        pages: by the name of the folder inside `folder` that holds the page, in the order in which they are listed;
            each should have `index` = "../index.html".
        title: the heading, such as the name of the run.

    Raises:
        SoftwareError: there is no page, a name is no name of a folder, or the page of one is missing.

    """
    faults = [name for name in pages if name in ("", ".", "..") or "/" in name or "\\" in name]
    faults += [name for name in pages if not (folder / name / PAGE_NAME).is_file()]
    if faults or not pages:
        raise SoftwareError(
            f"a page of {len(pages)} seizures in {folder}: without a page are {', '.join(faults) or 'all'}"
        )
    several = list(pages.values())
    first = several[0]
    title_accuracy, about = belief.accuracy_sentences(first)
    return _write(
        folder,
        render_page(
            "seizures.report",
            "seizure_index.html.j2",
            style=_text(_STYLES),
            title=title,
            summary=sentences.summary_sentence(several),
            banner=sentences.patient_banner(max(several, key=lambda page: (not page.is_simulated, page.has_pictures))),
            labels=first.labels,
            accuracy=" ".join(filter(None, [f"{title_accuracy}." if title_accuracy else "", *about])),
            not_for=sentences.NOT_FOR,
            footer=sentences.footer(first),
            rows=[_row(name, page) for name, page in pages.items()],
        ),
    )


def _row(name: str, page: SeizurePage) -> dict[str, Any]:
    if page.is_doubtful:
        tone = "stop"
    elif page.verdict.call is None:
        tone = "warn"
    else:
        tone = "p" if page.verdict.call == page.labels.positive.short else "n"
    is_judged = page.known_label is not None and page.verdict.call is not None and not page.is_doubtful
    return {
        "href": f"{quote(name)}/{PAGE_NAME}",
        "name": page.name,
        "tone": tone,
        "words": capital(sentences.row_words(page)),
        "level": level(page, page.verdict.probability),
        "bar": drawings.index_bar(page),
        "curve": drawings.still_curve(page, 150, 36, is_small=True),
        "duration": seconds_text(page.duration_seconds),
        "known": page.known_label or "",
        "agrees": page.known_label == page.verdict.call if is_judged else None,
    }


def _values(page: SeizurePage) -> dict[str, Any]:
    """Return all that the template asks for."""
    dots = drawings.hundred_dots(page)
    num_dots = belief.num_dots(page)
    score = page.classifier.accuracy
    accuracy_title, accuracy_sentences = belief.accuracy_sentences(page)
    unit = f"in 100 for {page.labels.positive.short}" if page.verdict.is_calibrated else "as a score"
    return {
        "page": page,
        "style": _text(_STYLES),
        "script": Markup('"use strict";\n(() => {{\n{}\n}})();').format(_text(_SCRIPTS)),
        "data": Markup(data_block(page)),
        "headline": sentences.headline(page),
        "banner": sentences.patient_banner(page),
        "chips": sentences.chips(page),
        "how_long": sentences.how_long(page),
        "dots": dots,
        "dots_words": () if num_dots is None else sentences.dots_sentence(page, num_dots),
        "scale_title": belief.scale_title(page),
        "scale": drawings.scale(page),
        "step": "One frame" if page.has_pictures else "One second",
        "still_curve": drawings.still_curve(page),
        "reading": _reading(page),
        "light": belief.explanation(page),
        "checks": belief.checks(page),
        "accuracy_title": accuracy_title,
        "accuracy_interval": "" if score is None else belief.interval_words(score),
        "accuracy": drawings.accuracy_picture(page),
        "accuracy_sentences": accuracy_sentences,
        "ranges": [drawings.range_picture(one) for one in page.belief.ranges],
        "range_sentence": belief.range_sentence(page),
        "similar_sentence": belief.similar_sentence(page) if page.similar else "",
        "unit": unit,
        "curve_rows": _curve_rows(page),
        "evidence_tables": [(view.title, _evidence_rows(page, view)) for view in page.views if view.segments],
        "has_weights": any(one.weight is not None for view in page.views for one in view.segments),
        "footer": sentences.footer(page),
    }


def _reading(page: SeizurePage) -> str:
    """Return how curve and bars are read."""
    text = "The curve at a moment is what the classifier says of the film up to that moment"
    if page.verdict.num_seeds > 1:
        text += f", the grey band what its {copies(page).removesuffix(' of the classifier')} say"
    if page.baseline_probability is None:
        return f"{text}."
    return (
        f"{text}. The bars explain its last answer; a bar spans one segment, of which the classifier saw only what the "
        "notch marks."
    )


def _curve_rows(page: SeizurePage) -> list[tuple[str, ...]]:
    curve = page.curve
    columns = zip(curve.seconds, curve.probability, curve.low, curve.high, strict=True)
    return [(f"{seconds:g}", *(level(page, one) for one in three)) for seconds, *three in columns]


def _evidence_rows(page: SeizurePage, view: View) -> list[tuple[str, ...]]:
    labels = page.labels
    return [
        (
            f"{one.start_seconds:.1f} to {one.end_seconds:.1f}",
            f"{one.snippet_seconds[0]:.2f} to {one.snippet_seconds[1]:.2f}",
            labels.positive.short if one.value >= 0 else labels.negative.short,
            signed(one.value),
            *([] if one.weight is None else [percent(one.weight)]),
        )
        for one in view.segments
    ]


def _text(names: tuple[str, ...]) -> Markup:
    """Return files of the template as they are: they are ours, and hold no value."""
    folder = resources.files("seizures.report") / "templates" / "seizure_page"
    return Markup("\n".join((folder / name).read_text(encoding="utf-8").rstrip() for name in names))


def _write(folder: Path, text: str) -> Path:
    """Write a page that only its owner can read, in a folder that only its owner can open."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    path = folder / PAGE_NAME
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
