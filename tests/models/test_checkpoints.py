from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import models
from models.checkpoints import convert_names, read_state_dict

torch.set_num_threads(1)


class Dangerous:
    """Runs code when it is unpickled by a reader that allows it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def small_state() -> dict[str, torch.Tensor]:
    return dict(models.load_network("r2plus1d_small", "random:1").state_dict())


def save(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    return path


def test_a_saved_network_loads_back_whole(tmp_path: Path) -> None:
    state = small_state()
    again = models.load_network("r2plus1d_small", save(tmp_path, state)).state_dict()
    assert list(again) == list(state)
    assert all(torch.equal(again[key], state[key]) for key in state)


def test_half_precision_and_missing_counters_are_accepted(tmp_path: Path) -> None:
    state = {key: value.half() for key, value in small_state().items() if not key.endswith("num_batches_tracked")}
    network = models.load_network("r2plus1d_small", save(tmp_path, state))
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())


def test_every_difference_of_layout_is_named_in_one_message(tmp_path: Path) -> None:
    state = small_state()
    missing = [key for key in state if key.startswith("net.blocks.1.") and key.endswith("weight")]
    reshaped = "net.blocks.0.norm.weight"
    broken = "net.blocks.0.norm.bias"
    for key in missing:
        del state[key]
    state[reshaped] = torch.zeros(3)
    state[broken] = torch.full_like(state[broken], torch.nan)
    state["fc2.weight"] = torch.zeros(2)
    with pytest.raises(models.WeightsError) as caught:
        models.load_network("r2plus1d_small", save(tmp_path, state))
    message = str(caught.value)
    assert f"{len(missing)} missing: {missing[0]}, " in message
    assert missing[-1] not in message  # few are named
    assert "1 unexpected: fc2.weight" in message
    assert f"1 of the wrong shape: {reshaped} (3,), not (" in message
    assert f"1 not finite: {broken}" in message
    assert len(message) < 900


def test_weights_of_another_network_do_not_load(tmp_path: Path) -> None:
    with pytest.raises(models.WeightsError, match=r"does not fit the network r2plus1d_34_8_ig65m: \d+ missing"):
        models.load_network("r2plus1d_34_8_ig65m", save(tmp_path, small_state()))


@pytest.mark.parametrize(
    ("content", "found"),
    [([1, 2], "list"), ({"state_dict": {"a": torch.zeros(1)}}, "something else under state_dict"), ({}, "nothing")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object, found: str) -> None:
    path = save(tmp_path, content)
    with pytest.raises(models.WeightsError, match=found) as caught:
        read_state_dict(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"not weights at all", b"\x80\x02}q\x00.", b"PK\x03\x04 half a zip"])
def test_bytes_that_are_no_checkpoint_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(models.WeightsError, match="expected named tensors"):
        models.load_network("r2plus1d_small", path)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    path = save(tmp_path, {"weights": Dangerous(trace)})
    with pytest.raises(models.WeightsError, match="UnpicklingError"):
        models.load_network("r2plus1d_small", path)
    assert not trace.exists()


def test_torchvisions_names_become_ours() -> None:
    wanted = {
        "stem.0.weight": "net.blocks.0.conv.conv_xy.weight",
        "stem.1.running_var": "net.blocks.0.conv.norm.running_var",
        "stem.3.weight": "net.blocks.0.conv.conv_t.weight",
        "stem.4.bias": "net.blocks.0.norm.bias",
        "layer3.5.conv1.0.0.weight": "net.blocks.3.res_blocks.5.branch2.conv_a.conv_xy.weight",
        "layer3.5.conv1.1.bias": "net.blocks.3.res_blocks.5.branch2.norm_a.bias",
        "layer4.0.conv2.0.3.weight": "net.blocks.4.res_blocks.0.branch2.conv_b.conv_t.weight",
        "layer2.0.downsample.1.weight": "net.blocks.2.res_blocks.0.branch1_norm.weight",
        "something.else": "something.else",
    }
    state = {key: torch.full((), float(index)) for index, key in enumerate([*wanted, "fc.weight", "fc.bias"])}
    converted = convert_names(state, models.network_spec("r2plus1d_34_8_kinetics"))
    assert list(converted) == list(wanted.values())
    assert [int(value) for value in converted.values()] == list(range(len(wanted)))


@pytest.mark.parametrize("key", ["conv1.weight", "bn1.bias", "layer4.2.downsample.1.running_mean"])
def test_torchvisions_names_of_a_frame_network_become_ours(key: str) -> None:
    state = {key: torch.zeros(1), "fc.weight": torch.zeros(1), "head.weight": torch.zeros(1)}
    assert list(convert_names(state, models.network_spec("resnet_34"))) == [f"net.{key}", "head.weight"]
