from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, R2Plus1dStem, VideoResNet

import models
from models.frozen import build_network

torch.set_num_threads(1)
COLOUR_MEAN, COLOUR_STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # as published, RGB


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
