"""A sweep over networks, weights and strides: what is computed, what is shared, what is said."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project, make_small_project

from seizures.errors import SettingsError
from tasks.settings.cells import expand, in_cell, way_of
from tasks.settings.ways import network_of, stride_of, weights_of

SWEEP = "network=r2plus1d_small,movement; weights=random:0,random:1; stride=4,8"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_small_project(tmp_path_factory.mktemp("sweep"))
    made.set("Training", num_seeds=1)
    return made


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def families(tasks: list[str]) -> Counter[str]:
    return Counter(task.partition("(")[0] for task in tasks)


def test_networks_weights_and_strides_share_folds_and_frames(project: Project) -> None:
    run = project.luigi("RunSweep", "--settings", SWEEP)
    assert run.exit_code == 0, run
    assert "RunSweep: complete, 6 cells" in run.output  # movement has no weights
    assert "networks.png" in run.output
    assert "Highest accuracy: " in run.output
    counts = families(run.tasks)
    views = len(project.rows)
    assert counts["DecodeRecording"] == views  # one size of frames
    assert counts["ExtractFeatures"] == 6 * 6
    assert len(project.files("TrainFold/*/*.pt")) == 6 * 2
    assert counts["AssignFolds"] == 1
    found = {
        (row["network"], row["weights"], row["stride_frames"]): row for row in rows(project.results / "sweep/sweep.csv")
    }
    assert set(found) == {
        *(("r2plus1d_small", weights, stride) for weights in ("random:0", "random:1") for stride in "48"),
        *(("movement", "none", stride) for stride in "48"),
    }
    assert all(float(row["seconds_per_minute"]) > 0 and row["device"] for row in found.values())
    assert {row["num_seizures"] for row in found.values()} == {"6"}
    assert (project.results / "sweep" / "networks.png").read_bytes().startswith(b"\x89PNG")
    again = project.luigi("RunSweep", "--settings", SWEEP)
    assert (again.exit_code, again.tasks) == (0, [])


def test_another_size_of_frames_is_decoded_once_and_runall_shares_what_is_there(project: Project) -> None:
    assert project.luigi("RunSweep", "--settings", SWEEP).exit_code == 0
    project.set("Dataset", minimum_duration_seconds=2)
    project.set("Training", num_segments=1)
    run = project.luigi("RunSweep", "--settings", "network=r2plus1d_small,x3d_xs; stride=8")
    assert run.exit_code == 0, run
    assert families(run.tasks)["DecodeRecording"] == len(project.rows)
    assert families(run.tasks)["ExtractFeatures"] == 6
    everything = project.run_all()
    assert everything.exit_code == 0, everything
    assert not {"DecodeRecording", "ExtractFeatures"} & set(families(everything.tasks))


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        (
            "network=x3ds,r2plus1d_small; stride=0,four; nothing=1",
            ["nothing: no such setting of [Training], [Folds] or [Features]"],
        ),
        (
            "network=x3ds,r2plus1d_small; stride=0,four",
            ["Did you mean 'x3d_s'", "stride_frames = 0: expected", "stride_frames = four: expected"],
        ),
        (
            "weights=random:x,/no/such/file.pth",
            ["random:x", "/no/such/file.pth"],
        ),
        ("network=r2plus1d_34_32_kinetics", ["needs seizures of at least"]),
    ],
)
def test_mistakes_are_told_at_once_before_anything_runs(project: Project, sweep: str, said: list[str]) -> None:
    run = project.luigi("RunSweep", "--settings", sweep)
    assert run.exit_code == 2, run
    assert run.tasks == []
    for part in said:
        assert part in run.output, run


def test_the_ablation_is_one_line(project: Project) -> None:
    with inside(project):
        cells = expand("network=r2plus1d_34_8_kinetics; weights=,random:0,random:1; num_segments=1")
        assert [(network_of(way_of(cell)), weights_of(way_of(cell)), stride_of(way_of(cell))) for cell in cells] == [
            ("r2plus1d_34_8_kinetics", weights, 4) for weights in ("", "random:0", "random:1")
        ]
        assert expand("network=movement; weights=random:1,random:2") == ["network=movement"]
        assert expand("weights=random:0,random:0; stride=4") == [""]
        assert way_of("") == ""
        assert re.fullmatch(r"[\w=.+-]+", in_cell("scores", "network=a:b; weights=/x/y.pth"))
        with pytest.raises(SettingsError, match="expected name=value"):
            expand("network=")
