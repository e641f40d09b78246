"""Fit one classifier on sequences of features, and predict with it (paper, sections 2.3 and 3.3).

Letters in shapes: V views (samples), B views of a batch, N segments, D features. The snippets of a whole epoch are
drawn at once and each batch is one gather from the one tensor that holds all features.

The same bank, settings and seed give the same bytes on one machine, whatever was fitted before: all randomness comes
from the seed, and torch's global generator is put back afterwards. The number of threads is the caller's business
(`torch.set_num_threads`, which holds for the whole process); it may change the last bits. One thread is the fastest
for networks of this size, with one process per fold.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from seizures.classification import sampling
from seizures.classification.folds import FoldItem, assign_folds
from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.settings import FoldSettings, TrainingSettings

FORMAT = "seizure-classifier"
FORMAT_VERSION = 1
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


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted classifier and what a reader of its checkpoint must know; `pandas.DataFrame(history)` gives a table."""

    state_dict: dict[str, torch.Tensor]
    history: tuple[EpochRow, ...]
    num_epochs_used: int
    settings: TrainingSettings
    seed: int
    label_names: tuple[str, ...]
    class_weights: tuple[float, ...]
    num_views: int
    feature_dim: int
    frames_per_snippet: int
    stride_frames: int
    frame_rate_hz: float


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


