"""May a probability be believed? `python -m benchmarks.bench_calibration [--cohorts 200] [--processes 2]`.

Four tables. Cohorts are those of `bench_coverage` (three seeds averaged; patients' and seizures' random effects; half
of the patients have one label only), and what is true is that of 3,000 other patients of the same kind.

1. The interval of the calibration error: how often it holds the truth, for probabilities that are distorted in a known
   way, beside the percentile bootstrap of the plain error.
2. The calibration: log loss and calibration error on other patients, of each method and of the one that is chosen.
3. The zone without a call: how often the target is reached, what is called, and how often that is right, on the
   seizures that chose it, nested, and on other patients.
4. A classifier that is trained: BLSTMs on the simulated features of the paper's shape, made hard, by 10 folds.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import math
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bench_coverage import simulate
from seizures.evaluation.belief import LOSSES, change_of_loss
from seizures.evaluation.calibration_error import calibration_error, equal_count_bins
from seizures.evaluation.intervals import Cohort, Interval
from seizures.evaluation.metrics import FloatArray, IntArray, resample_patients
from seizures.prediction.abstention import choose_zone, is_right, nested_calls
from seizures.prediction.calibration_fit import _Seizures, cross_fit, fit_calibration, log_losses
from seizures.prediction.calibrator import METHODS, Calibration, logit, sigmoid

LEVEL, TARGET = 0.95, 0.95
NUM_PATIENTS = (12, 20, 30, 68)
ACCURACIES = (0.85, 0.95)
DISTORTIONS = {"as drawn": (1.0, 0.0), "too extreme": (2.5, 0.0), "too timid": (0.5, 0.0), "too high": (1.0, 1.0)}
CELLS = [(patients, accuracy, how) for accuracy in ACCURACIES for how in DISTORTIONS for patients in NUM_PATIENTS]
NUM_OTHERS, NUM_RESAMPLES = 3000, 200


class Drawn(NamedTuple):
    """A cohort: patients (N,), labels (N,), probabilities (N,)."""

    patients: list[str]
    labels: IntArray
    probabilities: FloatArray


def draw(num_patients: int, accuracy: float, distortion: str, seed: Sequence[int]) -> Drawn:
    """Draw a cohort with both labels, and the distorted mean of three seeds' probabilities."""
    slope, shift = DISTORTIONS[distortion]
    for attempt in itertools.count():
        found = simulate(num_patients, accuracy, 3, np.random.default_rng([*seed, attempt]))
        if 0 < found.labels.mean() < 1:
            break
    values = sigmoid(slope * logit(found.first.mean(axis=0)) + shift)
    return Drawn([f"{one:06d}" for one in found.patients], found.labels, values)


@functools.cache
def others(accuracy: float, distortion: str) -> Drawn:
    """Return other patients of the same kind, sorted by probability: what is true of them is taken for the truth."""
    found = draw(NUM_OTHERS, accuracy, distortion, (2027,))
    order = np.argsort(found.probabilities)
    return Drawn([found.patients[place] for place in order], found.labels[order], found.probabilities[order])


def true_error(values: FloatArray, bins: IntArray, truth: Drawn, calibration: Calibration) -> float:
    """Return the error that other patients show in the bins of a cohort; both are corrected alike, in one order."""
    known = calibration.apply(truth.probabilities)
    total, last = np.concatenate([[0.0], np.cumsum(truth.labels - known)]), int(bins.max())
    ends = [values[bins == one].max() / 2 + values[bins == one + 1].min() / 2 for one in range(last)]
    places = [0, *np.searchsorted(known, ends), len(known)]
    squares = 0.0
    for one, (first, end) in enumerate(itertools.pairwise(places)):
        if end > first:
            squares += (bins == one).mean() * ((total[end] - total[first]) / (end - first)) ** 2
    return math.sqrt(squares)


def holds(interval: Interval, truth: float) -> bool:
    """Tell whether an interval holds the truth; none does not."""
    return interval.low is not None and interval.high is not None and interval.low <= truth <= interval.high


