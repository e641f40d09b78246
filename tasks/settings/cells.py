"""A cell of a sweep: the present settings with some of them replaced, as a line of text.

What can be replaced is `[Training]`, `[Folds] dealing`, and `network`, `weights` and `stride_frames` of `[Features]`.

The empty cell is the present settings. A cell names the tasks that train and score with it; their keys follow from the
settings that it means, so that equal settings share their results, in whatever sweep they stand.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import luigi

import models
from seizures.classification.sampling import minimum_frames
from seizures.errors import SeizuresError, SettingsError
from seizures.evaluation.protocols import Protocol
from seizures.settings import DEALINGS, FoldSettings, TrainingSettings, part_of_protocol
from tasks.settings.mistakes import nearest
from tasks.settings.sections import Dataset, Features, Folds, Frames, Training, section
from tasks.settings.ways import network_of, usual_weights

_OF_FOLDS = ("dealing",)  # what a cell may replace besides [Training]
OF_FEATURES = ("network", "weights", "stride_frames")
_SHORT = {"stride": "stride_frames"}


@functools.cache
def training_settings(cell: str = "") -> TrainingSettings:
    """Return the settings of a cell.

    Raises:
        SettingsError: a name or a value is impossible.
    """
    wanted = _training(cell)
    if wanted.aggregation not in models.aggregation_names():
        known = ", ".join(models.aggregation_names())
        raise SettingsError(f"aggregation = {wanted.aggregation}: expected one of {known}")
    return wanted.settings()


def num_seeds(cell: str = "") -> int:
    """Return with how many seeds each fold of a cell is trained.

    Raises:
        SettingsError: with none.
    """
    found = _training(cell).num_seeds
    if found < 1:
        raise SettingsError(f"num_seeds = {found}: expected at least 1")
    return found


@functools.cache
def fold_settings(cell: str = "", repeat: int = 0) -> FoldSettings:
    """Return how the folds of a cell are dealt the first time, or, from 1 on, again.

    Raises:
        SettingsError: a name or a value is impossible.
    """
    folds = section(Folds).settings()
    dealing = part_of_protocol("dealing", str(_value("dealing", cell)), DEALINGS, str(_value("protocol", cell)))
    return dataclasses.replace(folds, seed=folds.seed + repeat, dealing=dealing)


def protocol_of(cell: str = "") -> Protocol:
    """Return what the score of a cell estimates."""
    training = training_settings(cell)
    folds = fold_settings(cell)
    return Protocol(folds.dealing, training.selection, training.loss, folds.group)


def num_repeats(cell: str = "") -> int:
    """Return how often the patients of a cell are dealt into folds; the paper's dealing has no seed to vary."""
    return section(Folds).num_repeats if fold_settings(cell).dealing == "patients" else 1


@functools.cache
def way_of(cell: str = "") -> str:
    """Return the way in which the features of a cell are computed (tasks/cohort/networks.py); empty: by [Features]."""
    said = {name: value for name, value in _pairs(cell) if name in OF_FEATURES}
    if not said:
        return ""
    network = said.pop("network", section(Features).network)
    return "; ".join([network, *(f"{name}={value}" for name, value in sorted(said.items(), reverse=True))])


def in_cell(name: str, cell: str) -> str:
    """Return a label for a result of a cell: the name alone where the cell is the present settings."""
    parts = (part.strip().replace(os.sep, "_").replace(":", ".") for part in cell.split(";") if cell)
    return "+".join([name, *parts])


def make_cell(values: Mapping[str, str]) -> str:
    """Return the cell that replaces these settings: sorted, without those that are the present ones anyway."""
    features = dict(_way(values))
    others = {name: text for name, text in values.items() if name not in OF_FEATURES}
    kept = sorted([*features.items(), *((name, text) for name, text in others.items() if _differs(name, text))])
    return "; ".join(f"{name}={_plain(name, text)}" for name, text in kept)


def _differs(name: str, text: str) -> bool:
    return _parsed(name, text) != _value(name)


