"""A project folder of its own with a small simulated cohort, and Luigi run in it as a user does."""

from __future__ import annotations

import atexit
import configparser
import csv
import functools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from seizures.simulation.cohort import simulate_cohort, write_manifest

REPOSITORY = Path(__file__).parents[1]
LUIGI = Path(sys.executable).with_name("luigi")
LONGEST_RUN_SECONDS = 500
SMALL = {
    "Demo": {"enabled": "true", "num_patients": "4", "num_seizures": "6", "seed": "7", "min_duration_seconds": "3",
             "max_duration_seconds": "4"},
    "Dataset": {"minimum_duration_seconds": "2.5"},
    "Features": {"network": "r2plus1d_small", "weights": "random:0", "stride_frames": "4"},
    "Folds": {"num_folds": "2"},
    "Training": {"num_segments": "2", "num_epochs": "3", "num_seeds": "2", "hidden_units": "8"},
    "Evaluation": {"num_bootstraps": "100"},
}  # fmt: skip


class Project:
    """A folder with luigi.cfg, logging.cfg and a manifest, in which Luigi is run in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results"
        self.first_run = Run(-1, "")

    def set(self, section: str, **values: object) -> None:
        """Write settings into luigi.cfg."""
        config = configparser.RawConfigParser()
        config.optionxform = str  # type: ignore[assignment,method-assign]
        config.read(self.folder / "luigi.cfg")
        if not config.has_section(section):
            config.add_section(section)
        for name, value in values.items():
            config.set(section, name, str(value))
        with (self.folder / "luigi.cfg").open("w") as file:
            config.write(file)

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of the manifest."""
        with (self.folder / "data_manifest.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def write_rows(self, rows: list[dict[str, str]]) -> None:
        """Write the manifest."""
        with (self.folder / "data_manifest.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `luigi --module pipeline ...` in the folder."""
        return subprocess.Popen(
            [LUIGI, "--module", "pipeline", *arguments],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def luigi(self, *arguments: str, **environment: str) -> Run:
        """Run `luigi --module pipeline ...` in the folder to its end, in a fork that has the slow imports already."""
        if environment:  # which what is imported already may have read
            return self.luigi_from_nothing(*arguments, **environment)
        return Run(*_server().run(self.folder, ["--module", "pipeline", *arguments]))

    def luigi_from_nothing(self, *arguments: str, **environment: str) -> Run:
        """Run `luigi --module pipeline ...` in the folder to its end, as a user does: in a process that starts anew."""
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=LONGEST_RUN_SECONDS)
        return Run(process.returncode, output)

    def run_all(self, *arguments: str) -> Run:
        """Run everything."""
        return self.luigi("RunAll", *arguments)

    def files(self, pattern: str) -> dict[str, bytes]:
        """Return the content of the results that match, by relative path."""
        return {
            path.relative_to(self.results).as_posix(): path.read_bytes() for path in sorted(self.results.glob(pattern))
        }

    def contents(self) -> dict[str, bytes]:
        """Return the content of every result; of HDF5, that of each dataset, for the file says when it was made."""
        found: dict[str, bytes] = {}
        for path in sorted(self.results.glob("[A-Z]*/*/*")):
            name = path.relative_to(self.results).as_posix()
            if path.name.startswith(".") or path.name.endswith(".why.json") or path.suffix == ".html":
                continue  # a report names its own moment and cost
            if path.suffix != ".h5":
                found[name] = path.read_bytes()
                continue
            with h5py.File(path) as file:
                assert file.attrs["complete"] == 1, name
                views = [f"views/{view}/features" for view in file.get("views", ())]
                for key in views or (key for key in ("frames", "features", "valid") if key in file):
                    found[f"{name}:{key}"] = np.asarray(file[key]).tobytes()
        return found


class Run:
    """How a run ended."""

    def __init__(self, exit_code: int, output: str) -> None:
        self.exit_code = exit_code
        self.output = output

    @property
    def tasks(self) -> list[str]:
        """The tasks that ran, as `Name(parameters)`, sorted."""
        return sorted(set(re.findall(r" running +(\w+\(.*\))$", self.output, flags=re.MULTILINE)))

    def __repr__(self) -> str:
        return f"exit code {self.exit_code}\n{self.output}"


class Server:
    """The process of luigi_server.py, which runs one command line at a time."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("luigi_server.py")],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._number = 0
        atexit.register(self.close)

    def run(self, folder: Path, words: list[str]) -> tuple[int, str]:
        """Run `luigi` with some words in a folder to its end; return its exit code and all that it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._number += 1
        output = Path(self._scratch.name) / f"{self._number}.txt"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        request = {"folder": str(folder), "words": words, "output": str(output), "environment": environment}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], LONGEST_RUN_SECONDS)
        if not ready:
            os.killpg(self._process.pid, signal.SIGKILL)
        answer = self._process.stdout.readline()
        printed = output.read_text(errors="replace") if output.exists() else ""
        assert answer, f"luigi {' '.join(words)} did not end in {LONGEST_RUN_SECONDS} s, or the server died:\n{printed}"
        return int(answer), printed

    def close(self) -> None:
        """End the process, which ends with its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._scratch.cleanup()


@functools.cache
def _server() -> Server:
    return Server()


def make_small_project(folder: Path) -> Project:
    """Make a project with the small simulated cohort in an empty folder."""
    project = Project(folder)
    for name in ("luigi.cfg", "logging.cfg"):
        shutil.copy(REPOSITORY / name, folder / name)
    for section, values in SMALL.items():
        project.set(section, **values)
    demo = SMALL["Demo"]
    cohort = simulate_cohort(
        int(demo["num_patients"]),
        int(demo["num_seizures"]),
        int(demo["seed"]),
        min_duration_seconds=float(demo["min_duration_seconds"]),
        max_duration_seconds=float(demo["max_duration_seconds"]),
    )
    write_manifest(cohort, folder / "data_manifest.csv")
    return project
