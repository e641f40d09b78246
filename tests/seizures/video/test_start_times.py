"""Clock times of the manifest stand where a clock on the wall showed them, on the clock of each video."""

from __future__ import annotations

import dataclasses
import datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import SettingsError
from seizures.manifest.recordings import Recording
from seizures.video.start_times import FilmStart, find_zone, read_start, resolve

ROW = Recording("P1", "1", "large", ("a.mp4", "b.mp4"), 0.0, None, "TCS", None, "all", "", None, None, 2, True)
UTC = find_zone("UTC")


def film(path: Path, codec: str = "mpeg4", options: dict[str, str] | None = None, **tags: str) -> Path:
    with av.open(str(path), "w", options=options or {}) as container:
        container.metadata.update(
            {name.replace("_apple", "com.apple.quicktime.creationdate"): tags[name] for name in tags}
        )
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def clocked(onset: str, offset: str = "", clonic: str = "") -> Recording:
    def seconds(text: str) -> float | None:
        hours, minutes, rest = text.split(":") if text else ("nan",) * 3
        return 3600 * float(hours) + 60 * float(minutes) + float(rest) if text else None

    times = [seconds(text) for text in (onset, offset, clonic)]
    return dataclasses.replace(ROW, onset_seconds=times[0], offset_seconds=times[1], clonic_onset_seconds=times[2])


def on_clock_of(item: Recording, start: str, zone: str = "UTC") -> Recording:
    (found,), faults = resolve([item], {"a.mp4": FilmStart(start)}, find_zone(zone))
    assert not faults
    assert not found.has_clock_times
    return found


def test_each_container_says_when_it_starts(tmp_path: Path) -> None:
    moment = "2020-05-01T10:00:00.250000Z"
    keep = {"movflags": "use_metadata_tags"}
    paths = [
        film(tmp_path / "a.mp4", creation_time=moment),
        film(tmp_path / "a.mkv", creation_time=moment, date="1999-01-01 00:00:00"),
        film(tmp_path / "a.mov", options=keep, creation_time=moment, _apple="2020-05-01T12:00:00+0200"),
        film(tmp_path / "a.avi", date="2020-05-01 10:00:00"),
        film(tmp_path / "day.avi", date="2020-05-01"),
        film(tmp_path / "a.ts", "mpeg2video", creation_time=moment),
        film(tmp_path / "a.mpg", "mpeg2video", creation_time=moment),
        tmp_path / "text.mp4",
    ]
    paths[-1].write_text("this is no film")
    found = [read_start(path) for path in paths]
    texts = [item.text for item in found]
    assert texts[:4] == ["2020-05-01T10:00:00.000000Z", moment, "2020-05-01T12:00:00+0200", "2020-05-01 10:00:00"]
    assert [on_clock_of(clocked("10:00:01"), text).onset_seconds for text in texts[:4]] == [1, 0.75, 1, 1]
    assert all("does not say when it starts" in item.problem and not item.text for item in found[4:7])
    assert "cannot be opened as a video" in found[7].problem


def test_times_are_measured_from_the_start_of_the_first_piece() -> None:
    found = on_clock_of(clocked("10:15:30.5", "10:16:30", "10:16:00"), "2020-05-01T10:00:00.25Z")
    assert (found.onset_seconds, found.offset_seconds, found.clonic_onset_seconds) == (930.25, 989.75, 959.75)
    assert found.starts_at_seconds == 36_000.25


@pytest.mark.parametrize(
    ("start", "zone", "onset", "wanted"),
    [
        ("2020-05-01T23:50:00Z", "UTC", "00:10:00", 1200),  # past midnight
        ("2020-06-01T10:00:00Z", "Europe/London", "11:00:10", 10),  # summer
        ("2020-12-01T10:00:00Z", "Europe/London", "10:00:10", 10),
        ("2020-06-01 11:00:00", "Europe/London", "11:00:10", 10),  # a tag without a zone is local
        ("2020-06-01T12:00:00+02:00", "Europe/London", "11:00:10", 10),
        ("2020-03-29T00:50:00Z", "Europe/London", "02:05:00", 900),  # an hour is left out at 01:00
        ("2020-10-25T00:50:00Z", "Europe/London", "01:55:00", 300),  # it is 01:50, and 01:55 comes twice
        ("2020-10-25T01:10:00Z", "Europe/London", "01:20:00", 600),  # the second 01:10
        ("2020-06-01T22:30:00Z", "Asia/Kolkata", "04:00:30", 30),
    ],
)
def test_a_zone_says_what_the_clock_on_the_wall_showed(start: str, zone: str, onset: str, wanted: float) -> None:
    assert on_clock_of(clocked(onset), start, zone).onset_seconds == wanted