def _way(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what of the network, its weights and the stride is another than [Features] has it."""
    network = values.get("network", section(Features).network)
    if _differs("network", network):
        yield "network", network
    if models.network_spec(network).has_weights and "weights" in values:
        weights = values["weights"]
        if weights != usual_weights(network):
            yield "weights", weights
    if "stride_frames" in values and _differs("stride_frames", values["stride_frames"]):
        yield "stride_frames", values["stride_frames"]


def expand(text: str) -> list[str]:
    """Return the cells of `name=value,value; name=value,...`: every value of each by every value of the others.

    Raises:
        SettingsError: with every mistake in the text.
    """
    faults: list[str] = []
    axes: dict[str, list[str]] = {}
    for name, values in _pairs(text):
        axes[name] = []
        for value in (item.strip() for item in values.split(",")):
            try:
                cell = f"{name}={value}"
                training_settings(cell)
                fold_settings(cell)
                num_seeds(cell)
                if name != "weights":  # they are read with the network that they are of
                    _check_duration(cell)
                axes[name].append(value)
            except (SeizuresError, models.ModelsError) as error:
                faults.append(str(error))
    if not axes and not faults:
        faults.append("no setting to sweep; as in aggregation=mean,blstm; num_segments=2,4,8,16")
    if faults:
        raise SettingsError(f"sweep: {'; '.join(faults)}")
    points = itertools.product(*axes.values())
    return list(dict.fromkeys(make_cell(dict(zip(axes, point, strict=True))) for point in points))


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    """Yield the names and values of `name=value; name=value`."""
    known = [*_parameters(), *_OF_FOLDS, *OF_FEATURES]
    for part in filter(None, (item.strip() for item in text.split(";"))):
        name, sign, value = (item.strip() for item in part.partition("="))
        name = _SHORT.get(name, name)
        if not sign or not (value or name == "weights"):
            raise SettingsError(f"{part}: expected name=value, or name=value,value,...")
        if name not in known:
            raise SettingsError(f"{name}: no such setting of [Training], [Folds] or [Features]{nearest(name, known)}")
        yield name, value


def _training(cell: str) -> Training:
    """Return [Training] as it is in a cell."""
    if not cell:
        return section(Training)
    changed = {name: _parsed(name, text) for name, text in _pairs(cell) if name in _parameters()}
    return Training(**changed)  # type: ignore[no-untyped-call]


def _value(name: str, cell: str = "") -> str | int | float:
    """Return a setting as it is in a cell."""
    replaced = {known: _parsed(known, text) for known, text in _pairs(cell)}
    home = Folds if name in _OF_FOLDS else Features if name in OF_FEATURES else Training
    present = getattr(section(home), name)
    return replaced.get(name, cast("str | int | float", present))


def _parameters() -> dict[str, luigi.Parameter]:
    return dict(Training.get_params())  # type: ignore[no-untyped-call]


def _parsed(name: str, text: str) -> str | int | float:
    if name == "stride_frames":
        if not (text.isascii() and text.isdigit() and int(text) >= 1):
            raise SettingsError(f"stride_frames = {text}: expected a whole number of at least 1")
        return int(text)
    if name in _OF_FOLDS or name in OF_FEATURES:
        return text
    try:
        return cast("str | int | float", _parameters()[name].parse(text))
    except ValueError as error:
        raise SettingsError(f"{name} = {text}: {error}") from error


def _plain(name: str, text: str) -> str:
    value = _parsed(name, text)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_duration(cell: str) -> None:
    """Refuse more segments than the shortest seizure has room for."""
    length = models.network_spec(network_of(way_of(cell))).span_frames
    wanted = minimum_frames(length, training_settings(cell).num_segments) / section(Frames).frame_rate_hz
    found = section(Dataset).minimum_duration_seconds
    if found < wanted:
        raise SettingsError(
            f"{cell}: needs seizures of at least {wanted:.2f} s, and [Dataset] minimum_duration_seconds = {found:g}"
        )
