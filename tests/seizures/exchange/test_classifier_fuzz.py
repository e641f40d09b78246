"""A classifier's file whose parts are anything at all: refused in words, or as good as one of ours."""

from __future__ import annotations

import contextlib
import copy
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from classifier_examples import middles
from classifier_files import INFO, TENSORS, content, members_of, write_raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

import seizures
from seizures.errors import SeizuresError
from seizures.exchange.classifier_file import ClassifierContent, identify, write_classifier
from seizures.exchange.model_card import model_card

LONGEST_SECONDS = 2.0
ODD = st.sampled_from(
    [None, True, False, 0, -1, 1, 2, 10**400, 2**53, -(2**31), 0.5, 1.5, -0.0, 5e-324, 1e308, "", "inf", "nan", "none",
     "blstm", "\ud800", "\x1b[2J", "\u202e", "a" * 5000, [], {}, [[]], [{}], [None, None], {"": None}, {"mean": 0.5}]
)  # fmt: skip
JSON = st.one_of(
    ODD,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
        max_leaves=8,
    ),
)
Place = tuple[Any, str | int]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the members of a sound file that says all that one can say."""
    scores = {"protocol": "patient-wise", "confidence_level": 0.95,
              "metrics": {"accuracy": {"mean": 0.9, "low": 0.7, "high": 1.0}}}  # fmt: skip
    ranges = {"duration": {"unit": "s", "low": 20.0, "median": 60.0, "high": 200.0}}
    path = tmp_path_factory.mktemp("good") / "good.zip"
    write_classifier(path, content(familiar=True, scores=scores, reference=ranges), "# A card\n")
    return members_of(path)


def _places(value: Any) -> Iterator[Place]:
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, name
        yield from _places(value[name])


def _opened(path: Path) -> None:
    """Open it and use all of it; a refusal is in words and in time."""
    started = time.perf_counter()
    try:
        classifier = seizures.open_classifier(path)
    except SeizuresError as error:
        said = str(error)
    else:
        said = ""
    assert time.perf_counter() - started < LONGEST_SECONDS
    assert len(said.encode()) < 4000
    if said:
        return
    assert len(repr(classifier)) < 200
    model_card(classifier.info).encode()
    shape = (classifier.settings.num_segments, classifier.info["features"]["feature_dim"])
    if shape == (4, 6):
        answer = classifier.answer(middles())
        assert 0 <= answer.low <= answer.probability <= answer.high <= 1
        assert answer.distance is None or 0 <= answer.distance < float("inf")


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_classifier_json_says_is_refused_in_words_or_works(
    tmp_path: Path, good: dict[str, bytes], data: st.DataObject
) -> None:
    info = copy.deepcopy(json.loads(good[INFO]))
    for _ in range(data.draw(st.integers(1, 2))):
        holder, name = data.draw(st.sampled_from(list(_places(info))))
        what = data.draw(st.sampled_from(["other", "other", "removed", "added"]))
        with contextlib.suppress(KeyError, IndexError):
            if what == "other":
                holder[name] = data.draw(JSON)
            elif what == "removed":
                del holder[name]
            elif isinstance(holder, dict):
                holder[data.draw(st.text(max_size=8))] = data.draw(JSON)
            else:
                holder.append(data.draw(JSON))
    with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):  # of a content that has an id at all
        info = dict(identify(ClassifierContent(info, load(good[TENSORS]))).info)
    _opened(write_raw(tmp_path / "bad.zip", {**good, INFO: json.dumps(info).encode()}))


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_tensors_are_they_are_refused_in_words_or_work(
    tmp_path: Path, good: dict[str, bytes], data: st.DataObject
) -> None:
    tensors = dict(load(good[TENSORS]))
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(tensors)))
        what = data.draw(st.sampled_from(["shape", "value", "removed", "added"]))
        if what == "shape":
            tensors[name] = torch.zeros(data.draw(st.lists(st.integers(0, 4), max_size=3)))
        elif what == "value":
            tensors[name] = torch.full_like(
                tensors[name], data.draw(st.sampled_from([0.0, -1.0, 1e-45, 1e6, 3e38, float("inf"), float("nan")]))
            )
        elif what == "removed":
            del tensors[name]
        else:
            tensors[data.draw(st.text(max_size=12))] = torch.zeros(data.draw(st.integers(0, 3)))
    info = dict(identify(ClassifierContent(json.loads(good[INFO]), tensors)).info)
    try:
        packed = save(tensors)
    except Exception:  # noqa: BLE001 - of a name that safetensors itself does not write
        return
    _opened(write_raw(tmp_path / "bad.zip", {**good, INFO: json.dumps(info).encode(), TENSORS: packed}))


def test_a_network_larger_than_its_weights_takes_no_time_and_no_memory(tmp_path: Path, good: dict[str, bytes]) -> None:
    info = json.loads(good[INFO])
    info["training"] |= {"hidden_units": 2048, "num_segments": 1024}
    info["features"] |= {"feature_dim": 8192}
    info["familiarity"] = None
    info["seeds"] = list(range(100))
    tensors = {"baseline": torch.zeros(8192)}
    tensors |= {f"seed{number}.{place}": torch.zeros(0) for number in range(100) for place in range(300)}
    info = dict(identify(ClassifierContent(info, tensors)).info)
    _opened(write_raw(tmp_path / "bad.zip", {**good, INFO: json.dumps(info).encode(), TENSORS: save(tensors)}))


def test_weights_that_shrink_to_nothing_are_not_unpacked(tmp_path: Path, good: dict[str, bytes]) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in good.items():
            archive.writestr(name, b"\0" * 2**25 if name == TENSORS else value)
    with pytest.raises(SeizuresError, match=r"declares|declare"):
        seizures.open_classifier(path)


def test_the_middle_of_every_segment_is_a_setting_that_is_written_and_read(tmp_path: Path) -> None:
    settings_of = {**content().info["training"], "gamma": "inf"}
    path = tmp_path / "a.zip"
    write_classifier(path, content(training=settings_of), "# A card\n")
    assert seizures.open_classifier(path).settings.gamma == float("inf")
