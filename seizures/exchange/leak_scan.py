"""The leak scan: every byte of an exchange bundle, searched for what must not leave the laboratory.

Files are searched twice: as bytes, and as what they say (names, attributes, cells, JSON, the arrays decompressed, the
members of a zip). How strict a search is depends on how likely the text is to occur by chance:

====================================  ==========================================================
text to find                          where it counts
====================================  ==========================================================
6 bytes and more                      anywhere, also inside arrays of numbers, in any case, and in UTF-16
4 and 5                               anywhere but inside arrays of numbers
2 and 3 with a letter                 as a word of its own, as it is written, in what is text
digits only, up to 3; one letter      as a whole cell or attribute, or a whole part of a name
====================================  ==========================================================

Two or three letters stand by chance in checksums, addresses and sizes: a bundle of 400 files holds most pairs of
letters in its bytes. So they are not looked for there (HDF5's bookkeeping, a zip's directory), but in all that those
bytes say: names, attributes, cells, lines. Nor do words count that every bundle holds (`id`, `video`, `is`),
where a host, a user or a patient is called so: they would stop each export, and say nothing.

A text of at most 8 hexadecimal digits, as a number of a patient is, does not count within a digest: 200 files with
their checksums hold every other number of five digits by chance.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seizures.errors import SeizuresError
from seizures.exchange import model_card
from seizures.exchange.bundle import CARD_NAME, INFO_NAME, MANIFEST_COLUMNS, MANIFEST_NAME, SUMS_NAME
from seizures.exchange.classifier_schema import FAMILIARITY, FIELDS, MEMBERS
from seizures.exchange.data_card import CARD
from seizures.features.schema import DESCRIPTIONS, FeatureHeader, ViewFacts
from seizures.features.validation import STATED
from seizures.files.scratch import scratch_folder
from seizures.provenance import DISTRIBUTIONS

ANYWHERE_BYTES = 6
TEXT_BYTES = 4
BLOCK_BYTES = 2**24
MAX_SHOWN = 20

_CONSTANTS = {text for texts in DESCRIPTIONS.values() for text in texts}

_OWN_TEXTS = (  # of every bundle, besides its values
    *(CARD_NAME, INFO_NAME, MANIFEST_NAME, SUMS_NAME, CARD, "drift.json", *MANIFEST_COLUMNS, *STATED, *DISTRIBUTIONS),
    *(*model_card.OWN_TEXTS, *MEMBERS, *FAMILIARITY, *FIELDS),
    *(field.name for part in (FeatureHeader, ViewFacts) for field in dataclasses.fields(part)),
    *(name for name in DESCRIPTIONS),
    *_CONSTANTS,
)
_OWN_WORDS = {word for text in _OWN_TEXTS for word in re.findall("[A-Za-z0-9]+", text)} | {
    *(
        "at",
        "by",
        "complete",
        "h5",
        "created",
        "file",
        "key",
        "made",
        "platform",
        "python",
        "units",
        "versions",
        "views",
    ),
}

_HEX = re.compile(r"[0-9a-f]{1,8}")
_DIGEST = re.compile(rb"[0-9a-f]{60,}|(?<![0-9a-z])(?=[0-9]*[a-f])[0-9a-f]{12}(?![0-9a-z])")
# SHA-256, and the keys of recipes, unless all are digits: that may be a number of a hospital

_DATES = (
    re.compile(r"(?<!\d)(19|20)\d\d-[01]\d-[0-3]\d(?!\d)"),
    re.compile(r"(?<!\d)[0-3]?\d[./][01]?\d[./](19|20)\d\d(?!\d)"),
)
_PATHS = re.compile(
    r"(?<![\w/.:])/(home|Users|mnt|media|data|srv|root|tmp|var|opt|work)/|(?<![A-Za-z])[A-Za-z]:\\|file://"
)


class LeakFoundError(SeizuresError):
    """Something that must not leave the laboratory stands in what was about to leave it."""


@dataclasses.dataclass(frozen=True)
class Secret:
    """A text that must not be in the bundle, and what it is (`patient id`, `host name`, ...)."""

    kind: str
    text: str
    as_word: bool = False  # counts only as a word of its own, for names that are common words too


class Searcher:
    """All secrets, ready to be searched for; one that holds another is found by the shorter one."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        given = [secret for secret in secrets if secret.text.strip() and not _is_own(secret)]
        known = {secret.text.strip().lower(): secret for secret in given if _is_long(secret.text.strip())}
        self._kinds = {text: secret.kind for text, secret in known.items()}
        self._short = {secret.text.strip(): secret.kind for secret in given if not _is_long(secret.text.strip())}
        lengths = {text: len(text.encode()) for text, secret in known.items() if not secret.as_word}
        self._anywhere = _variants(text for text, length in lengths.items() if length >= ANYWHERE_BYTES)
        self.longest_bytes = max((len(variant) for _, variant in self._anywhere), default=0)
        self._in_text = _variants(lengths)
        self._words = [
            (text, _word(text, re.IGNORECASE))
            for text, secret in known.items()
            if secret.as_word and not text.isdigit()
        ]
        self._short_words = [(text, _word(text)) for text in self._short if len(text) > 1 and not text.isdigit()]

    def in_numbers(self, content: bytes) -> set[str]:
        """Return the kinds of the secrets in the bytes of an array."""
        lower = content.lower()
        return {self._kinds[text] for text, variant in self._anywhere if variant in lower}

    def in_text(self, content: bytes) -> set[str]:
        """Return the kinds of the secrets in a text."""
        short = {self._short[text] for text, pattern in self._short_words if pattern.search(content)}
        return short | self.in_bytes(content)

    def in_bytes(self, content: bytes) -> set[str]:
        """Return the kinds of the secrets in bytes that are neither an array of numbers nor a text."""
        lower = content.lower()
        without_digests = _DIGEST.sub(b"\xff", lower)
        found = {
            self._kinds[text]
            for text, variant in self._in_text
            if variant in (without_digests if _HEX.fullmatch(text) else lower)
        }
        return found | {self._kinds[text] for text, pattern in self._words if pattern.search(content)}

    def in_value(self, value: str) -> set[str]:
        """Return what is in a name, a cell or an attribute, where also short numbers count, paths and dates."""
        if value in _CONSTANTS:
            return set()
        found = self.in_text(value.encode("utf-8", "replace"))
        whole = self._kinds.get(value.strip().lower()) or self._short.get(value.strip())
        found |= {whole} if whole else set()
        found |= {"date"} if any(pattern.search(value) for pattern in _DATES) else set()
        return found | ({"path"} if _PATHS.search(value) else set())


