"""Short numbers, which digests hold by chance and which must be found everywhere else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from seizures.exchange.leak_scan import Secret, scan

DIGEST = next(
    text for text in (hashlib.sha256(str(number).encode()).hexdigest() for number in range(10**6)) if "00702" in text
)
KEY = "5a00702b" * 8
SECRETS = [
    Secret("patient and seizure id", "00702"),
    Secret("patient id", "7c0ffee1"),
    Secret("patient id", "abc007020def"),
    Secret("key of the pseudonyms", KEY),
]


@pytest.mark.parametrize("content", [f"{DIGEST}  README.md\n", f'{{"key_id": "{DIGEST[-30:-18]}"}}'])
def test_a_digest_that_holds_a_number_by_chance_does_not_stop_an_export(tmp_path: Path, content: str) -> None:
    (tmp_path / "SHA256SUMS").write_text(content)
    assert scan(tmp_path, SECRETS) == []


@pytest.mark.parametrize(
    "content",
    [
        "00702",
        "seizure00702.mp4",
        "a00702f",
        "P_00702",
        "x 7C0FFEE1 y",
        "f" * 59 + " 00702 " + "0" * 64,
        "000000000702 000000700702",
        "abc007020def",
        f"made with {KEY}",
    ],
)
def test_it_is_found_everywhere_else(tmp_path: Path, content: str) -> None:
    (tmp_path / "SHA256SUMS").write_text(content)
    assert scan(tmp_path, SECRETS)


@pytest.mark.parametrize(
    ("content", "is_found"),
    [
        ("with thanks to Q7.", True),
        ("Q7_large", True),
        ("AQ7", False),
        ("IS", True),
        ("this is it", False),  # words of every bundle
        ("the video of ward9", True),
        ("the video of ward", False),
    ],
)
def test_a_short_id_is_found_as_the_word_that_it_is(tmp_path: Path, content: str, is_found: bool) -> None:
    secrets = [Secret("patient id", "Q7"), Secret("patient id", "IS"), Secret("patient id", "it")]
    secrets += [Secret("host name", "video", as_word=True), Secret("user name", "WARD9", as_word=True)]
    (tmp_path / "README.md").write_text(content)
    assert bool(scan(tmp_path, secrets)) == is_found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("text", ["Jane Doe", "JANE DOE", "Müller-7", "MÜLLER-7", "ÜRÜN 7", "Ürün 7"])
def test_a_name_is_found_in_every_encoding_and_case(tmp_path: Path, encoding: str, text: str) -> None:
    secrets = [Secret("patient id", name) for name in ("Jane Doe", "müller-7", "Ürün 7")]
    (tmp_path / "notes.bin").write_bytes(b"\x00\x07" * 8 + text.encode(encoding) + b"\x01" * 3)
    assert "notes.bin: patient id" in scan(tmp_path, secrets)
