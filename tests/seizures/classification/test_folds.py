"""Folds: no patient on two sides, labels and durations spread, and the file that says so."""

from __future__ import annotations

import csv
import dataclasses
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from seizures.classification.folds import (
    FoldItem,
    FoldRow,
    assign_folds,
    check_folds,
    check_no_leak,
    read_folds,
    training_and_held_out,
    write_folds,
)
from seizures.errors import LeakError, SeizuresError, TooFewSeizuresError
from seizures.settings import FoldSettings


def make_cohort(num_patients: int, seed: int = 0) -> list[FoldItem]:
    """Draw patients like the paper's: few to many seizures, FOS only, TCS only or both."""
    rng = np.random.default_rng(seed)
    items = []
    for patient in range(num_patients):
        both = rng.random() < 0.5
        for seizure in range(int(min(16, rng.geometric(0.35)))):
            label = ("FOS", "TCS")[(patient + seizure) % 2 if both else patient % 2]
            items.append(FoldItem(f"P{patient:02}", f"{seizure:02}", label, float(rng.uniform(16, 200))))
    return items


def count_labels(rows: tuple[FoldRow, ...], items: list[FoldItem]) -> Counter[tuple[int, str]]:
    label_of = {(item.patient_id, item.seizure_id): item.label for item in items}
    return Counter((row.fold, label_of[row.patient_id, row.seizure_id]) for row in rows)


@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(data=st.data(), num_folds=st.integers(2, 6))
def test_every_deal_is_patient_wise_complete_and_without_empty_folds(data: st.DataObject, num_folds: int) -> None:
    patients = st.lists(
        st.lists(st.sampled_from(["FOS", "TCS"]), min_size=1, max_size=5), min_size=num_folds, max_size=7
    )
    items = [
        FoldItem(f"P{patient}", str(seizure), label, data.draw(st.none() | st.floats(0, 500)))
        for patient, labels in enumerate([["FOS", "TCS"], ["FOS", "TCS"], *data.draw(patients)])
        for seizure, label in enumerate(labels)
    ]
    # No shrinking: an example takes a good part of a second.
    rows = assign_folds(items, FoldSettings(num_folds, data.draw(st.integers(0, 100))))
    assert [(row.patient_id, row.seizure_id) for row in rows] == [(item.patient_id, item.seizure_id) for item in items]
    fold_of: dict[str, int] = {}
    for row in rows:
        assert fold_of.setdefault(row.patient_id, row.fold) == row.fold
    assert sorted(set(fold_of.values())) == list(range(num_folds))
    sizes = Counter(fold_of.values())
    assert all(row.num_patients_in_fold == sizes[row.fold] for row in rows)
    label_of = {(item.patient_id, item.seizure_id): item.label for item in items}
    for fold in range(num_folds):  # both labels are left to train on
        assert {label_of[row.patient_id, row.seizure_id] for row in rows if row.fold != fold} == {"FOS", "TCS"}


def test_ids_decide_nothing_and_the_seed_does() -> None:
    items = make_cohort(20)
    rows = assign_folds(items, FoldSettings(4))
    names = random.Random(1).sample(range(100, 999), len(items))
    patients = dict(zip(dict.fromkeys(item.patient_id for item in items), names, strict=False))
    renamed = [
        dataclasses.replace(item, patient_id=f"X{patients[item.patient_id]}", seizure_id=f"y{name}")
        for item, name in zip(items, names, strict=True)
    ]
    again = assign_folds(renamed, FoldSettings(4))
    assert [(row.fold, row.num_patients_in_fold) for row in again] == [
        (row.fold, row.num_patients_in_fold) for row in rows
    ]
    assert [row.seizure_id for row in again] == [item.seizure_id for item in renamed]
    assert assign_folds(items, FoldSettings(4, seed=1)) != rows