def _is_own(secret: Secret) -> bool:
    """Tell whether a secret that counts as a word is one that every bundle holds; short ids as they are written."""
    text = secret.text.strip()
    if secret.as_word:
        return text.lower() in {word.lower() for word in _OWN_WORDS}
    return not _is_long(text) and text in _OWN_WORDS


def _is_long(text: str) -> bool:
    return len(text.encode()) >= TEXT_BYTES


def _word(text: str, flags: int = 0) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![A-Za-z0-9])" + re.escape(text.encode()) + rb"(?![A-Za-z0-9])", flags)


def _variants(texts: Iterable[str]) -> list[tuple[str, bytes]]:
    """Return the texts that hold no other one, in each encoding.

    One that may go unseen in a digest, where it may be by chance, stands for none that holds it.
    """
    shortest: list[str] = []
    for text in sorted(texts, key=len):
        if not any(other in text for other in shortest if not _HEX.fullmatch(other)):
            shortest.append(text)
    # Bytes are put into lower case letter by letter of ASCII alone, so that an umlaut is looked for in either case.
    found = {
        spelling.encode(name).lower(): text
        for text in shortest
        for spelling in (text, text.upper(), text.title())
        for name in ("utf-8", "utf-16-le", "utf-16-be")
    }
    return [(text, variant) for variant, text in found.items()]


