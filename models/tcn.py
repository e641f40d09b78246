"""Temporal convolution: how the features change from snippet to snippet, over increasingly long spans.

Paper: Bai, Kolter, Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling", 2018, arXiv:1803.01271 (residual blocks of two dilated convolutions, section 3).

Differences from it: padding on both sides, not causal, since a seizure is classified after it ends; the mean of the
outputs over the sequence instead of the last one, so that every snippet counts however long the sequence; no weight
normalisation and no dropout, as in the other aggregations.

Axes: B batch, N sequence, D features, U hidden units (channels), K classes.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

KERNEL_SIZE = 3
DILATIONS = (1, 2, 4)  # one output sees 29 snippets


class _Block(nn.Module):
    """Two dilated convolutions with a residual connection."""

    def __init__(self, channels_in: int, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels_in, channels, KERNEL_SIZE, padding="same", dilation=dilation)
        self.conv_2 = nn.Conv1d(channels, channels, KERNEL_SIZE, padding="same", dilation=dilation)
        # `past` is the skip connection: saved classifiers have this name.
        self.past = nn.Conv1d(channels_in, channels, 1) if channels_in != channels else nn.Identity()

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        """Map (B, channels_in, N) to (B, channels, N)."""
        inner = F.relu(self.conv_2(F.relu(self.conv_1(sequence))))  # (B, channels, N)
        return F.relu(inner + self.past(sequence))


class TcnAggregation(nn.Module):
    """Residual blocks of dilated convolutions, the mean over the sequence, then one linear layer."""

    def __init__(self, feature_dim: int, hidden_units: int, num_classes: int) -> None:
        super().__init__()
        widths = (feature_dim, *[hidden_units] * len(DILATIONS))
        blocks = zip(widths[:-1], widths[1:], DILATIONS, strict=True)
        self.blocks = nn.Sequential(*(_Block(before, after, dilation) for before, after, dilation in blocks))
        self.fc = nn.Linear(hidden_units, num_classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (B, N, D) to logits (B, K)."""
        filtered = self.blocks(features.transpose(1, 2))  # (B, N, D) -> (B, D, N) -> (B, U, N)
        logits: torch.Tensor = self.fc(filtered.mean(dim=2))  # (B, U) -> (B, K)
        return logits