def bootstrap(cohort: Drawn, bins: IntArray, rng: np.random.Generator) -> Interval:
    """Return the percentile interval over patients of the plain error, in the same bins."""
    weights = resample_patients(cohort.patients, NUM_RESAMPLES, rng)
    in_bin = (bins[:, None] == np.arange(bins.max() + 1)).astype(np.float64)
    sizes = weights @ in_bin
    gaps = (weights * (cohort.labels - cohort.probabilities)) @ in_bin / np.maximum(sizes, 1)
    errors = np.sqrt((sizes * gaps**2).sum(axis=1) / sizes.sum(axis=1))
    low, high = np.quantile(errors, [0.025, 0.975])
    return Interval(float(low), float(high))


def error_of(case: tuple[int, float, str, int]) -> dict[str, float]:
    """Return whether the intervals of the error of one cohort hold the truth."""
    num_patients, accuracy, distortion, seed = case
    cohort, truth = draw(num_patients, accuracy, distortion, (num_patients, seed)), others(accuracy, distortion)
    found = calibration_error(cohort.patients, cohort.labels, cohort.probabilities, LEVEL)
    bins = equal_count_bins(np.array([int(one) for one in cohort.patients]), cohort.probabilities)
    true = true_error(cohort.probabilities, bins, truth, Calibration())
    plain = bootstrap(cohort, bins, np.random.default_rng(seed))
    low, high = found.interval.low or 0.0, found.interval.high or 0.0
    return {
        "holds": holds(found.interval, true),
        "bootstrap": holds(plain, true),
        "width": high - low,
        "estimate": found.value**2,
        "true": true**2,
    }


def calibration_of(case: tuple[int, float, str, int]) -> dict[str, float]:
    """Return how good each method is on other patients when it is fitted to one cohort."""
    num_patients, accuracy, distortion, seed = case
    cohort, truth = draw(num_patients, accuracy, distortion, (num_patients, seed)), others(accuracy, distortion)
    chosen = fit_calibration(*cohort)
    after = cross_fit(*cohort)
    found: dict[str, float] = {"none": float(log_losses(truth.labels, truth.probabilities).mean())}
    for method in METHODS[1:]:
        fitted = _Seizures.ordered(*cohort)[0].fit(method)
        found[method] = float(log_losses(truth.labels, fitted.apply(truth.probabilities)).mean())
    found["chosen"] = float(log_losses(truth.labels, chosen.apply(truth.probabilities)).mean())
    found |= {f"takes {method}": chosen.method == method for method in METHODS}
    tenths = np.arange(len(truth.labels)) * 10 // len(truth.labels)
    for name, calibration in (("before", Calibration()), ("after", chosen)):
        found[f"error {name}"] = true_error(calibration.apply(truth.probabilities), tenths, truth, calibration)
    bins = equal_count_bins(np.array([int(one) for one in cohort.patients]), chosen.apply(cohort.probabilities))
    interval = calibration_error(cohort.patients, cohort.labels, after, LEVEL).interval
    true = true_error(chosen.apply(cohort.probabilities), bins, truth, chosen)
    found["error after holds"] = holds(interval, true)
    for name, loss in LOSSES.items():
        change = change_of_loss(cohort.patients, cohort.labels, cohort.probabilities, after, loss, LEVEL)
        if chosen.method != "none" and change["low"] is not None:
            true = loss(truth.labels, chosen.apply(truth.probabilities)) - loss(truth.labels, truth.probabilities)
            found[f"{name} holds"] = holds(Interval(change["low"], change["high"]), float(true.mean()))
    return found


