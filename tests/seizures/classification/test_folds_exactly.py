"""What decides between two deals, counted by hand; and the seeds, the shuffles and the words of refusals."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.model_selection

from seizures.classification import folds
from seizures.classification.folds import (
    COLUMNS,
    FoldItem,
    FoldRow,
    assign_folds,
    check_folds,
    check_no_leak,
    read_folds,
    write_folds,
)
from seizures.errors import LeakError, SeizuresError, TooFewSeizuresError
from seizures.settings import FoldSettings


def cohort(*patients: str) -> list[FoldItem]:
    """Return the seizures of patients: `f` and `t` are short FOS and TCS, `F` and `T` long ones."""
    return [
        FoldItem(f"P{patient}", str(number), {"f": "FOS", "t": "TCS"}[kind.lower()], 200.0 if kind.isupper() else 20.0)
        for patient, kinds in enumerate(patients)
        for number, kind in enumerate(kinds)
    ]


def imbalance(fold_of: list[int], num_folds: int, *patients: str) -> tuple[float, ...]:
    return folds._Cohort(cohort(*patients), num_folds).imbalance(np.array(fold_of))


def test_the_imbalance_of_a_deal_counted_by_hand() -> None:
    # Fold 0: f, fT, of two patients. Fold 1: ffff t, of one. Fold 2: nobody.
    found = imbalance([0, 0, 1], 3, "f", "fT", "fffft")
    no_patient, no_label = 1, 2
    labels = (2 / 6) ** 2 + (4 / 6) ** 2 + (1 / 2) ** 2 + (1 / 2) ** 2
    strata = (2**2 + 1**2) + (4**2 + 1**2)  # f and T; f and t
    patients = 2**2 + 1**2
    assert found == (no_patient, no_label, pytest.approx(labels, abs=1e-9), strata, patients)
    assert found[2] == round(labels, 9)


@pytest.mark.parametrize("seed", range(8))
def test_no_single_move_makes_a_deal_more_balanced(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patients = ["".join(rng.choice(list("ftFT"), rng.integers(1, 7))) for _ in range(14)]
    one = folds._Cohort(cohort(*patients), 3)
    for start in (np.zeros(14, dtype=np.int64), rng.integers(0, 3, 14)):
        before = start.copy()
        best = one.improve(start)
        assert (start == before).all()
        score = one.imbalance(best)
        assert score <= one.imbalance(start)
        for patient in range(14):
            for fold in range(3):
                moved = best.copy()
                moved[patient] = fold
                assert one.imbalance(moved) >= score


def _spy(kind: Callable[..., Any], asked: list[int]) -> Callable[..., Any]:
    def deal(*args: Any, **more: Any) -> Any:
        asked.append(more["random_state"])
        assert more["shuffle"] is True
        return kind(*args, **more)

    return deal


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Return the random states with which scikit-learn is asked to deal."""
    asked: list[int] = []
    name = "StratifiedGroupKFold"
    monkeypatch.setattr(sklearn.model_selection, name, _spy(getattr(sklearn.model_selection, name), asked))
    return asked


@pytest.mark.parametrize(("num_patients", "num_folds", "num_shuffles"), [(6, 3, 8), (50, 10, 6), (100, 20, 2)])
def test_few_patients_are_shuffled_often_and_many_twice(
    states: list[int], num_patients: int, num_folds: int, num_shuffles: int
) -> None:
    items = cohort(*["ft"] * num_patients)
    deals = list(folds._candidates(items, FoldSettings(num_folds, seed=5)))
    assert states == [40 + shuffle for shuffle in range(num_shuffles)] * 2  # by label and duration, then by label
    assert len(deals) == 2 * num_shuffles
    assert all(deal.shape == (num_patients,) and set(deal) <= set(range(num_folds)) for deal in deals)