def scan(path: Path, secrets: Iterable[Secret]) -> list[str]:
    """Search a bundle, a folder or a zip, and return where something was found; nothing where it may leave.

    Args:
        path: the bundle.
        secrets: what must not be in it. The texts that are found are not repeated in the result, only their kind.

    """
    searcher = Searcher(secrets)
    found: dict[str, None] = {}
    if path.is_dir():
        for item in sorted(path.rglob("*")):
            name = item.relative_to(path).as_posix()
            _note(found, f"the name of file {len(found)}", _in_name(searcher, name))
            if item.is_symlink() or not (item.is_file() or item.is_dir()):
                found[f"{name}: is a link or no plain file"] = None
            elif item.is_file():
                _scan_file(searcher, name, item, found)
    else:
        _scan_zip(searcher, path, found)
    return list(found)


def require_clean(path: Path, secrets: Iterable[Secret]) -> None:
    """Raise LeakFoundError, which says where, if a secret is in the bundle."""
    found = scan(path, secrets)
    if found:
        shown = [*found[:MAX_SHOWN], *([f"and {len(found) - MAX_SHOWN} more"] if len(found) > MAX_SHOWN else [])]
        raise LeakFoundError(
            "\n  ".join(["nothing was exported; what was about to leave the laboratory holds", *shown])
        )


def _note(found: dict[str, None], place: str, kinds: set[str]) -> None:
    for kind in sorted(kinds):
        found[f"{place}: {kind}"] = None


def _in_name(searcher: Searcher, name: str) -> set[str]:
    """Return what is in the name of a file or an object: in each folder, and in each part between dots and pluses."""
    parts = [part for piece in name.split("/") for part in (piece, *re.split("[.+]", piece))]
    return set().union(*(searcher.in_value(part) for part in parts))


def _scan_file(searcher: Searcher, name: str, path: Path, found: dict[str, None]) -> None:
    if path.suffix == ".h5":
        _scan_hdf5(searcher, name, path, found)
        return
    if path.suffix == ".safetensors":
        _scan_tensors(searcher, name, path, found)
        return
    content = path.read_bytes()
    _note(found, name, searcher.in_text(content))
    for place, value in _values(path.suffix, content):
        _note(found, f"{name}, {place}", searcher.in_value(value))


def _scan_tensors(searcher: Searcher, name: str, path: Path, found: dict[str, None]) -> None:
    """Search the header of a safetensors file, which is JSON, as text, and its tensors as arrays of numbers."""
    content = path.read_bytes()
    stop = 8 + int.from_bytes(content[:8], "little")
    _note(found, f"{name}, its header", searcher.in_text(content[8:stop]))
    for place, value in _json_values(json.loads(content[8:stop])):
        kinds = _in_name(searcher, value) if place.startswith("a key") else searcher.in_value(value)
        _note(found, f"{name}, {place}", kinds)
    _note(found, f"{name}, its tensors", searcher.in_numbers(content[stop:]))


def _values(suffix: str, content: bytes) -> Iterator[tuple[str, str]]:
    """Yield what a text file says, piece by piece: cells, JSON values, lines."""
    text = content.decode("utf-8", "replace")
    if suffix == ".csv":
        for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
            yield from ((f"row {number}", cell) for cell in row)
    elif suffix == ".json":
        yield from _json_values(json.loads(text))
    else:
        yield from ((f"line {number}", line) for number, line in enumerate(text.splitlines(), start=1))


