"""A label, a clonic onset or a use that is corrected: the features are copied, and neither network nor decoder runs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from in_process import inside
from small_project import Project, make_small_project

from seizures.manifest.identity import SeizureId
from tasks.stages import features
from tasks.stages.features import ExtractFeatures, features_of

OWN = {"created_at", "file_sha256"}  # the moment, and the checksum of all


def tcs_and_fos(project: Project) -> tuple[SeizureId, SeizureId]:
    """Return a seizure of each label, of which others are left."""
    found = {row["label"]: SeizureId(row["patient_id"], row["seizure_id"]) for row in project.rows}
    return found["TCS"], found["FOS"]


def correct(project: Project) -> tuple[SeizureId, SeizureId]:
    """Move the clonic onset of a TCS, of which one view is for scoring only, and call a FOS a TCS."""
    later, relabelled = tcs_and_fos(project)
    rows = project.rows
    for row in rows:
        if (row["patient_id"], row["seizure_id"]) == later:
            row["clonic_onset_seconds"] = f"{float(row['clonic_onset_seconds']) + 0.25}"
            row["use"] = "evaluate" if row["view"] == "small" else "all"
        elif (row["patient_id"], row["seizure_id"]) == relabelled:
            row["label"] = "TCS"
    project.write_rows([{"use": "all", **row} for row in rows])
    return later, relabelled


def prune_frames(project: Project) -> None:
    pruned = project.luigi("Prune", "--frames-only", "--delete", "--older-than-days", "0")
    assert pruned.exit_code == 0, pruned
    assert not project.files("DecodeRecording/*/*.h5")


def plain(path: Path) -> dict[str, Any]:
    """Return all that a feature file says, in text and numbers."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:

        def add(name: str, item: Any) -> None:
            found.update({f"{name}@{key}": repr(value) for key, value in item.attrs.items() if key not in OWN})
            if isinstance(item, h5py.Dataset):
                found[name] = np.asarray(item).tobytes()

        add("", file)
        file.visititems(add)
    return found


def test_a_corrected_label_and_clonic_onset_need_neither_frames_nor_network(done: Project, tmp_path: Path) -> None:
    prune_frames(done)
    before = set(done.files("ExtractFeatures/*/*.h5"))
    changed = correct(done)
    planned = done.luigi("Plan")
    assert planned.exit_code == 0, planned
    assert "label: FOS -> TCS" in planned.output
    assert re.search(r"ExtractFeatures +0 +4 +8 +0 s\n", planned.output)
    run = done.run_all()
    assert run.exit_code == 0, run
    extracted = [f"ExtractFeatures(patient_id={one.patient_id}, seizure_id={one.seizure_id}" for one in changed]
    ran = [task for task in run.tasks if task.startswith(("Simulate", "Decode", "Extract"))]
    assert ran == sorted(f"{task}{network})" for task in extracted for network in ("", ", network=movement"))
    assert run.output.count("no network ran") == 4
    assert not done.files("DecodeRecording/*/*.h5")
    assert done.run_all().tasks == []

    (tmp_path / "fresh").mkdir()
    fresh = make_small_project(tmp_path / "fresh")
    correct(fresh)
    assert fresh.run_all().exit_code == 0
    for name in ("predictions.csv", "folds.csv", "baselines.csv", "metrics.json"):
        assert done.files(f"current/{name}") == fresh.files(f"current/{name}"), name
    copied = sorted(set(done.files("ExtractFeatures/*/*.h5")) - before)
    assert len(copied) == 4
    for name in copied:
        assert plain(done.results / name) == plain(fresh.results / name)
        notes = [
            json.loads((one.results / name).with_suffix(".why.json").read_text(encoding="utf-8"))
            for one in (done, fresh)
        ]
        assert notes[0]["device"] == notes[1]["device"]
        assert f"{Path(name).parent}/{notes[0]['copied_from']}.h5" in before
        assert "copied_from" not in notes[1]


def no_network(*_: Any) -> None:
    raise AssertionError("the network was asked for")


def test_the_frames_are_asked_for_where_no_result_has_the_features(
    done: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "loaded_network", no_network)
    (seizure, _) = correct(done)
    with inside(done):
        stage = features_of(seizure)
        assert isinstance(stage, ExtractFeatures)
        assert stage.requires() == []
        earlier = stage.earlier()
        assert earlier is not None
        earlier.path.rename(earlier.path.with_suffix(".away"))
        assert [one.view for one in stage.requires()] == ["large", "small"]
        with pytest.raises(AssertionError, match="the network was asked for"):
            stage.run()
        earlier.path.with_suffix(".away").rename(earlier.path)
        stage.run()
        assert stage.is_made()
        assert stage.copied_from == earlier.key
        assert [one.view for one in stage.requires()] == ["large", "small"]  # it is complete: as for any other


def test_an_earlier_result_with_a_flipped_bit_is_not_copied(done: Project) -> None:
    """Nothing but its hash tells: the frames are decoded again, and go through the network."""
    prune_frames(done)
    later, relabelled = tcs_and_fos(done)
    with inside(done):
        path = done.folder / features_of(relabelled).path
    content, times = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    correct(done)
    run = done.run_all()
    assert run.exit_code == 0, run
    assert run.output.count("no network ran") == 3
    with inside(done):
        made = features_of(relabelled)
        assert made.is_made()
        assert "copied_from" not in json.loads(made.file("why.json").read_text(encoding="utf-8"))
        assert [one.path.exists() for one in made.requires()] == [True, True]
        assert [one.path.exists() for one in features_of(later).requires()] == [False, False]
