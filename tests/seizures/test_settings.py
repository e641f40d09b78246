"""Settings know their bounds, and their digest changes when, and only when, they do."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seizures.errors import SettingsError
from seizures.settings import (
    LOSSES,
    CalibrationSettings,
    EvaluationSettings,
    FoldSettings,
    FrameSettings,
    SnippetSettings,
    TrainingSettings,
    canonical_json,
    digest,
    part_of_protocol,
    selection_of,
)

ALL = (FrameSettings, FoldSettings, TrainingSettings, SnippetSettings, EvaluationSettings, CalibrationSettings)
OTHER_VALUES: dict[str, Any] = {
    "deinterlace": "never",
    "damaged": "mask",
    "raw_rate_hz": 25.0,
    "frame_rate_hz": 25.0,
    "preprocessing": "center_crop",
    "num_folds": 3,
    "seed": 7,
    "aggregation": "mean",
    "hidden_units": 8,
    "num_segments": 4,
    "gamma": math.inf,
    "learning_rate": 2e-3,
    "weight_decay": 0.0,
    "batch_size": 2,
    "num_epochs": 5,
    "selection": "inner",
    "sampling": "middles",
    "num_inner_folds": 2,
    "loss": "paper",
    "beginnings": "random",
    "dealing": "seizures",
    "group": "site",
    "num_bootstraps": 500,
    "confidence_level": 0.9,
    "prevalences": (0.1, 0.5),
    "target_accuracy": 0.9,
}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (FrameSettings, "frame_rate_hz", 0),
        (FrameSettings, "frame_rate_hz", math.nan),
        (FrameSettings, "frame_rate_hz", math.inf),
        (FrameSettings, "preprocessing", "letter_box"),
        (FoldSettings, "num_folds", 1),
        (TrainingSettings, "hidden_units", 0),
        (TrainingSettings, "num_segments", 0),
        (TrainingSettings, "batch_size", 0),
        (TrainingSettings, "num_epochs", 0),
        (TrainingSettings, "gamma", 0.5),
        (TrainingSettings, "gamma", math.nan),
        (TrainingSettings, "learning_rate", 0),
        (TrainingSettings, "learning_rate", math.inf),
        (TrainingSettings, "weight_decay", -1e-3),
        (TrainingSettings, "selection", "best"),
        (TrainingSettings, "num_inner_folds", 1),
        (SnippetSettings, "sampling", "middle"),
        (EvaluationSettings, "num_bootstraps", 99),
        (EvaluationSettings, "confidence_level", 1.0),
        (CalibrationSettings, "target_accuracy", 0.5),
        (CalibrationSettings, "target_accuracy", 1.0),
        (CalibrationSettings, "target_accuracy", math.nan),
    ],
)
def test_a_value_that_cannot_work_is_named(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} = {value}: expected [^;]*$"):
        kind(**{name: value})


def test_all_faults_are_in_one_message() -> None:
    with pytest.raises(SettingsError) as caught:
        TrainingSettings(gamma=0, batch_size=0, selection="fold")
    assert str(caught.value) == (
        "batch_size = 0: expected at least 1; gamma = 0: expected at least 1 (1 is uniform, inf is the middle); "
        "selection = fold: expected one of last, inner, held_out"
    )


@pytest.mark.parametrize("kind", ALL)
def test_every_field_is_in_the_digest(kind: Any) -> None:
    usual = kind()
    digests = {digest(usual)}
    for field in dataclasses.fields(kind):
        assert OTHER_VALUES[field.name] != getattr(usual, field.name)
        digests.add(digest(dataclasses.replace(usual, **{field.name: OTHER_VALUES[field.name]})))
    assert len(digests) == len(dataclasses.fields(kind)) + 1
    assert digest(kind()) == digest(usual)


@pytest.mark.parametrize(
    ("training", "known"),
    [(TrainingSettings(), "246b503f21be"), (TrainingSettings(gamma=math.inf, loss="paper"), "18a2073cf0a3")],
)
def test_the_key_of_training_is_what_it_was_before_there_were_beginnings(
    training: TrainingSettings, known: str
) -> None:
    assert digest(training.for_key()) == known
    random = dataclasses.replace(training, beginnings="random")
    assert random.for_key() == {**training.for_key(), "beginnings": "random"}
    names = {field.name for field in dataclasses.fields(training)}
    assert set(random.for_key()) == names
    assert all(
        digest(dataclasses.replace(training, **{name: OTHER_VALUES[name]}).for_key()) != known
        for name in names
        if OTHER_VALUES[name] != getattr(training, name)
    )


keys = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=50)
@given(mapping=st.dictionaries(keys, values, max_size=5))
def test_the_order_of_keys_and_the_kind_of_list_do_not_matter(mapping: dict[str, Any]) -> None:
    backwards = {
        key: tuple(value) if isinstance(value, list) else value for key, value in reversed(list(mapping.items()))
    }
    assert canonical_json(backwards) == canonical_json(mapping)
    assert digest(backwards) == digest(mapping)


def test_canonical_json_is_plain_json() -> None:
    value = {"b": (1, 2.5), "a": FoldSettings(3), "c": [math.inf, -math.inf, math.nan], 4: None}
    folds = '{"dealing":"patients","group":"patient","num_folds":3,"seed":0}'
    text = f'{{"4":null,"a":{folds},"b":[1,2.5],"c":["inf","-inf","nan"]}}'
    assert canonical_json(value) == text
    assert digest(value) == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_digests_do_not_depend_on_the_process() -> None:
    code = "from seizures.settings import *; print(digest(TrainingSettings()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest(TrainingSettings())


def test_unknown_values_are_an_error_not_a_guess() -> None:
    with pytest.raises(TypeError):
        canonical_json({"a": {1, 2}})


def test_a_settings_object_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FoldSettings().num_folds = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "settings",
    [
        lambda: FrameSettings(frame_rate_hz=0.5),
        lambda: FrameSettings(frame_rate_hz=240),
        lambda: FrameSettings(raw_rate_hz=1000),
        lambda: TrainingSettings(hidden_units=1, num_segments=1, batch_size=1, num_epochs=1, num_inner_folds=2),
        lambda: TrainingSettings(gamma=1, weight_decay=0, learning_rate=1e-9),
        lambda: TrainingSettings(gamma=1.5),
        lambda: FoldSettings(num_folds=2, seed=0),
        lambda: EvaluationSettings(num_bootstraps=100, confidence_level=0.001, seed=0),
        lambda: EvaluationSettings(confidence_level=0.999),
    ],
)
def test_the_bounds_themselves_are_allowed(settings: Callable[[], object]) -> None:
    settings()


@pytest.mark.parametrize(
    ("kind", "name", "value", "expected"),
    [
        (FrameSettings, "frame_rate_hz", 240.5, "above 0 and at most 240"),
        (FrameSettings, "preprocessing", "x", "one of letterbox, center_crop"),
        (FrameSettings, "deinterlace", "x", "one of auto, always, never"),
        (FrameSettings, "damaged", "x", "one of fail, mask, skip"),
        (FoldSettings, "num_folds", 1, "at least 2"),
        (FoldSettings, "seed", -1, "at least 0"),
        (FoldSettings, "dealing", "x", "one of patients, seizures"),
        (TrainingSettings, "loss", "x", "one of weighted, paper"),
        (TrainingSettings, "beginnings", "", "one of none, random"),
        (TrainingSettings, "beginnings", "Random", "one of none, random"),
        (TrainingSettings, "gamma", 0.99, "at least 1 (1 is uniform, inf is the middle)"),
        (TrainingSettings, "weight_decay", math.inf, "at least 0"),
        (SnippetSettings, "sampling", "x", "one of balanced, middles"),
        (TrainingSettings, "selection", "x", "one of last, inner, held_out"),
        (EvaluationSettings, "seed", -1, "at least 0"),
        (EvaluationSettings, "confidence_level", 0.0, "between 0 and 1"),
    ],
)
def test_a_refusal_says_what_is_wanted(kind: Any, name: str, value: Any, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        kind(**{name: value})
    assert str(caught.value) == f"{name} = {value}: expected {expected}"


def test_a_prevalence_is_a_share() -> None:
    with pytest.raises(SettingsError, match=r"prevalences = 0: expected above 0 and below 1; prevalences = 1:"):
        EvaluationSettings(prevalences=(0.0, 0.5, 1.0))


@pytest.mark.parametrize(
    ("value", "protocol", "found"),
    [("auto", "patient", "weighted"), ("auto", "nested", "weighted"), ("auto", "paper", "paper"),
     ("weighted", "paper", "weighted"), ("paper", "patient", "paper")],
)  # fmt: skip
def test_auto_leaves_a_part_to_the_protocol(value: str, protocol: str, found: str) -> None:
    assert part_of_protocol("loss", value, LOSSES, protocol) == found
    with pytest.raises(SettingsError, match="loss = x: expected one of auto, weighted, paper"):
        part_of_protocol("loss", "x", LOSSES, protocol)


def test_each_protocol_has_its_selection_and_back() -> None:
    found = {protocol: selection_of(protocol) for protocol in ("patient", "nested", "paper")}
    assert found == {"patient": "last", "nested": "inner", "paper": "held_out"}
    assert {TrainingSettings(selection=selection).protocol: selection for selection in found.values()} == found
    with pytest.raises(SettingsError) as caught:
        selection_of("x")
    assert str(caught.value) == "protocol = x: expected one of patient, nested, paper"


def test_a_rate_of_raw_streams_that_no_camera_has_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^raw_rate_hz = 1000\.5: expected 0 \(not known\) to 1000$"):
        FrameSettings(raw_rate_hz=1000.5)
