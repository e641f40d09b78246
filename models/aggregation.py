"""Aggregations: the feature vectors of one seizure, in order, to the logits of FOS and TCS (Pérez-García et al. 2021).

Axes: B batch, N sequence (one snippet per segment), D features, K classes. Columns of the logits: FOS, TCS; the softmax
belongs to the loss. The paper's three are here; the others have a page each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from models.attention import AttentionAggregation
from models.registry import NUM_CLASSES, check_aggregation
from models.tcn import TcnAggregation
from models.transformer import TransformerAggregation

LIGHTNING_PREFIX = "model."  # of the parameters of the module that a LightningModule of the authors' trains


class PaperAggregation(nn.Module):
    """An aggregation of the paper, whose parameters are named as in the authors' checkpoints: `lstm.*` and `fc.*`."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load parameters under their bare names, or behind `model.` as in the `state_dict` of a Lightning checkpoint.

        If any name begins with `model.`, the others (such as the loss's `criterion.pos_weight`) are not the
        aggregation's, and are ignored.

        Raises:
            RuntimeError: A name is missing or unexpected, or a shape does not fit, as in `nn.Module.load_state_dict`.
        """
        behind = {
            name.removeprefix(LIGHTNING_PREFIX): value
            for name, value in state_dict.items()
            if name.startswith(LIGHTNING_PREFIX)
        }
        return super().load_state_dict(behind or state_dict, strict=strict, assign=assign)


class MeanAggregation(PaperAggregation):
    """Mean over the sequence, then one linear layer; blind to the order of the snippets."""

    def __init__(self, feature_dim: int, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(feature_dim, num_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, K)."""
        logits: torch.Tensor = self.fc(features.mean(dim=1))  # (B, D) -> (B, K)
        return logits


class LstmAggregation(PaperAggregation):
    """One LSTM layer, the last hidden states of all directions concatenated, then one linear layer.

    The last hidden state of the backward direction is the one after the *first* snippet; the last row of the LSTM's
    output would hold the backward state after a single snippet.
    """

    def __init__(self, feature_dim: int, hidden_units: int, num_classes: int, *, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(feature_dim, hidden_units, batch_first=True, bidirectional=bidirectional)
        self.fc = nn.Linear(hidden_units * (2 if bidirectional else 1), num_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, K)."""
        _, (last_hidden, _) = self.lstm(features)  # (directions, B, hidden)
        joined = last_hidden.transpose(0, 1).flatten(start_dim=1)  # (B, directions * hidden), forward first
        logits: torch.Tensor = self.fc(joined)
        return logits


def _mean(feature_dim: int, _: int, num_classes: int) -> nn.Module:
    return MeanAggregation(feature_dim, num_classes)


def _lstm(feature_dim: int, hidden_units: int, num_classes: int) -> nn.Module:
    return LstmAggregation(feature_dim, hidden_units, num_classes, bidirectional=False)


def _blstm(feature_dim: int, hidden_units: int, num_classes: int) -> nn.Module:
    return LstmAggregation(feature_dim, hidden_units, num_classes, bidirectional=True)


BUILDERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "mean": _mean,
    "lstm": _lstm,
    "blstm": _blstm,
    "attention": AttentionAggregation,
    "tcn": TcnAggregation,
    "transformer": TransformerAggregation,
}


def build_aggregation(name: str, feature_dim: int, hidden_units: int, num_classes: int = NUM_CLASSES) -> nn.Module:
    """Build an untrained aggregation; torch's global generator, which the caller seeds, draws its initial weights.

    Args:
        name: One of `models.aggregation_names()`.
        feature_dim: D, length of a feature vector.
        hidden_units: Units of the LSTM per direction, of the attention, channels of the TCN, width of the
            transformer; `mean` has none.
        num_classes: K.

    Returns:
        A module that maps float32 (B, N, D) to logits (B, K); for two classes the columns are FOS and TCS. The
        `load_state_dict` of `mean`, `lstm` and `blstm` accepts the authors' checkpoints (`PaperAggregation`).

    Raises:
        UnknownNameError: No aggregation has that name.
        ValueError: A size is below 1.
    """
    check_aggregation(name)
    sizes = {"feature_dim": feature_dim, "hidden_units": hidden_units, "num_classes": num_classes}
    if min(sizes.values()) < 1:
        found = ", ".join(f"{size} = {value}" for size, value in sizes.items())
        raise ValueError(f"expected sizes of at least 1, found {found}")
    return BUILDERS[name](feature_dim, hidden_units, num_classes)
