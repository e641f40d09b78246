"""The door for readers, the files of every version, the notebook, and readers of other languages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_examples import NUM_ROWS, faults, header, rows, write

import seizures
from seizures.errors import FeatureFileError
from seizures.features.reader import FeatureCollection, feature_files
from seizures.files import archives
from seizures.processes.examiner import examine_files

REPOSITORY = Path(__file__).parents[3]
DATA = REPOSITORY / "tests" / "data"
FLOAT = r"-?(?:nan|\d+(?:\.\d+)?(?:e[-+]?\d+)?)"


def test_a_folder_is_a_collection_of_files(tmp_path: Path) -> None:
    write(tmp_path / "P01+02.h5")
    write(tmp_path / "P02+01.h5", header("P02", "01", "FOS"))
    with seizures.open_features(tmp_path) as collection:
        assert list(collection) == ["P01+02", "P02+01"]
        assert collection["P02+01"].label == "FOS"
        assert "2 seizures" in repr(collection)
        table = collection.to_dataframe()
        assert list(table.columns[:5]) == ["patient_id", "seizure_id", "label", "view", "start_seconds"]
        assert len(table) == 4 * NUM_ROWS
        tensors = collection.to_torch()
        assert sorted(tensors) == ["P01+02+large", "P01+02+small", "P02+01+large", "P02+01+small"]
        np.testing.assert_array_equal(tensors["P01+02+small"].numpy(), rows(1))
        with pytest.raises(KeyError):
            collection["P03+01"]
    with pytest.raises(FeatureFileError, match="no feature files"):
        seizures.open_features(write(tmp_path / "inner.h5").parent.joinpath("none").mkdir() or tmp_path / "none")


def test_a_results_folder_and_a_zip_are_read_too(tmp_path: Path) -> None:
    for name in ("P01+02", "P02+01"):
        (tmp_path / "results" / name).mkdir(parents=True)
        write(tmp_path / "results" / name / "0123456789ab.h5")
    write(tmp_path / "results" / "P02+01" / "ba9876543210.h5")
    assert list(feature_files(tmp_path / "results")) == ["P01+02", "P02+01/0123456789ab", "P02+01/ba9876543210"]
    (tmp_path / "bundle" / "features").mkdir(parents=True)
    write(tmp_path / "bundle" / "features" / "P01+02.h5")
    archives.pack(tmp_path / "bundle", tmp_path / "bundle.zip")
    collection = seizures.open_features(tmp_path / "bundle.zip")
    assert isinstance(collection, FeatureCollection)
    np.testing.assert_array_equal(collection["P01+02"].views["large"].between(1, 2), rows()[8:16])
    place = collection["P01+02"].path
    collection.close()
    assert not place.exists()


def test_the_door_needs_neither_luigi_nor_networks(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    code = (
        "import sys, seizures; seizures.open_features(sys.argv[1])['a'];"
        "print(sorted({'torch', 'luigi', 'pandas', 'models', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("version", [1])
def test_files_of_every_version_are_read(version: int) -> None:
    path = DATA / f"features_v{version}.h5"
    with seizures.open_features(path) as file:
        assert (file.patient_id, file.seizure_id, file.label) == ("P01", "02", "TCS")
        np.testing.assert_array_equal(file.views["small"].read(), rows(1))
        np.testing.assert_array_equal(file.views["small"].start_seconds, np.arange(NUM_ROWS) / 8)
    (outcome,) = examine_files([path])
    assert faults(outcome) == []
    with seizures.open_features(DATA / f"bundle_v{version}.zip") as bundle:
        assert sorted(seizure.label for seizure in bundle.values()) == ["FOS", "TCS"]


def test_every_version_that_is_written_has_a_file() -> None:
    from seizures.exchange.bundle import FORMAT_VERSION as BUNDLE_VERSION
    from seizures.features.schema import FORMAT_VERSION as FILE_VERSION

    names = {path.name for path in DATA.iterdir()}
    wanted = {f"features_v{number}.h5" for number in range(1, FILE_VERSION + 1)}
    assert wanted | {f"bundle_v{number}.zip" for number in range(1, BUNDLE_VERSION + 1)} <= names


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(REPOSITORY / "docs")
    notebook = json.loads(Path("features.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            assert cell["outputs"] == []
    assert names["second_two"].shape == (8, 6)
    assert names["findings"] == []
    assert "2 seizures" in capsys.readouterr().out


def test_the_format_page_names_every_attribute_of_a_file() -> None:
    page = (REPOSITORY / "docs" / "format.md").read_text(encoding="utf-8")
    with h5py.File(DATA / "features_v1.h5") as file:
        names = {*file.attrs, *file["views/large"].attrs, *file["views/large"], *file["views/large/features"].attrs}
    assert [name for name in sorted(names) if f"`{name}`" not in page and f"/{name} " not in page] == []


@pytest.mark.skipif(not shutil.which("h5dump"), reason="h5dump (Debian's hdf5-tools) is not installed")
def test_h5dump_and_h5ls_read_the_same_numbers() -> None:
    path = DATA / "features_v1.h5"
    command = ["h5dump", "-m", "%.9g", "-y", "-w", "0", "-d", "/views/large/features", str(path)]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    body = dump[dump.index("DATA {") : dump.index("ATTRIBUTE")]
    found = np.array(re.findall(FLOAT, body), dtype=np.float32).reshape(-1, 6)
    np.testing.assert_array_equal(found, rows())
    listing = subprocess.run(["h5ls", "-r", str(path)], capture_output=True, text=True, check=True).stdout
    assert re.search(r"/views/large/features\s+Dataset \{41, 6\}", listing)
    label = subprocess.run(["h5dump", "-a", "/label", str(path)], capture_output=True, text=True, check=True).stdout
    assert '"TCS"' in label


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R (Debian's r-bioc-rhdf5) is not installed")
def test_r_reads_the_same_numbers() -> None:
    path = DATA / "features_v1.h5"
    script = """
        if (!requireNamespace("rhdf5", quietly = TRUE)) quit(status = 77)
        path <- commandArgs(trailingOnly = TRUE)[1]
        features <- rhdf5::h5read(path, "views/large/features")
        cat(dim(features), sprintf("%.9g", features), rhdf5::h5readAttributes(path, "/")$label)
    """
    done = subprocess.run(["Rscript", "-e", script, str(path)], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("R's rhdf5 (Debian's r-bioc-rhdf5) is not installed")
    assert done.returncode == 0, done.stderr
    *numbers, label = done.stdout.split()
    assert numbers[:2] == ["6", str(NUM_ROWS)]  # R counts the other way round
    np.testing.assert_array_equal(np.array(numbers[2:], dtype=np.float32).reshape(NUM_ROWS, 6), rows())
    assert label == "TCS"
