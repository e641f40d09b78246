"""Equal features under two patients are found; without that, labels at random are predicted better than by chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from seizures.classification.folds import FoldItem, assign_folds, training_and_held_out
from seizures.features.shared_rows import SharedRows, row_hashes, shared_rows
from seizures.manifest.identity import RecordingId
from seizures.settings import FoldSettings

Rows = npt.NDArray[np.float32]


def view(number: int, seizure: str = "01") -> RecordingId:
    return RecordingId(f"P{number:02d}", seizure, "large")


def rows(seed: int, num_rows: int = 20) -> Rows:
    return np.random.default_rng(seed).normal(size=(num_rows, 8)).astype(np.float32)


def hashes(features: Rows) -> npt.NDArray[np.uint64]:
    return row_hashes(features, np.ones(len(features), dtype=bool))


def test_a_part_of_one_patient_in_another_is_found_with_its_size() -> None:
    copied = np.concatenate([rows(5, 4), rows(1)[3:10], rows(6, 4)])
    found = shared_rows({view(1): hashes(rows(1)), view(2): hashes(rows(2)), view(3): hashes(copied)})
    assert found == [SharedRows(view(1), view(3), 7, 15)]


def test_the_seizures_of_one_patient_may_share_rows() -> None:
    assert shared_rows({view(1): hashes(rows(1)), view(1, "02"): hashes(rows(1))}) == []


def test_a_picture_that_stands_still_is_nobodys() -> None:
    black, bars = (np.repeat(rows(seed, 1), 12, axis=0) for seed in (8, 9))
    ones = [np.concatenate([black, bars, rows(seed)]) for seed in (1, 2)]
    assert shared_rows({view(at): hashes(one) for at, one in enumerate(ones)}) == []
    single = [np.concatenate([black[:1], rows(seed)]) for seed in (1, 2)]  # one row may be chance
    assert shared_rows({view(at): hashes(one) for at, one in enumerate(single)}) == []


def test_all_rows_of_a_short_view_are_enough() -> None:
    assert shared_rows({view(1): hashes(rows(1)), view(2): hashes(rows(1)[4:5])}) == [
        SharedRows(view(1), view(2), 1, 1)
    ]


def test_what_is_not_valid_is_not_compared() -> None:
    valid = np.arange(20) < 5
    assert len(row_hashes(rows(1), valid)) == 5
    later = row_hashes(rows(1), ~valid)
    assert shared_rows({view(1): row_hashes(rows(1), valid), view(2): later}) == []


def test_nothing_shares_nothing() -> None:
    empty = row_hashes(rows(1), np.zeros(20, dtype=bool))
    assert shared_rows({}) == shared_rows({view(1): empty, view(2): empty}) == []


@given(st.integers(0, 2**32 - 1), st.integers(0, 19), st.integers(0, 7))
def test_one_bit_makes_another_row(seed: int, row: int, column: int) -> None:
    features = rows(seed)
    changed = features.copy()
    changed.view(np.uint32)[row, column] ^= 1
    assert len(np.intersect1d(hashes(features), hashes(changed))) == 19


def nearest_neighbour_auc(features: list[Rows], labels: list[int], patients: list[str]) -> float:
    """Return the AUC of out-of-fold predictions: each seizure gets the label of the nearest one that it may know."""
    names = ("FOS", "TCS")
    items = [FoldItem(patient, "01", names[label], 30.0) for patient, label in zip(patients, labels, strict=True)]
    folds = assign_folds(items, FoldSettings(num_folds=4))
    at = {item.patient_id: place for place, item in enumerate(items)}
    means = np.stack([one.mean(axis=0) for one in features])
    scores = np.zeros(len(items))
    for fold in range(4):
        training, held_out = training_and_held_out(folds, fold)
        known = [at[row.patient_id] for row in training]
        for place in (at[row.patient_id] for row in held_out):
            distances = np.linalg.norm(means[known] - means[place], axis=1)
            weights = np.exp(-distances / 0.05)
            scores[place] = np.average(np.array(labels)[known], weights=weights + 1e-9)
    return float(roc_auc_score(labels, scores))


@pytest.mark.parametrize("is_checked", [True, False])
def test_planted_copies_predict_random_labels_unless_the_check_takes_them_out(is_checked: bool) -> None:
    scores = []
    for trial in range(20):
        rng = np.random.default_rng(trial)
        features = [rng.normal(size=(20, 8)).astype(np.float32) for _ in range(18)]
        labels = rng.permutation(np.repeat([0, 1], 9)).tolist()
        features += features[:6]  # six patients come a second time, under other ids
        labels += labels[:6]
        patients = [f"P{number:02d}" for number in range(24)]
        found = shared_rows({view(at): hashes(one) for at, one in enumerate(features)})
        assert [(one.one.patient_id, one.other.patient_id) for one in found] == [
            (f"P{number:02d}", f"P{number + 18:02d}") for number in range(6)
        ]
        kept = [at for at in range(24) if not is_checked or patients[at] not in {one.other.patient_id for one in found}]
        scores.append(nearest_neighbour_auc(*([what[at] for at in kept] for what in (features, labels, patients))))
    if is_checked:
        assert abs(np.mean(scores) - 0.5) < 0.1
    else:
        assert np.mean(scores) > 0.65
