"""Movement in seven numbers a snippet, from differences of consecutive frames: a network without weights.

It is a baseline: what a network learns beyond the amount of movement, it must show beside these numbers.

A frame becomes a grid of `GRID` x `GRID` cells of its mean grey, so that the numbers hardly depend on the frame size
and little on coding noise. Cells that are black in every frame of the snippet (bars of the letterbox, masks) are left
out. The change of a cell from one frame to the next is the difference of its greys, in [-1, 1].

Axes: B batch, T frames, H rows, W columns, G rows and columns of the grid.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

NUMBERS = (
    "mean_change",  # mean absolute change, over cells and pairs of frames
    "change_spread",  # standard deviation over the pairs of frames of the mean absolute change of a pair
    "peak_change",  # the largest mean absolute change of a pair
    "moving_share",  # share of cells and pairs that change by more than MOVES
    "moving_row",  # where it moves: mean row from the middle, weighted by the change; -1 top, 1 bottom
    "moving_column",  # the same of columns: -1 left, 1 right
    "reversal",  # correlation of the changes of one pair with those of the next, negated: 1 to and fro, -1 onwards
)
GRID = 32
MOVES = 0.04  # of the range of grey: 10 of 255
_BLACK = 0.02  # 5 of 255: what coding makes of black
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
_NOTHING = 1e-12


class Movement(nn.Module):
    """Snippets to the numbers of `NUMBERS`; a snippet in which nothing changes has zeros."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        if feature_dim != len(NUMBERS):
            raise ValueError(f"feature_dim = {feature_dim}: these are {len(NUMBERS)} numbers")

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map RGB snippets in [0, 1], (B, 3, T, H, W), to numbers (B, 7)."""
        red, green, blue = (share * snippets[:, place] for place, share in enumerate(_GREY))  # each (B, T, H, W)
        cells = F.adaptive_avg_pool2d(red + green + blue, GRID).flatten(start_dim=2)  # (B, T, G * G)
        shown = (cells.amax(dim=1, keepdim=True) > _BLACK).to(cells.dtype)  # (B, 1, G * G)
        changes = (cells[:, 1:] - cells[:, :-1]) * shown  # (B, T - 1, G * G)
        amounts, num_shown = changes.abs(), shown.sum(dim=2).clamp(min=1)  # (B, 1)
        by_pair = amounts.sum(dim=2) / num_shown  # (B, T - 1)
        moving = (amounts > MOVES).to(cells.dtype).sum(dim=2) / num_shown
        where = amounts.sum(dim=1)  # (B, G * G)
        total = where.sum(dim=1).clamp(min=_NOTHING)
        places = (2 * torch.arange(GRID, dtype=cells.dtype, device=cells.device) + 1) / GRID - 1
        row = (where * places.repeat_interleave(GRID)).sum(dim=1) / total
        column = (where * places.repeat(GRID)).sum(dim=1) / total
        before, after = changes[:, :-1].flatten(1), changes[:, 1:].flatten(1)
        sizes = ((before**2).sum(dim=1) * (after**2).sum(dim=1)).sqrt()
        reversal = 0.0 - (before * after).sum(dim=1) / sizes.clamp(min=_NOTHING)
        numbers = (
            by_pair.mean(1),
            by_pair.std(1, correction=0),
            by_pair.amax(1),
            moving.mean(1),
            row,
            column,
            reversal,
        )
        return torch.stack(numbers, dim=1)


BUILDERS = {"movement": Movement}
