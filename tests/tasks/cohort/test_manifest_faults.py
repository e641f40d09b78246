"""All faults of a manifest and its films at once; copies of films are found by their content."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from in_process import inside, setting
from small_project import Project, make_small_project

from tasks.cohort import manifest as cohort
from tasks.cohort.manifest_faults import manifest_mistakes
from tasks.machinery import fingerprint


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Make a project with films of its own; their content is no matter here."""
    project = make_small_project(tmp_path)
    project.set("Demo", enabled="false")
    (tmp_path / "videos").mkdir()
    for at, row in enumerate(project.rows):
        (tmp_path / "videos" / row["video"]).write_bytes(b"film %3d" % at)  # of one size
    return project


def copy_of_first_film(project: Project, patient: str = "P09") -> None:
    first = project.rows[0]
    shutil.copy(project.folder / "videos" / first["video"], project.folder / "videos" / "renamed.mp4")
    project.write_rows([*project.rows, {**first, "patient_id": patient, "video": "renamed.mp4"}])


def mistakes(project: Project) -> list[str]:
    with inside(project):
        return list(manifest_mistakes())


def test_sound_films_are_sound(project: Project) -> None:
    assert mistakes(project) == []


def test_a_renamed_copy_under_another_patient_is_named_with_both_rows(project: Project) -> None:
    copy_of_first_film(project)
    (message,) = mistakes(project)
    assert "row 14, video: 'renamed.mp4' is the film of patient P01 in row 2, and the windows overlap" in message


def test_a_reason_allows_it_and_tells_who(project: Project) -> None:
    copy_of_first_film(project)
    project.set("Dataset", allow_shared_films="two beds in one room")
    assert mistakes(project) == []
    with inside(project):
        assert cohort.sharers() == [("P01", "P09")]


def test_what_the_manifest_skips_is_on_no_side(project: Project) -> None:
    copy_of_first_film(project)
    project.write_rows([*project.rows[:-1], {**project.rows[-1], "use": "skip"}])
    assert mistakes(project) == []


def test_only_films_of_one_size_are_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, row in enumerate(project.rows):
        (project.folder / "videos" / row["video"]).write_bytes(b"x" * at)  # the first is empty
    monkeypatch.setattr(fingerprint, "_hash", lambda path: pytest.fail(f"{path} was read"))
    assert mistakes(project) == []


def test_films_of_the_demo_are_known_by_their_names(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    project.write_rows([*project.rows, {**project.rows[0], "patient_id": "P09"}])
    (message,) = mistakes(project)
    assert "row 14, video: 'P01_01_large.mp4' is the film of patient P01 in row 2" in message


def test_faults_of_rows_and_films_come_in_one_message(project: Project) -> None:
    rows = project.rows
    rows[0]["label"], rows[2]["onset_seconds"], rows[4]["video"] = "GTCS", "1,5", "gone.mp4"
    rows[10]["video"] = rows[8]["video"]
    project.write_rows(rows)
    (message,) = mistakes(project)
    assert message.splitlines()[0] == "data_manifest.csv: 4 faults"
    assert [line.split(":")[0] for line in message.splitlines()[1:]] == [
        "  row 2, label",
        "  row 4, onset_seconds",
        "  row 6, video",
        f"  row 12, {'video' if rows[10]['patient_id'] != rows[8]['patient_id'] else 'onset_seconds'}",
    ]


def test_a_wrong_profile_hides_no_fault(project: Project) -> None:
    (project.folder / "views.cfg").write_text("[large]\ncrop = 1,2\n")
    project.set("Dataset", site_profile="views.cfg")
    project.write_rows([{**row, "label": "GTCS"} if at == 0 else row for at, row in enumerate(project.rows)])
    profile, manifest = mistakes(project)
    assert "views.cfg: 1 faults in the site profile" in profile
    assert "row 2, label: 'GTCS' is not a label" in manifest


def test_of_many_faults_the_rest_is_in_a_file(project: Project) -> None:
    sound = project.rows
    rows = [{**row, "video": f"gone{at}.mp4"} for at, row in enumerate(project.rows * 3)]
    for at, row in enumerate(rows):
        row["patient_id"] = f"P{1 + at}"
    rows[0]["video"] = project.rows[0]["video"]
    project.write_rows(rows)
    (message,) = mistakes(project)
    lines = message.splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 15 more; all of them: results/manifest_faults.txt"
    file = project.results / "manifest_faults.txt"
    assert len(file.read_text().splitlines()) == 36
    assert file.stat().st_mode & 0o077 == 0
    project.write_rows(sound)
    assert mistakes(project) == []
    assert not file.exists()


def test_a_wrong_folder_is_one_line(project: Project) -> None:
    with inside(project), setting("Dataset", "video_root", "elsewhere"):
        (message,) = manifest_mistakes()
    assert message == (
        "data_manifest.csv: 1 fault\n  video: 'P01_01_large.mp4' and the other 11 are not in video_root elsewhere; "
        "set [Dataset] video_root"
    )
