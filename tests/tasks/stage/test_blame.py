"""What is kept of a film that could not be read: its own fault, as these versions of the software see it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project

from seizures.manifest.identity import SeizureId
from seizures.provenance import reader_versions
from tasks.machinery.sealed import write_sealed
from tasks.stages.features import features_of

BROKEN = (
    "import av\ndef broken(*_, **__): raise TypeError('open() got an unexpected keyword argument')\nav.open = broken\n"
)


def forget_frames(project: Project, view: str) -> Path:
    """Remove the frames of a view of P01+01, and the seizure's features; return where the frames were."""
    (frames,) = project.results.glob(f"DecodeRecording/P01+01+{view}/*.h5")
    frames.unlink()
    shutil.rmtree(project.results / "ExtractFeatures" / "P01+01")
    return frames


def test_a_fault_of_the_software_is_kept_of_no_film_and_mending_it_heals(
    done: Project, finished: Project, tmp_path: Path
) -> None:
    forget_frames(done, "large")
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "sitecustomize.py").write_text(BROKEN)
    run = done.luigi("RunAll", PYTHONPATH=os.pathsep.join([str(tmp_path / "shim"), os.environ.get("PYTHONPATH", "")]))
    assert run.exit_code == 30, run
    assert "TypeError: open() got an unexpected keyword argument. The video is not to blame" in run.output
    assert "left out" not in run.output
    assert not list(done.results.glob("*/*/*.bad.json"))
    again = done.run_all()
    assert again.exit_code == 0, again
    assert done.files("current/predictions.csv") == finished.files("current/predictions.csv")


@pytest.mark.parametrize("versions", [{"versions": {**reader_versions(), "av": "1.0"}}, {}])
def test_a_verdict_of_other_versions_is_tried_again(
    done: Project, finished: Project, versions: dict[str, dict[str, str]]
) -> None:
    """Also where the seizure's features were made without the view: they are made anew, with it."""
    frames = forget_frames(done, "large")
    note = frames.with_name(f"{frames.stem}.bad.json")
    said = {"kind": "VideoError", "reason": "all films are damaged", "key": frames.stem}
    write_sealed(note, {**said, "versions": reader_versions()})
    run = done.run_all()
    assert run.exit_code == 30, run
    assert "left out: P01+01+large: all films are damaged" in run.output
    with inside(done):
        stage = features_of(SeizureId("P01", "01"))
        assert stage.complete()
    write_sealed(note, said | versions)
    with inside(done):
        stage = features_of(SeizureId("P01", "01"))
        assert not stage.complete()
        assert stage.bad_reason() is None
    again = done.run_all()
    assert again.exit_code == 0, again
    assert frames.exists()
    assert done.files("current/predictions.csv") == finished.files("current/predictions.csv")


def test_a_verdict_names_the_versions_that_found_so(done: Project) -> None:
    done.set("Demo", enabled="false")
    done.set("Dataset", video_root="videos")
    for row in done.rows:
        (done.folder / "videos").mkdir(exist_ok=True)
        (done.folder / "videos" / row["video"]).write_bytes(b"no film: " + row["video"].encode())
    with inside(done):
        (stage,) = (item for item in features_of(SeizureId("P01", "01")).requires() if item.view == "small")
        stage.run()
        assert stage.complete()
        said = json.loads(stage.file("bad.json").read_text())
    assert said["kind"] == "VideoError"
    assert said["versions"] == reader_versions()
    assert {"gestures", "av", "libavcodec", "libavformat"} <= said["versions"].keys()
