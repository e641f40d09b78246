from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_examples import facts, header
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from seizures.classification.sequences import SequenceBank, load_bank
from seizures.classification.single_snippets import (
    AFTER,
    BEFORE,
    UNCOUNTED,
    classes_of,
    classes_of_view,
    classify,
    count_in_smaller_class,
    fit,
)
from seizures.errors import TooFewSeizuresError
from seizures.features.writer import FeatureFileWriter
from seizures.settings import SnippetSettings

torch.set_num_threads(1)
QUICK = SnippetSettings(num_epochs=30, batch_size=64, learning_rate=0.05)


def write(folder: Path, patient: int, label: str, clonic: float | None, use: str = "all", seed: int = 0) -> Path:
    """A seizure of 10 s that begins at 5 s of its film; feature 0 tells before from after, all others are noise."""
    rng = np.random.default_rng([seed, patient])
    made = header(f"P{patient}", "01", label, stride_frames=1, frame_rate_hz=15.0)
    path = folder / f"P{patient}.h5"
    rows = rng.normal(0, 0.3, (143, 4)).astype(np.float32)
    middles = (np.arange(143) + 4) / 15
    rows[:, 0] += np.where(middles >= (math.inf if clonic is None else clonic - 5), 1, -1)
    valid = np.arange(143) != 30
    said = facts(onset_seconds=5.0, offset_seconds=15.0, clonic_onset_seconds=clonic, use=use)
    with FeatureFileWriter(path, made) as file:
        file.create_view("large", 143, 4, said, valid).write(0, rows)
    return path


def cohort(folder: Path) -> list[Path]:
    return [
        write(folder, 0, "FOS", None),
        write(folder, 1, "TCS", 11.0),
        write(folder, 2, "TCS", 9.0),
        write(folder, 3, "TCS", None),  # nobody wrote the clonic onset down
        write(folder, 4, "TCS", 8.0, use="evaluate"),
    ]


@given(st.integers(1, 40), st.integers(1, 5), st.floats(1, 60), st.floats(0, 30))
def test_the_class_of_a_snippet_is_that_of_its_middle(length: int, stride: int, rate: float, onset: float) -> None:
    valid = np.ones(20, dtype=bool)
    found = classes_of_view(valid, onset, frames_per_snippet=length, stride_frames=stride, frame_rate_hz=rate)
    wanted = [AFTER if (row * stride + length / 2) / rate >= onset else BEFORE for row in range(20)]
    assert found.tolist() == wanted


def test_what_cannot_be_known_does_not_count(tmp_path: Path) -> None:
    bank = load_bank(cohort(tmp_path), uses=("all", "evaluate"))
    np.testing.assert_allclose(bank.clonic_onset_seconds, [np.nan, 6, 4, np.nan, 3])
    classes = classes_of(bank).reshape(5, 143)
    assert set(classes[0]) == {BEFORE, UNCOUNTED}  # of a FOS all are before
    assert set(classes[3]) == {UNCOUNTED}
    assert (classes[[0, 1, 2, 4], 30] == UNCOUNTED).all()  # it touches undecodable frames
    assert classes[1, 85] == BEFORE  # its middle is at 89 / 15 s
    assert classes[1, 86] == AFTER  # at 90 / 15 s
    assert (classes_of(bank.select([0]))[143:] == UNCOUNTED).all()  # rows of other views


def test_snippets_to_train_on_are_counted_without_their_features(tmp_path: Path) -> None:
    paths = cohort(tmp_path)
    bank = load_bank(paths)  # without the view in which the patient is out of sight
    classes = classes_of(bank)
    numbers = [int((classes == kind).sum()) for kind in (BEFORE, AFTER)]
    assert count_in_smaller_class(paths, ("FOS", "TCS")) == min(numbers) == numbers[1] == (143 - 86) + (143 - 56)


def test_a_layer_learns_what_there_is_and_all_of_the_held_out_is_classified(tmp_path: Path) -> None:
    paths = cohort(tmp_path)
    bank = load_bank(paths, uses=("all", "evaluate"))
    layer = fit(bank.select([0, 1, 2]), 100, QUICK)
    counts = classify(bank.select([3, 4]), layer).set_index("patient_id")
    assert counts.loc["P3", ["num_before", "num_after"]].tolist() == [0, 0]
    assert counts.loc["P4", ["num_before", "num_after"]].tolist() == [40, 102]
    assert counts.loc["P4", "num_before_right"] >= 38
    assert counts.loc["P4", "num_after_right"] >= 98
    assert counts.loc["P4", ["frames_per_snippet", "feature_dim"]].tolist() == [8, 4]