@pytest.mark.parametrize(("num_patients", "num_folds"), [(68, 10), (30, 5), (12, 3)])
def test_labels_and_durations_are_spread(num_patients: int, num_folds: int) -> None:
    items = make_cohort(num_patients)
    rows = assign_folds(items, FoldSettings(num_folds))
    labels = count_labels(rows, items)
    for label in ("FOS", "TCS"):
        counts = [labels[fold, label] for fold in range(num_folds)]
        assert min(counts) >= 1
        assert max(counts) - min(counts) <= 2
    duration_of = {(item.patient_id, item.seizure_id): item.duration_seconds for item in items}
    long = Counter(row.fold for row in rows if (duration_of[row.patient_id, row.seizure_id] or 0) > 60)
    assert min(long[fold] for fold in range(num_folds)) >= 0.5 * sum(long.values()) / num_folds
    assert min(row.num_patients_in_fold for row in rows) > 1


def test_label_and_duration_do_not_go_together_by_accident() -> None:
    """Sixteen patients, four each of short and long FOS and TCS: every one of four folds gets one of each."""
    kinds = [("FOS", 20.0), ("FOS", 200.0), ("TCS", 20.0), ("TCS", 200.0)]
    items = [FoldItem(f"P{number:02}", "1", *kinds[number // 4]) for number in range(16)]
    rows = assign_folds(items, FoldSettings(4))
    for fold in range(4):
        assert sorted(int(row.patient_id[1:]) // 4 for row in rows if row.fold == fold) == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_durations_count_where_there_are_fewer_of_a_kind_than_folds(seed: int) -> None:
    """Two patients each of short, middling and long FOS and TCS: no fold of three gets two of a kind."""
    kinds = [(label, duration) for label in ("FOS", "TCS") for duration in (20.0, 45.0, 200.0)]
    items = [FoldItem(f"P{number:02}", "1", *kinds[number // 2]) for number in range(12)]
    rows = assign_folds(items, FoldSettings(3, seed))
    assert max(Counter((row.fold, int(row.patient_id[1:]) // 2) for row in rows).values()) == 1


def test_as_many_folds_as_patients_is_leave_one_patient_out() -> None:
    items = make_cohort(12)
    rows = assign_folds(items, FoldSettings(12))
    assert {row.num_patients_in_fold for row in rows} == {1}
    assert len({row.fold for row in rows}) == 12


def test_too_few_patients_or_labels_are_refused_with_advice() -> None:
    items = [FoldItem(f"P{number}", "1", "FOS", 30.0) for number in range(3)]
    with pytest.raises(TooFewSeizuresError, match=r"10 folds .* are 3 patients .* num_folds to at most 3"):
        check_folds(items, 10)
    with pytest.raises(TooFewSeizuresError, match=r"is 1 patient .* add patients"):
        check_folds(items[:1], 2)
    with pytest.raises(TooFewSeizuresError, match="every usable seizure is FOS"):
        check_folds(items, 3)
    with pytest.raises(TooFewSeizuresError, match="only one patient has a TCS"):
        assign_folds([*items, FoldItem("P9", "1", "TCS", 30.0)], FoldSettings(2))
    with pytest.raises(TooFewSeizuresError, match="0 patients"):
        check_folds([], 2)


def test_a_seizure_twice_is_refused() -> None:
    items = make_cohort(6)
    with pytest.raises(ValueError, match="twice"):
        assign_folds([*items, items[0]], FoldSettings(2))


def test_file_gives_back_the_rows(tmp_path: Path) -> None:
    rows = (FoldRow("007", "01", 1, 1), FoldRow("P-1_a.b", "02", 0, 1))
    write_folds(tmp_path / "folds.csv", rows)
    assert read_folds(tmp_path / "folds.csv") == rows
    text = (tmp_path / "folds.csv").read_bytes().decode()
    assert text == "patient_id,seizure_id,fold,num_patients_in_fold\n007,01,1,1\nP-1_a.b,02,0,1\n"


def test_a_leak_is_an_error_wherever_it_appears(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    rows = (FoldRow("A", "1", 0, 2), FoldRow("B", "1", 0, 2), FoldRow("A", "2", 1, 1))
    with pytest.raises(LeakError, match=r"A \(folds 0, 1\)"):
        write_folds(path, rows)
    assert not path.exists()
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [[field.name for field in dataclasses.fields(FoldRow)], *map(dataclasses.astuple, rows)]
        )
    with pytest.raises(LeakError, match=r"folds\.csv: A \(folds 0, 1\)"):
        read_folds(path)
    with pytest.raises(LeakError, match=r"^A: both"):
        training_and_held_out(rows, 1)
    with pytest.raises(LeakError, match=r"^B, C: both"):
        check_no_leak(["A", "B", "C"], ["C", "B", "D"])
    check_no_leak(["A", "B"], ["C"])


def test_training_and_held_out_share_the_seizures() -> None:
    rows = assign_folds(make_cohort(10), FoldSettings(3))
    for fold in range(3):
        training, held_out = training_and_held_out(rows, fold)
        assert {row.fold for row in held_out} == {fold}
        assert sorted([*training, *held_out], key=rows.index) == list(rows)
    with pytest.raises(ValueError, match="0 held out"):
        training_and_held_out(rows, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "patient_id,seizure_id,fold\nA,1,0\n",
        "patient_id,seizure_id,fold,num_patients_in_fold\n",
        "patient_id,seizure_id,fold,num_patients_in_fold\nA,1,x,1\n",
        "patient_id,seizure_id,fold,num_patients_in_fold\nA,1,0\n",
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(text)
    with pytest.raises(SeizuresError, match=r"folds\.csv: "):
        read_folds(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeizuresError, match=r"folds\.csv: cannot read the folds: No such file"):
        read_folds(tmp_path / "folds.csv")


def test_reading_folds_is_light() -> None:
    code = "import sys, seizures.classification.folds; print({'sklearn', 'pandas', 'torch'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_patients_are_spread_where_labels_and_durations_are_already() -> None:
    """Two patients with two FOS and two TCS, four with one each: three patients a fold, and not two and four."""
    sizes = (2, 2, 1, 1, 1, 1)
    for seed in range(6):
        for start in range(len(sizes)):
            order = sizes[start:] + sizes[:start]
            items = [
                FoldItem(f"P{patient}", f"{label}{number}", label, 30.0)
                for patient, size in enumerate(order)
                for label in ("FOS", "TCS")
                for number in range(size)
            ]
            rows = assign_folds(items, FoldSettings(2, seed))
            assert {row.num_patients_in_fold for row in rows} == {3}, (seed, order)
            assert len(set(count_labels(rows, items).values())) == 1


def test_what_shares_a_group_is_held_out_together_and_patients_are_counted() -> None:
    sites = "ABCDEF"
    items = [
        FoldItem(f"P{patient:02}", f"{label}{number}", label, 40.0, group=sites[patient % 6])
        for patient in range(24)
        for label in ("FOS", "TCS")
        for number in range(1 + patient % 2)
    ]
    rows = assign_folds(items, FoldSettings(3, group="site"))
    fold_of_site = {item.group: set() for item in items}
    patients = {fold: set() for fold in range(3)}
    for item, row in zip(items, rows, strict=True):
        fold_of_site[item.group].add(row.fold)
        patients[row.fold].add(item.patient_id)
    assert all(len(folds) == 1 for folds in fold_of_site.values())
    assert {row.num_patients_in_fold for row in rows} == {8}
    assert all(row.num_patients_in_fold == len(patients[row.fold]) for row in rows)
    assert assign_folds([dataclasses.replace(item, group="") for item in items], FoldSettings(3)) != rows


def test_too_few_groups_are_told_by_their_name() -> None:
    items = [FoldItem(f"P{n}", "1", "TCS" if n % 2 else "FOS", 40.0, group="AB"[n // 2 % 2]) for n in range(8)]
    with pytest.raises(TooFewSeizuresError) as caught:
        check_folds(items, 3, "site")
    assert str(caught.value) == (
        "3 folds need at least 3 sites, and there are 2 sites with 8 usable seizures; set num_folds to at most 2: no "
        "site may be in two folds"
    )
    check_folds(items, 2, "site")
    only = [dataclasses.replace(item, label="TCS" if item.group == "A" else "FOS") for item in items]
    with pytest.raises(
        TooFewSeizuresError, match=r"only one age_band has a FOS or a TCS; a label needs at least 2 val"
    ):
        check_folds(only, 2, "age_band")
