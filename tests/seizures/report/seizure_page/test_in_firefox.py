"""The page of a seizure in Firefox: a click on the curve moves the films to the very frame there too."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import zoo
from firefox import FIREFOX, Firefox, firefox
from PIL import Image
from seizure_pages import AHEAD, zoo_page

pytestmark = pytest.mark.skipif(FIREFOX is None, reason="Debian's firefox-esr is not installed")


def numbers_seen(running: Firefox, path: Path) -> list[int]:
    running.value("document.querySelector('#stage').scrollIntoView()")
    boxes = running.value(
        "[...document.querySelectorAll('video')].map(video => video.getBoundingClientRect())"
        ".map(({ left, top, width, height }) => [left, top, width, height])"
    )
    running.screenshot(path)
    image = np.asarray(Image.open(path).convert("L"))
    found = []
    for left, top, width, height in boxes:
        columns = [round(left + (bit + 1.5) / 10 * width) for bit in range(zoo.NUM_BITS)]
        found.append(
            sum(int(image[round(top + height / 2), column] > 128) << bit for bit, column in enumerate(columns))
        )
    return found


def test_a_click_moves_both_films_to_the_very_frame(tmp_path):
    zoo_page(tmp_path / "page")
    (tmp_path / "firefox").mkdir()
    with firefox(tmp_path / "firefox") as running:
        running.open(tmp_path / "page" / "index.html", width=1300, height=1000)
        deadline = time.monotonic() + 20
        while not running.value("[...document.querySelectorAll('video')].every(video => video.readyState >= 2)"):
            assert time.monotonic() < deadline, "the films do not load"
            time.sleep(0.1)
        last = running.value("seizurePage.state().last")
        for step in range(6):
            wanted = round((step * 5 % 6 + 0.5) / 6 * last)
            running.value("document.querySelector('#line').scrollIntoView({ block: 'center' })")
            left, top = running.value(
                "(({ left, top }) => [left, top])(document.querySelector('#line').getBoundingClientRect())"
            )
            running.click(left + running.value(f"seizurePage.xs([{wanted}])[0]"), top + 100)
            frame = running.value("seizurePage.state().frame")
            assert abs(frame - wanted) <= 1
            expected, deadline = [frame % 256, (frame + AHEAD) % 256], time.monotonic() + 10
            while (seen := numbers_seen(running, tmp_path / "seen.png")) != expected:
                assert time.monotonic() < deadline, (seen, expected)
                time.sleep(0.1)
        assert running.value("document.querySelectorAll('.failed:not([hidden])').length") == 0
        assert running.value("document.documentElement.scrollWidth <= innerWidth")
        running.press("+")
        assert running.value("(s => s.to - s.from < (s.end - s.start) / 1.9)(seizurePage.state())")
