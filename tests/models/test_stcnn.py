from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, R2Plus1dStem, VideoResNet

import models
from models.stcnn import COLOUR_MEAN, COLOUR_STD, build_network

torch.set_num_threads(1)


def make_reference(num_classes: int = 400) -> VideoResNet:
    """Build the public network: torchvision's, with the middle channels and eps of the Caffe2 original."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        reference = VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [3, 4, 6, 3], R2Plus1dStem, num_classes=num_classes)
        reference.layer2[0].conv2[0] = Conv2Plus1D(128, 128, 288)
        reference.layer3[0].conv2[0] = Conv2Plus1D(256, 256, 576)
        reference.layer4[0].conv2[0] = Conv2Plus1D(512, 512, 1152)
        for module in reference.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.eps = 1e-3
                nn.init.normal_(module.running_mean, 0.0, 0.1)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
                nn.init.uniform_(module.weight, 0.3, 0.6)
                nn.init.normal_(module.bias, 0.0, 0.1)
    return reference.eval()


@pytest.fixture(scope="module")
def reference() -> VideoResNet:
    return make_reference()


@pytest.fixture(scope="module")
def checkpoint(reference: VideoResNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "reference.pth"
    torch.save(reference.state_dict(), path)
    return path


def reference_features(reference: VideoResNet, snippets: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(values).view(3, 1, 1, 1) for values in (COLOUR_MEAN, COLOUR_STD))
    captured = []
    hook = reference.avgpool.register_forward_hook(lambda _module, _inputs, output: captured.append(output.flatten(1)))
    with torch.inference_mode():
        reference((snippets - mean) / std)
    hook.remove()
    return captured[0]


def test_a_public_checkpoint_gives_the_features_of_the_public_network(reference: VideoResNet, checkpoint: Path) -> None:
    snippets = torch.rand(2, 3, 8, 56, 56, generator=torch.Generator().manual_seed(0))
    network = models.load_network("r2plus1d_34_8_kinetics", checkpoint)
    with torch.inference_mode():
        features = network(snippets)
    wanted = reference_features(reference, snippets)
    assert features.shape == (2, 512)
    assert wanted.std() > 0.01
    torch.testing.assert_close(features, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().mean()))


def test_r2plus1d_34_has_the_published_number_of_weights() -> None:
    network = build_network(models.network_spec("r2plus1d_34_8_kinetics"))
    assert sum(parameter.numel() for parameter in network.parameters()) == 63_491_975


@pytest.mark.parametrize("name", models.network_names())
def test_every_network_keeps_the_promises_of_its_specification(name: str) -> None:
    spec = models.network_spec(name)
    network = models.load_network(name, "random:0")
    assert (network.frames_per_snippet, network.feature_dim, network.frame_size) == (
        spec.frames_per_snippet,
        spec.feature_dim,
        spec.frame_size,
    )
    assert not network.training
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(tensor.dtype == torch.float32 for tensor in network.parameters())
    for frame_size in (32, 40) if spec.frames_per_snippet == 8 else (16,):  # other sizes than its own are accepted
        snippets = torch.rand(2, 3, spec.frames_per_snippet, frame_size, frame_size)
        with torch.inference_mode():
            both = network(snippets)
            alone = network(snippets[1:])
        assert both.shape == (2, spec.feature_dim)
        assert both.dtype == torch.float32
        assert both.isfinite().all()
        assert both.std() > 0.01
        torch.testing.assert_close(both[1:], alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "snippets",
    [torch.zeros(1, 3, 8, 32, 32, dtype=torch.uint8), torch.zeros(3, 8, 32, 32), torch.zeros(1, 8, 32, 32, 3)],
    ids=["bytes", "no batch", "channels last"],
)
def test_snippets_of_another_shape_or_type_are_refused(snippets: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(B, 3, T, H, W\)"):
        models.load_network("r2plus1d_small", "random:0")(snippets)
