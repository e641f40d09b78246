"""The paper's dealing against its rule, written out here a second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.classification.folds import FoldItem, read_folds, training_and_held_out, write_folds
from seizures.classification.paper_folds import deal_seizures
from seizures.errors import LeakError, TooFewSeizuresError


def item(patient: str, seizure: str, label: str, *, is_trained_on: bool = True) -> FoldItem:
    return FoldItem(patient, seizure, label, 60.0, is_trained_on)


def folds_of(items: list[FoldItem], num_folds: int, positive: str = "TCS") -> dict[tuple[str, str], int]:
    return {(row.patient_id, row.seizure_id): row.fold for row in deal_seizures(items, num_folds, positive)}


def test_seizures_are_dealt_one_by_one_the_positive_ones_first_and_the_count_runs_on() -> None:
    items = [
        item("010", "02", "FOS"), item("2", "01", "TCS"), item("010", "10", "TCS"), item("010", "01", "TCS"),
        item("1", "01", "FOS"), item("010", "9", "TCS"), item("2", "02", "FOS"),
    ]  # fmt: skip
    # As text: "010" before "1" before "2"; "01" before "10" before "9".
    assert folds_of(items, 3) == {
        ("010", "01"): 0, ("010", "10"): 1, ("010", "9"): 2, ("2", "01"): 0,  # TCS
        ("010", "02"): 1, ("1", "01"): 2, ("2", "02"): 0,  # FOS
    }  # fmt: skip
    rows = deal_seizures(items, 3, "TCS")
    assert [row.id for row in rows] == [one.id for one in items]
    assert {row.fold: row.num_patients_in_fold for row in rows} == {0: 2, 1: 1, 2: 2}


def test_a_seizure_without_a_view_to_train_on_moves_no_other() -> None:
    items = [item("A", str(n), "TCS" if n % 2 else "FOS") for n in range(9)]
    hidden = item("A", "00", "TCS", is_trained_on=False)  # first of all by its ids
    found = folds_of([hidden, *items], 4)
    assert {key: fold for key, fold in found.items() if key != ("A", "00")} == folds_of(items, 4)
    assert found["A", "00"] == 9 % 4


@given(
    ids=st.lists(
        st.tuples(st.sampled_from("abcde"), st.integers(0, 30).map(str)), min_size=8, max_size=60, unique=True
    ),
    data=st.data(),
    num_folds=st.integers(2, 5),
)
def test_the_rule_holds_for_any_cohort(ids: list[tuple[str, str]], data: st.DataObject, num_folds: int) -> None:
    labels = data.draw(st.lists(st.sampled_from(["ADL", "FALL"]), min_size=len(ids), max_size=len(ids)))
    labels[:4] = ["ADL", "ADL", "FALL", "FALL"]
    items = [item(*one, label) for one, label in zip(ids, labels, strict=True)]
    counter, expected = 0, {}
    for wanted in ("FALL", "ADL"):
        for one in sorted(one for one, label in zip(ids, labels, strict=True) if label == wanted):
            expected[one] = counter
            counter = counter + 1 if counter < num_folds - 1 else 0
    assert folds_of(items, num_folds, "FALL") == expected


def test_shared_patients_have_to_be_meant(tmp_path: Path) -> None:
    cohort = [item(f"P{n // 4}", str(n), "TCS" if n % 2 else "FOS") for n in range(24)]
    rows = deal_seizures(cohort, 3, "TCS")
    with pytest.raises(LeakError):
        write_folds(tmp_path / "folds.csv", rows)
    write_folds(tmp_path / "folds.csv", rows, shared_patients=True)
    with pytest.raises(LeakError):
        read_folds(tmp_path / "folds.csv")
    assert read_folds(tmp_path / "folds.csv", shared_patients=True) == rows
    with pytest.raises(LeakError):
        training_and_held_out(rows, 0)
    training, held_out = training_and_held_out(rows, 0, shared_patients=True)
    assert len(training) + len(held_out) == 24


@pytest.mark.parametrize(
    ("items", "num_folds", "words"),
    [
        ([], 2, "2 folds of seizures need at least 2 seizures, and there are 0; lower num_folds"),
        ([item("A", "1", "FOS"), item("A", "2", "TCS")], 3, "at least 3 seizures, and there are 2"),
        ([item("A", str(n), "TCS") for n in range(4)], 2, "found 4 TCS"),
        ([*(item("A", str(n), "TCS") for n in range(4)), item("A", "9", "FOS")], 2, "found 1 FOS, 4 TCS"),
        ([item("A", str(n), "TCS", is_trained_on=False) for n in range(4)], 2, "found none"),
    ],
)
def test_what_cannot_be_dealt_is_refused(items: list[FoldItem], num_folds: int, words: str) -> None:
    with pytest.raises(TooFewSeizuresError) as caught:
        deal_seizures(items, num_folds, "TCS")
    assert words in str(caught.value)


def test_one_patient_is_enough() -> None:
    found = folds_of([item("A", str(n), "TCS" if n % 2 else "FOS") for n in range(8)], 4)
    assert sorted(found.values()) == [0, 0, 1, 1, 2, 2, 3, 3]