def fit(
    bank: SequenceBank,
    build: Builder,
    settings: TrainingSettings,
    *,
    seed: int,
    held_out: SequenceBank | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Fit one classifier; views whose `use` is not `all` are left out, so they may be in the bank.

    With `settings.selection` = `inner`, patient-wise inner folds of these views choose the number of epochs by the
    lowest mean loss on held-out views, snippets in the middle of their segments; then all views are used for as many.

    Args:
        bank: the training views; snippet length and stride are the bank's own.
        build: makes an untrained network, (B, N, D) to logits (B, 2), from torch's global generator.
        settings: how to fit.
        seed: of the initial weights, the order of the views and the positions of the snippets.
        held_out: the views that will be scored, which `settings.selection` = `held_out` alone looks at, as the paper
            did: the epoch with the lowest loss on them is kept.
        progress: called with the epochs that are done, of all inner folds too, and the most that there will be.

    Returns:
        The weights after the last epoch, and the history.

    Raises:
        SettingsError: a view is too short for the number of segments.
        TooFewSeizuresError: a label is missing, or there are too few patients for the inner folds.

    """
    bank = bank.select(np.array([use == "all" for use in bank.uses], dtype=np.bool_))
    weights = class_weights(bank.labels, len(bank.label_names))
    inner_losses: npt.NDArray[np.float64] | None = None
    num_epochs = settings.num_epochs
    runs = {"inner": settings.num_inner_folds + 1, "held_out": 2}.get(settings.selection, 1)
    after_epoch = _epoch_counter(progress, runs * num_epochs)
    if settings.selection == "inner":
        inner_losses = _inner_losses(bank, build, settings, seed, after_epoch)
        num_epochs = int(np.argmin(inner_losses)) + 1
    elif settings.selection == "held_out":
        if held_out is None:
            raise ValueError("selection = held_out: wanted the views that will be scored")
        inner_losses = _held_out_losses(bank, held_out, build, settings, seed, after_epoch)
        num_epochs = int(np.argmin(inner_losses)) + 1
    network, history, _ = _run(bank, build, settings, num_epochs=num_epochs, seed=seed, after_epoch=after_epoch)
    if inner_losses is not None:
        history = [row._replace(inner_loss=float(inner_losses[row.epoch - 1])) for row in history]
        rest = enumerate(inner_losses[num_epochs:], start=num_epochs + 1)
        history += [EpochRow(epoch, None, None, float(loss)) for epoch, loss in rest]
    return Fitted(
        state_dict={name: value.detach().clone() for name, value in network.state_dict().items()},
        history=tuple(history),
        num_epochs_used=num_epochs,
        settings=settings,
        seed=seed,
        label_names=bank.label_names,
        class_weights=tuple(weights.tolist()),
        num_views=len(bank),
        feature_dim=bank.feature_dim,
        frames_per_snippet=bank.frames_per_snippet,
        stride_frames=bank.stride_frames,
        frame_rate_hz=bank.frame_rate_hz,
    )


def predict(bank: SequenceBank, classifier: nn.Module, settings: TrainingSettings) -> npt.NDArray[np.float64]:
    """Return the probability of the second label, P(TCS), of every view of the bank, float64 (V,).

    The snippets stand in the middle of their segments (paper, section 3.3).

    Raises:
        SettingsError: a view is too short for the number of segments.

    """
    logits = _middle_logits(SequenceSampler(bank, settings.num_segments), bank, classifier, settings.batch_size)
    return np.asarray(logits.double().softmax(dim=1)[:, 1].numpy())


def save_classifier(path: str | os.PathLike[str], fitted: Fitted, attributes: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint that `torch.load(weights_only=True)` reads; the same classifier gives the same bytes.

    Args:
        path: where to write; make it a temporary name.
        fitted: what `fit` returned.
        attributes: further plain values to keep in it, such as fold and provenance.

    """
    plain = {name: getattr(fitted, name) for name in Fitted.__dataclass_fields__}
    plain |= {"settings": asdict(fitted.settings), "history": [row._asdict() for row in fitted.history]}
    checkpoint = {"format": FORMAT, "format_version": FORMAT_VERSION, "attributes": dict(attributes or {}), **plain}
    # Through an open file: given a path, torch writes the file's name into the file.
    with Path(path).open("wb") as file:
        torch.save(checkpoint, file)


def load_checkpoint(path: str | os.PathLike[str]) -> tuple[Fitted, dict[str, Any]]:
    """Read a checkpoint: what `fit` returned, and the attributes that were kept with it.

    Raises:
        SeizuresError: it is no such checkpoint, or of another version.

    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise SeizuresError(f"{path}: cannot be read as a classifier: {error}") from error
    kind = checkpoint.get("format") if isinstance(checkpoint, dict) else type(checkpoint).__name__
    if kind != FORMAT or checkpoint["format_version"] != FORMAT_VERSION:
        wanted = f"{FORMAT} version {FORMAT_VERSION}"
        raise SeizuresError(f"{path}: wanted {wanted}, found {kind}; train again or update the software")
    plain = {name: checkpoint[name] for name in Fitted.__dataclass_fields__}
    plain |= {
        "settings": TrainingSettings(**checkpoint["settings"]),
        "history": tuple(EpochRow(**row) for row in checkpoint["history"]),
    }
    return Fitted(**plain), checkpoint["attributes"]


def load_classifier(path: str | os.PathLike[str], build: Builder) -> nn.Module:
    """Build the network, give it the weights of a checkpoint, and return it ready to predict.

    Raises:
        SeizuresError: it is no checkpoint, or its weights do not fit what `build` makes.

    """
    fitted, _ = load_checkpoint(path)
    with torch.random.fork_rng(devices=[]):
        network = build()
    try:
        network.load_state_dict(fitted.state_dict)
    except RuntimeError as error:
        made = f"{fitted.settings.aggregation}, {fitted.settings.hidden_units} units, {fitted.feature_dim} features"
        raise SeizuresError(f"{path}: holds a classifier of another shape ({made}): {error}") from error
    return network.eval()


def _run(
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
            rows = sampler.rows(sampling.draw_positions(settings.gamma, sampler.shape, rng))
            order = torch.from_numpy(rng.permutation(len(bank)))
            loss, accuracy = _epoch(
                network, optimizer, bank.values, rows[order], labels[order], weights, settings.batch_size
            )
            history.append(EpochRow(epoch, loss, accuracy))
            if held_out is not None and held_out_sampler is not None:
                logits = _middle_logits(held_out_sampler, held_out, network, settings.batch_size)
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


def _middle_logits(sampler: SequenceSampler, bank: SequenceBank, network: nn.Module, batch_size: int) -> torch.Tensor:
    """Return the logits (V, 2) of all views, snippets in the middle of their segments."""
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        rows = sampler.rows(MIDDLE)
        batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        logits = torch.cat([network(_gather(bank.values, batch)) for batch in batches])
    network.train(was_training)
    return logits


def _epoch_counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    """Return what counts the epochs of several runs, to be called after each."""
    done = itertools.count(1)

    def after_epoch() -> None:
        if progress is not None:
            progress(next(done), total)

    return after_epoch


def _inner_losses(
    bank: SequenceBank, build: Builder, settings: TrainingSettings, seed: int, after_epoch: Callable[[], None]
) -> npt.NDArray[np.float64]:
    """Return, per epoch, the mean weighted loss over all views, each held out once with its patient: (num_epochs,)."""
    folds = _inner_folds(bank, settings.num_inner_folds, seed)
    total_loss, total_weight = np.zeros(settings.num_epochs), 0.0
    for fold in np.unique(folds):
        training, held_out = bank.select(folds != fold), bank.select(folds == fold)
        weights = class_weights(training.labels, len(bank.label_names))
        _, _, losses = _run(
            training,
            build,
            settings,
            num_epochs=settings.num_epochs,
            seed=seed,
            after_epoch=after_epoch,
            held_out=held_out,
        )
        total_loss += losses
        total_weight += float(weights[held_out.labels].sum())
    return total_loss / total_weight


def _held_out_losses(
    bank: SequenceBank,
    held_out: SequenceBank,
    build: Builder,
    settings: TrainingSettings,
    seed: int,
    after_epoch: Callable[[], None],
) -> npt.NDArray[np.float64]:
    """Return, per epoch, the mean weighted loss on the views that will be scored (num_epochs,): the paper's choice."""
    num_epochs = settings.num_epochs
    _, _, losses = _run(
        bank, build, settings, num_epochs=num_epochs, seed=seed, held_out=held_out, after_epoch=after_epoch
    )
    weights = class_weights(bank.labels, len(bank.label_names))
    return np.asarray(losses) / float(weights[held_out.labels].sum())


def _inner_folds(bank: SequenceBank, num_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Deal the patients of a training set into inner folds; return the fold of each view, int64 (V,)."""
    seizures: dict[tuple[str, str], FoldItem] = {}
    keys = list(zip(bank.patient_ids, bank.seizure_ids, strict=True))
    for key, label, num_frames in zip(keys, bank.labels, bank.num_frames, strict=True):
        seizures.setdefault(key, FoldItem(*key, bank.label_names[label], float(num_frames) / bank.frame_rate_hz))
    try:
        rows = assign_folds(list(seizures.values()), FoldSettings(num_folds=num_folds, seed=seed))
    except SeizuresError as error:
        raise TooFewSeizuresError(
            f"num_inner_folds = {num_folds}: {error}; lower it or set protocol = patient"
        ) from error
    fold_of = {(row.patient_id, row.seizure_id): row.fold for row in rows}
    return np.array([fold_of[key] for key in keys], dtype=np.int64)
