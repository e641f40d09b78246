"""What a film's name and a raw stream's rate do to the keys: only those of the films that they concern."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zoo_pictures as films
from hypothesis import given
from hypothesis import strategies as st
from in_process import inside, setting
from small_project import Project, make_small_project

from seizures.manifest.film_names import folder_name, may_be_raw, split_stream
from tasks.stages.videos import decoded_key_parts

NAMES = ("plain.mp4", "raw.mjpg", "two.mkv#1", "two.mkv#2")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a film in a container, a raw stream, and a file of two films."""
    project = make_small_project(tmp_path_factory.mktemp("names"))
    project.set("Demo", enabled="false")
    films.write(project.folder / "plain.mp4", films.images())
    films.write(project.folder / "raw.mjpg", films.images(), codec="mjpeg", format="mjpeg")
    films.write_streams(project.folder / "two.mkv", [(160, 96), (320, 192)])
    return project


def test_the_rate_and_the_stream_are_read_only_where_they_matter(project: Project) -> None:
    paths = {name: project.folder / name for name in NAMES}
    with inside(project):
        before = {name: decoded_key_parts([path]) for name, path in paths.items()}
        with setting("Frames", "raw_rate_hz", "30"):
            after = {name: decoded_key_parts([path]) for name, path in paths.items()}
    assert [name for name in NAMES if before[name] != after[name]] == ["raw.mjpg"]
    assert before["two.mkv#1"] != before["two.mkv#2"]
    assert "video_streams" not in before["plain.mp4"]


def test_a_file_whose_own_name_ends_so_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "film#2"
    assert split_stream(path) == (tmp_path / "film", 2)
    path.write_bytes(b"")
    assert split_stream(path) == (path, None)
    assert split_stream(tmp_path / "film#2.mkv") == (tmp_path / "film#2.mkv", None)
    assert split_stream(tmp_path / "film.mkv#0") == (tmp_path / "film.mkv#0", None)
    assert may_be_raw(path)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_a_film_of_any_name_has_a_folder_that_any_disk_takes(video: str) -> None:
    name = folder_name(video)
    assert len(os.fsencode(name)) <= 200
    assert not set(name) & set('<>:"|?*\\/\n')
    assert not name.endswith((".", " "))


def test_an_ordinary_name_is_kept() -> None:
    assert folder_name("ward 3/P01_2021.mp4") == "ward 3+P01_2021.mp4"
    assert folder_name("10:00.mp4").startswith("10_00.mp4~")
