"""The epochs of one run: snippets drawn anew, a step per batch, and the loss on held-out views after each.

Letters in shapes: V views (samples), B views of a batch, N segments, D features. The snippets of a whole epoch are
drawn at once and each batch is one gather from the one tensor that holds all features.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.errors import TooFewSeizuresError
from seizures.settings import TrainingSettings

MIDDLE = 0.5

Builder = Callable[[], nn.Module]


class EpochRow(NamedTuple):
    """One epoch: the weighted loss and the accuracy on its own sequences as they were drawn, before each step.

    `inner_loss` is the weighted loss on the held-out views of the inner folds (under the paper's protocol, of the fold
    that is scored); None where they were not asked for. Of
    the epochs after the one that they chose, nothing else is known.
    """

    epoch: int
    loss: float | None
    accuracy: float | None
    inner_loss: float | None = None


def class_weights(labels: npt.ArrayLike, num_classes: int = 2) -> torch.Tensor:
    """Return the weights of the classes in the loss, float32 (num_classes,): a class weighs N_first / N_class.

    With FOS first, FOS weighs 1 and TCS N_FOS / N_TCS, counted in sequences of the training set (paper, section 3.3).

    Raises:
        TooFewSeizuresError: a class has no sequence.

    """
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=num_classes)
    if not counts.all():
        found = ", ".join(map(str, counts))
        raise TooFewSeizuresError(f"training takes sequences of every label; found {found} sequences a label")
    return torch.from_numpy(counts[0] / counts).float()


def weighted_loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean cross-entropy, as torch's CrossEntropyLoss(weight), of logits (B, 2), labels (B,)."""
    return F.cross_entropy(logits, labels, weight=weights)


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
    """Train for some epochs; return the network, its history, and per epoch the loss on the held-out views."""
    rng = np.random.default_rng(seed)
    sampler = SequenceSampler(bank, settings.num_segments)
    labels = torch.from_numpy(bank.labels)
    weights = class_weights(bank.labels, len(bank.label_names))
    held_out_sampler = None if held_out is None else SequenceSampler(held_out, settings.num_segments)
    history, held_out_losses = [], []
    with torch.random.fork_rng(devices=[]), _without_onednn():
        torch.manual_seed(seed)
        network = build().train()
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        for epoch in range(1, num_epochs + 1):
            rows = sampler.draw_rows(settings.gamma, rng)
            order = torch.from_numpy(rng.permutation(len(bank)))
            loss, accuracy = _epoch(
                network, optimizer, bank.values, rows[order], labels[order], weights, settings.batch_size
            )
            history.append(EpochRow(epoch, loss, accuracy))
            if held_out is not None and held_out_sampler is not None:
                logits = middle_logits(held_out_sampler, held_out, network, settings.batch_size)
                losses = F.cross_entropy(logits, torch.from_numpy(held_out.labels), weight=weights, reduction="sum")
                held_out_losses.append(float(losses))
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
    weights: torch.Tensor,
    batch_size: int,
) -> tuple[float, float]:
    """Take one step per batch of rows (V, N) and labels (V,); return the weighted mean loss and the accuracy."""
    total_loss, num_correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
    for start in range(0, len(labels), batch_size):
        batch_rows, batch_labels = rows[start : start + batch_size], labels[start : start + batch_size]
        logits = network(_gather(values, batch_rows))
        loss = weighted_loss(logits, batch_labels, weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total_loss += loss.detach() * weights[batch_labels].sum()
        num_correct += (logits.detach().argmax(dim=1) == batch_labels).sum()
    return float(total_loss / weights[labels].sum()), float(num_correct) / len(labels)


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
