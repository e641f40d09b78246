"""A small transformer: every snippet attends to every other, with sinusoidal positions.

Paper: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, arXiv:1706.03762 (one encoder layer, sinusoidal
positions).

Differences from it: one layer of 4 heads (2 or 1 if the width is not divisible) and a feed-forward of twice the width,
instead of 6 layers of 8 heads and four times; a linear layer projects the features to the width; normalisation before
each sub-layer instead of after it (Xiong et al. 2020, arXiv:2002.04745), which tolerates higher learning rates; no
dropout; the mean of the outputs over the sequence. With AdamW at the seizure paper's 1e-2 it may still diverge; try
1e-3.

Axes: B batch, N sequence, D features, U hidden units (width), K classes.
"""

from __future__ import annotations

import math

import torch
from torch import nn

LONGEST_PERIOD = 10_000.0


def position_code(length: int, width: int) -> torch.Tensor:
    """Return sines (even columns) and cosines (odd columns) of each position, float32 (length, width)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(LONGEST_PERIOD) / width))  # (ceil(width / 2),)
    angles = torch.arange(length)[:, None] * rates  # (length, ceil(width / 2))
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(start_dim=1)[:, :width]


class TransformerAggregation(nn.Module):
    """One encoder layer over the snippets and their positions, the mean over the sequence, then one linear layer."""

    def __init__(self, feature_dim: int, hidden_units: int, num_classes: int) -> None:
        super().__init__()
        self.project = nn.Linear(feature_dim, hidden_units)
        self.layer = nn.TransformerEncoderLayer(
            hidden_units,
            nhead=math.gcd(hidden_units, 4),
            dim_feedforward=2 * hidden_units,
            dropout=0.0,
            batch_first=True,
            norm_first=True,
        )
        self.norm = nn.LayerNorm(hidden_units)
        self.fc = nn.Linear(hidden_units, num_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, K)."""
        width = self.project.out_features
        positions = position_code(features.shape[1], width).to(features)  # (N, U)
        encoded = self.layer(self.project(features) + positions)  # (B, N, D) -> (B, N, U)
        logits: torch.Tensor = self.fc(self.norm(encoded).mean(dim=1))  # (B, U) -> (B, K)
        return logits
