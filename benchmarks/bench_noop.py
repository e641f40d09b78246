"""How long the whole command takes when nothing is to be done: `luigi --module pipeline RunAll` on finished results.

Usage: python benchmarks/bench_noop.py [--seizures 400 1000] [--repeats 3] [--open-every 10] [--folder DIR]

It makes a project of two views a seizure, ten folds and three seeds, with a results folder as a run leaves it.
A result of which a run with nothing to do only asks whether it is whole is an empty file; what is read is real: folds,
notes, the run's summary, the hashes of the videos, and the features of every tenth seizure (or another share), whose
offset the manifest leaves open. Limits on two idle cores: 5 s for 400 seizures, 15 s for 1000, 1 GB of memory.
"""

from __future__ import annotations

import argparse
import configparser
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from seizures.classification.folds import write_folds
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter
from tasks.machinery.sealed import write_sealed
from tasks.stage.integrity import describe_file
from tasks.stage.publishing import publish
from tasks.stage.stage import WHY_EXTENSION, Stage
from tasks.stages.features import ExtractFeatures, all_features
from tasks.stages.folds import AssignFolds
from tasks.stages.report import WriteReport
from tasks.upkeep.plan import foresee

REPOSITORY = Path(__file__).resolve().parents[1]
LIMITS_SECONDS = {400: 5.0, 1000: 15.0}
LIMIT_BYTES = 1e9
VIEWS = ("large", "small")


def make_project(folder: Path, num_seizures: int, open_every: int) -> None:
    """Write settings, manifest and videos (a few bytes each)."""
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment,method-assign]
    config.read(REPOSITORY / "luigi.cfg")
    config.read_dict({"Demo": {"enabled": "false"}, "Folds": {"num_folds": "10"}, "Training": {"num_seeds": "3"}})
    with (folder / "luigi.cfg").open("w") as file:
        config.write(file)
    shutil.copy(REPOSITORY / "logging.cfg", folder)
    (folder / "videos").mkdir()
    with (folder / "data_manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("patient_id", "seizure_id", "view", "video", "onset_seconds", "offset_seconds", "label"))
        for number in range(num_seizures):
            for view in VIEWS:
                ids = (f"P{number // 4:03d}", f"{number % 4:02d}", view)
                video = f"{'_'.join(ids)}.mp4"
                (folder / "videos" / video).write_text(video)
                offset = "" if number % open_every == 0 else 30 + number % 61
                writer.writerow((*ids, video, 5, offset, ("FOS", "TCS")[number % 3 == 0]))
    time.sleep(2.1)  # a file that changed in the last two seconds would be hashed again by the next run


def finish() -> None:
    """Make every result of the project in the current folder, and publish them."""
    for features in all_features():
        features.path.parent.mkdir(parents=True)
        if features.seizure.duration_seconds is None:
            write_features(features)
        land(features)
    folds = AssignFolds()
    folds.path.parent.mkdir(parents=True)
    write_folds(folds.path, folds.deal())
    for stage in foresee()[0]:
        land(stage)
    report = WriteReport()
    publish(report, {"report.html": report}, {"left_out": [], "verdict": "A generated results folder."})


def land(stage: Stage) -> None:
    """Write an empty result where there is none, and the note beside it."""
    stage.path.parent.mkdir(parents=True, exist_ok=True)
    stage.path.touch()
    made = {"key": stage.key, "seconds": 1.0, "result": describe_file(stage.path)}
    write_sealed(stage.file(WHY_EXTENSION), {**stage.recipe, **made})


def write_features(stage: ExtractFeatures) -> None:
    """Write a small feature file of 30 s in two views."""
    header = FeatureHeader(
        stage.patient_id, stage.seizure_id, stage.seizure.label, stage.recipe, stage.key, "none", "none", 8, 4, 15.0
    )
    facts = ViewFacts("v.mp4", "none", 5.0, None, None, "all", 320, 240, 25.0, "none", 450, "none")
    num_snippets = 112
    with FeatureFileWriter(stage.path, header) as writer:
        for view in VIEWS:
            rows = writer.create_view(view, num_snippets, 8, facts, np.ones(num_snippets, np.bool_))
            rows.write(0, np.zeros((num_snippets, 8), np.float32))


def measure(folder: Path) -> tuple[float, float, int]:
    """Return wall-clock seconds, processor seconds and bytes of memory of the command."""
    started = time.perf_counter()
    command = [Path(sys.executable).with_name("luigi"), "--module", "pipeline", "RunAll"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    said = (folder / "log").read_text()
    assert status == 0, said
    assert "RunAll: complete" in said, said
    assert " running " not in said, said
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def bench(folder: Path, num_seizures: int, repeats: int, open_every: int) -> bool:
    """Measure one size, print a line, and tell whether it is within the limits."""
    folder.mkdir(parents=True)
    make_project(folder, num_seizures, open_every)
    subprocess.run([sys.executable, __file__, "--finish"], cwd=folder, check=True)  # Luigi reads luigi.cfg there
    found = [measure(folder) for _ in range(repeats)]
    seconds, processor, memory = (statistics.median(column) for column in zip(*found, strict=True))
    limit = LIMITS_SECONDS.get(num_seizures, float("inf"))
    sound = min(seconds for seconds, *_ in found) <= limit and memory <= LIMIT_BYTES
    print(
        f"{num_seizures} seizures, 10 folds, 3 seeds: {seconds:.1f} s (best {min(found)[0]:.1f}, limit {limit:g}), "
        f"processor {processor:.1f} s, memory {memory / 1e6:.0f} MB: {'within' if sound else 'OVER'} the limits"
    )
    return sound


def main() -> int:
    """Measure every size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seizures", type=int, nargs="+", default=sorted(LIMITS_SECONDS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--open-every", type=int, default=10, help="the manifest leaves every n-th offset open")
    parser.add_argument("--folder", type=Path, help="an empty folder to keep the projects in; else they are deleted")
    parser.add_argument("--finish", action="store_true", help="only make the results of the project in this folder")
    wanted = parser.parse_args()
    if wanted.finish:
        finish()
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = (wanted.folder or Path(temporary)).resolve()
        sound = [bench(folder / str(number), number, wanted.repeats, wanted.open_every) for number in wanted.seizures]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
