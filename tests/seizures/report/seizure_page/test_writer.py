"""The pages as files: who may read them, what they hold, and names that try to be more than names."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest
from seizure_pages import SIMILAR, example, states, zoo_page

from seizures.errors import SoftwareError
from seizures.report.seizure_page import data
from seizures.report.seizure_page.films import add_films
from seizures.report.seizure_page.payload import data_block
from seizures.report.seizure_page.writer import write_index_page, write_seizure_page

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}<!--"


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, text):
        self.text += text


def block(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_only_the_owner_reads_a_page(tmp_path):
    folder = tmp_path / "page"
    (folder / "clips").mkdir(parents=True)
    for name in ("clips/a.mp4", "a.jpg"):
        (folder / name).write_bytes(b"x")
    folder.chmod(0o755)
    before = os.umask(0)
    try:
        path = write_seizure_page(folder, example())
    finally:
        os.umask(before)
    assert path == folder / "index.html"
    for item in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(item.stat().st_mode) == (0o700 if item.is_dir() else 0o600), item


def test_writing_again_gives_the_same_bytes(tmp_path):
    first = write_seizure_page(tmp_path, example()).read_bytes()
    assert write_seizure_page(tmp_path, example()).read_bytes() == first


def test_names_stay_text(tmp_path):
    labels = data.Labels(data.Label("FOS", HOSTILE), data.Label("TCS", HOSTILE), noun="seizure<b>")
    page = example(views=(HOSTILE, "b"), name=HOSTILE, labels=labels)
    page = dataclasses.replace(
        page,
        belief=data.Belief(False, (HOSTILE,), False, (data.Range(HOSTILE, HOSTILE, 1, 0, 2),)),
        marker=data.Marker(HOSTILE, 3.0),
        similar=(data.SimilarCase(HOSTILE, "TCS", 0.5),),
        classifier=dataclasses.replace(page.classifier, id=HOSTILE, protocol=HOSTILE, calibration=HOSTILE),
    )
    text = write_seizure_page(tmp_path / "a", page).read_text()
    plain = Elements(write_seizure_page(tmp_path / "b", example(views=("a", "b"), similar=SIMILAR[:1])).read_text())
    found = Elements(text)
    assert [tag for tag, _ in found.found if tag in ("script", "img", "b")].count("script") == 2
    assert not [one for tag, one in found.found if tag == "img" or any(name.startswith("on") for name in one)]
    assert {tag for tag, _ in found.found} <= {tag for tag, _ in plain.found}
    assert block(text)["seizure"]["name"] == HOSTILE
    assert not set("<>&") & set(data_block(page))
    assert "{{ 7*7 }}" in found.text
    index = Elements(write_index_page(tmp_path, {"a": page}, title=HOSTILE).read_text())
    assert not [tag for tag, _ in index.found if tag in ("script", "img")]


def test_the_block_is_the_contract(tmp_path):
    page = states()["called"]
    found = block(write_seizure_page(tmp_path, page).read_text())
    assert (found["format"], found["format_version"]) == ("seizure-page", 1)
    assert found["verdict"]["probability"] == page.verdict.probability
    assert found["clip"] == {"frames_per_second": 10, "num_frames": 337, "start_seconds": 0.0}
    total = sum(one["value"] for view in found["views"] for one in view["evidence"])
    assert total == pytest.approx(3.1047, abs=1e-3)


def test_a_page_says_what_it_has_to_say_without_its_script(tmp_path):
    for name, page in states().items():
        text = write_seizure_page(tmp_path / name, page).read_text()
        shown = Elements(re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)).text
        for words in ("May I believe it?", "How good is it on new patients?", "must not decide about treatment"):
            assert words in shown, name
        assert "In 100" not in shown or page.verdict.is_calibrated
        assert ('<div class="dots">' in text) == (page.verdict.is_calibrated and not page.is_doubtful)
        if not page.verdict.is_calibrated:
            assert "in 100" not in shown
            assert "is no probability" in shown
    assert "Start, the average training seizure" in write_seizure_page(tmp_path / "b", states()["called"]).read_text()


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    text = write_seizure_page(tmp_path, states()["called"]).read_text()
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:https?:)?//[\w.]+\.[a-z]{2,}", text)


def test_a_clip_that_is_not_there_is_an_error(tmp_path):
    page = example(views=("room",))
    view = dataclasses.replace(page.views[0], clip="no.mp4", pictures=(data.Picture(0.0, "no.jpg"),))
    page = dataclasses.replace(page, views=(view,), clip=data.ClipTimes(25, 100, 0.0))
    with pytest.raises(SoftwareError, match=r"no\.mp4, no\.jpg should be in"):
        write_seizure_page(tmp_path, page)


def test_the_page_of_all_links_to_each_and_each_back(tmp_path):
    names = ["P01+01", "50 % & more", "#1?"]
    pages = {name: example(name=name, index="../index.html", known_label="FOS") for name in names}
    for name, page in pages.items():
        text = write_seizure_page(tmp_path / name, page).read_text()
        assert ("a", {"href": "../index.html"}) in Elements(text).found
    (tmp_path / "predictions.csv").write_text("a")
    (tmp_path / "predictions.csv").chmod(0o644)
    path = write_index_page(tmp_path, pages, title="Run 1")
    links = [attributes["href"] for tag, attributes in Elements(path.read_text()).found if tag == "a"]
    assert links == ["P01%2B01/index.html", "50%20%25%20%26%20more/index.html", "%231%3F/index.html"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "predictions.csv").stat().st_mode) == 0o644  # not ours
    assert "The record agrees with 0 of 3 calls" in path.read_text()
    assert (
        "<a"
        not in write_seizure_page(tmp_path / "x", example()).read_text().split("<main", 1)[1].split("<section", 1)[0]
    )


@pytest.mark.parametrize("name", ["..", "a/b", "missing", ""])
def test_a_page_of_all_needs_each_page_in_a_folder_of_its_own(tmp_path, name):
    with pytest.raises(SoftwareError, match="without a page"):
        write_index_page(tmp_path, {name: example()})
    with pytest.raises(SoftwareError, match="0 seizures"):
        write_index_page(tmp_path, {})


def test_the_templates_are_part_of_the_package():
    config = (Path(__file__).parents[4] / "setup.cfg").read_text()
    assert "seizures.report = templates/*.j2, templates/seizure_page/*" in config


def test_films_are_put_beside_their_page_under_names_that_tell_nothing(tmp_path):
    page = zoo_page(tmp_path / "page", duration=2.0, name="P01+01")
    names = sorted(item.name for item in (tmp_path / "page").iterdir())
    pictures = [f"view{view}_{number:02}.jpg" for view in (1, 2) for number in range(14)]
    assert names == sorted(["index.html", "view1.mp4", "view2.mp4", *pictures])
    assert {stat.S_IMODE(item.stat().st_mode) for item in (tmp_path / "page").iterdir()} == {0o600}
    assert page.clip == data.ClipTimes(24, 24 * 6, -1.0)
    assert [view.aspect for view in page.views] == [pytest.approx(320 / 192), pytest.approx(240 / 192)]
    content = b"".join(item.read_bytes() for item in (tmp_path / "page").iterdir())
    assert not [word for word in (b"large.mp4", b"_films", str(tmp_path).encode()) if word in content]
    with pytest.raises(SoftwareError, match="0 films of 2 views"):
        add_films(tmp_path / "other", example(), [])