def zone_of(case: tuple[int, float, str, int]) -> dict[str, float]:
    """Return what the zone without a call that one cohort chooses is worth."""
    num_patients, accuracy, distortion, seed = case
    cohort, truth = draw(num_patients, accuracy, distortion, (num_patients, seed)), others(accuracy, distortion)
    after = cross_fit(*cohort)
    zone = choose_zone(cohort.patients, cohort.labels, after, TARGET)
    nested = nested_calls(*cohort, TARGET)
    known = fit_calibration(*cohort).apply(truth.probabilities)
    called, true_called = zone.calls(after), zone.calls(known)
    right, true_right = is_right(cohort.labels, after), is_right(truth.labels, known)
    found: dict[str, float] = {
        "reached": zone.reached,
        "called": called.mean(),
        "called nested": nested.called.mean(),
        "called others": true_called.mean(),
        "every": true_right.mean(),
    }
    if not zone.reached or not true_called.any():
        return found
    true = float(true_right[true_called].mean())
    found |= {"right": float(right[called].mean()), "right others": true}
    found["holds"] = _covers(cohort, right, called, true)
    if nested.called.any():
        found["right nested"] = float(nested.right[nested.called].mean())
        found["nested holds"] = _covers(cohort, nested.right, nested.called, true)
    return found


def _covers(cohort: Drawn, right: Any, called: Any, truth: float) -> bool:
    of = [patient for patient, is_called in zip(cohort.patients, called, strict=True) if is_called]
    ones = np.ones(len(of), dtype=np.int64)
    return holds(Cohort(of, ones, right[called].astype(np.float64)[None, :], LEVEL).interval("accuracy"), truth)


def table(pool: ProcessPoolExecutor, work: Any, cells: Sequence[tuple[int, float, str]], number: int) -> list[Any]:
    """Return the means over the cohorts of each cell; a value that some cohorts lack is the mean of the others."""
    rows = []
    for cell in cells:
        found = list(pool.map(work, [(*cell, seed) for seed in range(number)], chunksize=5))
        names = dict.fromkeys(name for one in found for name in one)
        means = {name: float(np.mean([one[name] for one in found if name in one])) for name in names}
        rows.append((cell, means))
    return rows


def trained(seed: int) -> str:
    """Train BLSTMs on simulated features of the paper's shape, made hard, and return a row of the fourth table."""
    import models
    from seizures.classification.folds import FoldItem, assign_folds, training_and_held_out
    from seizures.classification.sequences import load_bank
    from seizures.classification.threads import threads
    from seizures.classification.training import fit, predict
    from seizures.evaluation.belief import assess_calibration
    from seizures.evaluation.predictions import pool_predictions, predictions_for
    from seizures.settings import FoldSettings, TrainingSettings
    from seizures.simulation.feature_cohort import CohortSettings, simulate_seizures, write_cohort

    settings = TrainingSettings(num_segments=8, num_epochs=40)
    with tempfile.TemporaryDirectory() as folder, threads(1):
        hard = CohortSettings(feature_dim=64, stride_frames=60, patient=1.0, stereotypy=2.5, snippet=4.0, seed=seed)
        paths = write_cohort(Path(folder), hard)
        bank = load_bank(paths)
        items = [FoldItem(one.patient_id, one.seizure_id, one.label, 60.0) for one in simulate_seizures(seed)]
        build = functools.partial(models.build_aggregation, settings.aggregation, bank.feature_dim, 64)
        names = np.array([f"{one}+{other}" for one, other in zip(bank.patient_ids, bank.seizure_ids, strict=True)])
        tables = []
        for fold, of in itertools.product(range(10), range(2)):
            _, rows = training_and_held_out(assign_folds(items, FoldSettings(10)), fold)
            held_out = np.isin(names, [f"{row.patient_id}+{row.seizure_id}" for row in rows])
            scored = bank.select(held_out)
            network = build()
            network.load_state_dict(fit(bank.select(~held_out), build, settings, seed=of).state_dict)
            values = predict(scored, network.eval(), settings)
            ids = scored.patient_ids, scored.seizure_ids, scored.views
            tables.append(predictions_for(*ids, scored.labels, values, fold, of))
    found = assess_calibration(pool_predictions(tables), TARGET, LEVEL)
    errors, decision = found["calibration"], found["decision"]
    told = [
        f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
        for one in (errors["ece_before"], errors["ece_after"])
    ]
    called, nested = decision["accuracy_called"], decision["nested"]["accuracy_called"]
    return (
        f"| {seed} | {decision['never_abstaining']['mean']:.3f} | {errors['method']} | {told[0]} | {told[1]} | "
        f"{found['scores']['log_loss']['before']:.3f} / {found['scores']['log_loss']['after']:.3f} | "
        f"{decision['no_call'][1]:.2f}{'' if decision['reached'] else ' (not reached)'} | "
        f"{decision['share_called']:.2f}: {called['mean'] or math.nan:.3f} | "
        f"{decision['nested']['share_called']:.2f}: {nested['mean'] or math.nan:.3f} |"
    )