@given(st.integers(0, 86_399_999), st.integers(0, 82_799_999))
def test_every_time_of_day_is_found_again(start_ms: int, after_ms: int) -> None:
    start = datetime.datetime(2020, 2, 28, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=start_ms)
    of_day = (start_ms + after_ms) % 86_400_000 / 1000
    found = on_clock_of(dataclasses.replace(ROW, onset_seconds=of_day), start.isoformat())
    assert found.onset_seconds == pytest.approx(after_ms / 1000, abs=1e-6)


def test_what_cannot_be_meant_is_refused_with_its_rows_and_without_a_date() -> None:
    none = FilmStart(problem="does not say when it starts; write seconds since its first frame")
    items = [
        clocked("09:59:00"),
        dataclasses.replace(clocked("10:00:30"), video=("c.ts",), row=3),
        dataclasses.replace(clocked("10:00:40"), video=("c.ts",), row=4),
        dataclasses.replace(clocked("10:00:30"), video=(), row=5),
        dataclasses.replace(clocked("10:00:30"), video=("c.ts",), row=6, use="skip"),
        dataclasses.replace(ROW, has_clock_times=False, onset_seconds=5.0),
    ]
    found, faults = resolve(items, {"a.mp4": FilmStart("2020-05-01T10:00:00Z"), "c.ts": none}, UTC)
    assert found == tuple(items[-2:])
    assert faults == [
        "row 2, onset_seconds: 09:59:00 is before 'a.mp4' starts (or 23 h after it); is [Dataset] time_zone right?",
        "rows 3, 4, onset_seconds: is a clock time, and 'c.ts' does not say when it starts; write seconds since its "
        "first frame",
        "row 5, onset_seconds: is a clock time, and there is no video that it belongs to",
    ]


@pytest.mark.parametrize("start", ["2024-03-31T00:30:00Z", "2024-03-30T23:30:00Z", "2024-03-30T05:00:00Z"])
def test_a_time_of_day_that_was_skipped_is_no_moment(start: str) -> None:
    london = find_zone("Europe/London")  # where 02:00 came a second after 00:59:59
    _, faults = resolve([clocked("01:30:00")], {"a.mp4": FilmStart(start)}, london)
    skipped = "is in the hour that the clocks skipped that night; is [Dataset] time_zone right?"
    assert faults == [f"row 2, onset_seconds: 01:30:00 {skipped}"]


@pytest.mark.parametrize(
    ("start", "wanted"), [("2024-03-31T02:00:00Z", 81_000), ("2024-03-30T01:10:00Z", 1200), ("2024-03-31T01:00:00Z", 0)]
)
def test_a_time_of_day_that_was_skipped_on_another_night_is_found(start: str, wanted: float) -> None:
    onset = "02:00:00" if wanted == 0 else "01:30:00"
    assert on_clock_of(clocked(onset), start, "Europe/London").onset_seconds == wanted


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1904-01-01T00:00:00Z"])
def test_a_date_that_no_recording_has_is_no_start(text: str) -> None:
    new_york = find_zone("America/New_York")
    _, faults = resolve([clocked("10:00:00")], {"a.mp4": FilmStart(text)}, new_york)  # remembered by an older version
    assert faults == [
        "row 2, onset_seconds: is a clock time, and 'a.mp4' does not say when it starts; write seconds since its first "
        "frame"
    ]


def test_a_start_that_is_believed_is_looked_for_behind_one_that_is_not(tmp_path: Path) -> None:
    tags = {"_apple": "9999-12-31T23:59:59+0000", "creation_time": "2020-05-01T10:00:00Z"}
    path = film(tmp_path / "a.mov", options={"movflags": "use_metadata_tags"}, **tags)
    start = read_start(path)
    assert start.text in ("2020-05-01T10:00:00Z", "2020-05-01T10:00:00.000000Z")  # as libavformat writes it


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(SettingsError, match="Moon/Crater: wanted a time zone by its name, such as UTC"):
        find_zone("Moon/Crater")
