"""The docs: every relative link and every file they name exists, and the index lists every page."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FOLDERS = ("pipeline", "tasks", "seizures", "models", "tests", "docs", "benchmarks", "cluster", "configs", r"\.ci")
PAGES = sorted(path for path in [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
# Files that the how-tos tell the reader to write; they are not here.
WRITTEN_BY_THE_READER = {
    "models/max_pooling.py",
    "models/mobilenet.py",
    "tasks/stages/counts.py",
    "tests/models/test_mobilenet.py",
    "tests/tasks/stages/test_counts.py",
}
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(rf"(?<![\w/.])((?:{'|'.join(FOLDERS)})/[\w./-]*\w)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    words = page.read_text()
    wrong = []
    for link in LINK.findall(words):
        if ":" in link:  # https:, mailto:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    wrong += [name for name in FILE.findall(words) if (name in WRITTEN_BY_THE_READER) == (PROJECT / name).exists()]
    assert not wrong, f"{page.name} names what is not there: {wrong}"


def test_the_index_lists_every_page() -> None:
    index = PROJECT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    pages = {path.resolve() for path in index.parent.rglob("*") if path.suffix in (".md", ".ipynb")} - {index.resolve()}
    missing = sorted(path.relative_to(index.parent).as_posix() for path in pages - linked)
    assert not missing, f"docs/README.md does not list {missing}"


def test_the_citation_names_the_current_version() -> None:
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg")
    citation = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {config['metadata']['version']}\n" in citation


def test_the_how_tos_name_what_is_in_the_files() -> None:
    wrong, found = [], 0
    for page in sorted((PROJECT / "docs" / "howto").glob("*.md")):
        for name, path in re.findall(r"`(\w+)`\s+in\s+`([\w/]+\.py)`", page.read_text()):
            found += 1
            if path not in WRITTEN_BY_THE_READER and not re.search(rf"\b{name}\b", (PROJECT / path).read_text()):
                wrong.append(f"{page.name}: {name} in {path}")
    assert found
    assert not wrong
