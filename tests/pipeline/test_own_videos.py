"""A lab's own videos: one that breaks is named and left out, the others are finished; exit code 30 until mended."""

from __future__ import annotations

import re

import pytest
from small_project import Project, make_small_project

from seizures.simulation import rendering
from seizures.simulation.cohort import simulate_cohort

BROKEN = "P04_01_large.mp4"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with films of its own, one view of P04+01 cut short and the other not a film at all; RunAll has run."""
    project = make_small_project(tmp_path_factory.mktemp("own"))
    videos = project.folder / "videos"
    videos.mkdir()
    cohort = simulate_cohort(4, 6, 7, min_duration_seconds=3, max_duration_seconds=4)
    for recording in cohort:
        rendering.render(recording, videos / recording.video)
    film = videos / BROKEN
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    (videos / "P04_01_small.mp4").write_text("this is no film")
    project.set("Demo", enabled="false")
    project.set("Training", num_seeds=1)
    project.first_run = project.run_all()
    return project


def test_the_broken_seizure_is_named_and_the_others_are_finished(broken: Project) -> None:
    assert broken.first_run.exit_code == 30, broken.first_run
    last = broken.first_run.output.splitlines()[-4:]
    assert re.match(r"RunAll: complete, with 1 recording excluded\. \S+ of 5 seizures", last[0])
    assert "P04+01" in last[1]
    assert "use = skip" in last[2]
    assert "Traceback" not in broken.first_run.output
    report = (broken.results / "current" / "report.html").read_text()
    assert "P04_01_small.mp4" in report
    assert "P04,01" not in (broken.results / "current" / "predictions.csv").read_text()


def test_a_second_run_says_so_again_and_decodes_nothing(broken: Project) -> None:
    second = broken.run_all()
    assert second.exit_code == 30
    assert second.tasks == ["RunAll()"]
    assert "P04+01" in second.output.splitlines()[-3]
    status = broken.luigi("Status")
    assert status.exit_code == 30
    assert ["ExtractFeatures", "10", "0", "2", "0"] in [line.split() for line in status.output.splitlines()]
    assert "P04+01" in status.output.splitlines()[-3]


def test_skipping_it_is_an_answer(broken: Project) -> None:
    rows = broken.rows
    for row in rows:
        if row["patient_id"] == "P04" and row["seizure_id"] == "01":
            row["use"], row["reason"] = "skip", "the film is broken"
    broken.write_rows(rows)
    run = broken.run_all()
    assert run.exit_code == 0, run
    assert "the film is broken" in (broken.results / "current" / "report.html").read_text()
