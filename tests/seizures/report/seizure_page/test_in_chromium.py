"""The page of a seizure in a real browser: a click moves the films to the very frame; it can be read and asks nobody.

Every frame of the films shows its number, so that what the browser paints is read back from its picture.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import zoo
from browser import CHROMIUM, Browser, browser
from PIL import Image
from seizure_pages import AHEAD, SIMILAR, states, zoo_page

from seizures.report.seizure_page import data
from seizures.report.seizure_page.writer import write_index_page, write_seizure_page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

MOVED = "[...document.querySelectorAll('video')].map(v => Math.floor(v.currentTime * seizurePage.state().fps + 1e-6))"
WATCH = """window.painted = []; document.querySelectorAll('video').forEach((video, i) => {
    const note = (_, facts) => { painted[i] = facts.mediaTime; video.requestVideoFrameCallback(note); };
    video.requestVideoFrameCallback(note); })"""
PAINTED = "window.painted.map(seconds => Math.round(seconds * seizurePage.state().fps))"
# Of every text, the lowest contrast with what is painted under its corners and its middle.
FAINT = """(() => {
  const rgba = text => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const paint = e => {
    const style = getComputedStyle(e), opacity = +style.opacity;
    if (e instanceof HTMLVideoElement || e instanceof HTMLImageElement) return [255, 255, 255, 1];   // the worst film
    let colour = null;
    if (e instanceof SVGElement && !/^(svg|g|text|tspan)$/.test(e.tagName)) colour = style.fill;
    else if (!(e instanceof SVGElement)) colour = style.backgroundColor;
    if (!colour || !/^rgb/.test(colour)) return null;
    const found = rgba(colour); found[3] *= opacity; return found;
  };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("script, noscript, style, .vh, .skip, option, [disabled]") || !e.checkVisibility()) continue;
    const words = [...e.childNodes].find(n => n.nodeType === 3 && n.textContent.trim());
    if (!words) continue;
    e.scrollIntoView({ block: "center" });
    const range = document.createRange(); range.selectNodeContents(words);
    const box = range.getBoundingClientRect(), style = getComputedStyle(e);
    if (!box.width) continue;
    for (const [fx, fy] of [[.02, .5], [.5, .5], [.98, .5], [.5, .1], [.5, .9]]) {
      const x = box.left + fx * box.width, y = box.top + fy * box.height;
      if (x < 0 || x >= innerWidth || y < 0 || y >= innerHeight) continue;
      const stack = document.elementsFromPoint(x, y), place = stack.findIndex(one => one === e || one.contains(e));
      let ground = [255, 255, 255];
      const pinned = e.closest("figcaption, .failed"), all = pinned ? [pinned, ...stack] : stack.slice(place);
      for (const one of all.reverse()) { const p = paint(one); if (p) ground = over(p, ground); }
      const ink = rgba(e instanceof SVGElement ? style.fill : style.color), seen = over(ink, ground);
      const [a, b] = [light(seen), light(ground)], ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
      if (ratio < 4.5) { found.push(`${e.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`); break; }
    }
  }
  return [...new Set(found)];
})()"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """Return a folder with a page of every state, one with films, and the page of all."""
    folder = tmp_path_factory.mktemp("pages") / "run"
    found = {name: dataclasses.replace(page, index="../index.html") for name, page in states().items()}
    for name, page in found.items():
        write_seizure_page(folder / name, page)
    made = zoo_page(folder / "films", index="../index.html", similar=SIMILAR, known_label="TCS", weights=True)
    write_index_page(folder, {**found, "films": made})
    return folder


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def wait_until(chromium: Browser, expression: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not chromium.value(expression):
        assert time.monotonic() < deadline, expression
        time.sleep(0.02)


def settle(chromium: Browser) -> int:
    """Wait until every film has painted the frame that is wanted, and return it."""
    frame = chromium.value("seizurePage.state().frame")
    wait_until(chromium, f"{MOVED}.every(k => k === {frame}) && {PAINTED}.every(k => k === {frame})")
    return int(frame)


def open_films(chromium: Browser, pages: Path, width: int = 1300) -> None:
    chromium.open(pages / "films" / "index.html", width=width)
    chromium.dress()
    chromium.value(WATCH)
    wait_until(chromium, "[...document.querySelectorAll('video')].every(v => v.readyState >= 3)")
    chromium.value("document.querySelector('#stage').scrollIntoView()")
    chromium.press("Home")
    settle(chromium)


def place(chromium: Browser, frame: int) -> tuple[float, float]:
    """Return where the line stands for a frame, in the window."""
    chromium.value("document.querySelector('#line').scrollIntoView({ block: 'center' })")
    box = chromium.value("(({ left, top }) => [left, top])(document.querySelector('#line').getBoundingClientRect())")
    return box[0] + chromium.value(f"seizurePage.xs([{frame}])[0]"), box[1] + 100


def numbers_seen(chromium: Browser, path: Path) -> list[int]:
    """Return the numbers that the films show on the screen."""
    chromium.value("document.querySelector('#stage').scrollIntoView()")
    boxes = chromium.value(
        "[...document.querySelectorAll('video')].map(video => video.getBoundingClientRect())"
        ".map(({ left, top, width, height }) => [left, top, width, height])"
    )
    chromium.screenshot(path, whole=False)
    image = np.asarray(Image.open(path).convert("L"))
    found = []
    for left, top, width, height in boxes:
        row, columns = round(top + height / 2), [round(left + (bit + 1.5) / 10 * width) for bit in range(zoo.NUM_BITS)]
        found.append(sum(int(image[row, column] > 128) << bit for bit, column in enumerate(columns)))
    return found


def test_a_click_on_the_curve_moves_both_films_to_the_very_frame(chromium, pages, tmp_path):
    open_films(chromium, pages)
    last = chromium.value("seizurePage.state().last")
    for step in range(12):
        wanted = round((step * 7 % 12 + 0.5) / 12 * last)
        chromium.click(*place(chromium, wanted))
        frame = settle(chromium)
        assert abs(frame - wanted) <= 1  # a pixel is less than a frame
        assert numbers_seen(chromium, tmp_path / "seen.png") == [frame % 256, (frame + AHEAD) % 256]
    assert chromium.complaints() == []


def test_a_drag_ends_on_the_frame_under_the_pointer(chromium, pages):
    open_films(chromium, pages)
    (x, y), (end, _) = place(chromium, 10), place(chromium, 200)
    chromium.mouse("mousePressed", x, y)
    for step in range(1, 31):
        chromium.mouse("mouseMoved", x + step / 30 * (end - x), y, button="left", buttons=1)
    chromium.mouse("mouseReleased", end, y)
    assert abs(settle(chromium) - 200) <= 1


def test_films_play_in_step_and_stop_on_one_frame(chromium, pages):
    open_films(chromium, pages)
    fps = chromium.value("seizurePage.state().fps")
    for rate in ("1", "2"):
        chromium.value(f"document.querySelector('[data-rate=\"{rate}\"]').click()")
        chromium.press("Home")
        settle(chromium)
        chromium.press(" ")
        wait_until(chromium, "seizurePage.state().frame > 5")
        apart = []
        for _ in range(15):
            time.sleep(0.06)
            times = chromium.value("[...document.querySelectorAll('video')].map(v => v.currentTime)")
            apart.append((max(times) - min(times)) * fps)
        assert chromium.value("seizurePage.state().playing")
        assert max(apart) <= 1.0
        chromium.press(" ")
        assert settle(chromium) > 5


def test_keys_move_by_frame_second_and_segment(chromium, pages):
    open_films(chromium, pages)
    chromium.value("document.querySelector('#line').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        chromium.press(key)
    assert settle(chromium) == 1
    chromium.press("ArrowRight", modifiers=8)
    assert settle(chromium) == 25
    chromium.press("PageDown")
    assert settle(chromium) == 36  # the onset is at frame 24, and segments are 1 s long
    text = chromium.value("document.querySelector('#line').getAttribute('aria-valuetext')")
    assert text.replace("\u00a0", " ") == "0.5 s after the onset: no answer yet"
    chromium.press("End")
    assert settle(chromium) == chromium.value("seizurePage.state().last")
    text = chromium.value("document.querySelector('#line').getAttribute('aria-valuetext')")
    assert "95 in 100 for TCS, trained copies" in text


def test_a_loop_stays_within_its_segment(chromium, pages):
    open_films(chromium, pages)
    chromium.click(*place(chromium, 80))
    settle(chromium)
    chromium.value("document.querySelector('[data-rate=\"2\"]').click()")
    chromium.press("l")
    assert chromium.value("seizurePage.state().loop") == [72, 95]
    chromium.press(" ")
    seen = []
    for _ in range(40):
        time.sleep(0.05)
        seen.append(chromium.value("seizurePage.state().frame"))
    chromium.press(" ")
    chromium.press("Escape")
    assert min(seen) >= 71
    assert max(seen) <= 98
    assert any(later < earlier for earlier, later in pairwise(seen))


def test_the_axis_can_be_zoomed_and_a_click_still_hits_its_frame(chromium, pages):
    open_films(chromium, pages)
    state = "(({ from, to }) => to - from)(seizurePage.state())"
    all_of_it = chromium.value(state)
    chromium.click(*place(chromium, 150))
    settle(chromium)
    chromium.press("+")
    chromium.value("document.querySelector('[data-do=in]').click()")
    assert chromium.value(state) == pytest.approx(all_of_it / 4)
    x, y = place(chromium, 150)
    chromium.mouse("mouseWheel", x, y, deltaX=0, deltaY=-120, modifiers=2)
    wait_until(chromium, f"{state} < {all_of_it / 4.5}")
    for frame in (140, 155):
        chromium.click(*place(chromium, frame))
        assert settle(chromium) == frame  # a frame is many pixels wide now
    chromium.press("Home")  # the mark stays in sight
    settle(chromium)
    assert chromium.value("seizurePage.state().from") == chromium.value("seizurePage.state().start")
    chromium.press("0")
    assert chromium.value(state) == pytest.approx(all_of_it)


def test_one_view_alone_and_the_full_screen(chromium, pages):
    open_films(chromium, pages)
    visible = "[...document.querySelectorAll('.film')].filter(film => film.checkVisibility()).length"
    chromium.press("1")
    assert chromium.value(visible) == 1
    chromium.press("1")
    assert chromium.value(visible) == 2
    chromium.press("f")
    wait_until(chromium, "document.fullscreenElement === document.querySelector('#stage')")
    chromium.press("f")
    wait_until(chromium, "document.fullscreenElement === null")


def test_clips_that_do_not_play_are_replaced_by_pictures(chromium, pages, tmp_path):
    folder = tmp_path / "broken"
    made = zoo_page(folder)
    for view in made.views:
        (folder / view.clip).write_bytes(b"no film")
    chromium.open(folder / "index.html", width=1300)
    wait_until(chromium, "document.querySelectorAll('video').length === 0")
    chromium.press("Home")
    before = chromium.value("document.querySelector('.film img').src")
    assert before.endswith("view1_00.jpg")
    chromium.press("End")
    assert chromium.value("document.querySelector('.film img').src").endswith("view1_13.jpg")
    assert "still pictures instead" in chromium.value("document.querySelector('.film').innerText")


def test_a_film_says_where_it_has_no_picture(chromium, tmp_path):
    made = zoo_page(tmp_path / "holes")
    views = (dataclasses.replace(made.views[0], black=((0.0, 2.0),)), made.views[1])
    write_seizure_page(tmp_path / "holes", dataclasses.replace(made, views=views))
    chromium.open(tmp_path / "holes" / "index.html", width=1300)
    notes = "[...document.querySelectorAll('.failed')].map(note => note.checkVisibility())"
    chromium.press("Home")
    assert chromium.value(notes) == [False, False]
    chromium.value("document.querySelector('#line').focus()")
    chromium.press("PageDown")
    assert chromium.value(notes) == [True, False]


@pytest.mark.parametrize("width", [390, 1300])
def test_every_page_fits_its_window_and_asks_nobody(chromium, pages, width):
    for page in sorted(pages.rglob("index.html")):
        chromium.open(page, width=width, height=844 if width < 700 else 900)
        wait_until(chromium, "[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        for _ in range(2):
            assert chromium.value("document.documentElement.scrollWidth") <= width, page
            chromium.value("document.querySelectorAll('details').forEach(item => item.open = true)")
        assert all(address.startswith(pages.as_uri()) for address in chromium.requests()), page
        assert chromium.complaints() == [], page


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1300])
def test_every_text_can_be_read(chromium, pages, width, dark):
    for page in sorted(pages.rglob("index.html")):
        chromium.open(page, width=width)
        chromium.dress(dark=dark)
        chromium.value("document.querySelectorAll('details:not(#tables)').forEach(item => item.open = true)")
        if page.parent.name != pages.name:
            chromium.value(
                "document.querySelectorAll('.head-now, .hover').forEach(item => item.style.background = 'none')"
            )
        assert chromium.value(FAINT) == [], page.parent.name


def test_the_contrast_that_is_measured_is_that_of_tints_and_labels(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<svg width=300 height=40><rect width=300 height=40 fill='rgb(200,200,200)'/>"
        "<text x=10 y=25 style='fill:rgb(130,130,130)'>on a tint</text></svg>"
        "<figure style='position:relative'><video width=90 height=60></video><figcaption style='position:absolute;"
        "top:5px;pointer-events:none;color:rgb(255,255,255);background:rgba(0,0,0,.3)'>on a film</figcaption>"
        "</figure><p style='color:rgb(0,0,0)'>good</p>"
    )
    chromium.open(page, width=1300)
    assert [text.partition(":")[0] for text in chromium.value(FAINT)] == ["on a tint", "on a film"]


def test_without_scripts_the_page_says_what_it_has_to_say(chromium, pages):
    chromium.open(pages / "films" / "index.html", width=1300, scripts=False)
    document = chromium.ask("DOM.getDocument", depth=-1)["root"]
    text = chromium.ask("DOM.getOuterHTML", nodeId=document["nodeId"])["outerHTML"]
    for words in ("Looks like TCS", "May I believe it?", "With scripts allowed", "controls", "still-curve"):
        assert words in text
    assert chromium.complaints() == []
    chromium.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_a_finger_that_scrolls_over_the_curve_does_not_move_the_film(chromium, pages):
    open_films(chromium, pages, 390)
    chromium.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    x, y = place(chromium, 150)
    frame = settle(chromium)
    points = [{"x": x, "y": y}]
    chromium.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=points)
    for step in range(6):
        chromium.ask("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x, "y": y - 12 * step}])
    chromium.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert settle(chromium) == frame
    x, y = place(chromium, 150)
    chromium.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    chromium.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    wait_until(chromium, "Math.abs(seizurePage.state().frame - 150) <= 1")
    quiet = "line.setPointerCapture = () => {}; const finger = { pointerType: 'touch', pointerId: 7, bubbles: true }"
    moves = ";".join(
        f"line.dispatchEvent(new PointerEvent('{kind}', {{ ...finger, clientX: {x - 60}, clientY: {y + far} }}))"
        for kind, far in (("pointerdown", 0), ("pointermove", -20), ("pointerup", -20))
    )  # some browsers scroll without taking the pointer away
    chromium.value(f"(() => {{ const line = document.querySelector('#line'); {quiet}; {moves} }})()")
    assert abs(settle(chromium) - 150) <= 1
    chromium.value("delete document.querySelector('#line').setPointerCapture")
    two = [{"x": x - 20, "y": y, "id": 0}, {"x": x + 20, "y": y, "id": 1}]
    chromium.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=two[:1])
    chromium.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=two)
    for apart in (40, 60, 80):
        moved = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        chromium.ask("Input.dispatchTouchEvent", type="touchMove", touchPoints=moved)
    chromium.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    span, whole = chromium.value("(s => [s.to - s.from, s.end - s.start])(seizurePage.state())")
    assert span == pytest.approx(whole / 4, rel=0.1)
    chromium.ask("Emulation.setTouchEmulationEnabled", enabled=False)


def test_a_name_that_is_code_is_shown_and_does_nothing(chromium, tmp_path):
    name = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    page = zoo_page(tmp_path / "page", name=name, marker=data.Marker(name, 3.0), views=(name, f"{name}2"))
    assert page.name == name
    chromium.open(tmp_path / "page" / "index.html", width=1300)
    assert chromium.value("document.title").startswith("<img src=x")
    assert chromium.value("document.querySelector('.top .name').textContent") == name
    chromium.value("document.querySelector('#line').focus()")
    chromium.press("PageDown")
    assert chromium.value("document.querySelectorAll('[onerror], #stage script').length") == 0
    assert chromium.complaints() == []
