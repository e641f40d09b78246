"""A project folder for a benchmark: the paper's settings with some others, and Luigi run in it as a user does."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def write_settings(folder: Path, changes: Mapping[str, Mapping[str, str]]) -> None:
    """Write luigi.cfg, the paper's settings with `changes` by section and key, and logging.cfg."""
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment,method-assign]
    config.read([REPOSITORY / "luigi.cfg", REPOSITORY / "configs" / "gestures.cfg"])
    config.read_dict(changes)
    with (folder / "luigi.cfg").open("w") as file:
        config.write(file)
    shutil.copy(REPOSITORY / "logging.cfg", folder)


def run_luigi(folder: Path, *arguments: str) -> int:
    """Run `luigi --module pipeline ...` in the folder; return its exit code."""
    command = [str(Path(sys.executable).with_name("luigi")), "--module", "pipeline", *arguments]
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
