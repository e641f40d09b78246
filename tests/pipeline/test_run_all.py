"""RunAll as a user runs it: in a process of its own, on real videos, twice, killed, and with bad input."""

from __future__ import annotations

import json
import random
import signal
import time

import h5py
import numpy as np
import pytest
from small_project import Project


def feature_arrays(project: Project) -> dict[str, bytes]:
    """Return the bytes of every dataset of every feature file."""
    found: dict[str, bytes] = {}
    for path in sorted(project.results.glob("ExtractFeatures/*/*.h5")):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, path=path: (
                    found.__setitem__(f"{path.name}/{name}", np.asarray(item).tobytes())
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    return found


def test_the_small_cohort_goes_from_videos_to_a_verdict(finished: Project) -> None:
    assert finished.first_run.output.splitlines()[-2].startswith("RunAll: complete. Of 6 seizures of 4 patients")
    current = finished.results / "current"
    for name in ("report.html", "metrics.json", "predictions.csv", "folds.csv", "summary.json", "index.csv"):
        assert (current / name).stat().st_size > 0, name
    assert json.loads((current / "metrics.json").read_text())["num_patients"] == 4
    assert "weights are random" in (current / "report.html").read_text()


def test_a_second_run_does_nothing(finished: Project) -> None:
    second = finished.run_all()
    assert second.exit_code == 0, second
    assert second.tasks == []


def test_every_result_says_why_it_is_what_it_is(finished: Project) -> None:
    for stage in ("SimulateRecording", "DecodeRecording", "ExtractFeatures", "AssignFolds", "TrainFold", "WriteReport"):
        results = [path for path in (finished.results / stage).glob("*/*") if not path.name.endswith(".why.json")]
        assert results, stage
        for path in results:
            why = json.loads(path.with_name(f"{path.name.split('.')[0]}.why.json").read_text())
            assert why["stage"] == stage
            assert why["key"] == path.name.split(".")[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_ends_like_an_undisturbed_one(project: Project, finished: Project, seed: int) -> None:
    duration = random.Random(seed).uniform(3, 15)
    process = project.start("RunAll")
    time.sleep(duration)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = project.run_all()
    assert again.exit_code == 0, again
    assert feature_arrays(project) == feature_arrays(finished)
    assert project.files("current/predictions.csv") == finished.files("current/predictions.csv")
