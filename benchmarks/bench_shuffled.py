"""Shuffled labels: what each protocol makes of a cohort in which there is nothing to learn.

`python -m benchmarks.bench_shuffled [--shuffles 100]`

24 patients, 55 seizures of the paper's uneven kind, two views each, features with a mark of the patient and of the
seizure and no trace of the label. The labels are shuffled over the seizures, and a BLSTM is trained and scored under
`patient`, `paper`, and each part of `paper` alone. An honest protocol is at chance: the interval of its balanced
accuracy holds 0.5.
"""

from __future__ import annotations

import argparse
import functools
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch

import models
from seizures.classification.folds import FoldItem, assign_folds, training_and_held_out
from seizures.classification.paper_folds import deal_seizures
from seizures.classification.sequences import SequenceBank
from seizures.classification.training import fit, predict
from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.evaluation.protocols import Protocol
from seizures.evaluation.summary import summarise
from seizures.settings import EvaluationSettings, FoldSettings, TrainingSettings

NUM_PATIENTS, NUM_SEIZURES, NUM_FOLDS = 24, 55, 5
FEATURE_DIM, NUM_ROWS, FRAMES_PER_SNIPPET = 32, 48, 8
PROTOCOLS = (
    Protocol(),
    Protocol(dealing="seizures"),
    Protocol(selection="held_out"),
    Protocol(loss="paper"),
    Protocol("seizures", "held_out", "paper"),
)
TRAINING = TrainingSettings(hidden_units=16, num_segments=4, num_epochs=40)
EVALUATION = EvaluationSettings(num_bootstraps=100)


def cohort(shuffle: int) -> SequenceBank:
    """Return the two views of every seizure, with labels that follow from the shuffle alone."""
    rng = np.random.default_rng(shuffle)
    patients = np.sort(np.concatenate([np.arange(NUM_PATIENTS), rng.integers(0, NUM_PATIENTS // 3, NUM_SEIZURES)]))
    patients = patients[rng.permutation(len(patients))[:NUM_SEIZURES]]
    labels = rng.permutation(np.arange(NUM_SEIZURES) % 2)
    marks = rng.normal(size=(NUM_PATIENTS, FEATURE_DIM))[patients] + rng.normal(size=(NUM_SEIZURES, FEATURE_DIM))
    views = np.repeat(np.arange(NUM_SEIZURES), 2)
    values = np.repeat(marks[views], NUM_ROWS, axis=0) + rng.normal(size=(len(views) * NUM_ROWS, FEATURE_DIM))
    num_rows = np.full(len(views), NUM_ROWS)
    return SequenceBank(
        values=torch.from_numpy(values).float(),
        valid=np.ones(len(values), dtype=np.bool_),
        first_row=np.cumsum(num_rows) - num_rows,
        num_rows=num_rows,
        num_frames=num_rows - 1 + FRAMES_PER_SNIPPET,
        labels=labels[views],
        clonic_onset_seconds=np.full(len(views), np.nan),
        label_names=("FOS", "TCS"),
        patient_ids=tuple(f"P{patients[place]:02d}" for place in views),
        seizure_ids=tuple(f"{place:02d}" for place in views),
        views=("large", "small") * NUM_SEIZURES,
        uses=("all",) * len(views),
        frames_per_snippet=FRAMES_PER_SNIPPET,
        stride_frames=1,
        frame_rate_hz=15.0,
    )


def score(bank: SequenceBank, protocol: Protocol, training: TrainingSettings = TRAINING) -> dict[str, Any]:
    """Return metrics.json of a bank under one protocol."""
    names = bank.label_names
    items = [
        FoldItem(bank.patient_ids[place], bank.seizure_ids[place], names[bank.labels[place]], 60.0)
        for place in range(0, len(bank), 2)
    ]
    is_shared = protocol.dealing == "seizures"
    folds = FoldSettings(NUM_FOLDS, dealing=protocol.dealing)
    rows = deal_seizures(items, NUM_FOLDS, names[1]) if is_shared else assign_folds(items, folds)
    settings = TrainingSettings(
        hidden_units=training.hidden_units,
        num_segments=training.num_segments,
        num_epochs=training.num_epochs,
        selection=protocol.selection,
        loss=protocol.loss,
    )
    build = functools.partial(models.build_aggregation, settings.aggregation, bank.feature_dim, settings.hidden_units)
    tables = []
    for fold in range(NUM_FOLDS):
        _, held_out_rows = training_and_held_out(rows, fold, shared_patients=is_shared)
        held_out = np.isin(bank.seizure_ids, [row.seizure_id for row in held_out_rows])
        scored = bank.select(held_out)
        fitted = fit(bank.select(~held_out), build, settings, seed=0, held_out=scored)
        network = build()
        network.load_state_dict(fitted.state_dict)
        chances = predict(scored, network.eval(), settings)
        tables.append(
            predictions_for(scored.patient_ids, scored.seizure_ids, scored.views, scored.labels, chances, fold, 0)
        )
    return summarise(pool_predictions(tables), EVALUATION, protocol=protocol)


def scores_of(shuffle: int) -> dict[str, tuple[float, float, float]]:
    """Return the balanced accuracy of one shuffle and the ends of its interval, by the protocol's name."""
    torch.set_num_threads(1)
    bank, found = cohort(shuffle), {}
    for protocol in PROTOCOLS:
        metric = score(bank, protocol)["metrics"]["balanced_accuracy"]
        found[protocol.name] = (metric["mean"], metric["low"], metric["high"])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shuffles", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    wanted = parser.parse_args()
    with ProcessPoolExecutor(wanted.processes) as pool:
        found = list(pool.map(scores_of, range(wanted.shuffles)))
    print("| protocol | balanced accuracy, mean | chance within the interval | interval above chance |")
    print("|---|---|---|---|")
    for name in found[0]:
        means, lows, highs = (np.array([one[name][place] for one in found]) for place in range(3))
        held = int(((lows <= 0.5) & (highs >= 0.5)).sum())
        print(f"| {name} | {means.mean():.3f} | {held} of {len(found)} | {int((lows > 0.5).sum())} of {len(found)} |")


if __name__ == "__main__":
    main()
