"""Attention pooling: a weighted mean of the snippets, with learned weights.

Paper: Ilse, Tomczak, Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018, arXiv:1802.04712 (gated
form, its equation 9).

Differences from it: no embedding before the attention, as the features come from a frozen network; K logits instead of
one probability. As in the paper, it is blind to the order of the snippets.

Axes: B batch, N sequence, D features, U hidden units, K classes.
"""

from __future__ import annotations

import torch
from torch import nn


class AttentionAggregation(nn.Module):
    """Gated attention over the snippets, then one linear layer."""

    def __init__(self, feature_dim: int, hidden_units: int, num_classes: int) -> None:
        super().__init__()
        self.content = nn.Linear(feature_dim, hidden_units)
        self.gate = nn.Linear(feature_dim, hidden_units)
        self.score = nn.Linear(hidden_units, 1, bias=False)  # a bias would cancel in the softmax
        self.fc = nn.Linear(feature_dim, num_classes)

    def shares(self, features: torch.Tensor) -> torch.Tensor:
        """Return the weight of each snippet of features (B, N, D): (B, N), which sum to 1."""
        gated = torch.tanh(self.content(features)) * torch.sigmoid(self.gate(features))  # (B, N, U)
        scores: torch.Tensor = self.score(gated).squeeze(2)  # (B, N, U) -> (B, N)
        return scores.softmax(dim=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, K)."""
        pooled = torch.einsum("bn,bnd->bd", self.shares(features), features)  # (B, D)
        logits: torch.Tensor = self.fc(pooled)  # (B, D) -> (B, K)
        return logits
