"""The report in a real browser: headless Chromium opens it from the disk, on a desk and on a phone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from browser import CHROMIUM, PHONE_WIDTH, browser, show_whole
from small_project import Project

NUM_PICTURES = 12

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


@pytest.mark.parametrize("width", [PHONE_WIDTH, 1200])
def test_a_browser_shows_the_page_whole_and_asks_nobody(finished: Project, tmp_path: Path, width: int) -> None:
    page = tmp_path / "alone.html"  # the page by itself: it needs none of the files beside it
    shutil.copyfile(finished.results / "current" / "report.html", page)
    show_whole(tmp_path, page, width=width, num_pictures=NUM_PICTURES)


def test_the_browser_tells_what_is_wrong_with_a_page(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text('<p style="width: 900px">wide</p><img src="no.png"><script>console.error("no"); nothing()</script>')
    with browser(tmp_path) as chromium:
        chromium.open(page, width=PHONE_WIDTH)
        assert [Path(address).name for address in chromium.requests()] == ["bad.html", "no.png"]
        assert len(chromium.complaints()) >= 3
        assert chromium.value("document.images[0].naturalWidth") == 0
        assert chromium.value("document.documentElement.scrollWidth") > PHONE_WIDTH
