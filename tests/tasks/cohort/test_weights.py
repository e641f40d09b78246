"""Weights are tried once, before anything is decoded: the file, its hash, and whether the network takes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from in_process import inside
from small_project import Project, make_small_project

import models
from seizures.errors import SettingsError, TransientError
from tasks.cohort import networks
from tasks.cohort.networks import weights_faults, weights_identity
from tasks.cohort.preflight import require_sound_input
from tasks.machinery import fingerprint
from tasks.machinery.caches import clear_caches

NETWORK = "r2plus1d_small"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Be in a project whose weights are a file."""
    monkeypatch.setattr(fingerprint, "_RACY_SECONDS", 0.05)
    project = make_small_project(tmp_path)
    project.set("Features", weights="weights.pth")
    with inside(project):
        yield project


def save(path: Path, *, seed: int = 0, drop: int = 0) -> None:
    state = models.load_network(NETWORK, f"random:{seed}").state_dict()
    torch.save(dict(list(state.items())[drop:]), path)
    time.sleep(0.1)  # what has just changed is not remembered


def test_weights_that_fit_are_tried_once(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    save(here.folder / "weights.pth")
    assert weights_faults() == []
    monkeypatch.setattr(networks, "fit_fault", lambda *_: pytest.fail("tried again"))
    monkeypatch.setattr(fingerprint, "_hash", lambda path: pytest.fail(f"{path} was read again"))
    assert weights_faults() == []
    assert weights_identity().startswith("sha256:")


def test_other_weights_are_tried_anew(here: Project) -> None:
    save(here.folder / "weights.pth")
    assert weights_faults() == []
    save(here.folder / "weights.pth", seed=1, drop=2)
    for _ in range(2):  # a fault is found again, as long as it is there
        (fault,) = weights_faults()
        assert "weights.pth does not fit the network r2plus1d_small: 2 missing" in fault


def test_weights_that_do_not_fit_end_a_run_before_it_begins(here: Project) -> None:
    (here.folder / "weights.pth").write_text("no tensors\n")
    with pytest.raises(SettingsError, match=r"Cannot read the weights weights\.pth: expected named tensors"):
        require_sound_input()
    clear_caches()
    (here.folder / "weights.pth").unlink()
    with pytest.raises(SettingsError, match=r"Cannot read the weights weights\.pth: No such file"):
        require_sound_input()


def test_a_killed_child_blames_nobody(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> str:
        raise TransientError("weights.pth: was killed; run it again")

    save(here.folder / "weights.pth")
    monkeypatch.setattr(networks, "fit_fault", killed)
    with pytest.raises(SettingsError, match="was killed; run it again"):
        require_sound_input()
    monkeypatch.undo()
    assert weights_faults() == []


def test_random_weights_and_those_to_be_downloaded_are_not_tried(
    here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "fit_fault", lambda *_: pytest.fail("tried"))
    here.set("Features", weights="", network="r2plus1d_34_8_kinetics", weights_dir="nowhere")
    with inside(here):
        assert weights_faults() == []
    here.set("Features", weights="random:3")
    with inside(here):
        assert weights_faults() == []