def _json_values(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"a key of {place or 'the top'}", str(key)
            yield from _json_values(item, f"{place}/{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _json_values(item, place)
    elif isinstance(value, str):
        yield place, value


def _scan_hdf5(searcher: Searcher, name: str, path: Path, found: dict[str, None]) -> None:
    """Search the bytes outside the chunks; and names, attributes and arrays through HDF5."""
    with h5py.File(path, "r", locking=False) as file:
        items: list[Any] = [file]
        file.visititems(lambda _, item: items.append(item))
        chunks: list[tuple[int, int]] = []
        for item in items:
            place = f"{name}, {item.name}"
            _note(found, f"{name}, the name of an object", _in_name(searcher, item.name))
            for key, value in item.attrs.items():
                for text in _attribute_texts(key, value):
                    _note(found, f"{place}, attribute {key if key != text else 'name'}", searcher.in_value(text))
            if isinstance(item, h5py.Dataset):
                chunks += _chunk_ranges(item)
                _scan_array(searcher, place, item, found)
    _note(found, f"{name}, its bytes", searcher.in_bytes(_outside(path, chunks)))


def _attribute_texts(key: str, value: Any) -> Iterator[str]:
    yield key
    for item in np.ravel(value):
        text = item.decode("utf-8", "replace") if isinstance(item, bytes) else item
        if isinstance(text, str):
            yield text
            with contextlib.suppress(ValueError):  # not JSON
                yield from (value for _, value in _json_values(json.loads(text)))


def _chunk_ranges(dataset: Any) -> list[tuple[int, int]]:
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return [] if offset is None else [(offset, offset + dataset.id.get_storage_size())]
    chunks = (dataset.id.get_chunk_info(index) for index in range(dataset.id.get_num_chunks()))
    return [(chunk.byte_offset, chunk.byte_offset + chunk.size) for chunk in chunks]


def _scan_array(searcher: Searcher, place: str, dataset: Any, found: dict[str, None]) -> None:
    """Search an array decompressed, block by block; neighbouring blocks overlap by the longest text."""
    if dataset.dtype.kind not in "fbiu":
        found[f"{place}: an array that is not of numbers"] = None
        return
    row_bytes = max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:])))
    num_rows, overlap = max(1, BLOCK_BYTES // row_bytes), -(-searcher.longest_bytes // row_bytes)
    for start in range(0, dataset.shape[0], num_rows):
        content = dataset[start : start + num_rows + overlap].tobytes()
        _note(found, place, searcher.in_numbers(content))


def _scan_zip(searcher: Searcher, path: Path, found: dict[str, None]) -> None:
    """Search what a zip adds to its members: names, comments, extra fields, dates, bytes between them; and them."""
    with zipfile.ZipFile(path) as archive, scratch_folder() as scratch:
        _note(found, "the zip's comment", searcher.in_value(archive.comment.decode("utf-8", "replace")))
        ranges = []
        for number, member in enumerate(archive.infolist(), start=1):
            place = f"zip member {number}"
            _note(found, f"{place}, name", _in_name(searcher, member.filename))
            for what, content in (("comment", member.comment), ("extra field", member.extra)):
                _note(found, f"{place}, {what}", searcher.in_value(content.decode("utf-8", "replace")))
            if member.date_time != (1980, 1, 1, 0, 0, 0):
                found[f"{place}: date"] = None
            extracted = scratch / f"member{Path(member.filename).suffix}"
            with archive.open(member) as source, extracted.open("wb") as target:
                shutil.copyfileobj(source, target)
            _scan_file(searcher, place, extracted, found)
            start = member.header_offset + 30 + len(member.orig_filename.encode()) + _local_extra(path, member)
            ranges.append((start, start + member.compress_size))
    _note(found, "the zip, outside its members", searcher.in_bytes(_outside(path, ranges)))


def _local_extra(path: Path, member: zipfile.ZipInfo) -> int:
    """Return the length of the extra field of a member's local header."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 28)
        return int.from_bytes(file.read(2), "little")


def _outside(path: Path, ranges: list[tuple[int, int]]) -> bytes:
    """Return the bytes of a file that are in none of the half-open ranges; a gap becomes the byte 255."""
    pieces, position = [], 0
    with path.open("rb") as file:
        for start, stop in sorted([*ranges, (path.stat().st_size,) * 2]):
            if start > position:
                file.seek(position)
                pieces.append(file.read(start - position))
            position = max(position, stop)
    return b"\xff".join(pieces)
