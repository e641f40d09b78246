from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

import models
from models.frame_cnn import FrameResNet
from models.frozen import build_network

torch.set_num_threads(1)
PUBLISHED = {
    "resnet_34": torchvision.models.ResNet34_Weights.IMAGENET1K_V1,
    "wide_resnet_50_2": torchvision.models.Wide_ResNet50_2_Weights.IMAGENET1K_V1,
}
BUILDERS = {"resnet_34": torchvision.models.resnet34, "wide_resnet_50_2": torchvision.models.wide_resnet50_2}


def make_reference(name: str) -> nn.Module:
    """Build torchvision's own network, with weights that make every layer count."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        reference = BUILDERS[name](weights=None)
        for module in reference.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, 0.0, 0.1)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
                nn.init.uniform_(module.weight, 0.3, 0.6)
                nn.init.normal_(module.bias, 0.0, 0.1)
    return reference.eval()


@pytest.mark.parametrize("name", BUILDERS)
def test_a_public_checkpoint_gives_the_features_of_the_public_network(name: str, tmp_path: Path) -> None:
    reference = make_reference(name)
    torch.save(reference.state_dict(), tmp_path / "reference.pth")
    network = models.load_network(name, tmp_path / "reference.pth")
    snippets = torch.rand(2, 3, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    spec = models.network_spec(name)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (spec.colour_mean, spec.colour_std))
    reference.fc = nn.Identity()
    with torch.inference_mode():
        features, wanted = network(snippets), reference((snippets[:, :, 0] - mean) / std)
    assert features.shape == (2, spec.feature_dim)
    assert wanted.std() > 0.01
    torch.testing.assert_close(features, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().mean()))


@pytest.mark.parametrize("name", BUILDERS)
def test_colours_and_files_are_those_of_torchvisions_published_weights(name: str) -> None:
    published, spec = PUBLISHED[name], models.network_spec(name)
    public = spec.public_weights
    assert public is not None
    assert public.url == published.url
    assert public.num_classes == len(published.meta["categories"])
    transforms = published.transforms()
    assert (tuple(transforms.mean), tuple(transforms.std)) == (spec.colour_mean, spec.colour_std)
    assert transforms.crop_size == [spec.frame_size]
    classifier = public.num_classes * (spec.feature_dim + 1)
    num_weights = sum(parameter.numel() for parameter in build_network(spec).parameters())
    assert num_weights == published.meta["num_params"] - classifier


def test_another_number_of_features_is_refused() -> None:
    with torch.device("meta"), pytest.raises(ValueError, match="these layers give 512"):
        FrameResNet(torchvision.models.resnet.BasicBlock, 2048)
