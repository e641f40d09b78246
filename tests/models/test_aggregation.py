from __future__ import annotations

import importlib
import math
from pathlib import Path

import pytest
import torch
from torch import nn

import models
from models.aggregation import BUILDERS
from models.transformer import position_code

torch.set_num_threads(1)
BLIND_TO_ORDER = {"mean", "attention"}


@pytest.mark.parametrize("name", models.aggregation_names())
@pytest.mark.parametrize(("batch", "sequence", "dim"), [(1, 1, 3), (5, 16, 7)])
def test_every_aggregation_maps_sequences_to_two_logits_and_learns(
    name: str, batch: int, sequence: int, dim: int
) -> None:
    aggregation = models.build_aggregation(name, dim, 4)
    logits = aggregation(torch.randn(batch, sequence, dim))
    assert logits.shape == (batch, 2)
    if sequence == 1:
        return  # there is nothing to weigh, so attention has no gradient
    logits[:, 1].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in aggregation.parameters() if p.ndim == 1)


def test_the_order_of_the_snippets_counts_unless_an_aggregation_is_blind_to_it() -> None:
    torch.manual_seed(0)
    features = torch.randn(3, 8, 5)
    for name in models.aggregation_names():
        aggregation = models.build_aggregation(name, 5, 6)
        same = torch.allclose(aggregation(features), aggregation(features.flip(1)), atol=1e-6)
        assert same == (name in BLIND_TO_ORDER), name


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


@pytest.mark.parametrize("sizes", [(0, 4, 2), (4, 0, 2), (4, 4, 0)])
def test_sizes_below_one_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1, found feature_dim"):
        models.build_aggregation("lstm", *sizes)


