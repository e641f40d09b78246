"""Verdicts on films of the zoo, and the page and sheets that a person reads."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import zoo
from PIL import Image

from seizures.errors import VideoError
from seizures.inspection.contact_sheet import _frame_at, draw_sheet
from seizures.inspection.pace import Pace, pace_of
from seizures.inspection.page import RecordingLook, write_page
from seizures.inspection.survey import survey
from seizures.inspection.verdict import (
    GOOD,
    UNUSABLE,
    WARNINGS,
    FileFacts,
    Outcome,
    Verdict,
    describe_long_way,
    facts_from,
    judge,
    judge_recording,
    write_table,
)
from seizures.manifest.recordings import Box, Recording
from seizures.settings import FrameSettings, canonical
from seizures.video.open_file import no_progress

NAMES = {
    "h264.mp4": (GOOD, None),
    "tff.mpg": (GOOD, None),
    "mpeg2.ts": (GOOD, None),
    "grey.mkv": (GOOD, None),
    "variable.mkv": (WARNINGS, "variable frame rate"),
    "pause.ts": (WARNINGS, "time is missing in 1 place, 0.5 s in all"),
    "wrong-counts.avi": (WARNINGS, "header says 400.0 s, measured 2.4 s"),
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
    assert surveys["turned-90.mp4"][1].orientation.startswith("rotated 90 degrees")
    assert surveys["grey.mkv"][1].colourless_seconds == pytest.approx(2.4)
    assert surveys["h264.mp4"][1].colourless_seconds == 0
    assert surveys["pause.ts"][1].gap_seconds == pytest.approx(
        0.54
    )  # of 1.04; the last picture stays for half a second


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


def test_a_recording_is_judged_by_what_becomes_of_its_frames():
    row = Recording("P1", "1", "large", ("a.mp4",), 1.0, 9.5, "TCS", None, "all", "", None, None, 2)
    small = replace(row, view="small", crop=Box(0, 0, 8, 8))
    used, excluded = Outcome("", 100, 0), Outcome("the film ends too early")
    film = FileFacts("a.mp4", num_frames=250, frame_rate_hz=25, duration_seconds=10.0, width=8, height=8)
    frozen = replace(film, video="b.mp4", longest_frozen_seconds=4.0)
    assert judge_recording(row, [row, small], [film], used) == Verdict(GOOD, (), ())
    found = judge_recording(row, [row, replace(small, crop=None)], [film], used)
    assert found == Verdict(WARNINGS, ("the same picture as small: give each view its crop",), ())
    assert judge_recording(row, [row], [film], excluded) == Verdict(UNUSABLE, ("the film ends too early",), ())
    found = judge_recording(row, [row], [film, frozen], used)
    assert found == Verdict(WARNINGS, ("b.mp4: the picture stands still for 4.0 s",), ())
    found = judge_recording(row, [row], [film], replace(used, num_invalid_snippets=3))
    assert found.reasons == ("3 of 100 snippets touch damaged or missing frames and are not used",)
    other = replace(film, video="c.mp4", pixel_aspect="2:1")
    found = judge_recording(row, [row], [film, other], used)
    assert "changes between its files (a.mp4: 8x8, c.mp4: 8x8 with pixels of 2:1)" in found.reasons[-1]


def test_a_file_that_breaks_is_usable_up_to_there():
    facts = FileFacts("a.mpg", num_frames=99, frame_rate_hz=25, duration_seconds=3.96, error="the clock jumps back")
    verdict = judge(facts)
    assert verdict.word == WARNINGS
    assert verdict.reasons[0] == "readable up to 3.96 s, then: the clock jumps back"
    assert judge(replace(facts, num_frames=0)) == Verdict(UNUSABLE, ("the clock jumps back",), ())


def test_combing_all_over_a_film_that_counts_as_progressive_is_named():
    facts = FileFacts(
        "a.mp4", num_frames=99, frame_rate_hz=25, num_moving=20, num_combed=9, interlaced="no: nothing moves"
    )
    assert any(reason.startswith("9 of 20 moving frames are combed") for reason in judge(facts).reasons)
    assert judge(replace(facts, num_combed=2)).word == GOOD


def test_a_rate_is_measured_not_believed():
    facts = FileFacts("a.ts", frame_rate_claimed_hz=50.0, frame_rate_hz=25.0, num_frames=10, duration_seconds=0.4)
    assert judge(facts).reasons == ("header says 50.00 Hz, measured 25.00 Hz: the time stamps count",)


def write_with_sound(path, late_seconds):
    """Write a film whose picture starts later than its sound."""
    with av.open(str(path), "w") as container:
        film, sound = container.add_stream("mpeg4", rate=25), container.add_stream("mp2", rate=48_000)
        film.width, film.height, film.pix_fmt = zoo.WIDTH, zoo.HEIGHT, "yuv420p"
        for number in range(40):
            quiet = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 1152), np.int16), format="s16", layout="stereo")
            quiet.sample_rate, quiet.pts, quiet.time_base = 48_000, 1152 * number, Fraction(1, 48_000)
            container.mux(sound.encode(quiet))
            frame = zoo.to_frame(zoo.picture(number), "yuv420p", matrix="601", full_range=False)
            frame.pts, frame.time_base = number + round(25 * late_seconds), Fraction(1, 25)
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
        container.mux(sound.encode(None))


@pytest.mark.parametrize("ending", ["mkv", "ts", "mp4"])
def test_a_picture_that_starts_after_the_sound_is_named(tmp_path, ending):
    write_with_sound(tmp_path / f"late.{ending}", 0.48)
    write_with_sound(tmp_path / f"even.{ending}", 0.0)
    late, even = survey(tmp_path / f"late.{ending}"), survey(tmp_path / f"even.{ending}")
    assert late.sound_lead_seconds == pytest.approx(0.48, abs=0.03)
    assert judge(late).reasons[0].startswith("the picture starts 0.4")
    assert judge(even).word == GOOD


# What the rule of time finds in a film, as a warning (True) or as what is taken care of.
OF_TIME = {
    "h264-b.avi": (False, "its time stamps are those of decoding: pictures are timed by the order in which"),
    "from-avi.mkv": (False, "its time stamps are those of decoding: pictures are timed by the order in which"),
    "slower.mkv": (True, "the frame rate changes from 25 to 12.5 Hz at 2.00 s"),
    "slower.ts": (True, "the frame rate changes from 25 to 12.5 Hz at 2.00 s"),
    "skipped.mkv": (False, "3 pictures shown longer than usual, at most 0.08 s (at 1.52 s): the next one is late"),
    "late.ts": (False, "2 pictures shown longer than usual, at most 0.08 s (at 1.16 s): the next one is late"),
    "repeated.mkv": (False, "3 time stamps repeated: of pictures at one time, the last is seen"),
    "joined.ts": (True, "its clock starts again 1 time, first at 2.40 s (joined files?): times go on counting"),
}


def repeat_stamps(packet):
    """Give every thirtieth packet the stamp of the one before it."""
    if packet.pts % 1200 == 1160:
        packet.pts, packet.dts = packet.pts - 40, packet.dts - 40


MADE = {
    "joined.ts": {"finish": zoo.twice},
    "repeated.mkv": {
        "time_base": Fraction(1, 1000),
        "num_frames": 100,
        "finish": zoo.copy_to("matroska", repeat_stamps),
    },
}


@pytest.mark.parametrize("name", OF_TIME)
def test_what_the_rule_of_time_did_is_said(tmp_path, name):
    is_warning, words = OF_TIME[name]
    made = [zoo.Specimen(name, **MADE[name])] if name in MADE else [item for item in zoo.ALL if item.name == name]
    verdict = judge(survey(made[0].make(tmp_path)[0]))
    said = verdict.reasons if is_warning else verdict.notes
    assert any(one.startswith(words) for one in said), verdict
    assert not any("variable" in one for one in verdict.reasons), verdict


def test_a_clock_that_goes_on_is_no_restart(surveys):
    facts = surveys["h264.mp4"][1]
    assert (facts.num_restarts, facts.num_long_stays, facts.num_repeated_stamps, facts.rate_changes) == (0, 0, 0, "")
    assert not facts.is_stamped_by_decoding


def test_the_pace_is_that_of_the_times():
    starts = [n / 25 for n in range(100)] + [4 + n / 12.5 for n in range(50)] + [8 + n / 25 for n in range(100)]
    pace = pace_of(starts, [*starts[1:], starts[-1] + 0.04])
    assert pace.rate_changes == "from 25 to 12.5 Hz at 4.00 s, from 12.5 to 25 Hz at 8.00 s"
    assert pace.num_long_stays == 0
    holes = [*starts[:30], *starts[34:100]]  # the picture before the hole stays, or does not
    ends = [*holes[1:], holes[-1] + 0.04]
    pace = pace_of(holes, ends)
    assert (pace.num_long_stays, pace.rate_changes, pace.is_variable_rate) == (1, "", False)
    assert pace.longest_stay_seconds == pytest.approx(0.2)
    assert pace.longest_stay_at_seconds == pytest.approx(1.16)
    ends[29] = holes[29] + 0.04
    assert pace_of(holes, ends).num_long_stays == 0
    assert pace_of([0.0, 0.04], [0.04, 0.08]) == Pace()


def test_a_long_way_from_the_last_key_frame_is_named(tmp_path):
    sparse = zoo.Specimen(
        "one-key.mkv", seconds=tuple(5.0 * n for n in range(20)), gop=250, time_base=Fraction(1, 1000)
    )
    facts = survey(sparse.make(tmp_path)[0])
    assert (facts.keyless_from_seconds, facts.keyless_seconds) == (0.0, pytest.approx(95))
    words = "no key frame from 0 s to 95 s: a window there is decoded from 0 s on"
    assert f"{words}, up to 95 s of film before its onset" in judge(facts).notes
    assert describe_long_way(facts, 80.0) == f"{words}, 80 s of film before its onset"
    assert describe_long_way(facts, 40.0) == describe_long_way(facts, 200.0) == ""
