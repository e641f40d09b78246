"""A network of a person's own is run fast only in ways that compute what it computes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import models
from models.frozen import FrozenNetwork

HAS_OPENVINO = importlib.util.find_spec("openvino") is not None
LARGEST_DIFFERENCE = 2e-4

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    frames_per_snippet = 4
    frame_size = 16
    feature_dim = 5

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 5, 3, padding=1)
        self.norm = nn.BatchNorm3d(5)
        self.norm.running_mean.fill_(0.5)
        self.norm.running_var.fill_(4.0)
        INIT

    def forward(self, x):
        FORWARD

def build():
    torch.manual_seed(1)
    return Net()
"""
MEAN = "return self.conv(x).mean((2, 3, 4))"
WAYS = {  # what people write, and what each step of making it faster does to it
    "a loop over frames, which cannot be traced": (
        "pass",
        "return sum(self.norm(self.conv(x))[:, :, t].mean((2, 3)) for t in range(x.shape[2]))",
    ),
    "no pooling at the end": (
        "self.conv = nn.Sequential(nn.Conv3d(3, 5, (4, 16, 16)), nn.BatchNorm3d(5), nn.ReLU(), nn.Flatten())",
        "return self.conv(x)",
    ),
    "padding that is a word": (
        "self.conv = nn.Sequential(nn.Conv3d(3, 5, 3, padding='same'), nn.BatchNorm3d(5), nn.AdaptiveAvgPool3d(1))",
        "return self.conv(x).flatten(1)",
    ),
    "a convolution that is used twice": (
        "self.back = nn.Conv3d(5, 3, 1)",
        "return self.conv(self.back(self.norm(self.conv(x)))).mean((2, 3, 4))",
    ),
    "a way that depends on values": ("pass", "y = self.conv(x).mean((2, 3, 4)); return y if x.sum() < 100 else -y"),
    "a layer for this size alone": (
        "self.last = nn.Linear(5 * 4 * 256, 5)",
        "return self.last(self.conv(x).flatten(1))",
    ),
    "double precision": ("self.double()", "return self.norm(self.conv(x.double())).mean((2, 3, 4))"),
}


@pytest.fixture
def network(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FrozenNetwork:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    sys.modules.pop("fast", None)
    init, forward = request.param
    Path("fast.py").write_text(SOURCE.replace("INIT", init).replace("FORWARD", forward))
    return models.load_network("fast:build")


@torch.inference_mode()
@pytest.mark.parametrize("network", WAYS.values(), ids=WAYS.keys(), indirect=True)
def test_every_way_of_writing_one_gives_its_own_features(network: FrozenNetwork) -> None:
    snippets = torch.rand(3, 3, 4, 16, 16, generator=torch.Generator().manual_seed(5))
    wanted = torch.cat([network(snippet[None]) for snippet in snippets])
    for engine in ("auto", "torch"):
        found = models.prepare(network, engine=engine, num_threads=2)(snippets)
        assert (found - wanted).norm() <= LARGEST_DIFFERENCE * wanted.norm(), engine


@pytest.mark.skipif(not HAS_OPENVINO, reason="no openvino")
@pytest.mark.parametrize("network", [WAYS["a way that depends on values"]], indirect=True)
def test_openvino_is_refused_where_it_would_follow_one_way_for_ever(network: FrozenNetwork) -> None:
    with pytest.raises(models.ModelsError, match=r"openvino cannot run fast:build: fast.py, line 19: .*set engine"):
        models.prepare(network, engine="openvino", num_threads=2)


@pytest.mark.parametrize(
    "network",
    [("import time; self.wait = time.sleep", "self.x = x; self.wait(x[0, 0, 0, 0, 0].item()); x = self.x; " + MEAN)],
    indirect=True,
)
def test_one_that_keeps_something_of_a_snippet_is_refused_in_threads(network: FrozenNetwork) -> None:
    with pytest.raises(models.ModelsError, match=r"with 2 snippets at the same time.*Set num_threads = 1"):
        models.prepare(network, engine="torch", num_threads=2)
    models.prepare(network, engine="torch", num_threads=1)
