"""The leak scan of a classifier's file: an id is found wherever it stands, and a clean file passes."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from classifier_files import CARD, INFO, SUMS, TENSORS, content, members_of, write_raw
from safetensors.torch import load, save

from seizures.exchange.classifier_file import write_classifier
from seizures.exchange.leak_scan import LeakFoundError, Secret, require_clean, scan
from seizures.exchange.model_card import model_card

SECRET = "Mustermann"
Plant = Callable[[dict[str, bytes]], dict[str, bytes]]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path, one = tmp_path / "good.zip", content(familiar=True)
    write_classifier(path, one, model_card(one.info))
    return path


def _text(member: str, text: bytes) -> Plant:
    return lambda members: {**members, member: members[member] + text}


def _info(key: str, value: object) -> Plant:
    return lambda members: {**members, INFO: json.dumps({**json.loads(members[INFO]), key: value}).encode()}


def _deep(members: dict[str, bytes]) -> dict[str, bytes]:
    info = json.loads(members[INFO])
    info["cohort"]["num_seizures_by_label"][SECRET] = 3
    return {**members, INFO: json.dumps(info).encode()}


def _metadata(members: dict[str, bytes]) -> dict[str, bytes]:
    return {**members, TENSORS: save(load(members[TENSORS]), {"patient": SECRET})}


def _tensor_name(members: dict[str, bytes]) -> dict[str, bytes]:
    return {**members, TENSORS: save({**load(members[TENSORS]), f"seed0.{SECRET}": torch.zeros(1)})}


def _tensor_bytes(text: bytes) -> Plant:
    def plant(members: dict[str, bytes]) -> dict[str, bytes]:
        padded = text + b"\0" * (-len(text) % 4)
        numbers = torch.frombuffer(bytearray(padded), dtype=torch.float32)
        return {**members, TENSORS: save({**load(members[TENSORS]), "seed0.more": numbers})}

    return plant


def _header_padding(members: dict[str, bytes]) -> dict[str, bytes]:
    (length,) = struct.unpack("<Q", members[TENSORS][:8])
    header = members[TENSORS][8 : 8 + length].rstrip()[:-1] + b',"__metadata__":{"x":"' + SECRET.encode() + b'"}}'
    return {**members, TENSORS: struct.pack("<Q", len(header)) + header + members[TENSORS][8 + length :]}


PLANTS: dict[str, Plant] = {
    "the card": _text(CARD, f"\nfor {SECRET}\n".encode()),
    "the card, in capitals": _text(CARD, SECRET.upper().encode()),
    "the card, in UTF-16": _text(CARD, SECRET.encode("utf-16-le")),
    "the card, big-endian": _text(CARD, SECRET.encode("utf-16-be")),
    "the card, within a word": _text(CARD, f"x{SECRET}x".encode()),
    "the sums": _text(SUMS, f"{'0' * 64}  {SECRET}\n".encode()),
    "the site": _info("site", SECRET),
    "a label": _info("labels", ["FOS", SECRET]),
    "who made it": _info("created_by", f"{SECRET} 1.0"),
    "a key": _info(SECRET, 1),
    "a key within": _deep,
    "a name within a list": _info("seeds", [SECRET]),
    "metadata of the tensors": _metadata,
    "the name of a tensor": _tensor_name,
    "the header of the tensors": _header_padding,
    "numbers": _tensor_bytes(SECRET.encode()),
    "numbers, in other case": _tensor_bytes(SECRET.lower().encode()),
    "numbers, in UTF-16": _tensor_bytes(SECRET.encode("utf-16-le")),
    "a new member": lambda members: {**members, "notes.txt": SECRET.encode()},
    "the name of a member": lambda members: {**members, f"{SECRET}.txt": b""},
}


@pytest.mark.parametrize("place", PLANTS)
def test_a_planted_id_is_found(good: Path, tmp_path: Path, place: str) -> None:
    path = write_raw(tmp_path / "bad.zip", PLANTS[place](members_of(good)), sums=place != "the sums")
    with pytest.raises(LeakFoundError, match="patient id"):
        require_clean(path, [Secret("patient id", SECRET)])


@pytest.mark.parametrize("place", ["comment", "extra", "before"])
def test_what_the_zip_adds_is_searched(good: Path, tmp_path: Path, place: str) -> None:
    path = tmp_path / "bad.zip"
    members = members_of(good)
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            entry = zipfile.ZipInfo(name)
            if place == "extra":
                entry.extra = struct.pack("<HH", 0x9999, len(SECRET)) + SECRET.encode()
            archive.writestr(entry, value)
        if place == "comment":
            archive.comment = SECRET.encode()
    if place == "before":
        path.write_bytes(SECRET.encode() + path.read_bytes())
    assert any("patient id" in line for line in scan(path, [Secret("patient id", SECRET)]))


def test_a_clean_file_passes_whatever_short_ids_a_laboratory_has(good: Path) -> None:
    ids = ["1", "7", "12", "003", "P1", "ab", "vm", "P01", "K9", "s1", "2024"]
    assert scan(good, [Secret("patient id", one) for one in ids]) == []
    assert scan(good, [Secret("host name", "vm", as_word=True), Secret("user name", "classifier", as_word=True)]) == []
