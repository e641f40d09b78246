from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_examples import facts, header
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from seizures.classification.middle_snippets import (
    common_instants,
    fit_on_middles,
    instants_seconds,
    middle_starts,
    training_set,
    weighted_loss,
)
from seizures.classification.sequences import load_bank
from seizures.classification.single_snippets import AFTER, BEFORE, classify
from seizures.errors import TooFewSeizuresError
from seizures.features.writer import FeatureFileWriter
from seizures.settings import SnippetSettings

torch.set_num_threads(1)
LABELS = ("FOS", "TCS")
QUICK = SnippetSettings(sampling="middles", num_epochs=200, batch_size=64, learning_rate=0.05)
# Patient, label, clonic onset after the seizure's (10 s of 15 frames and so 150 frames: 4 whole segments), use.
COHORT = (
    ("P0", "FOS", None, "all"),
    ("P1", "TCS", 6.0, "all"),
    ("P2", "TCS", 3.0, "all"),
    ("P3", "TCS", None, "all"),  # nobody wrote the clonic onset down
    ("P4", "TCS", 3.0, "evaluate"),
)


def write(
    folder: Path, length: int, stride: int = 1, invalid: tuple[int, ...] = (), num_frames: int = 150
) -> list[Path]:
    """The cohort's features of a network of `length` frames: 0 is the start frame, 1 tells before from after."""
    folder.mkdir()
    rng = np.random.default_rng(length)
    paths = []
    for name, label, clonic, use in COHORT:
        num_rows = (num_frames - length) // stride + 1
        starts = stride * np.arange(num_rows)
        rows = rng.normal(0, 0.1, (num_rows, 4)).astype(np.float32)
        rows[:, 0] = starts / 100
        rows[:, 1] += np.where((starts + length / 2) / 15 >= (clonic or math.inf), 1, -1)
        said = facts(onset_seconds=5.0, offset_seconds=15.0, clonic_onset_seconds=clonic and 5 + clonic, use=use)
        made = header(name, "01", label, stride_frames=stride, frame_rate_hz=15.0, frames_per_snippet=length)
        paths.append(folder / f"{name}.h5")
        valid = ~np.array([any(start <= frame < start + length for frame in invalid) for start in starts])
        with FeatureFileWriter(paths[-1], made) as file:
            file.create_view("large", num_rows, 4, said, valid).write(0, rows)
    return paths


def test_the_snippets_of_the_papers_networks_are_those_worked_by_hand() -> None:
    assert middle_starts([0, 1, 2], 32).tolist() == [0, 32, 64]
    assert middle_starts([0, 1, 2], 8).tolist() == [12, 44, 76]
    assert middle_starts([0, 1, 2], 1).tolist() == [16, 48, 80]  # 15.5 to the even one
    assert instants_seconds([0, 1], 16.0).tolist() == [1.0, 3.0]  # 16 / 16 and 48 / 16


@given(st.integers(1, 32), st.integers(1, 32), st.integers(0, 10_000))
def test_snippets_of_all_lengths_have_the_same_middle_and_stay_in_their_segment(
    one: int, other: int, segment: int
) -> None:
    middles = []
    for length in (one, other):
        (start,) = middle_starts([segment], length).tolist()
        assert 32 * segment <= start <= start + length <= 32 * (segment + 1)
        middles.append(start + length / 2)
        assert abs(middles[-1] - 32 * (segment + 0.5)) <= 0.5  # a half where the length is odd
        assert length % 2 or middles[-1] == 32 * (segment + 0.5)
    assert instants_seconds([segment], 15.0)[0] == pytest.approx(32 * (segment + 0.5) / 15)


@pytest.mark.parametrize("length", [0, 33])
def test_a_snippet_longer_than_a_segment_has_no_middle(length: int) -> None:
    with pytest.raises(ValueError, match=f"frames_per_snippet = {length}: expected 1 to 32"):
        middle_starts([0], length)


def test_all_networks_are_trained_on_the_same_instants_and_labels(tmp_path: Path) -> None:
    paths = {length: write(tmp_path / str(length), length) for length in (8, 32, 1)}
    instants, numbers = common_instants(list(paths.values()), LABELS)
    # 150 frames are four whole segments, with middles at 16, 48, 80 and 112 frames: 1.07, 3.2, 5.33 and 7.47 s.
    assert {name: found.tolist() for name, found in instants.items()} == {
        f"{name}+01+large": [0, 1, 2, 3] for name in ("P0", "P1", "P2")
    }
    assert numbers == (4 + 3 + 1, 0 + 1 + 3)
    wanted = [BEFORE] * 4 + [BEFORE] * 3 + [AFTER] + [BEFORE] + [AFTER] * 3
    for length, own in paths.items():
        bank = load_bank(own)
        rows, classes = training_set(bank, instants)
        assert classes.tolist() == wanted
        first = {8: 12, 32: 0, 1: 16}[length]
        starts = (100 * bank.values[torch.from_numpy(rows), 0]).round().int().tolist()
        assert starts == [first, first + 32, first + 64, first + 96] * 3


