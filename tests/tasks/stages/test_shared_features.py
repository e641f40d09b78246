"""Equal features of two patients end a run before training, whether they were imported or made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import feature_examples as examples
import numpy as np
import pytest
from in_process import inside
from small_project import Project, make_small_project

from seizures.errors import LeakError
from seizures.features.writer import FeatureFileWriter
from tasks.stages.features import all_features
from tasks.stages.report import _shared_films
from tasks.stages.shared_features import CompareFeatures, patients_with_equal_features

SEIZURES = [
    ("P01", "FOS", 1),
    ("P02", "TCS", 2),
    ("P03", "FOS", 3),
    ("P04", "TCS", 1),
]  # the last number draws the rows


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with imported features, of which two patients have the same."""
    project = make_small_project(tmp_path)
    project.set("Demo", enabled="false")
    project.set("Dataset", features="imported")
    project.set("Training", num_segments=1)
    (tmp_path / "imported").mkdir()
    blank = dict.fromkeys(project.rows[0], "")
    rows = []
    for patient, label, seed in SEIZURES:
        path = tmp_path / "imported" / f"{patient}+02.h5"
        with FeatureFileWriter(path, examples.header(patient, "02", label)) as file:
            view = file.create_view(
                "large", examples.NUM_ROWS, 6, examples.facts(), np.ones(examples.NUM_ROWS, dtype=bool)
            )
            view.write(0, examples.rows(seed))
        what = {"patient_id": patient, "seizure_id": "02", "view": "large", "label": label}
        rows.append({**blank, **what, "onset_seconds": "2.5", "offset_seconds": "8"})
    project.write_rows(rows)
    return project


def compare(project: Project) -> CompareFeatures:
    with inside(project):
        for stage in all_features():
            if not stage.complete():
                stage.run()
        stage = CompareFeatures()
        stage.run()
        assert stage.complete()
        return stage


def test_equal_features_are_named_and_nothing_is_trained(project: Project) -> None:
    with pytest.raises(LeakError, match=r"P04\+02\+large has 41 of 41 rows .* those of P01\+02\+large"):
        compare(project)
    run = project.run_all()
    assert run.exit_code == 30, run
    assert "allow_shared_films" in run.output
    assert "Traceback" not in run.output
    assert not list(project.results.glob("TrainFold/*/*.pt"))


def test_a_reason_lets_it_pass_and_is_reported(project: Project) -> None:
    project.set("Dataset", allow_shared_films="twins in one bed")
    stage = compare(project)
    assert json.loads((project.folder / stage.path).read_text())[0]["num_rows"] == 41
    with inside(project):
        assert patients_with_equal_features() == [("P01", "P04")]
        (note,) = _shared_films()
    assert "P01 and P04. The reason that was given ([Dataset] allow_shared_films): twins in one bed" in note


def test_other_features_pass(project: Project) -> None:
    project.write_rows(project.rows[:3])
    stage = compare(project)
    assert json.loads((project.folder / stage.path).read_text()) == []


def test_a_film_in_another_container_is_found_by_its_features(tmp_path: Path, finished: Project) -> None:
    """Its file has another hash, and its pictures are the same."""
    shutil.copytree(finished.folder, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    videos = project.folder / "videos"
    videos.mkdir()
    for film in project.results.glob("SimulateRecording/*/*.mp4"):
        shutil.copy(film, videos / f"{film.parent.name}.mp4")
    rows = project.rows
    first = [row for row in rows if (row["patient_id"], row["seizure_id"]) == ("P01", "01")]
    for row in first:
        content = (videos / row["video"]).read_bytes()
        (videos / f"other-{row['video']}").write_bytes(content + b"\x00\x00\x00\x0cfree" + bytes(4))
    copies = [{**row, "patient_id": "P09", "video": f"other-{row['video']}"} for row in first]
    project.write_rows([*rows, *copies])
    project.set("Demo", enabled="false")
    run = project.run_all()
    assert run.exit_code == 30, run
    assert "P09+01+large has" in run.output, run.output
    assert "rows of features that are those of P01+01+large" in run.output
