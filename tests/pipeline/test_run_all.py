"""RunAll as a user runs it: in a process of its own, on real videos, and twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from small_project import Project


def test_the_small_cohort_goes_from_videos_to_a_verdict(finished: Project) -> None:
    line = finished.first_run.output.splitlines()[-2]
    assert re.match(
        r"RunAll: complete\. Simulated films, no patients: \S+ of 6 seizures in 4 patients were classified correctly",
        line,
    )
    current = finished.results / "current"
    for name in (
        "report.html",
        "metrics.json",
        "calibration.json",
        "predictions.csv",
        "folds.csv",
        "summary.json",
        "index.csv",
    ):
        assert (current / name).stat().st_size > 0, name
    assert json.loads((current / "metrics.json").read_text())["num_patients"] == 4
    assert "films of this page are simulated" in (current / "report.html").read_text()


def test_a_second_run_does_nothing(finished: Project) -> None:
    second = finished.run_all()
    assert second.exit_code == 0, second
    assert second.tasks == []


HEAVY = {"torch", "pandas", "sklearn", "scipy", "matplotlib"}
AS_THE_COMMAND = f"""
import atexit, sys
from tasks.settings.luigi_command import main
atexit.register(lambda: print("LOADED", *sorted({{name.partition(".")[0] for name in sys.modules}} & {HEAVY})))
sys.argv = ["luigi", "--module", "pipeline", "RunAll"]
main()
"""


def test_a_second_run_imports_nothing_that_takes_long(finished: Project) -> None:
    run = subprocess.run(
        [sys.executable, "-c", AS_THE_COMMAND], cwd=finished.folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "RunAll: complete" in run.stdout + run.stderr
    assert run.stdout.splitlines()[-1].split() == ["LOADED"]


def test_every_result_says_why_it_is_what_it_is(finished: Project) -> None:
    for stage in ("SimulateRecording", "DecodeRecording", "ExtractFeatures", "AssignFolds", "TrainFold", "WriteReport"):
        results = [path for path in (finished.results / stage).glob("*/*") if not path.name.endswith(".why.json")]
        assert results, stage
        for path in results:
            why = json.loads(path.with_name(f"{path.name.split('.')[0]}.why.json").read_text())
            assert why["stage"] == stage
            assert why["key"] == path.name.split(".")[0]
