"""The most similar training seizures come first."""

from __future__ import annotations

import numpy as np
import pytest

from seizures.prediction.similar_cases import Case, find_similar


def case(name: str, seed: int, views: tuple[str, ...] = ("large", "small")) -> Case:
    rng = np.random.default_rng(seed)
    return Case(name, "TCS", {view: rng.normal(size=(4, 6)).astype(np.float32) for view in views})


def test_the_same_course_comes_first_and_is_as_similar_as_can_be() -> None:
    cases = [case(f"P{number}+1", number) for number in range(9)]
    found = find_similar(cases[4].middles, cases, num_shown=3)
    assert found[0].name == "P4+1"
    assert found[0].similarity == pytest.approx(1)
    assert len(found) == 3
    assert found[1].similarity < 0.9


def test_views_of_other_names_are_compared_all_with_all() -> None:
    cases = [case("P1+1", 1, ("bed",)), case("P2+1", 2, ("bed",))]
    assert find_similar({"room": cases[1].middles["bed"]}, cases)[0].name == "P2+1"


def test_equal_cases_stand_in_the_order_of_their_names() -> None:
    one = case("P2+1", 1)
    other = Case("P1+1", "FOS", one.middles)
    assert [found.name for found in find_similar(one.middles, [one, other])] == ["P1+1", "P2+1"]
    assert find_similar(one.middles, []) == []
