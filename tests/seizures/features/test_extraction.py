from __future__ import annotations

import itertools
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seizures.errors import FeatureFileError, SeizuresError, SettingsError, VideoError
from seizures.features.extraction import choose_device, extract_features, extract_seizure
from seizures.features.file import open_features
from seizures.features.schema import FeatureHeader
from seizures.features.snippets import valid_snippets
from seizures.video import frame_cache

SIZE = 6
RNG = np.random.default_rng(0)
HEADER = FeatureHeader("P01", "01", "FOS", {}, "0" * 12, "toy", "random:0", 4, 2, 15.0)
EXTRA = {"video_sha256": "00", "use": "evaluate", "clonic_onset_seconds": None}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Toy(nn.Module):
    """Looks at every frame, channel, row and column of a snippet: nothing can be swapped unnoticed."""

    def __init__(self, frames_per_snippet: int = 4, feature_dim: int = 5, frame_step: int = 1) -> None:
        super().__init__()
        self.frame_step = frame_step
        self.frames_per_snippet, self.feature_dim, self.frame_size = frames_per_snippet, feature_dim, SIZE
        weights = np.random.default_rng(1).normal(size=(3 * frames_per_snippet * SIZE * SIZE, feature_dim))
        self.register_buffer("weights", torch.from_numpy(weights).float())
        self.dropout = nn.Dropout()
        self.batches: list[int] = []

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        assert snippets.shape[1:] == (3, self.frames_per_snippet, SIZE, SIZE)
        assert snippets.dtype == torch.float32
        assert snippets.is_contiguous()
        assert torch.is_inference_mode_enabled()
        self.batches.append(len(snippets))
        return self.dropout(snippets.flatten(1) @ self.weights)


def write_frames(path: Path, frames: np.ndarray, valid: np.ndarray | None = None, rate: float = 15.0) -> Path:
    facts = {"video_name": "a.mp4", "codec": "h264", "source_width": 320, "source_height": 240}
    facts |= {"source_frame_rate_hz": 25.0, "num_frames_decoded": len(frames), "preprocessing": "scale"}
    with h5py.File(path, "w") as file:
        file["frames"] = frames
        file["valid"] = np.ones(len(frames), dtype=bool) if valid is None else valid
        version = frame_cache.FORMAT_VERSION
        file.attrs.update({"format": frame_cache.FORMAT, "format_version": version, "frame_rate_hz": rate, **facts})
        file.attrs.update({"offset_seconds": 9.0, "complete": 1})
    return path


def random_frames(num_frames: int) -> np.ndarray:
    return np.random.default_rng(num_frames).integers(0, 256, (num_frames, SIZE, SIZE, 3), dtype=np.uint8)


def expected(frames: np.ndarray, network: Toy, stride: int) -> np.ndarray:
    """One snippet at a time, float64."""
    step = network.frame_step
    length = (network.frames_per_snippet - 1) * step + 1
    rows = []
    for start in range(0, len(frames) - length + 1, stride):
        snippet = frames[start : start + length : step].astype(np.float64).transpose(3, 0, 1, 2) / 255
        rows.append(snippet.ravel() @ network.weights.double().numpy())
    return np.array(rows)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize(("num_frames", "frame_step"), [(4, 1), (5, 1), (23, 1), (10, 3), (23, 3)])
def test_every_snippet_is_the_frames_it_should_be(
    tmp_path: Path, stride: int, batch_size: int, num_frames: int, frame_step: int
) -> None:
    frames, network = random_frames(num_frames), Toy(frame_step=frame_step)
    with frame_cache.open_frames(write_frames(tmp_path / "f.h5", frames)) as file:
        batches = list(extract_features(file, network, stride_frames=stride, batch_size=batch_size, device="cpu"))
    rows = np.concatenate([rows for _, rows in batches])
    np.testing.assert_allclose(rows, expected(frames, network, stride), rtol=1e-4, atol=1e-4)
    assert rows.dtype == np.float32
    assert [row for row, _ in batches] == list(range(0, len(rows), batch_size))
    assert sum(network.batches) == len(rows)
    assert not network.training


def test_each_frame_is_read_once_and_in_small_blocks(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "f.h5", random_frames(200))
    with frame_cache.open_frames(path) as file:
        read, ranges = file.read, []
        file.read = lambda start, stop: ranges.append((start, stop)) or read(start, stop)  # type: ignore[method-assign]
        list(extract_features(file, Toy(), stride_frames=1, batch_size=10, device="cpu"))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 200
    assert all(stop == start for (_, stop), (start, _) in itertools.pairwise(ranges))
    assert max(stop - start for start, stop in ranges) == 13


def test_reading_ahead_is_bounded_and_stops_with_the_reader(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "f.h5", random_frames(200))
    before = threading.active_count()
    with frame_cache.open_frames(path) as file:
        read, ranges = file.read, []
        file.read = lambda start, stop: ranges.append((start, stop)) or read(start, stop)  # type: ignore[method-assign]
        batches = extract_features(file, Toy(), stride_frames=1, batch_size=10, device="cpu")
        next(batches)
        batches.close()
        assert len(ranges) <= 3
    assert threading.active_count() == before


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9), st.integers(1, 5))
def test_a_snippet_is_valid_iff_all_its_frames_are(flags: list[bool], length: int, stride: int) -> None:
    valid = np.array(flags, dtype=bool)
    wanted = [all(flags[start : start + length]) for start in range(0, len(flags) - length + 1, stride)]
    assert valid_snippets(valid, length, stride).tolist() == wanted


