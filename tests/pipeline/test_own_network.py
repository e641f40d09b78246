"""A network of a person's own in a run: its features, their key, and what a changed source costs."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from small_project import Project, make_small_project

DOCS = Path(__file__).parents[2] / "docs/howto/bring-your-own-network.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = make_small_project(tmp_path)
    source = DOCS.read_text().partition("```python\n")[2].partition("```")[0]
    (made.folder / "my_module.py").write_text(source)
    made.set("Features", network="my_module:build", weights="")
    return made


def test_a_run_with_a_network_of_ones_own(project: Project) -> None:
    run = project.luigi_from_nothing("RunAll")
    assert run.exit_code == 0, run
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


def test_what_is_wrong_with_it_is_told_before_anything_runs(project: Project) -> None:
    (project.folder / "my_module.py").write_text("def build():\n    return 1 / 0\n")
    run = project.luigi_from_nothing("RunAll")
    assert run.exit_code == 2
    assert "build() fails: ZeroDivisionError: division by zero (my_module.py, line 2)" in run.output
    assert "Traceback" not in run.output
    project.set("Features", network="my_modul:build")
    run = project.luigi_from_nothing("Plan")
    assert run.exit_code == 2
    assert "no module my_modul in" in run.output
    assert "my_module.py" in run.output
