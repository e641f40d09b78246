"""The door to frames: the same frames as the pipeline's, as arrays, with their times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import reading
import zoo

import seizures
from seizures.errors import SettingsError, VideoError


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of numbered frames."""
    return zoo.PLAIN[0].make(tmp_path_factory.mktemp("films"))[0]


def test_a_film_is_read_whole(film: Path) -> None:
    found = seizures.read_frames(film)
    assert found.frames.shape == (len(found.valid), 112, 112, 3)
    assert found.frames.dtype == np.uint8
    assert found.valid.all()
    assert found.seconds.dtype == np.float64
    assert np.allclose(np.diff(found.seconds), 1 / 15)
    frames, valid, facts = reading.decode([film])
    assert (found.frames == frames).all()
    assert (found.valid == valid).all()
    assert found.facts == facts


def test_a_window_starts_at_its_onset(film: Path) -> None:
    found = seizures.read_frames(str(film), 0.5, 1.5, frame_rate_hz=10, frame_size=64, preprocessing="center_crop")
    assert found.frames.shape == (10, 64, 64, 3)
    assert np.allclose(found.seconds, 0.5 + np.arange(10) / 10)


def test_pieces_are_one_recording(film: Path) -> None:
    once, twice = seizures.read_frames(film), seizures.read_frames([film, film])
    assert len(twice.frames) == 2 * len(once.frames)
    assert reading.read_numbers(twice.frames[-3:]) == reading.read_numbers(once.frames[-3:])


def test_settings_out_of_range_are_refused_together(film: Path) -> None:
    with pytest.raises(SettingsError, match=r"(?s)preprocessing = square.*deinterlace = maybe"):
        seizures.read_frames(film, preprocessing="square", deinterlace="maybe")


@pytest.mark.parametrize(
    ("onset", "offset", "wanted"),
    [
        (1.0, 1.0, r"offset_seconds = 1: expected after the onset, 1 s"),
        (None, -0.5, r"offset_seconds = -0\.5: expected after the onset, 0 s"),
        (5.0, 4.9, r"offset_seconds = 4\.9: expected after the onset, 5 s"),
        (float("nan"), float("nan"), r"onset_seconds = nan: expected seconds.*offset_seconds = nan: expected seconds"),
        (float("inf"), None, r"onset_seconds = inf: expected seconds"),
    ],
)
def test_a_window_without_a_length_is_refused(film: Path, onset: float | None, offset: float, wanted: str) -> None:
    with pytest.raises(SettingsError, match=wanted):
        seizures.read_frames(film, onset, offset)


def test_a_file_that_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no film")
    with pytest.raises(VideoError, match=r"notes\.mp4"):
        seizures.read_frames(tmp_path / "notes.mp4")
