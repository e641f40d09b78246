from __future__ import annotations

import pytest
import torch
from torch import nn

import models

torch.set_num_threads(1)


@pytest.mark.parametrize("name", models.aggregation_names())
@pytest.mark.parametrize(("batch", "sequence", "dim"), [(1, 1, 3), (5, 16, 7)])
def test_every_aggregation_maps_sequences_to_two_logits_and_learns(
    name: str, batch: int, sequence: int, dim: int
) -> None:
    aggregation = models.build_aggregation(name, dim, 4)
    logits = aggregation(torch.randn(batch, sequence, dim))
    assert logits.shape == (batch, 2)
    logits[:, 1].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in aggregation.parameters() if p.ndim == 1)


def test_mean_is_blind_to_order_and_the_lstms_are_not() -> None:
    torch.manual_seed(0)
    features = torch.randn(3, 8, 5)
    for name in models.aggregation_names():
        aggregation = models.build_aggregation(name, 5, 6)
        same = torch.allclose(aggregation(features), aggregation(features.flip(1)), atol=1e-6)
        assert same == (name == "mean"), name


def test_blstm_joins_the_last_hidden_state_of_each_direction() -> None:
    torch.manual_seed(0)
    blstm = models.build_aggregation("blstm", 5, 6)
    features = torch.randn(2, 8, 5)
    forward, backward = nn.LSTM(5, 6, batch_first=True), nn.LSTM(5, 6, batch_first=True)
    weights = blstm.lstm.state_dict()
    forward.load_state_dict({key: value for key, value in weights.items() if not key.endswith("_reverse")})
    backward.load_state_dict(
        {key.removesuffix("_reverse"): value for key, value in weights.items() if key.endswith("_reverse")}
    )
    joined = torch.cat([forward(features)[0][:, -1], backward(features.flip(1))[0][:, -1]], dim=1)
    torch.testing.assert_close(blstm(features), blstm.fc(joined))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("mean", {"fc.weight": (2, 512), "fc.bias": (2,)}),
        ("lstm", {"lstm.weight_ih_l0": (256, 512), "lstm.weight_hh_l0": (256, 64), "fc.weight": (2, 64)}),
        ("blstm", {"lstm.weight_ih_l0_reverse": (256, 512), "lstm.bias_hh_l0": (256,), "fc.weight": (2, 128)}),
    ],
)
def test_parameters_bear_the_names_and_shapes_of_the_authors_checkpoints(
    name: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    state = models.build_aggregation(name, 512, 64).state_dict()
    assert {key: tuple(state[key].shape) for key in shapes} == shapes
    assert {key.partition(".")[0] for key in state} <= {"lstm", "fc"}


def test_the_global_seed_decides_the_initial_weights() -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(models.build_aggregation("blstm", 4, 3).state_dict()["lstm.weight_ih_l0"])
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(("dim", "units"), [(0, 4), (4, 0)])
def test_sizes_below_one_are_refused(dim: int, units: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        models.build_aggregation("lstm", dim, units)
