"""Fit one classifier on sequences of features, and predict with it (paper, sections 2.3 and 3.3).

Letters in shapes: V views (samples).

The same bank, settings and seed give the same bytes on one machine, whatever was fitted before: all randomness comes
from the seed, and torch's global generator is put back afterwards. The number of threads is the caller's business
(`torch.set_num_threads`, which holds for the whole process); it may change the last bits. One thread is the fastest
for networks of this size, with one process per fold.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from seizures.classification.checkpoints import Fitted
from seizures.classification.folds import FoldItem, assign_folds
from seizures.classification.losses import make_loss
from seizures.classification.sequences import SequenceBank, SequenceSampler
from seizures.classification.training_loop import Builder, EpochRow, middle_logits, train_epochs
from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.manifest.identity import SeizureId
from seizures.settings import FoldSettings, TrainingSettings


def fit(
    bank: SequenceBank,
    build: Builder,
    settings: TrainingSettings,
    *,
    seed: int,
    held_out: SequenceBank | None = None,
    groups: Mapping[SeizureId, str] | None = None,
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
            did: the epoch with the lowest loss on those whose `use` is `all` is kept, the first of several as low.
        groups: what the inner folds hold out together besides the patient, such as a site; empty for none.
        progress: called with the epochs that are done, of all inner folds too, and the most that there will be.

    Returns:
        The weights after the last epoch, and the history.

    Raises:
        SettingsError: a view is too short for the number of segments.
        TooFewSeizuresError: a label is missing, or there are too few patients for the inner folds.

    """
    bank = bank.select(np.array([use == "all" for use in bank.uses], dtype=np.bool_))
    weights = make_loss(settings.loss, bank.labels).class_weights
    inner_losses: npt.NDArray[np.float64] | None = None
    num_epochs = settings.num_epochs
    runs = {"inner": settings.num_inner_folds + 1, "held_out": 2}.get(settings.selection, 1)
    after_epoch = _epoch_counter(progress, runs * num_epochs)
    if settings.selection == "inner":
        inner_losses = _inner_losses(bank, build, settings, seed, after_epoch, groups or {})
        num_epochs = int(np.argmin(inner_losses)) + 1
    elif settings.selection == "held_out":
        if held_out is None:
            raise ValueError("selection = held_out: needs the views that will be scored, but got none")
        seen = held_out.select(np.array([use == "all" for use in held_out.uses], dtype=np.bool_))
        if not len(seen):
            raise TooFewSeizuresError(
                "the held-out fold has no view with use = all, and no other may choose the epoch; lower num_folds, or "
                "set protocol = patient"
            )
        inner_losses = _held_out_losses(bank, seen, build, settings, seed, after_epoch)
        num_epochs = int(np.argmin(inner_losses)) + 1
    network, history, _ = train_epochs(bank, build, settings, num_epochs=num_epochs, seed=seed, after_epoch=after_epoch)
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
    logits = middle_logits(SequenceSampler(bank, settings.num_segments), bank, classifier, settings.batch_size)
    return np.asarray(logits.double().softmax(dim=1)[:, 1].numpy())


def _epoch_counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    """Return what counts the epochs of several runs, to be called after each."""
    done = itertools.count(1)

    def after_epoch() -> None:
        if progress is not None:
            progress(next(done), total)

    return after_epoch


def _inner_losses(
    bank: SequenceBank,
    build: Builder,
    settings: TrainingSettings,
    seed: int,
    after_epoch: Callable[[], None],
    groups: Mapping[SeizureId, str],
) -> npt.NDArray[np.float64]:
    """Return, per epoch, the mean loss over all views, each held out once with its patient: (num_epochs,)."""
    folds = _inner_folds(bank, settings.num_inner_folds, seed, groups)
    total_loss, total_weight = np.zeros(settings.num_epochs), 0.0
    for fold in np.unique(folds):
        training, held_out = bank.select(folds != fold), bank.select(folds == fold)
        weight = make_loss(settings.loss, training.labels).weight(torch.from_numpy(held_out.labels))
        _, _, losses = train_epochs(
            training,
            build,
            settings,
            num_epochs=settings.num_epochs,
            seed=seed,
            after_epoch=after_epoch,
            held_out=held_out,
        )
        total_loss += weight * np.asarray(losses)
        total_weight += weight
    return total_loss / total_weight


def _held_out_losses(
    bank: SequenceBank,
    held_out: SequenceBank,
    build: Builder,
    settings: TrainingSettings,
    seed: int,
    after_epoch: Callable[[], None],
) -> npt.NDArray[np.float64]:
    """Return, per epoch, the mean loss on the views that will be scored (num_epochs,): the paper's choice."""
    num_epochs = settings.num_epochs
    _, _, losses = train_epochs(
        bank, build, settings, num_epochs=num_epochs, seed=seed, held_out=held_out, after_epoch=after_epoch
    )
    return np.asarray(losses)


def _inner_folds(
    bank: SequenceBank, num_folds: int, seed: int, groups: Mapping[SeizureId, str]
) -> npt.NDArray[np.int64]:
    """Deal the patients of a training set into inner folds; return the fold of each view, int64 (V,)."""
    seizures: dict[SeizureId, FoldItem] = {}
    keys = list(map(SeizureId, bank.patient_ids, bank.seizure_ids))
    for key, label, num_frames in zip(keys, bank.labels, bank.num_frames, strict=True):
        seconds, group = float(num_frames) / bank.frame_rate_hz, groups.get(key, "")
        seizures.setdefault(key, FoldItem(*key, bank.label_names[label], seconds, group=group))
    try:
        rows = assign_folds(list(seizures.values()), FoldSettings(num_folds=num_folds, seed=seed))
    except SeizuresError as error:
        raise TooFewSeizuresError(
            f"num_inner_folds = {num_folds}: {error}; lower it or set protocol = patient"
        ) from error
    fold_of = {row.id: row.fold for row in rows}
    return np.array([fold_of[key] for key in keys], dtype=np.int64)
