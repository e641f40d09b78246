"""The settings and their documentation are one."""

from __future__ import annotations

import re
from pathlib import Path

import luigi

from tasks.settings.sections import SECTIONS

SETTINGS_PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_the_page_of_settings_lists_every_setting_with_its_default_and_no_other() -> None:
    page = SETTINGS_PAGE.read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for block in page.split("\n## ")[1:]:
        name = block.splitlines()[0].strip("[]` ")
        found[name] = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", block, flags=re.MULTILINE))
    assert found == {kind.get_task_family(): {key: _cell(item) for key, item in kind.get_params()} for kind in SECTIONS}


def _cell(item: luigi.Parameter) -> str:
    default = item.serialize(item._default)
    return f"`{default}`" if default else ""
