"""Training on beginnings: does it make the classifier right earlier, and what does it cost at the end?

`python -m benchmarks.bench_beginnings [--seeds 2] [--epochs 100] [--units 32] [--features results/ExtractFeatures]`

A BLSTM is cross-validated with `[Training] beginnings` = `none` and `random` on the simulated cohort of features: 68
patients, 183 seizures, two views, 16 segments. There are two kinds of cohort. In `told at once`, FOS and TCS differ
from the first second on. In `alike at first`, the first third of every seizure is alike, as a TCS may begin as a FOS
does: then no beginning of that length can be told apart. With `--features`, those of a run of RunAll take the place of
the simulated cohorts.

Differences are `random` less `none`, paired by seizure, with 95 % intervals over patients. At a time after the onset
every seizure counts, with its last answer where it has ended; around the clonic onset the TCS that have an answer do.
The calibration error is that of the mean probability over the seeds, of the seizures that still go on.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

import models
from seizures.classification.folds import FoldItem, assign_folds
from seizures.classification.sequences import SequenceBank, load_bank
from seizures.classification.training import fit
from seizures.evaluation.calibration_error import calibration_error
from seizures.evaluation.intervals import mean_difference_interval
from seizures.evaluation.metrics import FloatArray, decide
from seizures.evaluation.over_time import Course, courses_of, pool, rows_of
from seizures.features.file import open_features
from seizures.manifest.identity import SeizureId
from seizures.prediction.unfolding import unfold
from seizures.settings import FoldSettings, TrainingSettings
from seizures.simulation.feature_cohort import CohortSettings, write_cohort

NUM_FOLDS, LEVEL = 5, 0.95
TIMES = (10.0, 20.0, 30.0, 60.0, float("inf"))
AROUND_CLONIC_ONSET = (-10.0, 0.0, 10.0)
HARD = CohortSettings(feature_dim=64, stride_frames=4)
COHORTS = {"told at once": HARD, "alike at first": dataclasses.replace(HARD, parts_of_fos=("calm", "clonic", "tonic"))}


def bank_of(settings: CohortSettings) -> SequenceBank:
    """Return the views of a simulated cohort."""
    with tempfile.TemporaryDirectory() as folder:
        return load_bank(write_cohort(Path(folder), settings))


def bank_of_run(folder: Path) -> SequenceBank:
    """Return the views of all seizures of a run, without the numbers of movement that its baselines read."""
    paths = []
    for path in sorted(folder.glob("*/*.h5")):
        with open_features(path) as file:
            if file.network != "movement":
                paths.append(path)
    return load_bank(paths)


def answers_over_time(bank: SequenceBank, settings: TrainingSettings, num_seeds: int) -> list[Course]:
    """Cross-validate, and return the course of every seizure as the classifiers that have not seen it tell it."""
    keys = list(map(SeizureId, bank.patient_ids, bank.seizure_ids))
    names = bank.label_names
    items = {
        key: FoldItem(*key, names[label], float(frames) / bank.frame_rate_hz)
        for key, label, frames in zip(keys, bank.labels, bank.num_frames, strict=True)
    }
    folds = {row.id: row.fold for row in assign_folds(list(items.values()), FoldSettings(NUM_FOLDS))}
    build = functools.partial(models.build_aggregation, settings.aggregation, bank.feature_dim, settings.hidden_units)
    tables: list[pd.DataFrame] = []
    for fold in range(NUM_FOLDS):
        is_out = np.array([folds[key] == fold for key in keys])
        networks = []
        for seed in range(num_seeds):
            network = build()
            network.load_state_dict(fit(bank.select(~is_out), build, settings, seed=seed).state_dict)
            networks.append(network.eval())
        for key, item in items.items():
            if folds[key] == fold:
                views = bank.select([one == key for one in keys])
                found = unfold(views, networks, settings)
                tables.append(
                    rows_of(key, item.label, float(views.clonic_onset_seconds[0]), found.seconds, found.by_seed)
                )
    return courses_of(pool(tables), names[1])


def compare(none: Sequence[Course], random: Sequence[Course]) -> list[str]:
    """Return a line of the table for each time after the onset, then for each around the clonic onset."""
    lines, ends = [], np.array([one.seconds[-1] for one in none])
    for seconds in (one for one in TIMES if np.isinf(one) or (one < ends).any()):
        name, every = "end" if np.isinf(seconds) else f"{seconds:.0f} s", np.full(len(none), seconds)
        lines.append(f"{name} | {_line(none, random, every, np.isinf(seconds) | (every < ends))}")
    places = [place for place, one in enumerate(none) if one.label == 1]
    few = [[courses[place] for place in places] for courses in (none, random)]
    for offset in AROUND_CLONIC_ONSET:
        times = np.array([one.clonic_onset_seconds + offset for one in few[0]])
        number = sum(not np.isnan(one.at(time)[0]) for one, time in zip(few[0], times, strict=True))
        when = f"clonic onset {offset:+.0f} s, {number} of {len(places)} TCS"
        lines.append(f"{when} | {_line(few[0], few[1], times, None)}" if number > 1 else f"{when} | | | | | | | |")
    return lines


def _line(
    none: Sequence[Course], random: Sequence[Course], times: FloatArray, going_on: npt.NDArray[np.bool_] | None
) -> str:
    """Return accuracy and Brier score of both, compared, and the calibration errors of those that go on."""
    answers = [
        np.array([one.at(time) for one, time in zip(courses, times, strict=True)]).T for courses in (none, random)
    ]
    known = ~np.isnan(answers[0][0])
    patients = [one.patient_id for one, is_in in zip(none, known, strict=True) if is_in]
    labels, found = np.array([one.label for one in none])[known], [one[:, known] for one in answers]
    right = [(decide(one) == labels).mean(axis=0) for one in found]
    squares = [((one - labels) ** 2).mean(axis=0) for one in found]
    line = f"{_pair(patients, right)} | {_pair(patients, squares)}"
    if going_on is None:
        return f"{line} | |"
    which = going_on[known]
    who = [patient for patient, is_in in zip(patients, which, strict=True) if is_in]
    errors = [calibration_error(who, labels[which], one.mean(axis=0)[which], LEVEL) for one in found]
    told = [f"{one.value:.2f} ({one.interval.low:.2f} to {one.interval.high:.2f})" for one in errors]
    return f"{line} | {told[0]} | {told[1]}"


def _pair(patients: Sequence[str], values: Sequence[FloatArray]) -> str:
    """Return both means, and their difference with its interval."""
    found = mean_difference_interval(patients, values[1] - values[0], LEVEL)
    difference = values[1].mean() - values[0].mean()
    return (
        f"{values[0].mean():.3f} | {values[1].mean():.3f} | {difference:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--features", type=Path, default=None, help="ExtractFeatures of a run; else simulated features")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| cohort | time | accuracy, none | random | difference | Brier score, none | random | difference "
        "| calibration error, none | random |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    began = time.perf_counter()
    banks = {name: functools.partial(bank_of, cohort) for name, cohort in COHORTS.items()}
    if wanted.features is not None:
        banks = {wanted.features.as_posix(): functools.partial(bank_of_run, wanted.features)}
    training = TrainingSettings(hidden_units=wanted.units, num_epochs=wanted.epochs)
    for name, make_bank in banks.items():
        bank = make_bank()
        none, random = (
            answers_over_time(bank, dataclasses.replace(training, beginnings=one), wanted.seeds)
            for one in ("none", "random")
        )
        for line in compare(none, random):
            print(f"| {name} | {line} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
