"""What a person may set, as frozen values that know their own bounds, and the digest that names them in a key.

A stage of the pipeline is given exactly the settings that it reads, so that its key (`digest`) changes when, and only
when, its result may.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from seizures.errors import SettingsError

PREPROCESSINGS = ("letterbox", "center_crop")
DEINTERLACING = ("auto", "always", "never")
DAMAGED = ("fail", "mask", "skip")
# Which epoch is kept. Under `paper` the fold that is scored chooses it: to reproduce only.
PROTOCOLS = {"patient": "last", "nested": "inner", "paper": "held_out"}
SELECTIONS = tuple(PROTOCOLS.values())
# What the folds deal, and which loss is minimised. The second of each is the paper's, and what its protocol implies.
DEALINGS = ("patients", "seizures")
LOSSES = ("weighted", "paper")
AS_PROTOCOL = "auto"
# What of each sequence training sees: the whole, or in half of the cases a beginning of random length.
BEGINNINGS = ("none", "random")
PRECISIONS = ("float32", "tf32", "float16", "bfloat16")
# What a classifier of single snippets is trained on: as many of each class, or the authors' middles of segments.
SAMPLINGS = ("balanced", "middles")
SEGMENT_FRAMES = 32  # of `middles`: as long as the longest snippet of the paper
KEY_LENGTH = 12
# Bins of seizure duration. Fixed, so that a new seizure or a corrected onset leaves the others in theirs; about the
# quartiles of the paper's cohort.
DURATION_EDGES_SECONDS = (30.0, 60.0, 120.0)


def canonical(value: Any) -> Any:
    """Turn `value` into what JSON can hold with one spelling only: text keys, lists, finite numbers, text.

    Infinities and NaN become text, dataclasses become mappings, and tuples become lists.
    """
    if type(value) is str:  # most of what is asked, and by the hundred thousand
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: canonical(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def canonical_json(value: Any) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the first 12 hex digits of the SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:KEY_LENGTH]


def _refuse(faults: Iterable[str]) -> None:
    found = list(faults)
    if found:
        raise SettingsError("; ".join(found))


@dataclasses.dataclass(frozen=True)
class FrameSettings:
    """How a video becomes frames on a uniform clock (paper, section 3.1).

    `letterbox` is the paper's: 320 x 180, 5 % of the columns off each side, black bars up to a square. `center_crop`
    is the Kinetics custom: 171 x 128, then the square in the middle.

    `deinterlace` = `auto` goes by the frames, not by the file's word. `damaged` says what happens to a recording that
    is damaged: `fail` leaves it out as unusable, which the run's exit code tells; `skip` leaves it out and names it;
    `mask` keeps it and marks the time as not valid. `raw_rate_hz` is the frame rate of raw streams (.h264, .mjpg) that
    do not state their own; 0: none is known, and such a stream is refused.
    """

    frame_rate_hz: float = 15.0
    preprocessing: str = "letterbox"
    deinterlace: str = "auto"
    damaged: str = "fail"
    raw_rate_hz: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a rate that is not above 0, and words that are not known."""
        faults = []
        if not 0 < self.frame_rate_hz <= 240:
            faults.append(f"frame_rate_hz = {self.frame_rate_hz}: expected above 0 and at most 240")
        if self.preprocessing not in PREPROCESSINGS:
            faults.append(f"preprocessing = {self.preprocessing}: expected one of {', '.join(PREPROCESSINGS)}")
        if self.deinterlace not in DEINTERLACING:
            faults.append(f"deinterlace = {self.deinterlace}: expected one of {', '.join(DEINTERLACING)}")
        if self.damaged not in DAMAGED:
            faults.append(f"damaged = {self.damaged}: expected one of {', '.join(DAMAGED)}")
        if not 0 <= self.raw_rate_hz <= 1000:
            faults.append(f"raw_rate_hz = {self.raw_rate_hz}: expected 0 (not known) to 1000")
        _refuse(faults)


@dataclasses.dataclass(frozen=True)
class FoldSettings:
    """How patients are dealt into folds; `dealing` = `seizures` deals seizures instead, as the paper did.

    `group` is what is held out together: `patient`, or a column of the manifest, such as `site`.
    """

    num_folds: int = 10
    seed: int = 0
    dealing: str = "patients"
    group: str = "patient"

    def __post_init__(self) -> None:
        """Refuse fewer than two folds, a seed below 0, and an unknown dealing."""
        faults = [f"num_folds = {self.num_folds}: expected at least 2"] if self.num_folds < 2 else []
        if self.seed < 0:
            faults.append(f"seed = {self.seed}: expected at least 0")
        if self.dealing not in DEALINGS:
            faults.append(f"dealing = {self.dealing}: expected one of {', '.join(DEALINGS)}")
        _refuse(faults)


