"""Verdicts on films of the zoo, and the page and sheets that a person reads."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import zoo
from PIL import Image

from seizures.contact_sheet import draw_sheet
from seizures.errors import VideoError
from seizures.inspection import GOOD, UNUSABLE, WARNINGS, FileFacts, facts_from, judge, write_table
from seizures.inspection_page import RecordingLook, write_page
from seizures.manifest import Box
from seizures.settings import FrameSettings, canonical
from seizures.survey import survey

NAMES = {
    "h264.mp4": (GOOD, None),
    "tff.mpg": (GOOD, None),
    "mpeg2.ts": (GOOD, None),
    "grey.mkv": (GOOD, None),
    "variable.mkv": (WARNINGS, "variable frame rate"),
    "pause.ts": (WARNINGS, "time is missing in 1 places, 1.0 s in all"),
    "wrong-counts.avi": (WARNINGS, "says 400.0 s and lasts 2.4 s"),
    "two-streams.mkv": (WARNINGS, "2 video streams"),
    "h264-12.avi": (WARNINGS, "only 12.5 frames a second"),
}


@pytest.fixture(scope="module")
def surveys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surveys")
    made = {item.name: item.make(folder)[0] for item in zoo.ALL if item.name in NAMES or item.name == "turned-90.mp4"}
    return {name: (path, survey(path)) for name, path in made.items()}


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_are_right(surveys, name):
    word, reason = NAMES[name]
    verdict = judge(surveys[name][1])
    assert verdict.word == word, verdict
    assert reason is None or any(reason in one for one in verdict.reasons), verdict


def test_facts_are_what_the_film_is(surveys):
    facts = surveys["tff.mpg"][1]
    assert (facts.container, facts.codec, facts.width, facts.height) == ("mpeg", "mpeg2video", 160, 96)
    assert (facts.num_frames, facts.num_lost, facts.num_damaged) == (60, 0, 0)
    assert facts.frame_rate_hz == pytest.approx(25)
    assert facts.duration_seconds == pytest.approx(2.4)
    assert facts.is_interlaced
    assert surveys["turned-90.mp4"][1].rotation_degrees in (90, -90)
    assert surveys["grey.mkv"][1].colourless_seconds == pytest.approx(2.4)
    assert surveys["h264.mp4"][1].colourless_seconds == 0
    assert surveys["pause.ts"][1].gap_seconds == pytest.approx(1.0)


def test_damage_black_and_standing_still_are_seen(tmp_path, surveys):
    content = bytearray(surveys["mpeg2.ts"][0].read_bytes())
    start = len(content) // 2 // 188 * 188
    (tmp_path / "damaged.ts").write_bytes(content[:start] + content[start + 5 * 188 :])
    verdict = judge(survey(tmp_path / "damaged.ts"))
    assert verdict.word == WARNINGS
    assert any(reason.startswith("damaged from 1.") for reason in verdict.reasons), verdict
    still = zoo.Specimen("still.mp4", seconds=tuple(i / 25 for i in range(80)), frozen_from=10)
    facts = survey(still.make(tmp_path)[0])
    assert facts.longest_frozen_seconds == pytest.approx(70 / 25, abs=0.1)
    assert any("stands still for 2.8 s" in reason for reason in judge(facts).reasons)
    (tmp_path / "text.mp4").write_text("no film")
    verdict = judge(survey(tmp_path / "text.mp4"))
    assert verdict.word == UNUSABLE
    assert verdict.reasons[0].startswith("cannot be opened as a video")


def test_facts_survive_json_and_the_table(tmp_path, surveys):
    facts = [one for _, one in surveys.values()] + [FileFacts("bad.mp4", error="no film")]
    again = [facts_from(json.loads(json.dumps(canonical(one)))) for one in facts]
    assert [canonical(one) for one in again] == [canonical(one) for one in facts]
    write_table(tmp_path / "videos.csv", facts)
    with (tmp_path / "videos.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows][-1] == UNUSABLE
    assert rows[0]["codec"]


def test_the_sheet_shows_boxes_and_the_page_holds_it(tmp_path, surveys):
    path, facts = surveys["h264.mp4"]
    sheet = tmp_path / "sheet.png"
    times = {"onset_seconds": 0.0, "offset_seconds": 2.4, "settings": FrameSettings()}
    draw_sheet(sheet, [path], crop=Box(0, 48, 160, 48), mask=Box(0, 0, 80, 48), **times)
    pixels = np.asarray(Image.open(sheet).convert("RGB")).reshape(-1, 3).tolist()
    assert pixels.count([20, 150, 60]) > 8 * 300
    assert pixels.count([210, 40, 40]) > 8 * 100
    with pytest.raises(VideoError, match="crop = 0,0,161,10"):
        draw_sheet(sheet, [path], crop=Box(0, 0, 161, 10), mask=None, **times)
    page = tmp_path / "page.html"
    bad = FileFacts("<b>.mp4", error="no film")
    write_page(page, [facts, bad], [RecordingLook("P1+1+large", "words", sheet), RecordingLook("P2", "", None, "why")])
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 1
    assert "&lt;b&gt;.mp4" in text
    assert "<b>.mp4" not in text
    assert "http" not in text


def test_a_rate_is_measured_not_believed():
    facts = FileFacts("a.ts", frame_rate_claimed_hz=50.0, frame_rate_hz=25.0, num_frames=10, duration_seconds=0.4)
    assert judge(facts).reasons == ("says 50.00 Hz and has 25.00 Hz",)
