from __future__ import annotations

import pytest
import torch
from public_networks import SIZES

import models

torch.set_num_threads(1)


@pytest.mark.parametrize("name", models.network_names())
def test_every_network_keeps_the_promises_of_its_specification(name: str) -> None:
    spec = models.network_spec(name)
    if spec.library:
        pytest.importorskip(spec.library, reason=f"pip install '.[{spec.library}]'")
    network = models.load_network(name, "random:0")
    for attribute in ("frames_per_snippet", "frame_step", "feature_dim", "frame_size", "is_size_fixed"):
        assert getattr(network, attribute) == getattr(spec, attribute)
    assert network.colour_mean.flatten().tolist() == pytest.approx(spec.colour_mean)
    assert network.colour_std.flatten().tolist() == pytest.approx(spec.colour_std)
    assert not network.training
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(tensor.dtype == torch.float32 for tensor in network.parameters())
    num_frames, own_size = SIZES.get(name, (spec.frames_per_snippet, 32))
    if spec.is_size_fixed:
        network.frames_per_snippet, network.frame_size = num_frames, own_size
        frame_sizes: tuple[int, ...] = (own_size,)
    else:  # other sizes than its own are accepted
        frame_sizes = (16,) if name.startswith("r2plus1d_34_32") else (32, 40)
    for frame_size in frame_sizes:
        shape = (2, 3, num_frames, frame_size, frame_size)
        snippets = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            both = network(snippets)
            alone = network(snippets[1:])
        assert both.shape == (2, spec.feature_dim)
        assert both.dtype == torch.float32
        assert both.isfinite().all()
        assert both.std() > 1e-3  # alive: a network of this depth may shrink its input
        torch.testing.assert_close(both[1:], alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "snippets",
    [torch.zeros(1, 3, 8, 32, 32, dtype=torch.uint8), torch.zeros(3, 8, 32, 32), torch.zeros(1, 8, 32, 32, 3)],
    ids=["bytes", "no batch", "channels last"],
)
def test_snippets_of_another_shape_or_type_are_refused(snippets: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(B, 3, T, H, W\)"):
        models.load_network("r2plus1d_small", "random:0")(snippets)


def test_a_network_of_frames_takes_one_frame_and_no_more() -> None:
    with pytest.raises(ValueError, match=r"\(B, 3, 1, H, W\)"):
        models.load_network("resnet_34", "random:0")(torch.zeros(1, 3, 8, 32, 32))
