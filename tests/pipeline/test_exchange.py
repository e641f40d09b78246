"""From one laboratory to another as people do it: export, validate, import, run."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_examples import header, write
from in_process import inside, setting
from small_project import Project, make_small_project

from pipeline.front_door import Answer
from tasks.cohort.preflight import require_sound_input
from tasks.exchange.bundles import check_drift


@pytest.fixture(scope="module")
def bundle(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of the finished cohort, exported on the command line."""
    folder = tmp_path_factory.mktemp("lab1") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    run = Project(folder).luigi("ExportFeatures", "--to", "../out.zip", "--site", "LAB1")
    assert run.exit_code == 0, run
    assert "6 seizures of 4 patients; the scan found nothing" in run.output
    again = Project(folder).luigi("ExportFeatures", "--to", "../out.zip", "--site", "LAB1")
    assert again.exit_code == 2
    assert "already exists" in again.output
    return folder.parent / "out.zip"


@pytest.fixture(scope="module")
def elsewhere(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return another project, without videos and with other networks in its settings, that has imported the bundle."""
    project = make_small_project(tmp_path_factory.mktemp("lab2"))
    (project.folder / "data_manifest.csv").unlink()
    valid = project.luigi("ValidateFeatures", "--path", str(bundle))
    assert (valid.exit_code, valid.output.splitlines()[-1]) == (0, "ValidateFeatures: 6 files, 0 faults, 0 warnings")
    run = project.luigi("ImportFeatures", "--bundle", str(bundle))
    assert run.exit_code == 0, run
    project.set("Demo", enabled="false")
    project.set("Dataset", manifest="imported/manifest.csv", features="imported/features")
    project.set("Features", network="r2plus1d_34_8_kinetics", weights="")
    return project


def test_the_bundle_of_a_demo_says_that_its_films_are_simulated(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        card = archive.read("README.md").decode()
    assert "**The films are simulated: there are no patients." in card.splitlines()[2]


def test_imported_features_give_the_same_metrics_to_the_last_bit(finished: Project, elsewhere: Project) -> None:
    run = elsewhere.run_all()
    assert run.exit_code == 0, run
    metrics = [json.loads((one.results / "current" / "metrics.json").read_text()) for one in (elsewhere, finished)]
    assert [one.pop("is_simulated") for one in metrics] == [False, True]  # which no feature tells
    kept = [{key: value for key, value in one.items() if "baseline" not in key} for one in metrics]
    assert kept[0] == kept[1]  # the movement of the films stays where these are
    corrected = [
        json.loads((one.results / "current" / "calibration.json").read_text()) for one in (elsewhere, finished)
    ]
    assert [one.pop("is_simulated") for one in corrected] == [False, True]
    assert corrected[0] == corrected[1]
    ours = sorted(array_bytes(path) for path in elsewhere.results.glob("ImportedFeatures/*/*.h5"))
    theirs = sorted(filter(None, map(array_bytes, finished.results.glob("ExtractFeatures/*/*.h5"))))
    assert ours == theirs
    assert elsewhere.run_all().tasks == []


def array_bytes(path: Path) -> bytes:
    with h5py.File(path) as file:
        if file.attrs["network"] == "movement":  # which no bundle holds
            return b""
        return b"".join(np.asarray(file["views"][view]["features"]).tobytes() for view in sorted(file["views"]))


def test_preflight_refuses_what_does_not_mix_and_says_what_differs(elsewhere: Project, tmp_path: Path) -> None:
    shutil.copytree(elsewhere.folder, tmp_path / "mixed")
    project = Project(tmp_path / "mixed")
    row = project_rows(project)[0]
    source = project.folder / "imported" / "features" / f"{row['patient_id']}+{row['seizure_id']}.h5"
    with h5py.File(source, "r+") as file:
        file.attrs["weights_sha256"] = "random:7"
    with (
        inside(project),
        pytest.raises(Exception, match=r"different ways.*allow_mixed_features[\s\S]*weights_sha256: "),
    ):
        require_sound_input()
    with inside(project), setting("Dataset", "allow_mixed_features", "true"):
        require_sound_input()
    write(source, header(row["patient_id"], row["seizure_id"], "FOS" if row["label"] == "TCS" else "TCS"))
    with inside(project), pytest.raises(Exception, match=r"its label is \w+, its file says"):
        require_sound_input()
    source.write_bytes(b"no HDF5")
    with inside(project), pytest.raises(Exception, match="is not HDF5"):
        require_sound_input()
    source.unlink()
    with inside(project), pytest.raises(Exception, match="No such file"):
        require_sound_input()
    with (
        inside(project),
        setting("Dataset", "features", ""),
        pytest.raises(Exception, match="ImportFeatures makes one"),
    ):
        require_sound_input()


def project_rows(project: Project) -> list[dict[str, str]]:
    import csv

    with (project.folder / "imported" / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_validate_has_an_exit_code(elsewhere: Project, tmp_path: Path) -> None:
    from pipeline import ValidateFeatures

    path = write(tmp_path / "a.h5")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with inside(elsewhere):
        found: Answer = ValidateFeatures(path=str(tmp_path)).answer()
    assert found.exit_code == 1
    assert "fault  a" in found.text
    assert found.text.endswith("1 files, 1 faults, 0 warnings\n")


def test_drift_is_measured_against_the_bundle_and_noted(elsewhere: Project, bundle: Path) -> None:
    from pipeline import CheckDrift

    with (
        inside(elsewhere),
        setting("Features", "network", "r2plus1d_small"),
        setting("Features", "weights", "random:0"),
    ):
        answer = CheckDrift(reference=str(bundle)).answer()
        assert answer.exit_code == 0, answer.text
        note = json.loads((elsewhere.results / "drift" / "r2plus1d_small.json").read_text())
        assert note["is_small"]
        assert note["measured"]["num_snippets"] == 8
        assert (
            {"versions", "device", "platform", "precision"}
            == set(note["made_with"])
            == set(note["reference_made_with"])
        )
        content, is_small = check_drift(None)  # what is shipped
        assert is_small, content
    with (
        inside(elsewhere),
        setting("Features", "network", "r2plus1d_small"),
        setting("Features", "weights", "random:1"),
        pytest.raises(Exception, match="the reference is of r2plus1d_small with weights random:0"),
    ):
        check_drift(None)
