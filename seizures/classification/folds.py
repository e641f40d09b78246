"""Patient-wise folds: who is held out when (departs from the paper, whose folds deal seizures, on purpose).

All seizures of a patient are in one fold. The folds are balanced by label and duration; they are written once to
folds.csv, and whoever reads them has the leak check made again. The paper's own dealing is in `paper_folds.py`.
"""

from __future__ import annotations

import bisect
import csv
import dataclasses
import itertools
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seizures.errors import LeakError, SeizuresError, TooFewSeizuresError
from seizures.manifest.identity import SeizureId
from seizures.settings import DURATION_EDGES_SECONDS, FoldSettings

MAX_SHUFFLES = 8
MAX_WORK = 3000

Assignment: TypeAlias = NDArray[np.int64]  # the fold of each patient


@dataclasses.dataclass(frozen=True)
class FoldItem:
    """What the folds need to know of a seizure.

    `duration_seconds` is None where it is unknown; `is_trained_on` is False where the patient is out of sight in every
    view; `group` is what is held out with it besides the patient, such as a site.
    """

    patient_id: str
    seizure_id: str
    label: str
    duration_seconds: float | None
    is_trained_on: bool = True
    group: str = ""

    @property
    def held_out_with(self) -> str:
        """Return whom or what it is held out with: its group, or its patient."""
        return self.group or self.patient_id

    @property
    def id(self) -> SeizureId:
        """Return patient and seizure."""
        return SeizureId(self.patient_id, self.seizure_id)


@dataclasses.dataclass(frozen=True)
class FoldRow:
    """One line of folds.csv: the fold in which a seizure is held out, counted from 0."""

    patient_id: str
    seizure_id: str
    fold: int
    num_patients_in_fold: int

    @property
    def id(self) -> SeizureId:
        """Return patient and seizure."""
        return SeizureId(self.patient_id, self.seizure_id)

    @property
    def name(self) -> str:
        """Patient and seizure, as the folders of the results have them."""
        return self.id.name


COLUMNS = tuple(field.name for field in dataclasses.fields(FoldRow))


def assign_folds(seizures: Sequence[FoldItem], settings: FoldSettings) -> tuple[FoldRow, ...]:
    """Deal patients into folds, balanced by label and duration.

    The ids decide nothing: patients are dealt in the order in which they first come, so that the same seizures in the
    same order are dealt in the same way under pseudonyms too.

    scikit-learn's StratifiedGroupKFold deals greedily, and with few patients some of its shuffles are much worse than
    others. So several shuffles that follow from the seed are dealt, by label and duration and by label alone; the most
    balanced is kept, and patients are moved one at a time as long as that improves it. Balanced means, in this order:
    few held-out sets without a label, labels spread evenly, then label and duration, then patients.

    Returns:
        One row per seizure, in the order that was given.

    Raises:
        TooFewSeizuresError: see `check_folds`.

    """
    check_folds(seizures, settings.num_folds, settings.group)
    items = list(seizures)
    repeated = [seizure.name for seizure, n in Counter(item.id for item in items).items() if n > 1]
    if repeated:
        raise ValueError(f"seizures: {repeated[0]} stands there twice")
    cohort = _Cohort(items, settings.num_folds)
    fold_of = cohort.improve(min(_candidates(items, settings), key=cohort.imbalance))
    return make_rows(items, [int(fold) for fold in fold_of[cohort.patient_of]])


def make_rows(items: Sequence[FoldItem], folds: Sequence[int]) -> tuple[FoldRow, ...]:
    """Return a row per seizure, in the order that is given, from the fold of each; count the patients of a fold."""
    patients_in: dict[int, set[str]] = defaultdict(set)
    for item, fold in zip(items, folds, strict=True):
        patients_in[fold].add(item.patient_id)
    return tuple(FoldRow(*item.id, fold, len(patients_in[fold])) for item, fold in zip(items, folds, strict=True))


