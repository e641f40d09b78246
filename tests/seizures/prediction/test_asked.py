"""The snippets of a verdict: no others go through the network, and they are those of all features."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_examples import facts, header

from seizures.errors import FeatureFileError, TooShortError
from seizures.features.extraction import extract_seizure
from seizures.features.file import open_features
from seizures.prediction.asked import asked_of_features, extract_asked, read_asked, write_asked

LENGTH, SIZE, NUM_SEGMENTS, STRIDE = 4, 8, 3, 2


class Counting(torch.nn.Module):
    """A network that counts its snippets."""

    frames_per_snippet, feature_dim, frame_size = LENGTH, 6, SIZE

    def __init__(self, frame_step: int = 1) -> None:
        super().__init__()
        self.frame_step = frame_step
        self.num_snippets = 0

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        self.num_snippets += len(snippets)
        return torch.stack(
            [snippets[:, channel % 3].mean(dim=(1, 2, 3)) * (channel + 1) for channel in range(6)], dim=1
        )


@pytest.fixture
def frames(tmp_path: Path) -> dict[str, Path]:
    """Frames of two views, of which one has damaged frames where a middle snippet would stand."""
    import h5py

    files = {}
    for seed, (view, num_frames) in enumerate({"large": 41, "small": 35}.items()):
        path = files[view] = tmp_path / f"{view}.h5"
        rng = np.random.default_rng(seed)
        valid = np.ones(num_frames, dtype=bool)
        valid[18:21] = view == "large"
        with h5py.File(path, "w") as file:
            file["frames"] = rng.integers(0, 255, (num_frames, SIZE, SIZE, 3), dtype=np.uint8)
            file["valid"] = valid
            said = {
                **vars(facts()),
                "format": "seizure-frames",
                "format_version": 1,
                "frame_rate_hz": 16.0,
                "complete": 1,
            }
            for name, value in said.items():
                if value is not None:
                    file.attrs[name] = value
    return files


@pytest.mark.parametrize("frame_step", [1, 2])
def test_a_verdict_takes_the_snippets_of_all_features_and_no_others(
    frames: dict[str, Path], tmp_path: Path, frame_step: int
) -> None:
    network, path = Counting(frame_step), tmp_path / "all.h5"
    asked = extract_asked(
        "P01+02", frames, network, num_segments=NUM_SEGMENTS, stride_frames=STRIDE, batch_size=2, device="cpu"
    )
    assert network.num_snippets == NUM_SEGMENTS * len(frames)
    length = (LENGTH - 1) * frame_step + 1
    head = dataclasses.replace(header(frames_per_snippet=length, stride_frames=STRIDE), frame_step=frame_step)
    extract_seizure(frames, network, path, head, view_attributes={}, batch_size=5, device="cpu")
    with open_features(path) as file:
        expected = asked_of_features(file, NUM_SEGMENTS)
    assert list(asked.views) == list(expected.views) == ["large", "small"]
    for view, one in asked.views.items():
        other = expected.views[view]
        assert np.array_equal(one.starts, other.starts)
        assert np.allclose(one.middles, other.middles, atol=1e-6)
        assert one.num_frames == other.num_frames
        assert one.facts == other.facts
    assert asked.films == ["00"]
    assert asked.duration_seconds == expected.duration_seconds
    assert asked.segments("small") == expected.segments("small")


def test_each_snippet_lies_in_its_segment(frames: dict[str, Path]) -> None:
    asked = extract_asked(
        "P01+02", frames, Counting(), num_segments=NUM_SEGMENTS, stride_frames=1, batch_size=0, device="cpu"
    )
    for view in asked.views:
        for segment in asked.segments(view):
            assert segment["start"] <= segment["snippet"][0] < segment["snippet"][1] <= segment["end"]


def test_a_view_that_is_too_short_is_passed_over(frames: dict[str, Path]) -> None:
    how = {"stride_frames": 1, "batch_size": 0, "device": "cpu"}
    assert list(extract_asked("P+1", frames, Counting(), num_segments=8, **how).views) == ["large"]
    with pytest.raises(TooShortError, match=r"at least 3\.1 s"):
        extract_asked("P+1", frames, Counting(), num_segments=10, **how)


def test_what_is_written_is_read_and_is_its_owners_alone(frames: dict[str, Path], tmp_path: Path) -> None:
    how = {"num_segments": NUM_SEGMENTS, "stride_frames": 1, "batch_size": 0, "device": "cpu"}
    seizures = [extract_asked(name, frames, Counting(), **how) for name in ("P01+02", "P02+01")]
    path = tmp_path / "asked.h5"
    write_asked(path, seizures)
    assert path.stat().st_mode & 0o777 == 0o600
    for one, other in zip(seizures, read_asked(path), strict=True):
        assert (one.name, one.label, one.digests()) == (other.name, other.label, other.digests())
        assert one.segments("large") == other.segments("large")
        assert one.views["small"].facts == other.views["small"].facts
    with pytest.raises(FeatureFileError, match="expected seizure-middles 1"):
        read_asked(frames["large"])
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(FeatureFileError, match="cannot be read"):
        read_asked(tmp_path / "text.h5")