def test_both_classes_weigh_alike_in_training_however_rare_one_is(tmp_path: Path) -> None:
    bank = noise_bank(tmp_path)
    layer = fit(bank, 50, QUICK)
    counts = classify(bank, layer)[["num_before", "num_before_right", "num_after", "num_after_right"]].sum()
    # Nothing can be learnt here: whoever sees 9 of 10 before calls nearly all so; who sees as many of each does not.
    assert counts["num_before_right"] / counts["num_before"] < 0.8
    assert counts["num_after_right"] / counts["num_after"] > 0.2


def noise_bank(folder: Path) -> SequenceBank:
    paths = [write(folder, 0, "FOS", None), write(folder, 1, "TCS", 11.0)]
    bank = load_bank(paths)
    torch.manual_seed(0)
    torch.nn.init.normal_(bank.values)
    return bank


def test_the_same_bank_gives_the_same_layer_and_the_global_generator_is_left_alone(tmp_path: Path) -> None:
    bank = load_bank(cohort(tmp_path))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, other = fit(bank, 20, QUICK), fit(bank, 20, QUICK)
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(fit(bank, 20, replace(QUICK, seed=1)).weight, one.weight)


def test_no_id_decides_what_is_drawn(tmp_path: Path) -> None:
    paths = cohort(tmp_path)
    bank, turned = load_bank(paths), load_bank(paths[::-1])  # files are read in the order of their names, which are ids
    same = turned.select(np.arange(len(turned))[::-1])
    assert same.names == bank.names
    assert torch.equal(fit(same, 20, QUICK).weight, fit(bank, 20, QUICK).weight)


def test_views_that_are_not_in_the_bank_are_not_trained_on(tmp_path: Path) -> None:
    bank = load_bank(cohort(tmp_path))
    part, others = bank.select([0, 1]), classes_of(bank.select([2, 3]))
    alone = fit(part, 20, QUICK)
    bank.values[torch.from_numpy(others != UNCOUNTED)] = torch.nan
    assert torch.equal(fit(part, 20, QUICK).weight, alone.weight)


def test_of_nobody_nothing_is_counted(tmp_path: Path) -> None:
    bank = load_bank(cohort(tmp_path))
    empty = classify(bank.select(np.zeros(len(bank), dtype=bool)), fit(bank, 20, QUICK))
    assert len(empty) == 0
    assert list(empty.columns) == list(classify(bank, fit(bank, 20, QUICK)).columns)


@pytest.mark.parametrize("number", [0, 10_000])
def test_more_snippets_than_there_are_is_told(tmp_path: Path, number: int) -> None:
    with pytest.raises(TooFewSeizuresError, match=rf"expected {number} snippets before .* found 144"):
        fit(load_bank(cohort(tmp_path)), number, QUICK)


def test_the_average_precision_is_of_all_views_of_a_seizure(tmp_path: Path) -> None:
    made = header("P1", "01", "TCS", stride_frames=1, frame_rate_hz=15.0)
    said = facts(onset_seconds=5.0, offset_seconds=15.0, clonic_onset_seconds=9.0)
    rng = np.random.default_rng(0)
    values = {view: rng.normal(0, 1, (143, 4)).astype(np.float32) for view in ("large", "small")}
    valid = np.arange(143) != 30
    with FeatureFileWriter(tmp_path / "P1.h5", made) as file:
        for view, rows in values.items():
            file.create_view(view, 143, 4, said, valid).write(0, rows)
    bank = load_bank([tmp_path / "P1.h5"])
    layer = fit(bank, 20, QUICK)
    outputs = [layer(torch.from_numpy(rows[valid])).detach().numpy() for rows in values.values()]
    scores = np.concatenate([output[:, 1] - output[:, 0] for output in outputs])
    truth = np.tile(((np.arange(143) + 4) / 15 >= 4)[valid], 2)
    counts = classify(bank, layer)
    assert counts["average_precision"].tolist() == pytest.approx([average_precision_score(truth, scores)] * 2)