class AuthorsModel(nn.Module):
    """A plain module laid out as the authors' are, with a forward pass of its own."""

    def __init__(self, name: str, num_classes: int = 2) -> None:
        super().__init__()
        self.directions = {"mean": 0, "lstm": 1, "blstm": 2}[name]
        if self.directions:
            self.lstm = nn.LSTM(512, 64, batch_first=True, bidirectional=name == "blstm")
        self.fc = nn.Linear(64 * self.directions or 512, num_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if not self.directions:
            return self.fc(sum(features[:, i] for i in range(features.shape[1])) / features.shape[1])
        outputs, _ = self.lstm(features)  # (B, N, directions * 64)
        last = [outputs[:, -1, :64], *([outputs[:, 0, 64:]] if self.directions == 2 else [])]
        return self.fc(torch.cat(last, dim=1))


class AuthorsTraining(nn.Module):
    """What a LightningModule holds: the model, and a loss with a buffer of its own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.criterion = model, nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.4]))


@pytest.mark.parametrize("layout", ["bare", "model.", "Lightning checkpoint"])
@pytest.mark.parametrize("name", ["mean", "lstm", "blstm"])
def test_a_checkpoint_of_the_authors_gives_the_logits_of_their_model(name: str, layout: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs, path = AuthorsModel(name), tmp_path / "authors.ckpt"
    state = theirs.state_dict() if layout == "bare" else AuthorsTraining(theirs).state_dict()
    if layout == "model.":
        del state["criterion.pos_weight"]
    torch.save({"epoch": 399, "global_step": 1, "state_dict": state}, path)
    ours = models.build_aggregation(name, 512, 64)
    ours.load_state_dict(torch.load(path, weights_only=True)["state_dict"])
    features = torch.randn(5, 16, 512)
    torch.testing.assert_close(ours(features), theirs(features), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_checkpoint_of_another_size_or_kind_is_refused(prefix: str) -> None:
    states = {name: {f"{prefix}{key}": value for key, value in AuthorsModel(name).state_dict().items()}
              for name in ("mean", "blstm")}  # fmt: skip
    with pytest.raises(RuntimeError, match=r"Missing key.*lstm\.weight_ih_l0"):
        models.build_aggregation("blstm", 512, 64).load_state_dict(states["mean"])
    with pytest.raises(RuntimeError, match=r"Unexpected key.*lstm\.weight_ih_l0"):
        models.build_aggregation("mean", 512, 64).load_state_dict(states["blstm"])
    with pytest.raises(RuntimeError, match=r"size mismatch for fc\.weight"):
        models.build_aggregation("blstm", 512, 32).load_state_dict(states["blstm"])


@pytest.mark.parametrize("name", models.aggregation_names())
def test_every_aggregation_takes_its_number_of_classes(name: str) -> None:
    assert models.build_aggregation(name, 5, 4, num_classes=3)(torch.randn(2, 6, 5)).shape == (2, 3)


def test_every_registered_aggregation_has_a_builder_and_a_row_in_its_page() -> None:
    assert set(BUILDERS) == set(models.aggregation_names())
    page = (Path(__file__).parents[2] / "docs" / "aggregations.md").read_text(encoding="utf-8")
    for name in models.aggregation_names():
        num_parameters = sum(item.numel() for item in models.build_aggregation(name, 512, 64).parameters())
        row = next((line for line in page.splitlines() if line.startswith(f"| `{name}` |")), "")
        assert f"| {num_parameters:,} |" in row, name


@pytest.mark.parametrize("name", models.aggregation_names())
def test_one_sequence_does_not_look_at_another_of_its_batch(name: str) -> None:
    torch.manual_seed(0)
    aggregation = models.build_aggregation(name, 5, 6).eval()
    features = torch.randn(4, 9, 5)
    with torch.inference_mode():
        torch.testing.assert_close(aggregation(features)[2:3], aggregation(features[2:3]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", models.aggregation_names())
def test_every_aggregation_learns_what_it_can_know(name: str) -> None:
    """Order for those that see it: a rise or a fall of one feature; else the feature's mean."""
    torch.manual_seed(0)
    labels = torch.arange(48) % 2
    features = 0.3 * torch.randn(48, 8, 5)
    slope = torch.linspace(-1, 1, 8) if name not in BLIND_TO_ORDER else torch.ones(8)
    features[:, :, 0] += (2.0 * labels[:, None] - 1) * slope
    aggregation = models.build_aggregation(name, 5, 8)
    optimizer = torch.optim.AdamW(aggregation.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(aggregation(features), labels).backward()
        optimizer.step()
    assert (aggregation(features).argmax(dim=1) == labels).float().mean() > 0.95


@pytest.mark.parametrize("name", [name for name in models.aggregation_names() if name not in {"mean", "lstm", "blstm"}])
def test_an_aggregation_beyond_the_papers_has_a_page_that_names_its_paper_and_the_differences(name: str) -> None:
    page = importlib.import_module(BUILDERS[name].__module__).__doc__ or ""
    assert "arXiv:" in page
    assert "Differences from it:" in page


def test_attention_gives_shares_that_sum_to_one_and_is_the_mean_where_they_are_equal() -> None:
    attention = models.build_aggregation("attention", 5, 6)
    features = torch.randn(3, 8, 5)
    shares = attention.shares(features)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3))
    nn.init.zeros_(attention.score.weight)
    torch.testing.assert_close(attention(features), attention.fc(features.mean(dim=1)))


def test_an_output_of_the_tcn_sees_29_snippets() -> None:
    blocks = models.build_aggregation("tcn", 1, 1).blocks
    for parameter in blocks.parameters():
        nn.init.constant_(parameter, 1.0)
    sequence = torch.zeros(1, 1, 61, requires_grad=True)
    blocks(sequence)[0, 0, 30].backward()
    assert torch.nonzero(sequence.grad[0, 0]).flatten().tolist() == list(range(16, 45))


def test_positions_are_the_sines_and_cosines_of_the_paper() -> None:
    code = position_code(3, 5)
    rates = [1.0, 10_000 ** (-2 / 5), 10_000 ** (-4 / 5)]
    expected = [[math.sin(t * rates[0]), math.cos(t * rates[0]), math.sin(t * rates[1]), math.cos(t * rates[1]),
                 math.sin(t * rates[2])] for t in range(3)]  # fmt: skip
    torch.testing.assert_close(code, torch.tensor(expected))
