"""The cache of frames: what is written is what is read, and nothing half-written or damaged is."""

from __future__ import annotations

from pathlib import Path

import av
import h5py
import numpy as np
import pytest

from seizures.errors import FeatureFileError, VideoError
from seizures.video.frame_cache import open_frames, write_frames
from seizures.video.window import Window, WindowRequest, open_window

NUM_FRAMES = 80


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("film") / "noise.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=15)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for _ in range(NUM_FRAMES):
            picture = rng.integers(0, 256, (36, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def window(film: Path, offset: float | None = None) -> Window:
    return open_window(WindowRequest((film,), None, offset, frame_size=32))


@pytest.fixture
def written(film, tmp_path) -> Path:
    path = tmp_path / "frames.h5"
    with window(film) as frames:
        write_frames(path, frames, attributes={"patient_id": "007", "onset_seconds": 1.5, "clonic": None, "ok": True})
    return path


def test_what_is_written_is_read(film, written):
    with window(film) as decoded:
        blocks = list(decoded)
        facts = decoded.facts
    expected = np.concatenate([block.frames for block in blocks])
    with open_frames(written) as file:
        assert (file.num_frames, file.frame_size, file.frame_rate_hz) == (NUM_FRAMES, 32, 15.0)
        np.testing.assert_array_equal(file.read(0, NUM_FRAMES), expected)
        np.testing.assert_array_equal(file.read(13, 50), expected[13:50])
        assert file.read(5, 5).shape == (0, 32, 32, 3)
        assert file.valid.dtype == np.bool_
        assert file.valid.all()
        assert file.valid.shape == (NUM_FRAMES,)
        assert file.facts["patient_id"] == "007"
        assert file.facts["onset_seconds"] == 1.5
        assert file.facts["video_name"] == "noise.mp4"
        assert file.facts["preprocessing"] == facts.preprocessing
        assert file.facts["num_frames_decoded"] == NUM_FRAMES
        assert type(file.facts["source_width"]) is int
        assert "clonic" not in file.facts
        for start, stop in ((-1, 3), (0, NUM_FRAMES + 1), (9, 8)):
            with pytest.raises(IndexError):
                file.read(start, stop)


def test_the_same_film_gives_the_same_datasets(film, written, tmp_path):
    with window(film) as frames:
        write_frames(tmp_path / "again.h5", frames, attributes={})
    with open_frames(written) as first, open_frames(tmp_path / "again.h5") as second:
        assert first.read(0, NUM_FRAMES).tobytes() == second.read(0, NUM_FRAMES).tobytes()


def test_chunks_carry_checksums(written):
    with h5py.File(written) as file:
        assert file["frames"].fletcher32
        assert file["frames"].chunks == (16, 32, 32, 3)
        offset = file["frames"].id.get_chunk_info(2).byte_offset
    content = bytearray(written.read_bytes())
    content[offset + 100] ^= 0xFF
    written.write_bytes(content)
    with open_frames(written) as file:
        file.read(0, 32)
        with pytest.raises(FeatureFileError, match="frames 30 to 40 are damaged on disk"):
            file.read(30, 40)


def test_a_window_that_fails_leaves_no_complete_file(film, tmp_path):
    path = tmp_path / "frames.h5"
    with window(film, offset=20.0) as frames, pytest.raises(VideoError, match="after the end"):
        write_frames(path, frames, attributes={})
    with pytest.raises(FeatureFileError, match=r"frames\.h5"):
        open_frames(path)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("complete", 0, "not complete"),
        ("format", "seizure-features", "not a file of frames"),
        ("format_version", 99, "format_version = 99, this software reads 1"),
    ],
)
def test_another_header_is_refused(written, attribute, value, message):
    with h5py.File(written, "a") as file:
        file.attrs[attribute] = value
    with pytest.raises(FeatureFileError, match=message):
        open_frames(written)


def test_shapes_that_disagree_are_refused(written):
    with h5py.File(written, "a") as file:
        file["valid"].resize(3, axis=0)
    with pytest.raises(FeatureFileError, match=r"/valid has the shape \(3,\)"):
        open_frames(written)
    with h5py.File(written, "a") as file:
        del file["valid"]
    with pytest.raises(FeatureFileError, match="not both there"):
        open_frames(written)


def test_what_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "text.h5").write_text("no")
    for name in ("text.h5", "absent.h5"):
        with pytest.raises(FeatureFileError, match=f"{name}: cannot be opened"):
            open_frames(tmp_path / name)
