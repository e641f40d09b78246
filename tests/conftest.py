"""What tests share: a project that has not run yet, one that has, and a copy of that one to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_project import Project, make_small_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project in which nothing was run yet."""
    return make_small_project(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project in which RunAll has run; look, and do not change it."""
    project = make_small_project(tmp_path_factory.mktemp("finished"))
    project.first_run = project.run_all()
    assert project.first_run.exit_code == 0, project.first_run
    return project


@pytest.fixture
def done(finished: Project, tmp_path: Path) -> Project:
    """Return a copy, to change, of a project in which RunAll has run."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)
