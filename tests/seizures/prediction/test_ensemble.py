"""What a classifier answers: the same as training and evaluation would, calibrated, and within its limits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from classifier_examples import NUM_SEGMENTS, classifier, middles
from feature_examples import header, write

from seizures.classification.sequences import load_bank
from seizures.classification.training import predict
from seizures.errors import FeatureFileError, SeizuresError, TooShortError
from seizures.features.file import open_features
from seizures.prediction.calibrator import Calibration
from seizures.prediction.familiarity import fit_familiarity


def test_the_answer_is_that_of_all_features_through_the_same_weights(tmp_path: Path) -> None:
    one = classifier()
    path = write(tmp_path / "P01+02.h5", header(deinterlace="auto", precision="float32"))
    answer = one.predict(path)
    bank = load_bank([path], uses=("all", "evaluate"))
    expected = np.stack([predict(bank, network, one.settings) for network in one.networks])
    assert np.allclose([view.raw_by_seed for view in answer.views], expected.T, atol=1e-6)
    assert answer.raw_probability == pytest.approx(expected.mean(), abs=1e-9)
    assert answer.probability == pytest.approx(float(Calibration("platt", 1.5, 0.3).apply(expected.mean())))
    assert answer.low <= answer.probability <= answer.high


def test_a_folder_is_answered_seizure_by_seizure(tmp_path: Path) -> None:
    for patient in ("P01", "P02"):
        write(tmp_path / f"{patient}+02.h5", header(patient, deinterlace="auto", precision="float32"))
    answers = classifier().predict(tmp_path)
    assert list(answers) == ["P01+02", "P02+02"]


@pytest.mark.parametrize(
    ("no_call", "probability", "call"),
    [((0.4, 0.6), 0.59, None), ((0.4, 0.6), 0.61, "TCS"), ((0.4, 0.6), 0.39, "FOS"), ((0.5, 0.5), 0.5, "TCS")],
)
def test_it_abstains_inside_the_zone(no_call: tuple[float, float], probability: float, call: str | None) -> None:
    nothing = {"method": "none", "slope": 1.0, "intercept": 0.0}
    one = classifier(decision={"no_call": list(no_call)}, calibration=nothing)
    assert one.answer_of(["large"], np.full((3, 1), probability), None).call == call


def test_without_a_decision_it_always_calls() -> None:
    assert all(classifier(decision=None).answer(middles(seed)).call for seed in range(10))


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ({"network": "x3d_s"}, "network = x3d_s, and the classifier was trained with r2plus1d_small"),
        ({"weights_sha256": "random:1"}, "random:1"),
        ({"preprocessing": "center_crop"}, "center_crop"),
        ({"stride_frames": 4}, "stride_frames = 4"),
        ({"frame_rate_hz": 15.0}, "frame_rate_hz = 15.0"),
    ],
)
def test_features_made_in_another_way_are_refused_by_name(tmp_path: Path, made: dict[str, object], named: str) -> None:
    path = write(tmp_path / "P01+02.h5", header(**{"deinterlace": "auto", "precision": "float32", **made}))
    with pytest.raises(FeatureFileError, match="do not fit this classifier") as caught:
        classifier().predict(path)
    assert named in str(caught.value)


def test_what_is_not_stated_is_not_compared_and_mixed_features_may_be_allowed() -> None:
    one = classifier()
    made = {**one.info["features"], "deinterlace": "", "network": "other", "stride_frames": 9}
    assert one.differences(made, allow_mixed=True) == []
    assert len(one.differences(made)) == 2
    assert len(one.differences({**made, "frame_rate_hz": 1.0}, allow_mixed=True)) == 1


def test_a_seizure_that_is_too_short_is_told_how_long_it_must_be(tmp_path: Path) -> None:
    path = write(tmp_path / "P01+02.h5", header(deinterlace="auto", precision="float32"))
    training = {**classifier().info["training"], "num_segments": 16}
    with pytest.raises(TooShortError, match=r"lasts 5\.5 s, and the classifier needs at least 9\.0 s"):
        classifier(training=training).predict(path)


def test_other_shapes_and_numbers_that_are_none_are_refused() -> None:
    one, good = classifier(), middles()
    with pytest.raises(SeizuresError, match="view small: expected 4 snippets of 6 finite features"):
        one.answer({**good, "small": good["small"][:3]})
    with pytest.raises(SeizuresError, match="finite"):
        one.answer({"large": torch.full((NUM_SEGMENTS, 6), float("nan"))})


def test_the_farthest_view_decides_whether_a_film_is_familiar() -> None:
    there = middles()
    usual = fit_familiarity([there["large"].double().numpy()] * 8)
    one = classifier(dataclasses.replace(usual, limit=1.0))
    assert one.answer({"large": there["large"]}).is_familiar
    answer = one.answer({"large": there["large"], "small": there["large"] + 2})
    assert answer.distance > 1
    assert answer.is_familiar is False
    assert classifier().answer(there).is_familiar is None


def test_the_file_of_features_need_not_be_open(tmp_path: Path) -> None:
    path = write(tmp_path / "P01+02.h5", header(deinterlace="auto", precision="float32"))
    with open_features(path) as file:
        assert classifier().predict(file) == classifier().predict(str(path))
