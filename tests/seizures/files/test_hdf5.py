"""HDF5 on a disk that is full: the write is refused with the system's word for it, and nothing crashes at the exit."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from feature_examples import NUM_ROWS, facts, header, rows

from seizures.features.writer import FeatureFileWriter
from seizures.files.hdf5 import Output, created
from seizures.video import frame_cache
from seizures.video.blocks import FrameBlock

FULL = f"Errno {errno.ENOSPC}"


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """Return a path at which every write is refused."""
    path = tmp_path / "a.h5"
    path.symlink_to("/dev/full")
    return path


def test_the_first_refusal_is_kept_and_nothing_is_written_after_it(full: Path) -> None:
    with Output(full) as output:
        output.check()
        assert output.write(memoryview(b"1234")) == 4  # which is what HDF5 is told
        with pytest.raises(OSError, match=FULL) as first:
            output.check()
        assert output.write(memoryview(b"5678")) == 4
        with pytest.raises(OSError, match=FULL) as second:
            output.check()
        assert first.value is second.value


def test_a_size_that_is_refused_is_an_error_when_asked_for(tmp_path: Path) -> None:
    with Output(tmp_path / "a.h5") as output:
        assert output.truncate(10) == 10
        output.check()
        assert output.truncate(-1) == -1
        with pytest.raises(OSError, match=f"Errno {errno.EINVAL}"):
            output.check()


def test_a_file_of_which_a_write_was_refused_is_an_error_at_the_latest_when_it_is_closed(full: Path) -> None:
    with pytest.raises(OSError, match=FULL), created(full) as (file, _):
        file.create_dataset("a", data=np.arange(10))


def test_features_on_a_full_disk_are_an_error(full: Path) -> None:
    writer = FeatureFileWriter(full, header())
    with pytest.raises(OSError, match=FULL), writer as file:
        file.create_view("large", NUM_ROWS, 6, facts(), np.ones(NUM_ROWS, dtype=bool)).write(0, rows())


def test_features_on_a_full_disk_end_with_the_rows_that_were_refused(full: Path) -> None:
    """Not with the last: no network computes for nothing."""
    block = np.random.default_rng(0).normal(size=(256, 512)).astype(np.float32)
    written = []

    def write() -> None:
        with FeatureFileWriter(full, header()) as file:
            view = file.create_view("large", 256 * 100, 512, facts(), np.ones(256 * 100, dtype=bool))
            for number in range(100):
                view.write(256 * number, block)
                written.append(number)

    with pytest.raises(OSError, match=FULL):
        write()
    assert len(written) < 50


def test_frames_on_a_full_disk_end_with_the_block_that_was_refused(full: Path) -> None:
    """Not with the last: a long film is not decoded for nothing."""
    given = []

    class Blocks:
        frame_size = 112
        clock = SimpleNamespace(frame_rate_hz=15.0, num_ticks=lambda: None)
        facts = None

        def __iter__(self):
            for number in range(40):
                given.append(number)
                frames = np.random.default_rng(number).integers(0, 255, (64, 112, 112, 3), dtype=np.uint8)
                yield FrameBlock(frames, np.ones(64, dtype=bool))

    with pytest.raises(OSError, match=FULL):
        frame_cache.write_frames(full, Blocks(), attributes={})
    assert 0 < len(given) < 20