def test_half_precision_is_near_and_not_the_same(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "f.h5", random_frames(30))
    found = {}
    for precision in ("float32", "bfloat16"):
        with frame_cache.open_frames(path) as file:
            batches = extract_features(file, Toy(), stride_frames=1, batch_size=8, device="cpu", precision=precision)
            found[precision] = np.concatenate([rows for _, rows in batches])
    difference = np.linalg.norm(found["bfloat16"] - found["float32"]) / np.linalg.norm(found["float32"])
    assert 0 < difference < 2e-2


def test_a_feature_file_is_written(tmp_path: Path) -> None:
    large, small, network = random_frames(30), random_frames(17), Toy()
    bad = np.arange(30) != 11
    paths = {
        "large": write_frames(tmp_path / "large.h5", large, bad),
        "small": write_frames(tmp_path / "small.h5", small),
    }
    for name in ("a.h5", "b.h5"):
        extract_seizure(
            paths,
            network,
            tmp_path / name,
            HEADER,
            view_attributes={"large": EXTRA, "small": EXTRA},
            batch_size=5,
            device="cpu",
        )
    with open_features(tmp_path / "a.h5") as file, open_features(tmp_path / "b.h5") as again:
        for view, frames in {"large": large, "small": small}.items():
            np.testing.assert_allclose(file.views[view].read(), expected(frames, network, 2), rtol=1e-4, atol=1e-4)
            np.testing.assert_array_equal(file.views[view].read(), again.views[view].read())
        assert np.flatnonzero(~file.views["large"].valid).tolist() == [4, 5]
        attributes = file.views["small"].attributes
        assert attributes["use"] == "evaluate"
        assert attributes["offset_seconds"] == 9.0
        assert attributes["onset_seconds"] is None
        assert attributes["num_frames_decoded"] == 17


@pytest.mark.parametrize(
    ("num_frames", "valid", "rate", "extra", "error", "message"),
    [
        (3, None, 15.0, EXTRA, VideoError, r"P01\+01\+large: too short: it has 3 frames"),
        (7, np.arange(7) % 3 > 0, 15.0, EXTRA, VideoError, r"P01\+01\+large: no 4 frames in a row"),
        (9, None, 25.0, EXTRA, FeatureFileError, "has 25.0 Hz, expected 15.0 Hz"),
        (9, None, 15.0, {"use": "all"}, FeatureFileError, "says video_sha256"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, num_frames, valid, rate, extra, error, message) -> None:
    path = write_frames(tmp_path / "f.h5", random_frames(num_frames), valid, rate)
    out = tmp_path / "a.h5"
    views = {"large": extra}
    with pytest.raises(error, match=message):
        extract_seizure({"large": path}, Toy(), out, HEADER, view_attributes=views, batch_size=5, device="cpu")
    with pytest.raises(FeatureFileError, match="incomplete"):
        open_features(out)


def test_a_network_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "f.h5", random_frames(9))
    views = {"large": EXTRA}
    with pytest.raises(FeatureFileError, match="8 frames, the header says 4"):
        extract_seizure(
            {"large": path}, Toy(8), tmp_path / "a", HEADER, view_attributes=views, batch_size=5, device="cpu"
        )
    with pytest.raises(FeatureFileError, match="frame_step = 3, the header says 1"):
        extract_seizure(
            {"large": path}, Toy(2, frame_step=3), tmp_path / "a", HEADER, view_attributes=views, batch_size=5,
            device="cpu",
        )  # fmt: skip
    network = Toy()
    network.frame_size = 112
    with frame_cache.open_frames(path) as file, pytest.raises(SeizuresError, match="the network wants 112 x 112"):
        list(extract_features(file, network, stride_frames=1, batch_size=2, device="cpu"))
    network = Toy()
    network.weights[3] = torch.inf
    with frame_cache.open_frames(path) as file, pytest.raises(SeizuresError, match="not finite"):
        list(extract_features(file, network, stride_frames=1, batch_size=2, device="cpu"))
    with frame_cache.open_frames(path) as file, pytest.raises(SettingsError, match="precision float8"):
        list(extract_features(file, Toy(), stride_frames=1, batch_size=2, device="cpu", precision="float8"))


def test_devices() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(SettingsError, match="expected auto"):
        choose_device("gpu3")
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="no usable CUDA device"):
            choose_device("cuda")


def test_a_batch_that_does_not_fit_is_halved_and_stays_so(tmp_path: Path) -> None:
    class Cramped(Toy):
        """Like a device whose memory holds three snippets."""

        def forward(self, snippets: torch.Tensor) -> torch.Tensor:
            if len(snippets) > 3:
                raise torch.OutOfMemoryError("no room")
            return super().forward(snippets)

    path = write_frames(tmp_path / "f.h5", random_frames(40))
    cramped, roomy = Cramped(), Toy()
    with frame_cache.open_frames(path) as file:
        found = list(extract_features(file, cramped, stride_frames=1, batch_size=0, device="cpu"))
        wanted = list(extract_features(file, roomy, stride_frames=1, batch_size=0, device="cpu"))
    assert roomy.batches == [16, 16, 5]
    assert cramped.batches == [2] * 8 + [2] * 8 + [2, 2, 1]
    assert [row for row, _ in found] == [0, 16, 32]
    np.testing.assert_allclose(
        np.concatenate([rows for _, rows in found]), np.concatenate([rows for _, rows in wanted]), rtol=1e-5, atol=1e-4
    )


def test_one_snippet_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    class Full(Toy):
        def forward(self, snippets: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("no room")

    path = write_frames(tmp_path / "f.h5", random_frames(9))
    with frame_cache.open_frames(path) as file, pytest.raises(torch.OutOfMemoryError):
        list(extract_features(file, Full(), stride_frames=1, batch_size=4, device="cpu"))
