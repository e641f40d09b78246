"""How much does one snippet say? A linear classifier on single snippets: before the clonic onset, or after it.

The paper's comparison of networks (docs/snippets.md): from a network's features of half a second, one linear layer
must tell whether the clonic phase has begun. Here it is trained on equally many snippets of each class, in
`middle_snippets` as the authors do; every snippet of the held-out patients is classified.

Letters in shapes: R rows (snippets of all views), D features, V views, K snippets of each class in training.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from torch.nn import functional as F

from seizures.classification.sequences import SequenceBank, clonic_onset_seconds, label_number
from seizures.errors import TooFewSeizuresError
from seizures.features.file import open_features
from seizures.features.snippets import middle_seconds
from seizures.settings import SnippetSettings

BEFORE, AFTER, UNCOUNTED = 0, 1, -1
_ROWS_AT_ONCE = 1 << 16
COLUMNS = (
    *("patient_id", "seizure_id", "view", "label", "frames_per_snippet", "feature_dim"),
    *("num_before", "num_before_right", "num_after", "num_after_right", "average_precision"),
)
_SNIPPETS = ("frames_per_snippet", "stride_frames", "frame_rate_hz")


def classes_of_view(
    valid: npt.NDArray[np.bool_],
    clonic_onset_seconds: float,
    *,
    frames_per_snippet: int,
    stride_frames: int,
    frame_rate_hz: float,
) -> npt.NDArray[np.int8]:
    """Return the class of each snippet of a view, int8 (S,): `AFTER` where its middle is at or after the clonic onset.

    A snippet that touches undecodable frames is `UNCOUNTED`; so are all where the onset is not known.

    Args:
        valid: bool (S,); False where a snippet touches undecodable frames.
        clonic_onset_seconds: after the view's beginning; infinite where there is no clonic phase, NaN if not known.
        frames_per_snippet: l.
        stride_frames: frames from the start of one snippet to that of the next.
        frame_rate_hz: of the frames.
    """
    middles = middle_seconds(len(valid), frames_per_snippet, stride_frames, frame_rate_hz)
    classes = np.where(middles >= clonic_onset_seconds, AFTER, BEFORE)
    return np.where(valid & ~np.isnan(clonic_onset_seconds), classes, UNCOUNTED).astype(np.int8)


def classes_of(bank: SequenceBank) -> npt.NDArray[np.int8]:
    """Return the class of each row, int8 (R,), as `classes_of_view`; rows of views not in the bank are `UNCOUNTED`.

    A seizure of the first label has no clonic phase; one of the second has one, known or not.
    """
    classes = np.full(len(bank.values), UNCOUNTED, dtype=np.int8)
    for view in range(len(bank)):
        rows = _rows_of(bank, view)
        classes[rows] = classes_of_view(
            bank.valid[rows],
            bank.clonic_onset_seconds[view] if bank.labels[view] else math.inf,
            frames_per_snippet=bank.frames_per_snippet,
            stride_frames=bank.stride_frames,
            frame_rate_hz=bank.frame_rate_hz,
        )
    return classes


def count_in_smaller_class(paths: Sequence[Path], labels: Sequence[str]) -> int:
    """Count the snippets of the class that has fewer in the views to train on: as many of each can be trained on.

    Of the feature files, the features themselves are not read.
    """
    numbers = np.zeros(2, dtype=np.int64)
    for path in paths:
        with open_features(path) as file:
            recipe = {name: getattr(file, name) for name in _SNIPPETS}
            for view in file.views.values():
                if view.attributes.get("use", "all") == "all":
                    onset = clonic_onset_seconds(view.attributes) if label_number(file, labels) == 1 else math.inf
                    classes = classes_of_view(np.asarray(view.valid), onset, **recipe)
                    numbers += [np.count_nonzero(classes == kind) for kind in (BEFORE, AFTER)]
    return int(numbers.min())


def fit(
    bank: SequenceBank,
    num_per_class: int,
    settings: SnippetSettings,
    progress: Callable[[int, int], None] | None = None,
) -> nn.Linear:
    """Fit one linear layer, (B, D) to logits (B, 2), on equally many random snippets of each class.

    The same views in the same order, number and settings give the same bytes on one machine, whatever the ids are.

    Args:
        bank: the views to train on.
        num_per_class: K; the same for all networks that are compared.
        settings: how to fit.
        progress: called with the epochs that are done and all.

    Raises:
        TooFewSeizuresError: a class has fewer snippets than that, or none is asked for.
    """
    rows = np.concatenate([_rows_of(bank, view) for view in range(len(bank))])  # in the order of the views
    classes = classes_of(bank)[rows]
    found = min(np.count_nonzero(classes == kind) for kind in (BEFORE, AFTER))
    if not 0 < num_per_class <= found:
        raise TooFewSeizuresError(
            f"expected {num_per_class} snippets before and as many after the clonic onset to train on, found {found}"
        )
    rng = np.random.default_rng(settings.seed)
    drawn = [rows[rng.permutation(np.flatnonzero(classes == kind))[:num_per_class]] for kind in (BEFORE, AFTER)]
    values = torch.index_select(bank.values, 0, torch.from_numpy(np.concatenate(drawn)))  # (2 K, D)
    labels = torch.from_numpy(np.repeat([BEFORE, AFTER], num_per_class))
    return train_layer(2, values, labels, F.cross_entropy, settings, rng, progress)


def train_layer(
    num_outputs: int,
    values: torch.Tensor,
    labels: torch.Tensor,
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    settings: SnippetSettings,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> nn.Linear:
    """Train a linear layer with AdamW, all snippets in a new order each epoch, the last batch as short as it is.

    Args:
        num_outputs: 1 or 2.
        values: (2 K or I, D).
        labels: int64, as many, `BEFORE` or `AFTER`.
        loss_of: of outputs (B, num_outputs) and labels (B,).
        settings: how to fit; their seed gives the first weights.
        rng: source of the orders.
        progress: called with the epochs that are done and all.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        layer = nn.Linear(values.shape[1], num_outputs)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    for epoch in range(1, settings.num_epochs + 1):
        order = torch.from_numpy(rng.permutation(len(labels)))
        for start in range(0, len(order), settings.batch_size):
            batch = order[start : start + settings.batch_size]
            loss = loss_of(layer(values[batch]), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if progress is not None:
            progress(epoch, settings.num_epochs)
    return layer


def classify(bank: SequenceBank, layer: nn.Linear) -> pd.DataFrame:
    """Classify every snippet of every view, and count.

    Args:
        bank: the views to classify, all those of a seizure together.
        layer: of `fit` or `middle_snippets.fit_on_middles`.

    Returns:
        One row a view: `patient_id`, `seizure_id`, `view`, `label`, `frames_per_snippet`, `feature_dim`, `num_before`,
        `num_after`, of those the ones that were right, `num_before_right`, `num_after_right`, and `average_precision`,
        of all snippets of all views of the seizure, NaN unless some are before and some after. A view without a
        snippet that counts has zeros.
    """
    classes = classes_of(bank)
    rows = []
    of_seizure = defaultdict(list)
    for view in range(len(bank)):
        own_rows = _rows_of(bank, view)
        scores = _scores(torch.narrow(bank.values, 0, int(own_rows[0]), len(own_rows)), layer)
        called = np.where(scores > 0, AFTER, BEFORE)
        row: dict[str, str | int] = {
            "patient_id": bank.patient_ids[view],
            "seizure_id": bank.seizure_ids[view],
            "view": bank.views[view],
            "label": bank.label_names[bank.labels[view]],
            "frames_per_snippet": bank.frames_per_snippet,
            "feature_dim": bank.feature_dim,
        }
        for name, kind in (("before", BEFORE), ("after", AFTER)):
            own = classes[own_rows] == kind
            row[f"num_{name}"] = int(own.sum())
            row[f"num_{name}_right"] = int((called[own] == kind).sum())
        rows.append(row)
        of_seizure[bank.patient_ids[view], bank.seizure_ids[view]].append((classes[own_rows], scores))
    table: pd.DataFrame = pd.DataFrame(rows, columns=COLUMNS)
    precisions = {
        name: _average_precision(*map(np.concatenate, zip(*parts, strict=True))) for name, parts in of_seizure.items()
    }
    names = zip(bank.patient_ids, bank.seizure_ids, strict=True)
    table["average_precision"] = np.array([precisions[name] for name in names], dtype=np.float64)
    return table


def _average_precision(classes: npt.NDArray[np.int8], scores: npt.NDArray[np.float64]) -> float:
    """Return the average precision of a seizure's snippets that count; NaN unless both classes are there."""
    counted = classes != UNCOUNTED
    if not ((classes == BEFORE).any() and (classes == AFTER).any()):
        return math.nan
    return float(average_precision_score(classes[counted] == AFTER, scores[counted]))


def _rows_of(bank: SequenceBank, view: int) -> npt.NDArray[np.int64]:
    return np.arange(bank.first_row[view], bank.first_row[view] + bank.num_rows[view], dtype=np.int64)


def _scores(values: torch.Tensor, layer: nn.Linear) -> npt.NDArray[np.float64]:
    """Return the log odds of `AFTER` of each row of values (R, D), float64 (R,): above 0 it is called so."""
    with torch.inference_mode():
        starts = range(0, len(values), _ROWS_AT_ONCE)
        parts = [layer(values[start : start + _ROWS_AT_ONCE]) for start in starts]
    logits = torch.cat(parts).numpy().astype(np.float64)
    return np.asarray(logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0])