def test_an_instant_that_one_network_lacks_is_left_out_for_all(tmp_path: Path) -> None:
    # Frame 33 is in the second segment's snippet of 32 frames, and in no other network's.
    paths = [write(tmp_path / "8", 8), write(tmp_path / "32", 32, invalid=(33,))]
    for order in (paths, paths[::-1]):
        instants, numbers = common_instants(order, LABELS)
        assert {name: found.tolist() for name, found in instants.items()} == {
            f"{name}+01+large": [0, 2, 3] for name in ("P0", "P1", "P2")
        }
        assert numbers == (3 + 2 + 1, 0 + 1 + 2)
    instants, _ = common_instants([paths[0], paths[1][1:]], LABELS)  # a network without features of one seizure
    assert set(instants) == {"P1+01+large", "P2+01+large"}
    rows, _ = training_set(load_bank(paths[0]), instants)
    assert len(rows) == 2 * 3


@pytest.mark.parametrize("num_frames", [31, 32, 63, 64])
def test_only_whole_segments_count(tmp_path: Path, num_frames: int) -> None:
    instants, _ = common_instants([write(tmp_path / "8", 8, num_frames=num_frames)], LABELS)
    assert [len(found) for found in instants.values()] == [num_frames // 32] * 3


@pytest.mark.parametrize("stride", [2, 4, 15, 16])
def test_with_a_stride_the_nearest_snippet_is_taken_once(tmp_path: Path, stride: int) -> None:
    paths = write(tmp_path / "8", 8, stride)
    instants, _ = common_instants([paths], LABELS)
    rows, classes = training_set(load_bank(paths), instants)
    assert len(set(rows.tolist())) == len(rows) == len(classes)
    starts = 100 * load_bank(paths).values[torch.from_numpy(rows), 0].numpy()
    wanted = np.concatenate([32 * found + 12 for found in instants.values()])
    assert np.abs(starts - wanted).max() <= stride / 2 + 1e-3


def test_the_loss_is_the_weighted_cross_entropy_worked_by_hand() -> None:
    logits, after, weight = [-2.0, -0.5, 0.0, 1.5, 3.0], [0, 1, 0, 1, 0], 2.5
    terms = [
        -weight * math.log(1 / (1 + math.exp(-logit))) if label else -math.log(1 - 1 / (1 + math.exp(-logit)))
        for logit, label in zip(logits, after, strict=True)
    ]
    found = weighted_loss(torch.tensor(logits), torch.tensor(after), weight)
    assert float(found) == pytest.approx(sum(terms) / 5, abs=1e-6)


def test_the_weight_makes_both_classes_count_alike(tmp_path: Path) -> None:
    bank = load_bank(write(tmp_path / "8", 8))
    instants, (num_before, num_after) = common_instants([write(tmp_path / "again", 8)], LABELS)
    bank.values.zero_()  # nothing but the bias can be learnt: with N / n as the weight it is 0, without it log(n / N)
    layer = fit_on_middles(bank, instants, QUICK)
    assert (num_before, num_after) == (8, 4)
    assert tuple(layer.weight.shape) == (1, 4)
    assert abs(float(layer.bias.detach())) < 0.02 < abs(math.log(num_after / num_before))


def test_what_is_learnt_finds_the_clonic_phase_and_is_scored_as_scikit_learn_does(tmp_path: Path) -> None:
    paths = write(tmp_path / "8", 8)
    bank = load_bank(paths, uses=("all", "evaluate"))
    instants, _ = common_instants([paths[:3]], LABELS)
    layer = fit_on_middles(bank.select([0, 1, 2]), instants, QUICK)
    counts = classify(bank, layer).set_index("patient_id")
    assert counts.loc["P4", ["num_before", "num_after"]].tolist() == [41, 102]  # by each snippet's own middle
    assert counts.loc["P4", "num_before_right"] + counts.loc["P4", "num_after_right"] > 140
    scores = layer(bank.values[bank.first_row[4] :]).detach().numpy()[:, 0]
    truth = (np.arange(143) + 4) / 15 >= 3.0
    assert counts.loc["P4", "average_precision"] == pytest.approx(average_precision_score(truth, scores))
    assert counts.loc["P4", "num_after_right"] == (scores[truth] > 0).sum()
    assert counts["average_precision"].isna().tolist() == [True, False, False, True, False]


def test_the_same_bank_gives_the_same_layer_and_no_id_decides(tmp_path: Path) -> None:
    paths = write(tmp_path / "8", 8)
    instants, _ = common_instants([paths], LABELS)
    bank, turned = load_bank(paths), load_bank(paths[::-1])
    same = turned.select(np.arange(len(turned))[::-1])
    layers = [fit_on_middles(item, instants, QUICK) for item in (bank, bank, same)]
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert torch.equal(layers[0].weight, layers[2].weight)


def test_a_training_set_of_one_class_is_told(tmp_path: Path) -> None:
    bank = load_bank(write(tmp_path / "8", 8)).select([0])
    with pytest.raises(TooFewSeizuresError, match=r"expected segments before and after .* found 1 and 0"):
        fit_on_middles(bank, {"P0+01+large": np.array([2])}, QUICK)
