from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import models
from seizures.errors import FeatureFileError
from seizures.exchange import drift


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    torch.set_num_threads(1)
    return drift.compute_features(models.load_network("r2plus1d_small", "random:0"), "cpu")


def test_this_machine_agrees_with_what_is_shipped(features: np.ndarray) -> None:
    found = drift.measure(features, drift.shipped_reference())
    assert found.is_small, found
    assert found.num_snippets == 8
    assert found.max_pixel_difference <= 3  # of 255; another release of the decoder may round otherwise


def test_other_weights_precision_or_noise_are_drift(features: np.ndarray) -> None:
    reference = drift.shipped_reference()
    other = drift.compute_features(models.load_network("r2plus1d_small", "random:1"), "cpu")
    half = drift.compute_features(models.load_network("r2plus1d_small", "random:0"), "cpu", "bfloat16")
    for changed in (other, half, features + 0.01 * np.abs(features).max()):
        assert not drift.measure(changed.astype(np.float32), reference).is_small
    assert drift.measure(features * np.float32(1 + 1e-5), reference).is_small
    with pytest.raises(FeatureFileError, match="shape"):
        drift.measure(features[:, :-1], reference)


def test_a_reference_comes_back_to_the_last_bit(tmp_path: Path, features: np.ndarray) -> None:
    reference = drift.Reference("r2plus1d_small", "random:0", {"device": "cpu"}, features)
    drift.write_reference(tmp_path / "a.json", reference)
    back = drift.read_reference(tmp_path / "a.json")
    np.testing.assert_array_equal(back.features, features)
    assert dataclasses.replace(back, features=features) == dataclasses.replace(reference, features=features)
    content = json.loads((tmp_path / "a.json").read_text())
    for wrong in ({"format": "x"}, {"format_version": 2}, {"features": [1]}, {"features": [["a"]]}, {"network": ...}):
        text = json.dumps({**content, **wrong}, default=lambda _: None)
        (tmp_path / "b.json").write_text("[]" if wrong.get("network") else text)
        with pytest.raises(FeatureFileError, match="not a drift reference"):
            drift.read_reference(tmp_path / "b.json")


def test_a_network_whose_snippets_are_longer_than_the_clip_sees_it_to_and_fro() -> None:
    class Mean(torch.nn.Module):
        frames_per_snippet, frame_step, feature_dim, frame_size = 9, 5, 9, 64  # 41 frames: the clip has 36

        def forward(self, snippets: torch.Tensor) -> torch.Tensor:
            return snippets.mean(dim=(1, 3, 4))  # (B, T)

    (row,) = drift.compute_features(Mean(), "cpu")
    assert np.isfinite(row).all()
    np.testing.assert_array_equal(row[8], row[6])  # frame 40 is frame 30 on the way back from 35
