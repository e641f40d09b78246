from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

import seizures
from seizures.files.template import keep_units, render_page


def test_values_are_escaped_and_a_missing_one_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somewhere" / "templates").mkdir(parents=True)
    (tmp_path / "somewhere" / "__init__.py").touch()
    (tmp_path / "somewhere" / "templates" / "page.j2").write_text("<p>{{ share | keep_units }} of {{ who }}</p>")
    monkeypatch.syspath_prepend(tmp_path)
    page = render_page("somewhere", "page.j2", share="98 %", who="<b>")
    assert page == "<p>98\u00a0% of &lt;b&gt;</p>"
    with pytest.raises(jinja2.UndefinedError, match="who"):
        render_page("somewhere", "page.j2", share="98 %")


def test_a_percent_sign_stays_with_its_number() -> None:
    assert keep_units("95 % of 100 %") == "95\u00a0% of 100\u00a0%"


def test_every_page_goes_through_the_one_renderer() -> None:
    (package,) = seizures.__path__
    users = [path.name for path in Path(package).rglob("*.py") if "jinja2" in path.read_text(encoding="utf-8")]
    assert users == ["template.py"]