def check_folds(seizures: Sequence[FoldItem], num_folds: int, group: str = "patient") -> None:
    """Refuse what cannot be dealt: fewer patients than folds, one label only, a label that one patient alone has.

    Where sites or the like are held out, `group` names them, and what holds for patients must hold for them.

    Raises:
        TooFewSeizuresError: the message says what was found and what to do.

    """
    patients = {item.held_out_with for item in seizures}
    if len(patients) < num_folds:
        advice = f"set num_folds to at most {len(patients)}" if len(patients) >= 2 else f"add {_plural(group)}"
        raise TooFewSeizuresError(
            f"{num_folds} folds need at least {num_folds} {_plural(group)}, and there {_are(len(patients), group)} "
            f"with {len(seizures)} usable seizures; {advice}: no {group} may be in two folds"
        )
    with_label: dict[str, set[str]] = defaultdict(set)
    for item in seizures:
        with_label[item.label].add(item.held_out_with)
    if len(with_label) < 2:
        raise TooFewSeizuresError(
            f"every usable seizure is {next(iter(with_label))}; a classifier needs seizures of two labels"
        )
    lonely = [label for label, ids in sorted(with_label.items()) if len(ids) < 2]
    if lonely:
        raise TooFewSeizuresError(
            f"only one {group} has a {' or a '.join(lonely)}; a label needs at least 2 {_plural(group)}, because "
            f"nothing is left to learn it from when its only {group} is held out"
        )


def training_and_held_out(
    rows: Sequence[FoldRow], fold: int, *, shared_patients: bool = False
) -> tuple[tuple[FoldRow, ...], tuple[FoldRow, ...]]:
    """Split the rows into those to train on and those that `fold` holds out, and make the leak check.

    `shared_patients` leaves the check out, because the leak is meant (`paper_folds.deal_seizures`).

    Raises:
        LeakError: a patient is on both sides.
        ValueError: no seizure is in `fold`, or all are.

    """
    training = tuple(row for row in rows if row.fold != fold)
    held_out = tuple(row for row in rows if row.fold == fold)
    if not training or not held_out:
        raise ValueError(f"fold = {fold}: {len(training)} seizures to train on and {len(held_out)} held out")
    if not shared_patients:
        check_no_leak((row.patient_id for row in training), (row.patient_id for row in held_out))
    return training, held_out


def check_no_leak(training_patients: Iterable[str], held_out_patients: Iterable[str]) -> None:
    """Raise LeakError if a patient is on both sides of a split."""
    leaking = sorted(set(training_patients) & set(held_out_patients))
    if leaking:
        raise LeakError(
            f"{_some(leaking)}: both in the training set and held out; delete folds.csv to assign the folds again"
        )


def check_rows(rows: Sequence[FoldRow]) -> None:
    """Raise LeakError if a patient is in two folds."""
    folds_of: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        folds_of[row.patient_id].add(row.fold)
    leaking = [
        f"{patient} (folds {', '.join(map(str, sorted(folds)))})"
        for patient, folds in folds_of.items()
        if len(folds) > 1
    ]
    if leaking:
        raise LeakError(f"{_some(leaking)}: a patient in two folds is in the training set and held out at once")


def write_folds(path: str | Path, rows: Sequence[FoldRow], *, shared_patients: bool = False) -> None:
    """Write folds.csv after the leak check, which `shared_patients` leaves out."""
    if not shared_patients:
        check_rows(rows)
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(dataclasses.astuple(row) for row in rows)