def print_errors(pool: ProcessPoolExecutor, number: int) -> None:
    """Print the first table."""
    print("| true accuracy, probabilities | coverage, 12/20/30/68 patients | bootstrap | width | estimate | true |")
    print("|---|---|---|---|---|---|")
    rows = table(pool, error_of, CELLS, number)
    for part in (rows[place : place + 4] for place in range(0, len(rows), 4)):
        columns = [[means[name] for _, means in part] for name in ("holds", "bootstrap", "width")]
        columns += [[math.sqrt(means[name]) for _, means in part] for name in ("estimate", "true")]
        _, accuracy, distortion = part[0][0]
        texts = ("/".join(f"{one:.2f}" for one in of) for of in columns)
        print(f"| {accuracy}, {distortion} | {' | '.join(texts)} |", flush=True)


def print_calibrations(pool: ProcessPoolExecutor, number: int) -> None:
    """Print the second table."""
    print(
        "\n| true accuracy, probabilities, patients | log loss on others: none | temperature | platt | chosen ", end=""
    )
    print("| takes none/temperature/platt | error on others: before | after | intervals hold: error/log loss/Brier |")
    print(f"|{'---|' * 9}")
    for (patients, accuracy, distortion), means in table(pool, calibration_of, CELLS, number):
        losses = " | ".join(f"{means[name]:.3f}" for name in (*METHODS, "chosen"))
        takes = "/".join(f"{means[f'takes {method}']:.2f}" for method in METHODS)
        names = ("error after holds", "log_loss holds", "brier holds")
        held = "/".join(f"{means[name]:.2f}" if name in means else "-" for name in names)
        errors = f"{means['error before']:.3f} | {means['error after']:.3f}"
        print(f"| {accuracy}, {distortion}, {patients} | {losses} | {takes} | {errors} | {held} |", flush=True)


def print_zones(pool: ProcessPoolExecutor, number: int) -> None:
    """Print the third table."""
    print(
        "\n| true accuracy, patients | reached | called: same/nested/others | right where reached: same/nested/others ",
        end="",
    )
    print("| intervals hold: same/nested | right if every seizure is called |")
    print(f"|{'---|' * 6}")
    cells = [(patients, accuracy, "as drawn") for accuracy in ACCURACIES for patients in NUM_PATIENTS]
    for (patients, accuracy, _), means in table(pool, zone_of, cells, number):
        parts = ("called", "called nested", "called others"), ("right", "right nested", "right others")
        called, right = ("/".join(f"{means.get(name, math.nan):.2f}" for name in part) for part in parts)
        held = "/".join(f"{means.get(name, math.nan):.2f}" for name in ("holds", "nested holds"))
        row = f"{means['reached']:.2f} | {called} | {right} | {held} | {means['every']:.2f}"
        print(f"| {accuracy}, {patients} | {row} |", flush=True)


def print_trained(pool: ProcessPoolExecutor, number: int) -> None:
    """Print the fourth table."""
    print("\n| cohort | right, every seizure called | method | error before | after | log loss before / after ", end="")
    print("| zone's end | called: right, same | called: right, nested |")
    print(f"|{'---|' * 9}")
    for row in pool.map(trained, range(number)):
        print(row, flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tables", type=int, nargs="*", default=[1, 2, 3, 4])
    wanted = parser.parse_args()
    started = time.monotonic()
    work = {1: print_errors, 2: print_calibrations, 3: print_zones, 4: print_trained}
    numbers = {1: wanted.cohorts, 2: wanted.cohorts // 2, 3: wanted.cohorts // 4, 4: 4}
    with ProcessPoolExecutor(wanted.processes) as pool:
        for one in wanted.tables:
            work[one](pool, max(numbers[one], 1))
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
