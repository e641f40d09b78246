from __future__ import annotations

import importlib.util

import pytest
import torch
from torch import nn

import models
from models.engines import choose_engine, fold_norms, prepare

HAS_OPENVINO = importlib.util.find_spec("openvino") is not None
ENGINES = ["torch", pytest.param("openvino", marks=pytest.mark.skipif(not HAS_OPENVINO, reason="no openvino"))]
LARGEST_DIFFERENCE = 2e-4  # relative L2, to the network as torch runs it


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def untidy_network(name: str, seed: int = 0) -> nn.Module:
    """A network whose normalisations do something, each channel another."""
    network = models.load_network(name, f"random:{seed}")
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            for values, low, high in (
                (module.weight, 0.8, 1.2),
                (module.bias, -0.1, 0.1),
                (module.running_mean, -0.1, 0.1),
                (module.running_var, 0.8, 1.2),
            ):
                values.data.copy_(torch.rand(values.shape, generator=generator) * (high - low) + low)
    return network


def difference(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


@torch.inference_mode()
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["r2plus1d_small", "r2plus1d_34_8_kinetics", "resnet_34"])
def test_every_engine_computes_the_networks_features(name: str, engine: str) -> None:
    network = untidy_network(name)
    size, length = network.frame_size, network.frames_per_snippet
    num_snippets = 5 if name == "r2plus1d_small" else 1
    snippets = torch.rand(num_snippets, 3, length, size, size, generator=torch.Generator().manual_seed(1))
    prepared = prepare(network, engine=engine, num_threads=2)
    assert difference(prepared(snippets), network(snippets)) < LARGEST_DIFFERENCE
    for attribute in ("frames_per_snippet", "frame_step", "feature_dim", "frame_size"):
        assert getattr(prepared, attribute) == getattr(network, attribute)


@torch.inference_mode()
@pytest.mark.parametrize("engine", ENGINES)
def test_the_features_of_a_snippet_do_not_depend_on_its_batch_or_on_the_threads(engine: str) -> None:
    network = untidy_network("r2plus1d_small")
    snippets = torch.rand(6, 3, 8, 64, 64, generator=torch.Generator().manual_seed(2))
    one, three = (prepare(network, engine=engine, num_threads=count) for count in (1, 3))
    assert torch.equal(one(snippets)[2:4], three(snippets[2:4]))


@torch.inference_mode()
def test_folding_takes_the_normalisations_out_and_leaves_the_network_alone() -> None:
    network = untidy_network("r2plus1d_small")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded = fold_norms(network.net)
    assert not any(isinstance(module, nn.BatchNorm3d) for module in folded.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    snippets = torch.rand(2, 3, 8, 64, 64)
    assert difference(folded(snippets), network.net(snippets)) < LARGEST_DIFFERENCE


def test_a_normalisation_behind_a_branch_is_left_alone() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv3d(2, 2, 1), nn.BatchNorm3d(2)
            self.norm.running_mean += 1

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            through = self.conv(values)
            return through + self.norm(through)

    network = Branching().eval()
    values = torch.rand(1, 2, 3, 3, 3)
    assert torch.equal(fold_norms(network)(values), network(values))


def test_the_engine_is_chosen_by_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_engine("torch") == "torch"
    assert choose_engine("auto") == ("openvino" if HAS_OPENVINO else "torch")
    with pytest.raises(models.ModelsError, match="expected one of auto, torch, openvino"):
        choose_engine("tensorrt")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert choose_engine("auto") == "torch"
    with pytest.raises(models.ModelsError, match=r"pip install '\.\[cpu\]'"):
        choose_engine("openvino")
