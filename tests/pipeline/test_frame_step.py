"""A network that takes every sixth frame, from films to the report: X3D-XS, 4 frames that span 19."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_project import make_small_project

import models
import seizures
from seizures.simulation.cohort import simulate_cohort
from seizures.simulation.rendering import render
from seizures.video.frame_cache import open_frames

pytestmark = pytest.mark.whole_run
STRIDE, STEP, SPAN = 8, 6, 19


def test_a_run_with_a_network_that_leaves_frames_out(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    project.set("Features", network="x3d_xs", stride_frames=str(STRIDE))
    refused = project.run_all()
    assert refused.exit_code != 0
    assert "segments of more than 19 frames need at least 2.67 s" in refused.output
    project.set("Dataset", minimum_duration_seconds="2.7")
    run = project.run_all()
    assert run.exit_code == 0, run

    network = models.load_network("x3d_xs", "random:0")
    paths = sorted(project.results.glob("ExtractFeatures/*/*.h5"))
    checked = 0
    for path in paths:
        with seizures.open_features(path) as file:
            if file.network == "movement":
                assert (file.frames_per_snippet, file.frame_step) == (8, 1)
                continue
            assert (file.network, file.frames_per_snippet, file.frame_step) == ("x3d_xs", SPAN, STEP)
            name = f"{file.patient_id}+{file.seizure_id}"
            for view in file.views.values():
                (frames_path,) = project.results.glob(f"DecodeRecording/{name}+{view.name}/*.h5")
                with open_frames(frames_path) as frames:
                    assert view.num_snippets == (frames.num_frames - SPAN) // STRIDE + 1
                    last = view.num_snippets - 1
                    pixels = frames.read(last * STRIDE, last * STRIDE + SPAN)[::STEP]
                snippet = torch.from_numpy(pixels).permute(3, 0, 1, 2)[None].float() / 255
                assert snippet.shape[2] == 4
                with torch.inference_mode():
                    wanted = network(snippet).numpy()[0]
                difference = np.linalg.norm(view.features[last] - wanted) / np.linalg.norm(wanted)
                assert difference < 2e-4
                checked += 1
    assert checked >= 6
    text = (project.results / "current" / "report.html").read_text(encoding="utf-8")
    assert "Snippets of 19 consecutive frames (1.27 s), of which the network takes every 6th, one starting" in text

    run = project.luigi("ExportClassifier", "--to", "classifier.zip", "--site", "LAB1")
    assert run.exit_code == 0, run
    assert seizures.open_classifier(project.folder / "classifier.zip").info["features"]["frames_per_snippet"] == SPAN
    (item, *_) = simulate_cohort(2, 3, 99, min_duration_seconds=3, max_duration_seconds=4)
    (tmp_path / "films").mkdir()
    render(item, tmp_path / "films" / "new.mp4")
    film = ["--video", str(tmp_path / "films" / "new.mp4"), "--onset", str(item.onset_seconds)]
    film += ["--offset", str(item.offset_seconds)]
    run = project.luigi("Predict", "--classifier", "classifier.zip", *film)
    assert run.exit_code == 0, run
    assert "P(TCS) = " in run.output
