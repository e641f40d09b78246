"""Every page that the code or the docs cite is one that a reader of this repository can open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("benchmarks", "docs", "models", "pipeline", "seizures", "tasks", "tests")
CITING = [
    *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in {".py", ".md"}),
    *sorted(ROOT.glob("*.md")),
]


@pytest.mark.parametrize("folder", [*FOLDERS, "."])
def test_every_cited_page_exists(folder: str) -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {cited}"
        for path in CITING
        if path.relative_to(ROOT).parts[0] == folder or (folder == "." and path.parent == ROOT)
        for cited in re.findall(r"[\w./-]*\w\.md\b", path.read_text(encoding="utf-8"))
        if not cited.endswith((".review.md", "CARD.md"))  # what an export writes
        and not any((base / cited).is_file() for base in (ROOT, ROOT / "docs", ROOT / "benchmarks", path.parent))
    ]
    assert missing == []
