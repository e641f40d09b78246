"""Which earlier result has the features that are wanted: made in the same way, whole, with every view."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from feature_examples import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seizures.settings import canonical, digest
from tasks.machinery.sealed import write_sealed
from tasks.stage import integrity
from tasks.stage.integrity import describe_file
from tasks.stages.earlier_features import SAID, find_earlier

READS: dict[str, Any] = {
    "network": "r2plus1d_small",
    "weights": "random:0",
    "stride_frames": 4,
    "precision": "float32",
    "frame_rate_hz": 15.0,
    "label": "FOS",
    "clonic_onset_seconds": None,
    "uses": {"large": "all", "small": "all"},
}
UPSTREAM = {"DecodeRecording/P01+01+large": "0" * 12, "DecodeRecording/P01+01+small": "1" * 12}
RECIPE: dict[str, Any] = {
    "stage": "ExtractFeatures", "version": 1, "label": "P01+01", "reads": READS, "upstream": UPSTREAM,
}  # fmt: skip
VIEWS = ("large", "small")


def recipe(**reads: Any) -> dict[str, Any]:
    return dict(canonical({**RECIPE, "reads": {**READS, **reads}}))


def land(
    folder: Path, of: dict[str, Any], views: tuple[str, ...] = VIEWS, made: str = "2026-01-01", device: str = "cpu"
) -> Path:
    """Write a result as a stage lands it."""
    folder.mkdir(exist_ok=True)
    path = write(folder / f"{digest(of)}.h5", views=views)
    said = {**of, "key": digest(of), "made": made, "device": device, "result": describe_file(path)}
    write_sealed(path.with_suffix(".why.json"), said)
    return path


def wanted(folder: Path, of: dict[str, Any]) -> Path:
    return folder / f"{digest(of)}.h5"


@pytest.mark.parametrize(
    "said",
    [
        {"label": "TCS"},
        {"label": ""},
        {"clonic_onset_seconds": 7.5},
        {"uses": {"large": "all", "small": "evaluate"}},
        {"label": "TCS", "clonic_onset_seconds": 7.5, "uses": {"large": "evaluate", "small": "all"}},
    ],
)
def test_what_is_said_of_the_seizure_may_differ(tmp_path: Path, said: dict[str, Any]) -> None:
    earlier = land(tmp_path, RECIPE)
    found = find_earlier(wanted(tmp_path, recipe(**said)), recipe(**said), VIEWS, thorough=True)
    assert found == (earlier, digest(RECIPE), "cpu")


@pytest.mark.parametrize(
    "other",
    [
        {"stage": "ImportedFeatures"},
        {"version": 2},
        {"label": "P01+02"},
        {"upstream": {**UPSTREAM, "DecodeRecording/P01+01+small": "2" * 12}},
        {"upstream": {"DecodeRecording/P01+01+large": "0" * 12}},
        {"reads": {**READS, "network": "stcnn"}},
        {"reads": {**READS, "weights": "random:1"}},
        {"reads": {**READS, "stride_frames": 2}},
        {"reads": {**READS, "precision": "bfloat16"}},
        {"reads": {**READS, "frame_rate_hz": 16.0}},
        {"reads": {**READS, "new": 1}},
        {"reads": {name: value for name, value in READS.items() if name != "precision"}},
    ],
)
def test_what_makes_other_features_may_not(tmp_path: Path, other: dict[str, Any]) -> None:
    land(tmp_path, {**RECIPE, **other})
    assert find_earlier(wanted(tmp_path, recipe(label="TCS")), recipe(label="TCS"), VIEWS) is None


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "network": st.sampled_from(["r2plus1d_small", "stcnn"]),
    "weights": st.sampled_from(["random:0", "random:1"]),
    "stride_frames": st.integers(3, 4),
    "precision": st.sampled_from(["float32", "float16"]),
    "frame_rate_hz": st.sampled_from([14.0, 15.0]),
    "label": st.sampled_from(["FOS", "TCS", ""]),
    "clonic_onset_seconds": st.sampled_from([None, 3.0]),
    "uses": st.sampled_from([{"large": "all"}, {"large": "evaluate"}]),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.fixed_dictionaries(VALUES), second=st.fixed_dictionaries(VALUES))
def test_a_result_is_taken_exactly_where_all_else_is_the_same(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    folder = tmp_path / digest([first, second])
    land(folder, recipe(**first))
    found = find_earlier(wanted(folder, recipe(**second)), recipe(**second), VIEWS)
    differ = {name for name in READS if first[name] != second[name]}
    assert (found is not None) == (bool(differ) and differ <= set(SAID))


def test_the_result_itself_is_no_earlier_one(tmp_path: Path) -> None:
    assert find_earlier(land(tmp_path, RECIPE), RECIPE, VIEWS) is None


def test_of_several_the_newest_is_taken(tmp_path: Path) -> None:
    land(tmp_path, recipe(label="A"), made="2026-01-02", device="old")
    land(tmp_path, recipe(label="B"), made="2026-01-03", device="new")
    land(tmp_path, recipe(label="C"), made="2026-01-01", device="oldest")
    found = find_earlier(wanted(tmp_path, RECIPE), RECIPE, VIEWS)
    assert found is not None
    assert found.device == "new"


def test_every_view_is_wanted_and_more_do_no_harm(tmp_path: Path) -> None:
    land(tmp_path, recipe(label="TCS"), views=("large",))
    path = wanted(tmp_path, RECIPE)
    assert find_earlier(path, RECIPE, VIEWS) is None
    assert find_earlier(path, RECIPE, ["large"]) is not None
    assert find_earlier(path, RECIPE, []) is None
    more = land(tmp_path, recipe(label=""), views=VIEWS)
    found = find_earlier(path, RECIPE, VIEWS)
    assert found is not None
    assert found.path == more


def flip(path: Path) -> None:
    """Change a bit of the file, and keep its size and its time."""
    content, times = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.rename(path.with_name(path.name + ".damaged")),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.with_suffix(".why.json").unlink(),
        lambda path: path.with_suffix(".why.json").write_text("{}"),
        flip,
    ],
)
def test_what_is_damaged_or_gone_is_not_taken(
    tmp_path: Path, damage: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(integrity, "_known", {})
    other = land(tmp_path, recipe(label=""), made="2025-01-01")
    damage(land(tmp_path, recipe(label="TCS")))
    found = find_earlier(wanted(tmp_path, RECIPE), RECIPE, VIEWS, thorough=True)
    assert found is not None
    assert found.path == other
    other.unlink()
    assert find_earlier(wanted(tmp_path, RECIPE), RECIPE, VIEWS, thorough=True) is None
