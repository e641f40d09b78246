from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import seizures
from seizures.errors import FeatureFileError
from seizures.features.file import open_features, read_duration
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.validation import examine
from seizures.features.writer import FeatureFileWriter
from seizures.settings import digest

HEADER = FeatureHeader(
    patient_id="P01",
    seizure_id="02",
    label="TCS",
    recipe={"stage": "ExtractFeatures", "gamma": float("inf")},
    recipe_key="0123456789ab",
    network="r2plus1d_small",
    weights_sha256="random:0",
    frames_per_snippet=8,
    stride_frames=2,
    frame_rate_hz=16.0,
)
FACTS = ViewFacts("a.mp4", "00", 2.5, 12.0, None, "all", 320, 240, 25.0, "h264", 100, "scale=112:112")
ROWS = np.random.default_rng(0).normal(size=(41, 6)).astype(np.float32)
VALID = np.arange(41) != 7


def write(path: Path, batch: int = 16, views: tuple[str, ...] = ("large", "small")) -> Path:
    with FeatureFileWriter(path, HEADER) as file:
        for view in views:
            writer = file.create_view(view, *ROWS.shape, FACTS, VALID)
            for start in range(0, len(ROWS), batch):
                writer.write(start, ROWS[start : start + batch])
    return path


def test_reads_what_was_written(tmp_path: Path) -> None:
    with seizures.open_features(write(tmp_path / "a.h5")) as file:
        assert file.header == FeatureHeader(**{**vars(HEADER), "recipe": {"stage": "ExtractFeatures", "gamma": "inf"}})
        assert {name: getattr(file, name) for name in ("patient_id", "seizure_id", "label", "network")} == {
            "patient_id": "P01",
            "seizure_id": "02",
            "label": "TCS",
            "network": "r2plus1d_small",
        }
        assert list(file.views) == ["large", "small"]
        view = file.views["small"]
        np.testing.assert_array_equal(view.features[5:9], ROWS[5:9])
        np.testing.assert_array_equal(view.read(), ROWS)
        np.testing.assert_array_equal(view.valid, VALID)
        np.testing.assert_array_equal(view.start_seconds, np.arange(41) / 8)
        assert view.num_frames == 88
        assert dict(view.attributes) == {field.name: getattr(FACTS, field.name) for field in fields(ViewFacts)}
        assert "created_at" not in repr(file)


def test_attributes_are_read_while_the_file_is_open(tmp_path: Path) -> None:
    with open_features(write(tmp_path / "a.h5")) as file:
        attributes = file.views["small"].attributes
        assert attributes["use"] == FACTS.use
        assert len(attributes) == len(fields(ViewFacts))
    assert attributes.get("use") == FACTS.use  # which was read
    with pytest.raises(FeatureFileError, match=r"a\.h5: closed; ask for the attributes"):
        attributes.get("codec")


def test_schema_of_the_file_itself(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path / "a.h5")) as file:
        assert file.attrs["format"] == "seizure-features"
        assert file.attrs["complete"] == 1
        for name, dtype in {"features": "f4", "start_seconds": "f8", "valid": "?"}.items():
            dataset = file["views/large"][name]
            assert dataset.dtype == np.dtype(dtype)
            assert dataset.fletcher32
            assert dataset.chunks is not None
            assert dataset.attrs["units"] == ("s" if name == "start_seconds" else "1")
            assert dataset.attrs["description"]


def test_seconds_are_half_open(tmp_path: Path) -> None:
    with open_features(write(tmp_path / "a.h5")) as file:
        view = file.views["large"]
        assert view.rows_between(1.0, 2.0) == slice(8, 16)
        np.testing.assert_array_equal(view.between(1.0, 2.0), ROWS[8:16])
        np.testing.assert_array_equal(view.between(-5, 1000), ROWS)
        assert view.between(2.0, 2.0).shape == (0, 6)


def test_table_and_repr(tmp_path: Path) -> None:
    with open_features(write(tmp_path / "a.h5")) as file:
        table = file.to_dataframe()
        text = repr(file)
    assert list(table.columns[:4]) == ["view", "start_seconds", "valid", "feature_0"]
    assert len(table) == 82
    np.testing.assert_array_equal(table.loc[table["view"] == "small", "feature_5"], ROWS[:, 5])
    assert (~table["valid"]).sum() == 2
    assert "P01+02 (TCS): r2plus1d_small, weights random:0" in text
    assert "small: 41 snippets x 6 features, 5.5 s, use all" in text


def test_batches_and_runs_do_not_change_the_bytes(tmp_path: Path) -> None:
    stored = []
    for name, batch in {"a.h5": 16, "b.h5": 5}.items():
        with h5py.File(write(tmp_path / name, batch)) as file:
            features = file["views/large/features"]
            stored.append(
                [features.id.read_direct_chunk((0, 0)), np.asarray(file["views/large/start_seconds"]).tobytes()]
            )
            del features
    assert stored[0] == stored[1]
    whole = []
    for name in ("c.h5", "d.h5"):
        with h5py.File(write(tmp_path / name), "r+") as file:
            file.attrs.modify("created_at", "2000-01-01T00:00:00+00:00")
            digits = file.attrs["file_sha256"]
        whole.append((tmp_path / name).read_bytes().replace(digits, b""))
        if name == "c.h5":
            time.sleep(1.1)  # HDF5 would keep times in whole seconds
    assert whole[0] == whole[1]


