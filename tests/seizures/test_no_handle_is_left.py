"""What is refused is closed: whoever surveys ten thousand films must not run out of file handles."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import zoo
from feature_examples import change, write

import seizures
from seizures.errors import SeizuresError
from seizures.features.file import open_features
from seizures.files import archives
from seizures.inspection.survey import survey
from seizures.manifest.recordings import Box
from seizures.video.frame_cache import open_frames
from seizures.video.window import WindowRequest, open_window

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are listed in /proc")


def open_in(folder: Path) -> list[str]:
    """Return the files of a folder that this process holds open, through HDF5 or otherwise."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115
        except OSError:
            continue
    return [name for name in found if name.startswith(f"{folder}/")]


def film_of(folder: Path, name: str = "h264.mp4") -> Path:
    return next(item for item in zoo.ALL if item.name == name).make(folder)[0]


def play(*paths: Path, onset: float = 0.0, offset: float | None = None, crop: Box | None = None) -> None:
    with open_window(WindowRequest(paths, onset, offset, crop=crop)) as window:
        for _ in window:
            pass


def of_another_format(folder: Path) -> None:
    path = change(folder / "a.h5", lambda file: file.attrs.__setitem__("format", "other"))
    open_features(path)


def through_the_door(folder: Path) -> None:
    path = change(folder / "a.h5", lambda file: file.__setitem__("views/b", h5py.ExternalLink("b.h5", "/")))
    seizures.open_features(path)


def frames_of_another_format(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file.attrs["format"] = "other"
    open_frames(folder / "a.h5")


def frames_whose_arrays_are_absent(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file.attrs.update({"format": "seizure-frames", "format_version": 1, "complete": 1})
    open_frames(folder / "a.h5")


def no_film(folder: Path) -> None:
    (folder / "a.mp4").write_bytes(b"no film, and long enough to be looked at\n" * 100)
    play(folder / "a.mp4")


def a_film_without_video(folder: Path) -> None:
    path = folder / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nwords\n")
    play(path)


def an_onset_behind_the_end(folder: Path) -> None:
    play(film_of(folder), onset=1000.0)


def an_offset_behind_the_end(folder: Path) -> None:
    play(film_of(folder), offset=1000.0)


def a_box_that_does_not_fit(folder: Path) -> None:
    play(film_of(folder), crop=Box(0, 0, 5000, 5000))


def a_film_with_damage(folder: Path) -> None:
    path = film_of(folder)
    content = bytearray(path.read_bytes())
    content[3000:3600] = bytes(600)
    path.write_bytes(content)
    play(path)


def a_second_piece_that_is_no_film(folder: Path) -> None:
    (folder / "b.mp4").write_bytes(b"no film\n" * 1000)
    play(film_of(folder), folder / "b.mp4")


def a_second_piece_that_is_absent(folder: Path) -> None:
    play(film_of(folder), folder / "b.mp4", onset=100.0)


REFUSALS = [
    of_another_format,
    through_the_door,
    frames_of_another_format,
    frames_whose_arrays_are_absent,
    no_film,
    a_film_without_video,
    an_onset_behind_the_end,
    an_offset_behind_the_end,
    a_box_that_does_not_fit,
    a_film_with_damage,
    a_second_piece_that_is_no_film,
    a_second_piece_that_is_absent,
]


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_refusal_leaves_nothing_open(tmp_path: Path, refused: Callable[[Path], None]) -> None:
    with pytest.raises((SeizuresError, OSError)) as caught:
        refused(tmp_path)
    # `caught` holds every frame of the refusal, and what these hold: nothing is closed by being forgotten.
    assert open_in(tmp_path) == []
    assert caught.value is not None


def test_a_survey_leaves_nothing_open(tmp_path: Path) -> None:
    assert survey(film_of(tmp_path)).error == ""
    (tmp_path / "a.mp4").write_bytes(b"no film\n" * 1000)
    assert survey(tmp_path / "a.mp4").error
    assert open_in(tmp_path) == []


def test_a_zip_that_is_refused_leaves_nothing_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "README.md").write_text("no features")
    archives.pack(tmp_path / "bundle", tmp_path / "bundle.zip")
    with pytest.raises(SeizuresError, match="no feature files"):
        seizures.open_features(tmp_path / "bundle.zip")
    assert open_in(tmp_path) == []
    assert list(scratch.iterdir()) == []


def test_what_is_open_would_be_seen(tmp_path: Path) -> None:
    with open_features(write(tmp_path / "a.h5")):
        assert open_in(tmp_path) == [str(tmp_path / "a.h5")]
