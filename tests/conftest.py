"""What tests share: a project that has not run yet, one that has, and a copy of that one to change."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path

import hypothesis
import pytest
from small_project import Project, Run, make_small_project

# The same examples every time: a test that fails does so on every machine, and again when it is looked at.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("repeatable")

# The files that last longest come first, in this order, so that no worker is left with one of them at the end. The
# second waits for nothing that the first makes.
LONGEST_FIRST = (
    "test_workers.py", "test_gestures.py", "test_storm.py", "test_sweep.py", "test_snippets.py", "test_rerun.py",
    "test_stops.py", "test_questions.py", "test_slurm.py", "test_exchange.py", "test_own_videos.py",
    "test_public_dataset.py", "test_demo.py", "test_wrong_input.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and mark what needs a run of the whole pipeline: `make test-quick` leaves it out."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "pipeline" in item.path.parts or fixtures & {"finished", "done"}:
            item.add_marker("whole_run")
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project in which nothing was run yet."""
    return make_small_project(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """Return a project in which RunAll has run; look, and do not change it.

    It has run once for all of pytest's worker processes, each of which has a copy.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "finished-once"
    note = shared.with_suffix(".json")
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            shutil.rmtree(shared, ignore_errors=True)  # of a worker that was ended in the middle
            shared.mkdir()
            run = make_small_project(shared).luigi_from_nothing("RunAll")
            assert run.exit_code == 0, run
            note.write_text(json.dumps([run.exit_code, run.output]))
    project = Project(tmp_path_factory.mktemp("finished") / "project")
    shutil.copytree(shared, project.folder, symlinks=True)
    project.first_run = Run(*json.loads(note.read_text()))
    return project


@pytest.fixture
def done(finished: Project, tmp_path: Path) -> Project:
    """Return a copy, to change, of a project in which RunAll has run."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)
