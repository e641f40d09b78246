"""InspectVideos as a user runs it, on the simulated cohort."""

from __future__ import annotations

import csv


def test_inspect_videos_gives_a_table_and_a_page(project):
    run = project.luigi("InspectVideos")
    assert run.exit_code == 0, run
    assert "InspectVideos: " in run.output
    table = next(project.results.glob("TabulateVideos/videos/*.csv"))
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["video"] for row in project.rows})
    assert {row["verdict"] for row in rows} <= {"good", "usable with warnings"}
    page = next(project.results.glob("WriteInspection/videos/*.html")).read_text()
    assert page.count("data:image/png") == len(project.rows)
    again = project.luigi("InspectVideos")
    assert again.exit_code == 0
    assert again.tasks == []
