"""Every video network that others published gives, with a file as they publish it, the features of their own code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from public_networks import SIZES, build_public, normalised, public_features, write_published
from torch import nn
from torchvision.models import get_model_weights

import models
from models.frozen import build_network
from models.hub_networks import HUB_NETWORKS
from models.spec import NetworkSpec
from models.video_networks import VIDEO_NETWORKS

LARGEST_DIFFERENCE = 2e-4  # relative L2, of an engine to the network as torch runs it
ENGINES = ["torch", *(["openvino"] if importlib.util.find_spec("openvino") else [])]
TORCHVISION = [spec for spec in VIDEO_NETWORKS if spec.public_weights and "pytorch.org" in spec.public_weights.url]
PYTORCHVIDEO = [spec for spec in VIDEO_NETWORKS if spec not in TORCHVISION]


OF_OTHERS = (*VIDEO_NETWORKS, *HUB_NETWORKS)


def skip_without_library(name: str) -> None:
    library = models.network_spec(name).library
    if library:
        pytest.importorskip(library, reason=f"{library} is not installed: pip install '.[{library}]'")


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def named(spec: NetworkSpec) -> str:
    return spec.name


def snippets_for(name: str, number: int = 1) -> torch.Tensor:
    num_frames, size = SIZES[name]
    return torch.rand(number, 3, num_frames, size, size, generator=torch.Generator().manual_seed(0))


def take_small_snippets(network: nn.Module, name: str) -> None:
    """Let a network of fixed size that could do with less, as its layers go, take the small snippets of the tests."""
    network.frames_per_snippet, network.frame_size = SIZES[name]


def test_every_video_network_is_tested() -> None:
    assert set(SIZES) == {spec.name for spec in OF_OTHERS}


@pytest.mark.parametrize("spec", OF_OTHERS, ids=named)
def test_a_public_file_gives_the_features_of_the_public_network_with_every_engine(
    spec: NetworkSpec, tmp_path: Path
) -> None:
    skip_without_library(spec.name)
    public = build_public(spec.name)
    network = models.load_network(spec.name, write_published(spec.name, public, tmp_path))
    take_small_snippets(network, spec.name)
    snippets = snippets_for(spec.name)
    colours = normalised(spec.colour_mean, spec.colour_std)
    wanted = public_features(spec.name, public, colours)(snippets)
    with torch.inference_mode():
        features = network(snippets)
    assert features.shape == (1, spec.feature_dim)
    assert wanted.std() > 0.01
    torch.testing.assert_close(features, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().mean()))
    del public
    for engine in ENGINES:
        found = models.prepare(network, engine=engine, num_threads=2)(snippets)
        assert float((found - wanted).norm() / wanted.norm()) < LARGEST_DIFFERENCE, engine


@pytest.mark.parametrize("spec", TORCHVISION, ids=named)
def test_the_facts_are_those_of_torchvision(spec: NetworkSpec) -> None:
    published, public = get_model_weights(spec.name).KINETICS400_V1, spec.public_weights
    assert public is not None
    assert public.url == published.url
    assert public.num_classes == len(published.meta["categories"])
    assert spec.kinetics_400_top1_percent == published.meta["_metrics"]["Kinetics-400"]["acc@1"]
    transforms = published.transforms()
    assert (tuple(transforms.mean), tuple(transforms.std)) == (spec.colour_mean, spec.colour_std)
    assert list(transforms.crop_size) == [spec.frame_size] * 2
    num_weights = sum(parameter.numel() for parameter in build_network(spec).parameters())
    assert num_weights == published.meta["num_params"] - public.num_classes * (spec.feature_dim + 1)


@pytest.mark.parametrize("spec", PYTORCHVIDEO, ids=named)
def test_the_facts_are_those_of_pytorchvideo(spec: NetworkSpec) -> None:
    from pytorchvideo.models.hub import csn, resnet, x3d

    public = spec.public_weights
    assert public is not None
    paths = {**x3d.checkpoint_paths, **resnet.checkpoint_paths, **csn.checkpoint_paths}
    assert public.url == paths[spec.name]
    documented = next(getattr(page, spec.name).__doc__ for page in (x3d, resnet, csn) if hasattr(page, spec.name))
    assert f"{spec.kinetics_400_top1_percent:g}" in documented


@pytest.mark.parametrize("name", ["mvit_v2_s", "swin3d_t", "x3d_xs", "videomae_b"])
def test_random_weights_are_all_drawn_and_the_same_again(name: str) -> None:
    skip_without_library(name)
    first, again, other = (models.load_network(name, f"random:{seed}").state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert not any(value.is_meta for value in first.values())


@pytest.mark.parametrize("name", ["swin3d_t", "x3d_xs"])
def test_a_network_that_was_saved_here_loads_back(name: str, tmp_path: Path) -> None:
    network = models.load_network(name, "random:1")
    torch.save(network.state_dict(), tmp_path / "own.pth")
    again = models.load_network(name, tmp_path / "own.pth").state_dict()
    assert all(torch.equal(again[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize(("name", "shape"), [("mvit_v2_s", (1, 3, 16, 112, 112)), ("s3d", (1, 3, 16, 224, 224))])
def test_a_network_of_fixed_size_refuses_others(name: str, shape: tuple[int, ...]) -> None:
    spec = models.network_spec(name)
    wanted = rf"\(B, 3, {spec.frames_per_snippet}, {spec.frame_size}, {spec.frame_size}\)"
    with pytest.raises(ValueError, match=wanted):
        build_network(spec)(torch.zeros(shape))


@pytest.mark.parametrize(("architecture", "found"), [("r3d_18", 512), ("s3d", 1024), ("x3d", 432), ("slow_r50", 2048)])
def test_another_number_of_features_is_refused(architecture: str, found: int) -> None:
    from models.frozen import builder_of

    if architecture == "x3d":  # X3D's last layer has as many as it is asked for
        assert builder_of("x3d")(found) is not None
        return
    with torch.device("meta"), pytest.raises(ValueError, match=f"these layers give {found}"):
        builder_of(architecture)(7)


def test_a_snippet_lasts_about_as_long_as_it_did_in_training() -> None:
    spans = {spec.name: spec.span_frames for spec in OF_OTHERS}
    assert spans == {
        "r2plus1d_18": 16, "r3d_18": 16, "mc3_18": 16, "s3d": 64, "mvit_v1_b": 31, "mvit_v2_s": 31, "swin3d_t": 32,
        "swin3d_s": 32, "swin3d_b": 32, "x3d_xs": 19, "x3d_s": 37, "x3d_m": 31, "slow_r50": 29, "csn_r101": 32,
        "vjepa2_vitl": 31, "videomae_b": 31,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["vjepa2_vitl", "videomae_b"])
def test_a_library_that_is_not_installed_is_named_with_its_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "transformers" else find_spec(name))
    assert models.check_weights(name, "random:0") == [
        f"{name} needs the library transformers: pip install '.[transformers]'"
    ]
    with pytest.raises(models.ModelsError, match=r"pip install '\.\[transformers\]'"):
        models.load_network(name, "random:0")
    assert models.weights_identity(name).startswith("file:v")  # planning needs no library


def test_the_videomae_weights_say_that_they_are_not_for_commerce() -> None:
    public = models.network_spec("videomae_b").public_weights
    assert public is not None
    assert public.forbids_commercial_use
    others = [spec.public_weights for spec in (*VIDEO_NETWORKS, models.network_spec("vjepa2_vitl"))]
    assert not any(weights.forbids_commercial_use for weights in others if weights is not None)
