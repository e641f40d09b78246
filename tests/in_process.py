"""The pipeline in the test's own process, in a project's folder, with its settings and other ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import luigi
from small_project import Project

from tasks.machinery.caches import clear_caches
from tasks.settings.files import SettingsParser
from tasks.stage.stage import Stage


@contextlib.contextmanager
def inside(project: Project) -> Iterator[None]:
    """Be in the folder of `project`, with its luigi.cfg, as a fresh process would."""
    before, folder = SettingsParser._instance, Path.cwd()
    os.chdir(project.folder)
    SettingsParser._instance = None
    clear_caches()
    try:
        yield
    finally:
        os.chdir(folder)
        SettingsParser._instance = before
        clear_caches()


def put(stage: Stage, content: bytes) -> Path:
    """Land `content` as the result of a stage; return its path."""

    def produce(path: Path) -> None:
        path.write_bytes(content)

    stage.produce = produce  # type: ignore[method-assign,assignment]
    stage.run()
    return stage.path


@contextlib.contextmanager
def setting(section: str, name: str, value: object) -> Iterator[None]:
    """Set one setting of luigi.cfg to another value, for a while."""
    config = luigi.configuration.get_config()
    before = config.get(section, name, None)
    config.set(section, name, str(value))
    clear_caches()
    try:
        yield
    finally:
        if before is None:
            config.remove_option(section, name)
        else:
            config.set(section, name, before)
        clear_caches()
