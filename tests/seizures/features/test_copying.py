"""A feature file that is written anew: the same values, another header, other attributes, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_examples import change, facts, faults, header, rows, write

from seizures.errors import FeatureFileError, SettingsError
from seizures.exchange import bundle, importing
from seizures.exchange.pseudonyms import Pseudonyms
from seizures.features.copying import rewrite
from seizures.features.file import open_features
from seizures.features.validation import examine
from seizures.features.writer import FeatureFileWriter
from seizures.manifest.recordings import Recording
from seizures.processes.examiner import examine_files


def test_the_copy_is_what_would_have_been_written_anew(tmp_path: Path) -> None:
    """Byte by byte, but for the moment and the checksum."""
    source, corrected = write(tmp_path / "source.h5"), header(label="FOS")
    rewrite(source, tmp_path / "copy.h5", views={"small": {"use": "evaluate"}, "large": {}}, header=corrected)
    with FeatureFileWriter(tmp_path / "anew.h5", corrected) as file:
        for view, seed, use in (("small", 1, "evaluate"), ("large", 0, "all")):
            valid = np.ones(len(rows()), dtype=bool)
            file.create_view(view, len(rows()), 6, facts(use=use), valid).write(0, rows(seed))
    contents = []
    for name in ("copy", "anew"):
        with h5py.File(tmp_path / f"{name}.h5") as file:
            own = [file.attrs["created_at"], file.attrs["file_sha256"]]
        content = (tmp_path / f"{name}.h5").read_bytes()
        for text in own:
            content = content.replace(text.encode() if isinstance(text, str) else text, b"")
        contents.append(content)
    assert contents[0] == contents[1]
    assert faults(examine(tmp_path / "copy.h5")) == []


def test_what_is_no_value_of_the_format_stays_behind(tmp_path: Path) -> None:
    source = change(tmp_path / "source.h5", lambda file: file["views/large"].attrs.update({"name": "Jane Doe"}))
    rewrite(source, tmp_path / "copy.h5", views={"large": {}})
    assert b"Jane Doe" in source.read_bytes()
    assert b"Jane Doe" not in (tmp_path / "copy.h5").read_bytes()
    with open_features(tmp_path / "copy.h5") as file:
        assert list(file.views) == ["large"]
        assert file.label == "TCS"


def test_a_view_that_is_not_there_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "source.h5")
    with pytest.raises(FeatureFileError, match="it has no view ceiling, floor"):
        rewrite(source, tmp_path / "copy.h5", views={"ceiling": {}, "large": {}, "floor": {}})
    assert not (tmp_path / "copy.h5").exists()


def test_a_label_that_is_not_known_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "P01+02.h5", header(label=""))
    with open_features(path) as file:
        assert file.label == file.header.label == ""
        assert "P01+02 (label not known)" in repr(file)
    for outcome in (examine(path), *examine_files([path])):
        assert outcome.findings == ()
        assert outcome.summary is not None
        assert outcome.summary.label == ""


@pytest.mark.parametrize("label", [" ", "?", "-", "a\nb"])
def test_what_is_neither_a_label_nor_empty_is_a_fault(tmp_path: Path, label: str) -> None:
    found = faults(examine(write(tmp_path / "a.h5", header(label=label))))
    assert len(found) == 1
    assert "cannot be a label" in found[0]


def test_no_bundle_holds_a_seizure_whose_label_is_not_known(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", dataclasses.replace(header(label=""), recipe={}))
    names = Pseudonyms(b"k", "LAB1", [("P01", "02")])
    stated = {"preprocessing": "letterbox", "deinterlace": "auto", "precision": "float32"}
    with pytest.raises(SettingsError, match="label is not known, which no bundle may hold"):
        bundle.write_features(tmp_path / "bundle", [path], names, stated=stated)


def test_a_manifest_that_knows_the_label_disagrees_with_a_file_that_does_not(tmp_path: Path) -> None:
    seizure = ("P01", "02", "large", (), None, 5.5, "TCS", None, "all", "", None, None, 2)
    rows_of = [Recording(*seizure), dataclasses.replace(Recording(*seizure), view="small")]
    told = list(importing.disagreements(rows_of, examine(write(tmp_path / "a.h5", header(label="")))))
    assert told == ["its label is TCS, its file says that it is not known"]
