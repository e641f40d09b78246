"""Chunks that are packed here are read by HDF5 itself, and each flipped bit is noticed."""

from __future__ import annotations

import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seizures.features.chunk_packing import FILTERS, ONLY_CHECKED, packed, unpacked


def stored(folder: Path, values: np.ndarray, chunk: bytes, mask: int = 0) -> Path:
    path = folder / "chunk.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("values", values.shape, np.float32, chunks=values.shape, **FILTERS)
        dataset.id.write_direct_chunk((0,) * values.ndim, chunk, filter_mask=mask)
    return path


@given(st.data())
def test_hdf5_reads_every_chunk_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=2, max_side=300))
    values = data.draw(arrays.arrays(np.uint32, shape, elements=st.integers(0, 2**32 - 1))).view(np.float32)
    for chunk, mask in ((packed(values), 0), (unpacked(values), ONLY_CHECKED)):
        with h5py.File(stored(tmp_path_factory.getbasetemp(), values, chunk, mask)) as file:
            assert file["values"][:].tobytes() == values.tobytes()


def test_features_take_less_room_than_raw_and_noise_hardly_more() -> None:
    rng = np.random.default_rng(0)
    features = np.abs(rng.standard_normal((64, 512), dtype=np.float32))
    assert len(packed(features)) < 0.83 * features.nbytes
    noise = rng.integers(0, 2**32, (64, 512), dtype=np.uint32).view(np.float32)
    assert len(packed(noise)) < 1.001 * noise.nbytes


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 4096, dtype=np.float32)
    for content, mask in ((packed(values), 0), (unpacked(values), ONLY_CHECKED)):
        for place in (0, 2, len(content) // 2, len(content) - 6, len(content) - 1):
            damaged = bytearray(content)
            damaged[place] ^= 1
            path = stored(tmp_path, values, bytes(damaged), mask)
            with h5py.File(path) as file, pytest.raises(OSError, match="Can't"):
                file["values"][:]
    assert len(zlib.decompress(packed(values)[:-4])) == values.nbytes