def selection_of(protocol: str) -> str:
    """Return the selection of the epoch that belongs to a protocol.

    Raises:
        SettingsError: there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise SettingsError(f"protocol = {protocol}: expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol]


def part_of_protocol(name: str, value: str, known: tuple[str, str], protocol: str) -> str:
    """Return a part of the protocol, which `auto` leaves to it: the paper's is the last one known.

    Raises:
        SettingsError: there is no such value.
    """
    if value == AS_PROTOCOL:
        return known[protocol == "paper"]
    if value not in known:
        raise SettingsError(f"{name} = {value}: expected one of {', '.join((AS_PROTOCOL, *known))}")
    return value


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How one classifier is fitted (paper, sections 2.3 and 3.3).

    `gamma` is the parameter of the Beta(gamma, gamma) that places a snippet in its segment; infinity is the middle.
    `selection` = `last` keeps the last epoch; `inner` picks the number of epochs on patient-wise inner folds of the
    training set, and never looks at the fold that will be scored. `held_out` does look at it, as the paper did: to
    reproduce its optimism, and for nothing else. `loss` = `weighted` is the cross-entropy in which the classes weigh
    the same; `paper` is the authors' (docs/protocols.md), whose weight does not balance them. `beginnings` = `random`
    also trains on how seizures begin: in each epoch, a sequence is with probability 1/2 cut to a beginning of random
    length.
    """

    aggregation: str = "blstm"
    hidden_units: int = 64
    num_segments: int = 16
    gamma: float = 4.0
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2
    batch_size: int = 64
    num_epochs: int = 400
    selection: str = "last"
    num_inner_folds: int = 5
    loss: str = "weighted"
    beginnings: str = "none"

    def __post_init__(self) -> None:
        """Refuse counts below 1, a gamma below 1, rates that are not positive, and words that are not known."""
        counts = ("hidden_units", "num_segments", "batch_size", "num_epochs")
        faults = [f"{name} = {getattr(self, name)}: expected at least 1" for name in counts if getattr(self, name) < 1]
        if not self.gamma >= 1:
            faults.append(f"gamma = {self.gamma}: expected at least 1 (1 is uniform, inf is the middle)")
        if not 0 < self.learning_rate < math.inf:
            faults.append(f"learning_rate = {self.learning_rate}: expected above 0")
        if not 0 <= self.weight_decay < math.inf:
            faults.append(f"weight_decay = {self.weight_decay}: expected at least 0")
        if self.selection not in SELECTIONS:
            faults.append(f"selection = {self.selection}: expected one of {', '.join(SELECTIONS)}")
        if self.num_inner_folds < 2:
            faults.append(f"num_inner_folds = {self.num_inner_folds}: expected at least 2")
        if self.loss not in LOSSES:
            faults.append(f"loss = {self.loss}: expected one of {', '.join(LOSSES)}")
        if self.beginnings not in BEGINNINGS:
            faults.append(f"beginnings = {self.beginnings}: expected one of {', '.join(BEGINNINGS)}")
        _refuse(faults)

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> TrainingSettings:
        """Return the settings of which `canonical` made plain fields, as a classifier's file holds them.

        Raises:
            SettingsError: a field is missing, unknown, of another kind or out of bounds; all are told.
        """

        def is_word(text: str) -> bool:
            return len(text) <= 40 and text.isprintable()

        faults = [f"{name!r:.40} is no setting of a training" for name in fields if name not in _DEFAULTS]
        found: dict[str, Any] = {}
        for name, default in _DEFAULTS.items():
            value = fields.get(name)
            if isinstance(default, float) and (value == "inf" or type(value) is int):
                value = float(value) if value == "inf" or abs(value) < 2**53 else value
            if type(value) is not type(default) or not is_word(str(value)):
                wanted = {int: "a whole number", float: "a number", str: "a word"}[type(default)]
                faults.append(f"{name} = {value!r:.60}: expected {wanted}")
            found[name] = value
        _refuse(faults)
        return cls(**found)

    def for_key(self) -> dict[str, Any]:
        """Return the fields for a key. `beginnings` = `none` is left out: a key made before there was such is the same.

        So nobody trains again what is already trained.
        """
        fields = dataclasses.asdict(self)
        if self.beginnings == "none":
            del fields["beginnings"]
        return fields

    @property
    def protocol(self) -> str:
        """`patient`, `nested` or `paper`: what `[Training] protocol` was for this selection."""
        return next(name for name, selection in PROTOCOLS.items() if selection == self.selection)


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(TrainingSettings)}


@dataclasses.dataclass(frozen=True)
class SnippetSettings:
    """How a linear classifier of single snippets is fitted: the paper's values, and AdamW's own weight decay.

    `sampling` = `balanced` trains on as many random snippets before the clonic onset as after it; `middles` on the
    snippet in the middle of every segment of 32 frames, with the authors' weighted loss (docs/snippets.md).
    """

    sampling: str = "balanced"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch_size: int = 1024
    num_epochs: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a sampling that is not known."""
        known = self.sampling in SAMPLINGS
        _refuse([] if known else [f"sampling = {self.sampling}: expected one of {', '.join(SAMPLINGS)}"])


@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """How sure the scores are: the level of intervals, and how often patients are flipped or drawn.

    `prevalences` are shares of the positive label for which predictive values are told, besides the cohort's own.
    """

    num_bootstraps: int = 2000
    confidence_level: float = 0.95
    seed: int = 0
    prevalences: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse too few resamples, a level or a prevalence outside (0, 1), and a seed below 0."""
        faults = []
        if self.num_bootstraps < 100:
            faults.append(f"num_bootstraps = {self.num_bootstraps}: expected at least 100")
        if self.seed < 0:
            faults.append(f"seed = {self.seed}: expected at least 0")
        if not 0 < self.confidence_level < 1:
            faults.append(f"confidence_level = {self.confidence_level}: expected between 0 and 1")
        faults += [
            f"prevalences = {share:g}: expected above 0 and below 1" for share in self.prevalences if not 0 < share < 1
        ]
        _refuse(faults)


@dataclasses.dataclass(frozen=True)
class CalibrationSettings:
    """When a classifier abstains: so that of the seizures that it does call, this share is right."""

    target_accuracy: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a share that guessing reaches, and one that no number of seizures shows."""
        known = 0.5 < self.target_accuracy < 1
        _refuse([] if known else [f"target_accuracy = {self.target_accuracy}: expected above 0.5 and below 1"])
