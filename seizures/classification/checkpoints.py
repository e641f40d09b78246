"""A fitted classifier and its checkpoint: written, read, and built again as a network."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seizures.classification.training_loop import Builder, EpochRow
from seizures.errors import SeizuresError
from seizures.settings import TrainingSettings

FORMAT = "seizure-classifier"
FORMAT_VERSION = 1


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
        raise SeizuresError(f"{path}: expected {wanted}, found {kind}; train again or update the software")
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
