"""How a run ends before its end: told to stop, killed by a video, or out of disk; and how the next one goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import Project, Run

from seizures.provenance import reader_versions
from tasks.machinery.sealed import write_sealed


def last_words(output: str) -> list[str]:
    return output.split("===== Luigi Execution Summary =====")[-1].strip().splitlines()


def test_a_run_ends_after_the_present_task_or_at_once_and_leaves_nothing_behind(project: Project) -> None:
    for number, exit_code in ((signal.SIGTERM, 143), (signal.SIGUSR1, 25)):
        process = project.start("RunAll")
        assert process.stdout is not None
        for line in process.stdout:
            if "running   ExtractFeatures" in line:
                break
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == exit_code, output
        assert "Traceback" not in output
        assert not list(project.results.glob("*/*/.*.tmp*"))
        assert not list(project.results.glob(".run/*"))
        if number == signal.SIGTERM:
            assert output.splitlines()[-1].startswith("RunAll(): stopped by SIGTERM; nothing is lost.")
        else:
            assert len(list(project.results.glob("ExtractFeatures/*/*.h5"))) == 1
            assert last_words(output)[-1].startswith("RunAll: NOT complete;")


def test_a_run_that_is_killed_thrice_over_the_same_film_blames_nobody(done: Project, finished: Project) -> None:
    shutil.rmtree(done.results / "DecodeRecording" / "P01+01+large")
    shutil.rmtree(done.results / "ExtractFeatures" / "P01+01")
    for stage in ("DecodeRecording", "DecodeRecording", "ExtractFeatures"):
        process = done.start("RunAll")
        assert process.stdout is not None
        for line in process.stdout:
            if f"running   {stage}(patient_id=P01" in line:
                break
        process.kill()
        process.communicate()
    assert not list(done.results.glob("*/*/*.bad.json"))
    again = done.run_all()
    assert again.exit_code == 0, again
    assert done.files("current/predictions.csv") == finished.files("current/predictions.csv")


def test_too_few_good_seizures_are_a_clear_error(done: Project) -> None:
    for path in done.results.glob("DecodeRecording/P0[234]*/*.h5"):
        name = f"DecodeRecording+{path.parent.name}+{path.stem}"
        path.unlink()
        said = {"kind": "VideoError", "reason": f"{name} is bad", "versions": reader_versions(), "key": path.stem}
        write_sealed(path.with_name(f"{path.stem}.bad.json"), said)
    for path in done.results.glob("ExtractFeatures/P0[234]*"):
        shutil.rmtree(path)
    run = done.run_all()
    assert run.exit_code == 30, run
    assert "2 folds need at least 2 patients, and there is 1 patient" in run.output
    assert "Traceback" not in run.output
    assert last_words(run.output)[0].startswith("RunAll: NOT complete;")
    assert sum(line.startswith("  left out: P0") for line in last_words(run.output)) >= 3


@pytest.fixture
def small_disk(done: Project) -> Iterator[Project]:
    """Return a finished project whose results lie on a disk of their own."""
    kept = done.folder / "kept"
    done.results.rename(kept)
    done.results.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", done.results], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here (needs root): {mounted.stderr.strip()}")
    try:
        shutil.copytree(kept, done.results, symlinks=True, dirs_exist_ok=True)
        yield done
    finally:
        subprocess.run(["umount", "--lazy", done.results], check=True)


def fill(folder: Path, room: int) -> Path:
    """Leave `room` bytes on the disk of `folder`."""
    ballast = folder / "ballast"
    disk = os.statvfs(folder)
    ballast.write_bytes(b"\1" * (disk.f_bavail * disk.f_frsize - room))
    return ballast


def test_a_full_disk_is_told_and_the_next_run_completes(small_disk: Project, finished: Project) -> None:
    results = small_disk.results
    shutil.rmtree(results / "WriteReport")
    for task, label, room in (
        ("TrainFold --fold 0 --seed 0", "fold00+seed0", 12_000),
        ("ExtractFeatures --patient-id P01 --seizure-id 01", "P01+01", 24_000),
        ("DecodeRecording --patient-id P01 --seizure-id 01 --view large", "P01+01+large", 400_000),
    ):
        folder = results / task.split()[0] / label
        shutil.rmtree(folder)
        ballast = fill(results, room)
        run = small_disk.luigi(*task.split())
        assert run.exit_code == 30, run
        assert_told(run, f"results/{task.split()[0]}/{label}")
        assert [path.name for path in folder.iterdir() if "why" not in path.name] == []
        ballast.unlink()
    again = small_disk.run_all()
    assert again.exit_code == 0, again
    assert small_disk.files("current/predictions.csv") == finished.files("current/predictions.csv")


def assert_told(run: Run, folder: str) -> None:
    assert "Traceback" not in run.output, run
    told = [line for line in run.output.splitlines() if "no space left on its disk" in line]
    assert len(told) == 1, run
    assert folder in told[0]
