"""Attention pooling: each snippet is given a share of the decision, and the shares are learned.

Paper: Ilse, Tomczak, Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018, arXiv:1802.04712 (gated
form, its equation 9).

Differences from it: the features come ready (frozen network), so there is no embedding in front of the attention; two
logits instead of one probability. As in the paper, the order of the snippets plays no part: it is a weighted mean.

Axes: B batch, N sequence, D features, U hidden units.
"""

from __future__ import annotations

import torch
from torch import nn

from models.registry import NUM_CLASSES


class AttentionAggregation(nn.Module):
    """Gated attention over the snippets, then one linear layer."""

    def __init__(self, feature_dim: int, hidden_units: int) -> None:
        super().__init__()
        self.content = nn.Linear(feature_dim, hidden_units)
        self.gate = nn.Linear(feature_dim, hidden_units)
        self.score = nn.Linear(hidden_units, 1, bias=False)  # a bias would cancel in the softmax
        self.fc = nn.Linear(feature_dim, NUM_CLASSES)

    def shares(self, features: torch.Tensor) -> torch.Tensor:
        """Return the share of each snippet of features (B, N, D) in the decision: (B, N), which sum to 1."""
        gated = torch.tanh(self.content(features)) * torch.sigmoid(self.gate(features))  # (B, N, U)
        scores: torch.Tensor = self.score(gated).squeeze(2)  # (B, N, U) -> (B, N)
        return scores.softmax(dim=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, 2)."""
        pooled = torch.einsum("bn,bnd->bd", self.shares(features), features)  # (B, D)
        logits: torch.Tensor = self.fc(pooled)  # (B, D) -> (B, 2)
        return logits
