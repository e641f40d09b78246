"""InspectVideos and RunAll agree: what the one calls good is used by the other, and what it calls unusable is not."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import zoo
import zoo_pictures as films
from in_process import inside
from PIL import Image
from small_project import Project, make_small_project

NEEDED = ("h264.mp4", "tff.mpg", "mpeg2.ts")
WHOLE = [item for item in zoo.ALL if zoo.is_available(item) and not item.pieces]
ZOO = [item for place, item in enumerate(WHOLE) if place % 2 == 0 or item.name in NEEDED]  # all would take too long
ID = "ABCD"


def make_films(folder: Path) -> list[tuple[str, float | None]]:
    """Make the films, good ones and bad ones, and return their names in the manifest with an offset."""
    made = [(item.make(folder)[0].name, None) for item in ZOO]
    content = bytearray((folder / "h264.mp4").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = b"\xff" * 400
    (folder / "damaged.mp4").write_bytes(content)
    (folder / "cut.mpg").write_bytes((folder / "tff.mpg").read_bytes()[: (folder / "tff.mpg").stat().st_size // 8])
    (folder / "text.mp4").write_text("no film")
    Image.fromarray(zoo.picture(3)).save(folder / "still.png")
    films.write(folder / "raw.mjpg", films.images(60), codec="mjpeg", format="mjpeg")
    films.write(folder / "short.mp4", films.images(20))
    films.write(folder / "mirrored.mp4", films.images(60), matrix=(-1, 0, 0, 1))
    films.write_high_dynamic_range(folder / "hlg.mp4", "HLG")
    films.write_streams(folder / "two.mkv", [(160, 96), (320, 192)])
    names = ("damaged.mp4", "cut.mpg", "text.mp4", "still.png", "raw.mjpg", "short.mp4", "mirrored.mp4", "hlg.mp4")
    return [*made, *((name, None) for name in (*names, "two.mkv#1", "two.mkv#2")), ("mpeg2.ts", 9.0)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a seizure a film; both have run."""
    project = make_small_project(tmp_path_factory.mktemp("agree"))
    folder = project.folder / "videos"
    folder.mkdir()
    found = make_films(folder)
    names = ["patient_id", "seizure_id", "view", "video", "onset_seconds", "offset_seconds", "label"]
    rows = []
    for number, (name, offset) in enumerate(found):
        if Path(folder, name).exists() and any(row[3] == name for row in rows):
            shutil.copy(folder / name, folder / f"again-{name}")
            name = f"again-{name}"
        patient = ID[number % len(ID)]
        rows.append([patient, f"{number:03d}", "v", name, "", offset or "", ("FOS", "TCS")[number // len(ID) % 2]])
    with (project.folder / "data_manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    project.set("Demo", enabled="false")
    project.set(
        "Dataset", minimum_duration_seconds="1.3", video_root="videos", allow_shared_films="one film, two streams"
    )
    project.set("Training", num_seeds=1, num_epochs=1, num_segments=2)
    project.first_run = project.run_all()
    return project


def test_what_inspect_videos_says_is_what_run_all_does(project: Project) -> None:
    run = project.luigi("InspectVideos")
    assert run.exit_code == 0, run
    assert "Traceback" not in run.output + project.first_run.output
    assert project.first_run.exit_code == 30, project.first_run  # some are left out
    with inside(project):
        from seizures.inspection.verdict import UNUSABLE
        from tasks.stages.folds import fold_rows
        from tasks.stages.inspection import all_sheets, recording_verdict

        verdicts = {sheet.decoded.recording.video[0]: recording_verdict(sheet) for sheet in all_sheets()}
        used = {(row.patient_id, row.seizure_id) for row in fold_rows()}
        used_films = {
            sheet.decoded.recording.video[0] for sheet in all_sheets() if (sheet.patient_id, sheet.seizure_id) in used
        }
    assert {name for name, verdict in verdicts.items() if verdict.word != UNUSABLE} == used_films, verdicts
    unusable = set(verdicts) - used_films
    assert {"damaged.mp4", "text.mp4", "still.png", "raw.mjpg", "short.mp4", "again-mpeg2.ts"} <= unusable, verdicts
    assert {"mirrored.mp4", "hlg.mp4", "two.mkv#1", "two.mkv#2", "tff.mpg"} <= used_films, verdicts
    page = next(project.results.glob("WriteInspection/videos/*.html")).read_text()
    assert "raw_rate_hz" in page
    assert "mirrored left to right (display matrix)" in page
    assert "high dynamic range (HLG): tone-mapped to BT.709" in page