def read_folds(path: str | Path, *, shared_patients: bool = False) -> tuple[FoldRow, ...]:
    """Read folds.csv and make the leak check, which `shared_patients` leaves out.

    Raises:
        LeakError: a patient is in two folds.
        SeizuresError: the file is missing, or is not what `write_folds` writes.

    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            records = [record for record in csv.reader(file) if record]
        header, cells = records[0], records[1:]
        if tuple(header) != COLUMNS or not cells:
            raise SeizuresError(f"{path}: expected the columns {', '.join(COLUMNS)} and a row per seizure")
        rows = tuple(FoldRow(patient, seizure, int(fold), int(count)) for patient, seizure, fold, count in cells)
    except OSError as error:
        raise SeizuresError(f"{path}: cannot read the folds: {error.strerror}") from error
    except (ValueError, IndexError, csv.Error) as error:
        raise SeizuresError(f"{path}: not a folds.csv ({error}); delete it, and the next run makes it again") from error
    try:
        if not shared_patients:
            check_rows(rows)
    except LeakError as error:
        raise LeakError(f"{path}: {error}") from error
    return rows


def _candidates(items: Sequence[FoldItem], settings: FoldSettings) -> Iterator[Assignment]:
    """Deal the patients in several ways, each a fold for every patient; a fold may be empty."""
    from sklearn.model_selection import StratifiedGroupKFold  # here and not above: reading folds must stay light

    patients, patient_of = _numbered([item.held_out_with for item in items])
    stratified = [[_stratum(item) for item in items], [item.label for item in items]]
    # scikit-learn refuses strata that all have fewer seizures than there are folds; one stratum always has enough.
    stratified = [strata for strata in stratified if max(Counter(strata).values()) >= settings.num_folds]
    # Shuffles matter where patients are few; where they are many, scikit-learn takes seconds for each.
    num_shuffles = int(np.clip(MAX_WORK // (len(patients) * settings.num_folds), 2, MAX_SHUFFLES))
    for strata in stratified or [[""] * len(items)]:
        for shuffle in range(num_shuffles):
            state = (settings.seed * MAX_SHUFFLES + shuffle) % 2**32
            splitter = StratifiedGroupKFold(settings.num_folds, shuffle=True, random_state=state)
            fold_of = np.zeros(len(patients), dtype=np.int64)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The least populated class in y", category=UserWarning)
                for fold, (_, held_out) in enumerate(splitter.split(patient_of, strata, groups=patient_of)):
                    fold_of[patient_of[held_out]] = fold
            yield fold_of


def _numbered(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different names in the order in which they first come, and the number of each name among them."""
    number_of: dict[str, int] = {}
    numbers = [number_of.setdefault(name, len(number_of)) for name in names]
    return list(number_of), np.array(numbers, dtype=np.int64)


def _stratum(item: FoldItem) -> str:
    if item.duration_seconds is None:
        return f"{item.label} of unknown duration"
    return f"{item.label} {bisect.bisect_right(DURATION_EDGES_SECONDS, item.duration_seconds)}"


class _Cohort:
    """Counts of each patient, to score many assignments quickly; patients, or groups, are numbered as they come."""

    def __init__(self, items: Sequence[FoldItem], num_folds: int) -> None:
        patients, self.patient_of = _numbered([item.held_out_with for item in items])
        self.num_folds = num_folds
        self.labels = self._count(len(patients), [item.label for item in items])
        self.strata = self._count(len(patients), [_stratum(item) for item in items])

    def _count(self, num_patients: int, kinds: Sequence[str]) -> NDArray[np.int64]:
        """Count the seizures of each patient and kind, (patients, kinds)."""
        names, kind_of = np.unique(kinds, return_inverse=True)
        counts = np.zeros((num_patients, len(names)), dtype=np.int64)
        np.add.at(counts, (self.patient_of, kind_of), 1)
        return counts

    def imbalance(self, fold_of: Assignment) -> tuple[float, ...]:
        """Score an assignment, less is better, in the order of importance that `assign_folds` states."""
        in_fold = (fold_of == np.arange(self.num_folds)[:, None]).astype(np.int64)
        num_patients = in_fold.sum(axis=1)
        labels, totals = in_fold @ self.labels, self.labels.sum(axis=0)
        return (
            int((num_patients == 0).sum()),
            int((labels == 0).sum()),
            round(float(((labels / totals) ** 2).sum()), 9),
            int(((in_fold @ self.strata) ** 2).sum()),
            int((num_patients**2).sum()),
        )

    def improve(self, fold_of: Assignment) -> Assignment:
        """Move one patient at a time to another fold as long as that makes the assignment more balanced."""
        best: Assignment = fold_of.copy()
        best_score = self.imbalance(best)
        improved = True
        while improved:
            improved = False
            for patient, fold in itertools.product(range(len(best)), range(self.num_folds)):
                moved = best.copy()
                moved[patient] = fold
                score = self.imbalance(moved)
                if score < best_score:
                    best, best_score, improved = moved, score, True
        return best


def _are(count: int, noun: str) -> str:
    return f"is {count} {noun}" if count == 1 else f"are {count} {_plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun}s" if noun in ("patient", "site") else f"values of {noun}"


def _some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
