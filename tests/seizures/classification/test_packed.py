from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from seizures.classification.packed import ALIGNMENT_BYTES, open_packed, pack_features
from seizures.classification.sequences import load_bank
from seizures.errors import FeatureFileError
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter

import torch  # isort: skip

HEADER = FeatureHeader("P01", "01", "FOS", {}, "0" * 12, "toy", "random:0", 4, 1, 15.0)
FACTS = ViewFacts("a.mp4", "00", 2.0, 9.0, 4.5, "all", 320, 240, 25.0, "h264", 100, "scale")
LABELS, ALL = ("FOS", "TCS"), ("all", "evaluate")


def write(path: Path, header: FeatureHeader, views: dict[str, tuple[int, str]], feature_dim: int = 3) -> Path:
    """Write a feature file with random rows; `views`: name to (number of rows, use)."""
    rng = np.random.default_rng(len(path.name) + sum(number for number, _ in views.values()))
    with FeatureFileWriter(path, header) as file:
        for name, (num_rows, use) in views.items():
            facts = replace(FACTS, use=use, clonic_onset_seconds=4.5 if header.label == "TCS" else None)
            writer = file.create_view(name, num_rows, feature_dim, facts, np.arange(num_rows) != 2)
            writer.write(0, rng.standard_normal((num_rows, feature_dim)).astype(np.float32))
    return path


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Return two feature files, with three views."""
    return [
        write(tmp_path / "a.h5", HEADER, {"large": (2000, "all"), "small": (12, "evaluate")}),
        write(tmp_path / "bb.h5", replace(HEADER, patient_id="P02", label="TCS"), {"large": (7, "all")}),
    ]


def test_a_bank_of_packed_features_is_that_of_the_files(tmp_path: Path, paths: list[Path]) -> None:
    assert pack_features(tmp_path / "pack.h5", paths) == 2019
    pack, wanted = open_packed(tmp_path / "pack.h5"), load_bank(paths, uses=ALL)
    assert pack.find(ALL) == {("P01", "01"): [0, 1], ("P02", "01"): [2]}
    assert pack.find(("all",)) == {("P01", "01"): [0], ("P02", "01"): [2]}
    bank = pack.bank([0, 1, 2], LABELS)
    assert bank.values.numpy().tobytes() == wanted.values.numpy().tobytes()
    for name, value in vars(wanted).items():
        if name != "values":
            np.testing.assert_array_equal(getattr(bank, name), value, err_msg=name)
    assert bank.valid.dtype == np.bool_


def test_the_features_are_mapped_and_not_copied(tmp_path: Path, paths: list[Path]) -> None:
    pack_features(tmp_path / "pack.h5", paths)
    pack = open_packed(tmp_path / "pack.h5")
    one, other = pack.bank([2, 0], LABELS), pack.bank([1], LABELS)
    assert one.names == ("P02+01+large", "P01+01+large")
    assert one.values.data_ptr() == other.values.data_ptr()
    assert one.values.data_ptr() % ALIGNMENT_BYTES == 0


def test_the_same_features_give_the_same_bytes(tmp_path: Path, paths: list[Path]) -> None:
    for name in ("one.h5", "other.h5"):
        pack_features(tmp_path / name, paths)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()


def test_of_different_strides_the_least_common_multiple_is_taken(tmp_path: Path, paths: list[Path]) -> None:
    slow = replace(HEADER, patient_id="P03", network="other", stride_frames=3)
    paths.append(write(tmp_path / "ccc.h5", slow, {"large": (40, "all")}))
    pack_features(tmp_path / "pack.h5", paths)
    pack, wanted = open_packed(tmp_path / "pack.h5"), load_bank(paths, allow_mixed=True)
    with pytest.raises(FeatureFileError, match=r"a\.h5 and .*ccc\.h5 do not mix: network: toy and other; stride"):
        pack.bank([0, 2], LABELS)
    bank = pack.bank([0, 2, 3], LABELS, allow_mixed=True)
    assert bank.stride_frames == wanted.stride_frames == 3
    for name in ("values", "valid", "first_row", "num_rows", "num_frames"):
        np.testing.assert_array_equal(getattr(bank, name), getattr(wanted, name), err_msg=name)
    alone = pack.bank([0, 2], LABELS, allow_mixed=True)  # whose strides are one
    assert (alone.stride_frames, alone.num_rows.tolist()) == (1, [2000, 7])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "PNES"}, "ccc.h5: its label is PNES; expected one of FOS, TCS"),
        ({"label": ""}, "ccc.h5: the label of its seizure is not known"),
    ],
)
def test_what_load_bank_refuses_is_refused(tmp_path: Path, paths: list[Path], changes, message) -> None:
    paths.append(write(tmp_path / "ccc.h5", replace(HEADER, patient_id="P03", **changes), {"large": (9, "all")}))
    pack_features(tmp_path / "pack.h5", paths)
    with pytest.raises(FeatureFileError, match=message):
        open_packed(tmp_path / "pack.h5").bank([0], LABELS)


def test_features_of_another_length_are_not_packed(tmp_path: Path, paths: list[Path]) -> None:
    paths.append(write(tmp_path / "ccc.h5", replace(HEADER, patient_id="P03"), {"large": (9, "all")}, feature_dim=4))
    with pytest.raises(FeatureFileError, match="feature_dim: 3 and 4"):
        pack_features(tmp_path / "pack.h5", paths)
    with pytest.raises(FeatureFileError, match="no feature files"):
        pack_features(tmp_path / "pack.h5", [])


def test_a_damaged_view_is_noticed_by_who_uses_it(tmp_path: Path, paths: list[Path]) -> None:
    path = tmp_path / "pack.h5"
    pack_features(path, paths)
    with h5py.File(path) as file:
        place = file["features"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place + 4 * 3 * 2005] ^= 1  # of the second view
    path.write_bytes(content)
    pack = open_packed(path)
    assert len(pack.bank([0, 2], LABELS)) == 2
    for _ in range(2):
        with pytest.raises(FeatureFileError, match=r"pack\.h5: the features of P01\+01\+small are damaged"):
            pack.bank([0, 1], LABELS)


def test_a_damaged_list_of_views_is_refused(tmp_path: Path, paths: list[Path]) -> None:
    path = tmp_path / "pack.h5"
    pack_features(path, paths)
    content = path.read_bytes()
    assert content.count(b'"P02"') == 1
    path.write_bytes(content.replace(b'"P02"', b'"P03"'))
    with pytest.raises(FeatureFileError, match="its list of views is not as it was written"):
        open_packed(path)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, paths: list[Path], kept: float) -> None:
    path = tmp_path / "pack.h5"
    pack_features(path, paths)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(FeatureFileError, match="not a file of packed features, or damaged"):
        open_packed(path)


def test_nothing_that_is_done_to_a_bank_reaches_the_file(tmp_path: Path, paths: list[Path]) -> None:
    pack_features(tmp_path / "pack.h5", paths)
    before = (tmp_path / "pack.h5").read_bytes()
    bank = open_packed(tmp_path / "pack.h5").bank([0], LABELS)
    bank.values.fill_(1.0)
    assert torch.equal(bank.values[:2], torch.ones(2, 3))
    assert (tmp_path / "pack.h5").read_bytes() == before
