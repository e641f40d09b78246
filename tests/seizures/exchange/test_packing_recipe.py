from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from checkpoint_examples import RECIPE

from seizures.errors import SettingsError
from seizures.exchange.packing_recipe import KEYS, MAX_BYTES, read_recipe, recipe_faults
from seizures.manifest.table import label_problem

HOW_TO = Path(__file__).parents[3] / "docs" / "howto/pack-the-authors-classifier.md"


def test_a_recipe_is_good_with_and_without_what_may_be_left_out() -> None:
    assert list(recipe_faults(RECIPE)) == []
    more = {"aggregation": "blstm", "site": "LAB1", "is_simulated": True, "hidden_units": 64, "feature_dim": 512}
    assert list(recipe_faults({**RECIPE, **more})) == []
    assert {*RECIPE, *more} == {*KEYS}


def test_everything_that_is_missing_is_told_at_once() -> None:
    found = list(recipe_faults({}))
    assert [line.partition(" is missing: expected ")[0] for line in found] == list(RECIPE)


BAD: dict[str, list[Any]] = {
    "labels": ["FOS", ["FOS"], ["FOS", "fos"], ["FOS", 3], ["FOS", ""], ["FOS", "a\nb"], ["A", "B", "C"]],
    "network": ["", "a b", 3, "x" * 81],
    "weights_sha256": ["", "doi:10.5522/04/14781771", "0" * 64, "0123abcd", 3],
    "preprocessing": ["crop", 3, None],
    "deinterlace": [True, "yes"],
    "precision": ["float64"],
    "frame_rate_hz": [0, -1, float("nan"), float("inf"), "15", True, 1000],
    "frames_per_snippet": [0, 8.0, True, "8", 10**9],
    "stride_frames": [0],
    "num_segments": [0, 16.5],
    "aggregation": ["attention", ""],
    "hidden_units": [0],
    "feature_dim": [-1],
    "site": ["my lab", 3],
    "is_simulated": ["false", 0],
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_value_is_told_with_what_is_expected(name: str) -> None:
    for value in BAD[name]:
        (fault,) = recipe_faults({**RECIPE, name: value})
        assert fault.startswith(f"{name} = "), fault
        assert ": expected " in fault


def test_the_bad_values_cover_every_key() -> None:
    assert BAD.keys() == KEYS.keys()
    assert label_problem("FOS") is None


def test_an_unknown_key_is_refused_with_the_one_that_was_meant() -> None:
    found = list(recipe_faults({**RECIPE, "frame_rate": 15, "gamma": 4, "classifier": {"a": 1}}))
    assert found == [
        "frame_rate: no such key - did you mean frame_rate_hz?",
        "gamma: no such key",
        "classifier: no such key",
    ]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"labels = [", "not TOML"),
        (b"a = 1\na = 2", "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "more than 64 KiB"),
        (b"a = " + b"[" * 5000, "not TOML"),
    ],
)
def test_what_is_no_toml_is_told(tmp_path: Path, content: bytes, wanted: str) -> None:
    (tmp_path / "recipe.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=wanted):
        read_recipe(tmp_path / "recipe.toml")


def test_a_recipe_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        read_recipe(tmp_path / "recipe.toml")
    with pytest.raises(SettingsError, match="not a file"):
        read_recipe(tmp_path)


def test_the_template_in_the_how_to_is_a_good_recipe(tmp_path: Path) -> None:
    (template,) = re.findall(r"```toml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "recipe.toml").write_bytes(b"\xef\xbb\xbf" + template.encode())
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert list(recipe_faults(recipe)) == []
    assert all(re.search(rf"\b{name}\b", HOW_TO.read_text(encoding="utf-8")) for name in KEYS)