def test_any_seed_is_one_of_scikit_learns(states: list[int]) -> None:
    items = cohort("ft", "ft", "ft", "ft")
    list(folds._candidates(items, FoldSettings(2, seed=2**32 - 1)))
    assert states[:8] == [2**32 - 8 + shuffle for shuffle in range(8)]
    del states[:]
    list(folds._candidates(items, FoldSettings(2, seed=2**29)))  # whose first state would be 2**32
    assert states[:2] == [0, 1]


def test_only_the_warning_of_rare_strata_is_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Warns(sklearn.model_selection.StratifiedGroupKFold):
        def split(self, *args: Any, **more: Any) -> Any:
            warnings.warn("something else", UserWarning, stacklevel=1)
            return super().split(*args, **more)

    monkeypatch.setattr(sklearn.model_selection, "StratifiedGroupKFold", Warns)
    with pytest.warns(UserWarning, match="something else"):
        list(folds._candidates(cohort("ft", "ft", "ft", "F"), FoldSettings(3)))


def test_labels_that_are_rarer_than_folds_are_dealt_by_patient_alone() -> None:
    rows = assign_folds(cohort("f", "t", "f", "t", "f", "t"), FoldSettings(4))
    assert sorted(row.num_patients_in_fold for row in rows) == [1, 1, 2, 2, 2, 2]


def test_the_advice_where_patients_are_too_few() -> None:
    with pytest.raises(
        TooFewSeizuresError, match=r"there are 2 patients with 3 usable seizures; set num_folds to at m"
    ):
        check_folds(cohort("ff", "t"), 3)
    check_folds(cohort("ft", "t", "f"), 3)


@pytest.mark.parametrize(
    ("patients", "lonely"), [(("f", "t"), "FOS or a TCS"), (("ft", "f"), "TCS"), (("tt", "t", "f"), "FOS")]
)
def test_labels_that_only_one_patient_has_are_named(patients: tuple[str, ...], lonely: str) -> None:
    with pytest.raises(TooFewSeizuresError) as caught:
        check_folds(cohort(*patients), 2)
    assert str(caught.value) == (
        f"only one patient has a {lonely}; a label needs at least 2 patients, because nothing is left to learn it from "
        "when its only patient is held out"
    )


@pytest.mark.parametrize(
    ("num_leaks", "told"),
    [(1, "P0"), (5, "P0, P1, P2, P3, P4"), (6, "P0, P1, P2, P3, P4 and 1 more"), (8, "P0, P1, P2, P3, P4 and 3 more")],
)
def test_five_leaks_are_named_and_the_others_counted(num_leaks: int, told: str) -> None:
    patients = [f"P{number}" for number in range(num_leaks)]
    with pytest.raises(LeakError) as caught:
        check_no_leak([*patients, "Q"], [*patients, "R"])
    assert str(caught.value).startswith(f"{told}: both ")


def test_a_file_that_a_spreadsheet_has_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    rows = (FoldRow("Zoë", "01", 1, 1), FoldRow("B", "02", 0, 1))
    write_folds(path, rows)
    content = path.read_bytes()
    assert content.splitlines()[1] == "Zoë,01,1,1".encode()
    path.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert read_folds(path) == rows
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SeizuresError) as caught:
        read_folds(path)
    assert str(caught.value) == f"{path}: expected the columns {', '.join(COLUMNS)} and a row per seizure"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    rows = (FoldRow('a,"b"', "line\r\nfeed", 0, 1), FoldRow("c", " 01 ", 1, 1))
    write_folds(tmp_path / "folds.csv", rows)
    assert read_folds(tmp_path / "folds.csv") == rows


def test_folds_are_written_in_utf_8_whatever_the_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io, "text_encoding", lambda encoding, stacklevel=2: encoding or "ascii")
    rows = (FoldRow("Zoë", "01", 0, 1), FoldRow("B", "02", 1, 1))
    write_folds(tmp_path / "folds.csv", rows)
    assert read_folds(tmp_path / "folds.csv") == rows
