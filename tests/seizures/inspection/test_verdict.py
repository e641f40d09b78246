"""Verdicts on films of the zoo, and the page and sheets that a person reads."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import zoo
from PIL import Image

from seizures.errors import VideoError
from seizures.inspection.contact_sheet import _frame_at, draw_sheet
from seizures.inspection.page import RecordingLook, write_page
from seizures.inspection.survey import survey
from seizures.inspection.verdict import (
    GOOD,
    UNUSABLE,
    WARNINGS,
    FileFacts,
    Verdict,
    facts_from,
    judge,
    judge_recording,
    write_table,
)
from seizures.manifest.recordings import Box, Recording
from seizures.settings import FrameSettings, canonical
from seizures.video.film import Pieces
from seizures.video.open_file import no_progress

NAMES = {
    "h264.mp4": (GOOD, None),
    "tff.mpg": (GOOD, None),
    "mpeg2.ts": (GOOD, None),
    "grey.mkv": (GOOD, None),
    "variable.mkv": (WARNINGS, "variable frame rate"),
    "pause.ts": (WARNINGS, "time is missing in 1 place, 1.0 s in all"),
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
    write_page(
        page,
        [facts, bad],
        [RecordingLook("P1+1+large", "words", sheet, judge(facts)), RecordingLook("P2", "", None, judge(bad))],
    )
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 1
    assert text.count("<div>no film</div>") == 1
    assert "&lt;b&gt;.mp4" in text
    assert "<b>.mp4" not in text
    assert "http" not in text


RED = [210, 40, 40]


def test_the_sheet_shows_what_is_damaged_missing_and_over(tmp_path, surveys):
    content = bytearray(surveys["mpeg2.ts"][0].read_bytes())
    start = len(content) // 2 // 188 * 188
    (tmp_path / "damaged.ts").write_bytes(content[:start] + content[start + 5 * 188 :])
    cases = (
        (tmp_path / "damaged.ts", 2.4, True),
        (surveys["pause.ts"][0], 3.0, False),
        (surveys["mpeg2.ts"][0], 4, False),
    )
    for path, offset_seconds, is_framed in cases:
        draw_sheet(
            tmp_path / "sheet.png",
            [path],
            onset_seconds=0.0,
            offset_seconds=offset_seconds,
            crop=None,
            mask=None,
            settings=FrameSettings(),
            starts_at_seconds=30_000.5,
        )
        pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).reshape(-1, 3).tolist()
        num_red = pixels.count(RED)
        assert num_red > 20  # words
        assert (num_red > 1000) == is_framed, path


def test_the_network_is_shown_deinterlaced_pictures(surveys):
    path = surveys["tff.mpg"][0]
    combed, plain = (
        np.asarray(
            _frame_at([path], 1.0, FrameSettings(deinterlace=mode), no_progress)[0].to_ndarray(format="gray"), int
        )
        for mode in ("never", "auto")
    )
    rows = slice(4, 24)  # of the bar that moves
    assert np.abs(np.diff(combed[rows], axis=0)).max() > 60
    assert np.abs(np.diff(plain[rows], axis=0)).max() < 40


def test_a_recording_is_judged_with_its_files():
    row = Recording("P1", "1", "large", ("a.mp4",), 1.0, 9.5, "TCS", None, "all", "", None, None, 2)
    small = replace(row, view="small", crop=Box(0, 0, 8, 8))
    long, short = (
        FileFacts("a.mp4", num_frames=250, frame_rate_hz=25, duration_seconds=seconds) for seconds in (10.0, 5.0)
    )
    frozen = replace(long, video="b.mp4", longest_frozen_seconds=4.0)
    assert judge_recording(row, [row, small], [long]) == Verdict(GOOD, (), ())
    found = judge_recording(row, [row, replace(small, crop=None)], [long])
    assert found == Verdict(WARNINGS, ("the same picture as small: give each view its crop",), ())
    found = judge_recording(row, [row], [short])
    assert found == Verdict(UNUSABLE, ("the offset is after the end of the film, at 5.00 s",), ())
    found = judge_recording(row, [row], [short, frozen])
    assert found == Verdict(WARNINGS, ("b.mp4: the picture stands still for 4.0 s",), ())
    assert judge_recording(row, [row], [long, FileFacts("c.mp4", error="no film")]).word == UNUSABLE


def test_a_broadcast_in_several_files_may_have_a_pause_between_them(tmp_path):
    times = (*(i / 25 for i in range(25)), *(21 + i / 25 for i in range(25)))
    ward = zoo.Specimen("ward.ts", "mpeg2video", seconds=times, gop=5, pieces=((0, 25, 0.0), (25, 50, 21.0)))
    paths = ward.make(tmp_path)
    pieces = Pieces(paths, 0.0)
    for _ in pieces.frames():
        pass
    assert pieces.end_seconds == pytest.approx(22.0, abs=0.05)
    row = Recording("P1", "1", "large", ("a.ts", "b.ts"), 1.0, 22.0, "TCS", None, "all", "", None, None, 2)
    files = [survey(path) for path in paths]
    found = judge_recording(row, [row], files)
    assert found.word == WARNINGS
    assert found.reasons[-1].startswith("its files last 2.00 s in all, and the offset is later: time is missing")
    assert judge_recording(replace(row, offset_seconds=700.0), [row], files).word == UNUSABLE
    assert judge_recording(replace(row, offset_seconds=2.0), [row], files).word == GOOD
    assert judge_recording(row, [row], files[:1]).word == UNUSABLE


def test_a_rate_is_measured_not_believed():
    facts = FileFacts("a.ts", frame_rate_claimed_hz=50.0, frame_rate_hz=25.0, num_frames=10, duration_seconds=0.4)
    assert judge(facts).reasons == ("says 50.00 Hz and has 25.00 Hz",)