def test_long_views_are_chunked_into_small_pieces(tmp_path: Path) -> None:
    with FeatureFileWriter(tmp_path / "a.h5", HEADER) as file:
        writer = file.create_view("large", 1000, 512, FACTS, np.ones(1000, dtype=bool))
        for start in range(0, 1000, 100):
            writer.write(start, np.full((100, 512), start, dtype=np.float32))
    with open_features(tmp_path / "a.h5") as file:
        assert file.views["large"].features.chunks == (63, 512)  # 16 chunks, none of them half empty
        assert file.views["large"].features[950, 3] == 900


def test_unfinished_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt), FeatureFileWriter(path, HEADER):
        raise KeyboardInterrupt
    with pytest.raises(FeatureFileError, match="incomplete"):
        open_features(path)
    with pytest.raises(FeatureFileError, match="large has 3 of 41 rows"), FeatureFileWriter(path, HEADER) as file:
        file.create_view("large", *ROWS.shape, FACTS, VALID).write(0, ROWS[:3])
    with pytest.raises(FeatureFileError, match="incomplete"):
        open_features(path)
    with pytest.raises(FeatureFileError, match="no view"), FeatureFileWriter(path, HEADER):
        pass


def test_gaps_and_wrong_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected rows 0 to 41"), FeatureFileWriter(tmp_path / "a.h5", HEADER) as file:
        file.create_view("large", *ROWS.shape, FACTS, VALID).write(1, ROWS[:3])
    with pytest.raises(ValueError, match="plain name"), FeatureFileWriter(tmp_path / "a.h5", HEADER) as file:
        file.create_view("../large", *ROWS.shape, FACTS, VALID)
    with pytest.raises(ValueError, match="valid flags"), FeatureFileWriter(tmp_path / "a.h5", HEADER) as file:
        file.create_view("large", *ROWS.shape, FACTS, VALID[1:])


def _set(name: str, value: object) -> object:
    return lambda file: file.attrs.__setitem__(name, value)


def _replace(name: str, data: np.ndarray) -> object:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = data

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("format", "seizure-frames"), "expected 'seizure-features'"),
        (_set("format_version", 2), "this software reads 1"),
        (_set("complete", 0), "incomplete"),
        (_set("stride_frames", 0), "expected above 0"),
        (_set("recipe", "{"), "wrong type"),
        (_set("frame_rate_hz", "fast"), "wrong type"),
        (lambda file: [file.attrs.pop(name) for name in ("label", "network")], "label is missing; attribute network"),
        (lambda file: file.pop("views"), "no /views"),
        (
            lambda file: [file.pop(f"views/{view}/valid") for view in ("large", "small")],
            "large lacks valid; /views/small",
        ),
        (_replace("views/large/valid", VALID[1:]), "shapes disagree"),
        (_replace("views/large/features", ROWS.astype(np.float64)), "types are float64"),
        (_replace("views/large/features", ROWS[:, :3].copy()), "differ in their number of features"),
    ],
)
def test_every_fault_is_named(tmp_path: Path, change, message: str) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(FeatureFileError, match=message) as caught:
        open_features(path)
    assert str(path) in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureFileError, match="no such file"):
        open_features(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(FeatureFileError, match="cannot be opened as HDF5"):
        open_features(tmp_path / "text.h5")
    whole = write(tmp_path / "a.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FeatureFileError, match="cannot be opened as HDF5"):
        open_features(tmp_path / "cut.h5")


def test_the_duration_is_read_without_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    assert read_duration(path) == 88 / 16
    with h5py.File(path, "r+") as file:
        del file.attrs["stride_frames"]
    with pytest.raises(FeatureFileError, match="attribute stride_frames is missing"):
        read_duration(path)
    with pytest.raises(FeatureFileError, match="no such file"):
        read_duration(tmp_path / "none.h5")


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    content = bytearray(path.read_bytes())
    lowest_bytes = ROWS[20].view(np.uint8)[::4].tobytes()
    content[content.index(lowest_bytes)] ^= 1
    path.write_bytes(content)
    with open_features(path) as file, pytest.raises(FeatureFileError, match="/views/large/features cannot be read"):
        file.views["large"].read()


def test_reading_needs_neither_torch_nor_luigi() -> None:
    code = (
        "import sys, seizures; seizures.open_features; print(sorted({'torch', 'luigi', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_step_and_the_hash_of_a_file_are_written_where_they_say_something(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path / "a.h5")) as file:
        assert not {"frame_step", "weights_file_sha256"} & set(file.attrs)  # as in earlier files
    header = replace(HEADER, frames_per_snippet=31, frame_step=2, weights_file_sha256="ab" * 32)
    with FeatureFileWriter(tmp_path / "b.h5", header) as file:
        file.create_view("large", *ROWS.shape, FACTS, VALID).write(0, ROWS)
    with seizures.open_features(tmp_path / "b.h5") as file:
        assert (file.frame_step, file.header.weights_file_sha256) == (2, "ab" * 32)
        assert file.views["large"].num_frames == 40 * 2 + 31
        assert "snippets of 31 frames, of which the network took every 2., one every 2" in repr(file)


@pytest.mark.parametrize(("step", "is_whole"), [(1, True), (2, True), (4, False), (1.5, False)])
def test_a_snippet_is_whole_steps_long(tmp_path: Path, step: float, is_whole: bool) -> None:
    recipe = {"frames_per_snippet": 31}
    header = replace(HEADER, recipe=recipe, recipe_key=digest(recipe), frames_per_snippet=31, frame_step=step)
    with FeatureFileWriter(tmp_path / "b.h5", header) as file:
        file.create_view("large", *ROWS.shape, FACTS, VALID).write(0, ROWS)
    faults = [finding.problem for finding in examine(tmp_path / "b.h5").findings if "frame_step" in finding.problem]
    assert bool(faults) != is_whole
