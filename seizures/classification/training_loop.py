"""The epochs of one run: snippets drawn anew, a step per batch, and the loss on held-out views after each.

Letters in shapes: V views (samples), B views of a batch, N segments, D features. The snippets of a whole epoch are
drawn at once and each batch is one gather from the one tensor that holds all features.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from seizures.classification.losses import Loss, make_loss
from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.settings import TrainingSettings

MIDDLE = 0.5

Builder = Callable[[], nn.Module]


class EpochRow(NamedTuple):
    """One epoch: the loss and the accuracy on its own sequences as they were drawn, before each step.

    `inner_loss` is the loss on the held-out views of the inner folds (with the paper's choice of the epoch, of the fold
    that is scored); None where they were not asked for. Of the epochs after the chosen one, nothing else is known.
    """

    epoch: int
    loss: float | None
    accuracy: float | None
    inner_loss: float | None = None


def train_epochs(
    bank: SequenceBank,
    build: Builder,
    settings: TrainingSettings,
    *,
    num_epochs: int,
    seed: int,
    after_epoch: Callable[[], None],
    held_out: SequenceBank | None = None,
) -> tuple[nn.Module, list[EpochRow], list[float]]:
    """Train for some epochs; return the network, its history, and per epoch the mean loss on the held-out views."""
    rng = np.random.default_rng(seed)
    sampler = SequenceSampler(bank, settings.num_segments)
    labels = torch.from_numpy(bank.labels)
    criterion = make_loss(settings.loss, bank.labels)
    held_out_sampler = None if held_out is None else SequenceSampler(held_out, settings.num_segments)
    history, held_out_losses = [], []
    with torch.random.fork_rng(devices=[]), _without_onednn():
        torch.manual_seed(seed)
        network = build().train()
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        for epoch in range(1, num_epochs + 1):
            seen = sampler.draw_beginnings(rng) if settings.beginnings == "random" else sampler
            rows = seen.draw_rows(settings.gamma, rng)
            order = torch.from_numpy(rng.permutation(len(bank)))
            loss, accuracy = _epoch(
                network, optimizer, bank.values, rows[order], labels[order], criterion, settings.batch_size
            )
            history.append(EpochRow(epoch, loss, accuracy))
            if held_out is not None and held_out_sampler is not None:
                logits = middle_logits(held_out_sampler, held_out, network, settings.batch_size)
                held_out_losses.append(float(criterion.mean(logits, torch.from_numpy(held_out.labels))))
            after_epoch()
    return network, history, held_out_losses


@contextlib.contextmanager
def _without_onednn() -> Iterator[None]:
    """Switch oneDNN off, process-wide: torch's own LSTM leaves the inputs' gradients out and is 1.3 times as fast."""
    was_enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = was_enabled


def _epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    values: torch.Tensor,
    rows: torch.Tensor,
    labels: torch.Tensor,
    criterion: Loss,
    batch_size: int,
) -> tuple[float, float]:
    """Take one step per batch of rows (V, N) and labels (V,); return the mean loss and the accuracy."""
    total_loss, num_correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
    for start in range(0, len(labels), batch_size):
        batch_rows, batch_labels = rows[start : start + batch_size], labels[start : start + batch_size]
        logits = network(_gather(values, batch_rows))
        loss = criterion.mean(logits, batch_labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total_loss += loss.detach() * criterion.weight(batch_labels)
        num_correct += (logits.detach().argmax(dim=1) == batch_labels).sum()
    return float(total_loss / criterion.weight(labels)), float(num_correct) / len(labels)


def _gather(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the features of rows (B, N) as (B, N, D)."""
    return values.index_select(0, rows.flatten()).view(*rows.shape, values.shape[1])


def middle_logits(sampler: SequenceSampler, bank: SequenceBank, network: nn.Module, batch_size: int) -> torch.Tensor:
    """Return the logits (V, 2) of all views, snippets in the middle of their segments."""
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        rows = sampler.rows(MIDDLE)
        batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        logits = torch.cat([network(_gather(bank.values, batch)) for batch in batches])
    network.train(was_training)
    return logits
