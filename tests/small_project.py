"""A project folder of its own with a small simulated cohort, and Luigi run in it as a user does."""

from __future__ import annotations

import configparser
import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

from seizures.simulation.cohort import simulate_cohort, write_manifest

REPOSITORY = Path(__file__).parents[1]
LUIGI = Path(sys.executable).with_name("luigi")
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
        """Run `luigi --module pipeline ...` in the folder to its end."""
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=500)
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
                for key in views or ("frames", "valid"):
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
