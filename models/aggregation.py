"""Aggregations: the feature vectors of one seizure, in order, to the logits of FOS and TCS (paper, section 2.3).

Axes: B batch, N sequence (one snippet per segment), D features. Columns of the logits: FOS, TCS; the softmax belongs
to the loss. The paper's three are here, their parameters called `lstm.*` and `fc.*` as in the authors' checkpoints,
which therefore load; the others have a page each.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from models.attention import AttentionAggregation
from models.registry import NUM_CLASSES, check_aggregation
from models.tcn import TcnAggregation
from models.transformer import TransformerAggregation


class MeanAggregation(nn.Module):
    """Mean over the sequence, then one linear layer: knows how much of each feature, not when."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        self.fc = nn.Linear(feature_dim, NUM_CLASSES)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, 2)."""
        logits: torch.Tensor = self.fc(features.mean(dim=1))  # (B, D) -> (B, 2)
        return logits


class LstmAggregation(nn.Module):
    """One LSTM layer, the last hidden state of each direction joined, then one linear layer.

    The last hidden state of the backward direction is the one after the *first* snippet; the last row of the LSTM's
    output would hold the backward state after one snippet only.
    """

    def __init__(self, feature_dim: int, hidden_units: int, *, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(feature_dim, hidden_units, batch_first=True, bidirectional=bidirectional)
        self.fc = nn.Linear(hidden_units * (2 if bidirectional else 1), NUM_CLASSES)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, 2)."""
        _, (last_hidden, _) = self.lstm(features)  # (directions, B, hidden)
        joined = last_hidden.transpose(0, 1).flatten(start_dim=1)  # (B, directions * hidden), forward first
        logits: torch.Tensor = self.fc(joined)
        return logits


def _lstm(feature_dim: int, hidden_units: int) -> nn.Module:
    return LstmAggregation(feature_dim, hidden_units, bidirectional=False)


def _blstm(feature_dim: int, hidden_units: int) -> nn.Module:
    return LstmAggregation(feature_dim, hidden_units, bidirectional=True)


def _mean(feature_dim: int, _: int) -> nn.Module:
    return MeanAggregation(feature_dim)


_BUILDERS: dict[str, Callable[[int, int], nn.Module]] = {
    "mean": _mean,
    "lstm": _lstm,
    "blstm": _blstm,
    "attention": AttentionAggregation,
    "tcn": TcnAggregation,
    "transformer": TransformerAggregation,
}


def build_aggregation(name: str, feature_dim: int, hidden_units: int) -> nn.Module:
    """Build an untrained aggregation; its initial weights come from torch's global generator, which the caller seeds.

    Args:
        name: one of `models.aggregation_names()`.
        feature_dim: D, the length of a feature vector.
        hidden_units: Units of the LSTM per direction, of the attention, channels of the TCN, width of the
            transformer; `mean` has none.

    Returns:
        A module that maps float32 (B, N, D) to logits (B, 2), columns FOS and TCS.

    Raises:
        UnknownNameError: No aggregation has that name.
        ValueError: A size is below 1.
    """
    check_aggregation(name)
    if feature_dim < 1 or hidden_units < 1:
        raise ValueError(f"feature_dim = {feature_dim}, hidden_units = {hidden_units}: wanted at least 1 each")
    return _BUILDERS[name](feature_dim, hidden_units)
