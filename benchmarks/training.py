"""Training: a process per core, as `luigi --workers N` trains the folds, and the authors' way (benchmarks/peers.py).

The set is as large as the paper's: 183 seizures, two views each, 68 patients, 512 features, but of noise. Epochs are
all alike, so a few tell what 400 cost.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

import models
from benchmarks.measure import Row, Run, apart, in_turns, megabytes, once, seconds
from benchmarks.peers import train_as_the_authors
from seizures.classification import training
from seizures.classification.sequences import SequenceBank
from seizures.classification.threads import threads
from seizures.settings import TrainingSettings

NUM_FOLDS, NUM_EPOCHS, PAPER_EPOCHS = 10, 6, 400


@functools.cache
def make_bank(num_seizures: int = 183, feature_dim: int = 512, most_frames: int = 1500) -> SequenceBank:
    """Make a bank of noise, the same in every process."""
    rng = np.random.default_rng(0)
    num_frames = np.repeat(rng.integers(240, most_frames, num_seizures), 2)
    num_rows = num_frames - 7
    patients = np.repeat(np.arange(num_seizures) % max(2, num_seizures * 68 // 183), 2)
    return SequenceBank(
        values=torch.randn(int(num_rows.sum()), feature_dim, generator=torch.Generator().manual_seed(0)),
        valid=np.ones(num_rows.sum(), dtype=bool),
        first_row=np.cumsum(num_rows) - num_rows,
        num_rows=num_rows,
        num_frames=num_frames,
        labels=np.repeat(np.arange(num_seizures) % 7 < 3, 2).astype(np.int64),
        clonic_onset_seconds=np.full(2 * num_seizures, np.nan),
        label_names=("FOS", "TCS"),
        patient_ids=tuple(f"P{patient:04d}" for patient in patients),
        seizure_ids=tuple(f"{number:04d}" for number in np.repeat(np.arange(num_seizures), 2)),
        views=("large", "small") * num_seizures,
        uses=("all",) * (2 * num_seizures),
        frames_per_snippet=8,
        stride_frames=1,
        frame_rate_hz=15.0,
    )


def training_side(bank: SequenceBank, fold: int) -> SequenceBank:
    """Return the views of all patients but a tenth."""
    numbers = np.array([int(patient[1:]) for patient in bank.patient_ids])
    return bank.select(numbers % NUM_FOLDS != fold)


def fit_fold(fold: int, num_epochs: int = NUM_EPOCHS) -> dict[str, torch.Tensor]:
    """Train one fold, with one thread."""
    bank = training_side(make_bank(), fold)
    build = functools.partial(models.build_aggregation, "blstm", bank.feature_dim, 64)
    with threads(1):
        return training.fit(bank, build, TrainingSettings(num_epochs=num_epochs), seed=0).state_dict


def fit_all(pool: ProcessPoolExecutor) -> list[dict[str, torch.Tensor]]:
    """Train all folds, one a core at a time."""
    return list(pool.map(fit_fold, range(NUM_FOLDS)))


def train_authors(num_epochs: int, is_looked_up_once: bool) -> None:
    """Train one fold as the authors do, with the threads that torch takes by itself."""
    train_as_the_authors(training_side(make_bank(), 0), num_epochs, is_looked_up_once=is_looked_up_once)


def rows(_folder: Path, repeats: int) -> Iterator[Row]:
    """Measure an epoch of a fold both ways, and compare what the processes made with training one by one."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn"), initializer=make_bank) as pool:
        list(pool.map(fit_fold, range(NUM_FOLDS), [1] * NUM_FOLDS))  # the features are there before the clock runs
        make_bank()
        ways = {"ours": (fit_all, (pool,)), "peer": (train_authors, (1, False)), "bare": (train_authors, (1, True))}
        found = in_turns(ways, repeats, once)
    together = found["ours"].result
    difference = max(
        float((together[fold][name] - value).abs().max()) for fold in (0, 1) for name, value in fit_fold(fold).items()
    )
    epoch = found["ours"].seconds / (NUM_FOLDS * NUM_EPOCHS)
    whole = f"{NUM_FOLDS} folds x {PAPER_EPOCHS} epochs"
    for what, peer in (("the authors' way", found["peer"]), ("that, labels looked up once", found["bare"])):
        yield Row(
            f"an epoch of one fold, n = 16, against {what}; {whole} ours: {epoch * NUM_FOLDS * PAPER_EPOCHS:.0f} s, "
            f"difference to fold by fold {difference:g}",
            seconds(epoch),
            seconds(peer.seconds),
            times_the_peer=peer.seconds / epoch,
        )


def fit_some(num_seizures: int, num_epochs: int) -> Run:
    """Train on a set of a given size for some epochs; return what that took, without making the set."""
    bank = make_bank(num_seizures, feature_dim=128, most_frames=300)
    build = functools.partial(models.build_aggregation, "blstm", bank.feature_dim, 64)
    with threads(1):
        return once(lambda: training.fit(bank, build, TrainingSettings(num_epochs=num_epochs), seed=0).num_epochs_used)


def scaling_rows(_folder: Path, _repeats: int) -> Iterator[Row]:
    """Measure training with 1 and 10 times the seizures, and 1 and 10 times the epochs."""
    first: Run | None = None
    sizes = (("", 183, 10), ("10 x the seizures", 1830, 10), ("10 x the epochs", 183, 100))
    for what, num_seizures, num_epochs in sizes:
        run: Run = apart(fit_some, num_seizures, num_epochs).result
        first = first or run
        work = f" ({run.processor_seconds / first.processor_seconds:.1f} x the work)" if what else ""
        yield Row(
            f"train {what or '183 seizures, 10 epochs, 128 features'}{work}",
            seconds(run.seconds),
            limit=f"{2 * num_seizures * num_epochs / run.seconds:,.0f} sequences/s",
            memory=megabytes(run.peak_megabytes),
        )
