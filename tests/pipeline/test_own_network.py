"""A network of a person's own in a run: its features, their key, a changed source, and its name elsewhere."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from in_process import inside
from small_project import Project, make_small_project

from tasks.settings.ways import weights_of

DOCS = Path(__file__).parents[2] / "docs/howto/bring-your-own-network.md"


TRAP = "from pathlib import Path\nPath(__file__).with_name('it_was_run').touch()\nraise SystemExit(3)\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "lab1").mkdir()
    (tmp_path / "lab2").mkdir()
    made = make_small_project(tmp_path / "lab1")
    source = DOCS.read_text().partition("```python\n")[2].partition("```")[0]
    (made.folder / "my_module.py").write_text(source)
    made.set("Features", network="my_module:build", weights="")
    return made


def test_a_run_with_a_network_of_ones_own(project: Project) -> None:
    run = project.luigi_from_nothing("RunAll")
    assert run.exit_code == 0, run
    handed = [
        project.luigi("ExportFeatures", "--to", "../out.zip", "--site", "LAB1"),
        project.luigi("ExportClassifier", "--to", "../classifier.zip", "--site", "LAB1"),
    ]
    assert [one.exit_code for one in handed] == [0, 0], handed
    check_names_in_files_run_nothing(make_small_project(project.folder.parent / "lab2"), project.folder.parent)
    film = next((project.folder).rglob("*.mp4"))
    asked = project.luigi("Predict", "--classifier", "../classifier.zip", "--video", str(film), "--verdict-only")
    assert asked.exit_code == 0, asked
    own = []
    for path in project.results.glob("ExtractFeatures/*/*.h5"):
        with h5py.File(path) as file:
            if file.attrs["network"] == "my_module:build":
                assert str(file.attrs["weights_sha256"]).startswith("sha256:")
                own.append(next(iter(file["views"].values()))["features"].shape[1])
    assert own == [6] * 6  # the others are the baseline's, movement
    report = (project.results / "current" / "report.html").read_text()
    assert "a network of the laboratory" in report
    assert project.luigi_from_nothing("RunAll").tasks == []
    source = project.folder / "my_module.py"
    source.write_text(source.read_text() + "# changed\n")
    again = project.luigi_from_nothing("RunAll")
    assert again.exit_code == 0, again
    assert len([task for task in again.tasks if task.startswith("ExtractFeatures(")]) == 6
    assert not [task for task in again.tasks if task.startswith("DecodeRecording(")]


def check_names_in_files_run_nothing(other: Project, handed: Path) -> None:
    """Import a bundle and ask a classifier that name a network of somebody's own, beside a module of that name."""
    trap = other.folder / "my_module.py"
    trap.write_text(TRAP)
    film = next((handed / "lab1").rglob("*.mp4"))
    asked = other.luigi("Predict", "--classifier", str(handed / "classifier.zip"), "--video", str(film))
    assert asked.exit_code == 2, asked
    assert "the classifier was trained with my_module:build, and here it is r2plus1d_small" in asked.output
    assert "ask them for it, read it, and set it so" in asked.output
    assert other.luigi("ValidateFeatures", "--path", str(handed / "out.zip")).exit_code == 0
    assert other.luigi("ImportFeatures", "--bundle", str(handed / "out.zip")).exit_code == 0
    other.set("Demo", enabled="false")
    other.set("Dataset", manifest="imported/manifest.csv", features="imported/features")
    run = other.run_all()
    assert run.exit_code == 0, run
    assert "my_module:build" in (other.results / "current" / "report.html").read_text()
    assert other.luigi("Plan").exit_code == 0
    assert not trap.with_name("it_was_run").exists()


def test_one_of_ones_own_beside_random_weights_keeps_its_own(project: Project) -> None:
    project.set("Features", network="r2plus1d_small", weights="random:0")
    with inside(project):
        assert weights_of("my_module:build") == ""
        assert weights_of("movement") == "random:0"


def test_what_is_wrong_with_it_is_told_before_anything_runs(project: Project) -> None:
    (project.folder / "my_module.py").write_text("def build():\n    return 1 / 0\n")
    run = project.luigi_from_nothing("RunAll")
    assert run.exit_code == 2
    said = "build() fails: ZeroDivisionError: division by zero (my_module.py, line 2)"
    assert f"[Features] network = my_module:build: {said}" in run.output
    assert "Traceback" not in run.output
    project.set("Features", network="my_modul:build")
    run = project.luigi_from_nothing("Plan")
    assert run.exit_code == 2
    assert "no module my_modul in" in run.output
    assert "my_module.py" in run.output
