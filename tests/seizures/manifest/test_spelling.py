"""Two spellings of one id are taken for one; ids that only look related are not."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.manifest.spelling import difference, plain


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("P1", "P01", "leading zeros"),
        ("P1", "p-001", "leading zeros"),
        ("P01", "p01", "case"),
        ("P01", "P-01", "punctuation"),
        ("P 01", "P_01", "punctuation"),
        ("\uff30\uff10\uff11", "P01", "case"),
        ("site-a.P1", "SITE_A-P01", "leading zeros"),
        ("0", "000", "leading zeros"),
        ("1-2", "01_02", "leading zeros"),
    ],
)
def test_spellings_of_one_id(one: str, other: str, kind: str) -> None:
    assert plain(one) == plain(other)
    assert difference(one, other) == difference(other, one) == kind


@pytest.mark.parametrize(
    ("one", "other"),
    [("P1", "P10"), ("1-2", "12"), ("1-2", "2-1"), ("A1", "B1"), ("P1", "1"), ("P1a", "P1b"), ("-", "_")],
)
def test_ids_that_differ(one: str, other: str) -> None:
    assert plain(one) != plain(other)


def test_a_zero_elsewhere_is_another_id() -> None:
    assert not difference("a01b1", "a1b01")


@given(
    letters=st.text(string.ascii_letters, min_size=1, max_size=8),
    number=st.integers(0, 10**6),
    zeros=st.integers(0, 5),
    mark=st.sampled_from(["", "-", "_", ".", " "]),
)
def test_typing_an_id_again_changes_nothing(letters: str, number: int, zeros: int, mark: str) -> None:
    assert plain(f"{letters}{number}") == plain(f"{letters.swapcase()}{mark}{'0' * zeros}{number}")


@given(st.lists(st.from_regex(r"[A-Z]{1,3}-[1-9][0-9]{0,3}", fullmatch=True), unique=True, max_size=30))
def test_ids_of_one_scheme_never_meet(ids: list[str]) -> None:
    assert len({plain(item) for item in ids}) == len(ids)
