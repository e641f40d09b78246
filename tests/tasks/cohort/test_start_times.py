"""Clock times in a run: the same keys as the seconds that they mean, and refused before anything is decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from film_copies import copy_as_another_film
from in_process import inside, setting
from small_project import Project, make_small_project

from seizures.errors import SettingsError
from seizures.simulation import rendering
from tasks.cohort import manifest as cohort
from tasks.cohort.preflight import require_sound_input
from tasks.machinery import fingerprint
from tasks.upkeep.plan import foresee

START = "2020-05-01T23:59:58.500000Z"
LATER = "2020-05-01T23:59:58.750000Z"


def copy_film(path: Path, to: Path, start: str) -> None:
    with av.open(str(path)) as source, av.open(str(to), "w") as target:
        target.metadata["creation_time"] = start
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copied
                target.mux(packet)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return a project with films of its own, each of which starts just before midnight; its manifest has seconds."""
    project = make_small_project(tmp_path_factory.mktemp("clock"))
    videos = project.folder / "videos"
    videos.mkdir()
    with inside(project):
        simulated = cohort.demo()
    first = next(iter(simulated.values()))
    rendering.render(first, videos / "plain.mp4")
    copy_film(videos / "plain.mp4", videos / "first.mkv", START)
    rows = project.rows
    for row in rows:
        row["video"] = f"{row['patient_id']}-{row['seizure_id']}-{row['view']}.mkv"
        copy_as_another_film(videos / "first.mkv", videos / row["video"])
        row |= {"onset_seconds": "1.00", "offset_seconds": "3.50", "clonic_onset_seconds": ""}
    project.write_rows(rows)
    project.set("Demo", enabled="false")
    with pytest.MonkeyPatch.context() as patch:  # what is said of a film is not remembered soon after its last change
        patch.setattr(fingerprint, "_RACY_SECONDS", 0.05)
        time.sleep(0.1)
        yield project


def keys(project: Project) -> dict[tuple[str, str], str]:
    with inside(project):
        require_sound_input()
        return {(stage.task_family, stage.label): stage.key for stage in foresee()[0]}


def with_clock_times(project: Project) -> list[dict[str, str]]:
    """Return the rows with those of the first seizure as clock times."""
    rows = project.rows
    for row in rows:
        if (row["patient_id"], row["seizure_id"]) == (rows[0]["patient_id"], rows[0]["seizure_id"]):
            row |= {"onset_seconds": "23:59:59.5", "offset_seconds": "00:00:02"}
    return rows


def test_a_clock_time_is_the_second_that_it_means(project: Project) -> None:
    before, plain = keys(project), project.rows
    project.write_rows(with_clock_times(project))
    try:
        assert keys(project) == before
        with inside(project):
            assert cohort.recordings()[0].starts_at_seconds == 86_398.5
            message = "row 2, onset_seconds: 23:59:59.5 is before .* starts"
            with setting("Dataset", "time_zone", "Etc/GMT-1"), pytest.raises(SettingsError, match=message):
                require_sound_input()
        notes = sorted(path.name for path in (project.results / "fingerprints").glob("*.start.json"))
        assert len(notes) == len({row["view"] for row in plain if row["patient_id"] == plain[0]["patient_id"]})
    finally:
        project.write_rows(plain)


def test_the_order_of_the_rows_of_a_seizure_is_in_no_key(project: Project) -> None:
    plain, rows = project.rows, project.rows
    copy_film(project.folder / "videos" / "plain.mp4", project.folder / "videos" / "later.mkv", LATER)
    first = next(row for row in rows if row["label"] == "TCS")
    views = [
        row for row in rows if (row["patient_id"], row["seizure_id"]) == (first["patient_id"], first["seizure_id"])
    ]
    for row in views:
        row |= {"onset_seconds": "23:59:59.5", "offset_seconds": "00:00:02", "clonic_onset_seconds": "00:00:01"}
    views[1]["video"] = "later.mkv"
    found = []
    try:
        for view in ("large", "small"):
            project.write_rows(sorted(rows, key=lambda row: row["view"] != view))
            found.append(
                {what: key for what, key in keys(project).items() if what[0] in ("ExtractFeatures", "AssignFolds")}
            )
    finally:
        project.write_rows(plain)
    assert found[0] == found[1]


def test_a_film_without_a_start_is_named_before_anything_runs(project: Project, tmp_path: Path) -> None:
    plain, rows = project.rows, with_clock_times(project)
    rows[0]["video"] = "plain.mp4"
    project.write_rows(rows)
    try:
        run = project.luigi("RunAll")
    finally:
        project.write_rows(plain)
    assert run.exit_code not in (0, None)
    assert "row 2, onset_seconds: is a clock time, and 'plain.mp4' does not say when it starts" in run.output
    assert "2020" not in run.output.replace(str(tmp_path.parents[1]), "")
    assert not list(project.results.glob("DecodeRecording/*"))


def test_the_demo_has_no_time_of_day(project: Project) -> None:
    plain = project.rows
    project.write_rows(with_clock_times(project))
    try:
        with (
            inside(project),
            setting("Demo", "enabled", "true"),
            pytest.raises(SettingsError, match="the films of the demo start at no"),
        ):
            require_sound_input()
    finally:
        project.write_rows(plain)
