"""The inventories are those that were published: counts and numbers, pinned."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from seizures.report.checklists.inventory import CHECKLISTS, read_items
from seizures.report.checklists.study import KEYS

TRIPOD_LETTERS = {
    3: "abc",
    5: "ab",
    6: "abc",
    8: "abc",
    9: "abc",
    12: "abcdefg",
    18: "abcdef",
    20: "abc",
    23: "ab",
    27: "abc",
}
STARD_LETTERS = {15: "abcd", 16: "abc", 17: "ab", 26: "ab", 40: "ab"}


def numbers(name: str) -> list[str]:
    return [item.item for item in read_items() if item.list == name]


def lettered(last: int, letters: dict[int, str]) -> list[str]:
    return [f"{number}{letter}" for number in range(1, last + 1) for letter in letters.get(number, [""])]


def test_every_list_has_its_items_and_no_others() -> None:
    assert numbers("TRIPOD+AI") == lettered(27, TRIPOD_LETTERS)
    assert len(numbers("TRIPOD+AI")) == 52
    assert numbers("STARD-AI") == lettered(40, STARD_LETTERS)
    assert len(numbers("STARD-AI")) == 48
    assert numbers("CLAIM 2024") == [str(number) for number in range(1, 45)]
    sections = Counter((item[0], item[1]) for item in numbers("PROBAST+AI"))
    both = {"1": 3, "2": 4, "3": 4}
    assert sections == {("D", k): n for k, n in {**both, "4": 5}.items()} | {
        ("E", k): n for k, n in {**both, "4": 7}.items()
    }
    assert {item.list for item in read_items()} == {one.name for one in CHECKLISTS}


def test_every_item_has_a_topic_of_ours_and_somebody_who_answers() -> None:
    for item in read_items():
        assert 3 < len(item.topic) < 90, item
        assert item.sources or item.study, item
        for source in item.sources:
            assert re.fullmatch(r"(metrics|provenance):[A-Za-z_.]+|file:[\w./, ]+", source), source


def test_the_keys_of_the_study_are_those_that_items_ask_for() -> None:
    asked = {item.study for item in read_items() if item.study}
    assert asked == set(KEYS)
    example = Path(__file__).parents[4] / "docs" / "study.example.toml"
    assert set(re.findall(r"^(\w+) =", example.read_text(encoding="utf-8"), flags=re.MULTILINE)) <= set(KEYS)
