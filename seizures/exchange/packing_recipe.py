"""recipe.toml: what a person states of a classifier whose checkpoint says nothing but its weights.

Nobody here can check what is stated, except the shapes of the weights, so every key is asked for and none is guessed.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seizures.errors import SettingsError
from seizures.exchange.classifier_schema import LARGEST_DIM, LARGEST_HIDDEN, MOST_SEGMENTS
from seizures.exchange.pseudonyms import is_site
from seizures.manifest.table import label_problem
from seizures.settings import DEINTERLACING, PRECISIONS, PREPROCESSINGS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AGGREGATIONS = ("mean", "lstm", "blstm")  # the authors'
MOST_FRAMES = 4096  # of a snippet or a stride
MAX_RATE_HZ = 240.0  # as [Frames] frame_rate_hz
MAX_BYTES = 2**16
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,80}")  # as in feature files, with which it is compared
_BARE_HASH = re.compile(r"[0-9A-Fa-f]{8,64}")  # which no feature file has without sha256: before it


def _is_labels(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(label, str) for label in value):
        return False
    return len({label.casefold() for label in value}) == 2 and not any(map(label_problem, value))


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _is_weights(value: Any) -> bool:
    return _is_word(value) and _BARE_HASH.fullmatch(value) is None


def _is_rate(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 < value <= MAX_RATE_HZ


def _one_of(*known: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in known


@dataclasses.dataclass(frozen=True)
class _Key:
    """One key: whether a value is good, what is expected, and whether it may be left out."""

    is_good: Callable[[Any], bool]
    wanted: str
    is_optional: bool = False


def _count(largest: int, *, is_optional: bool = False) -> _Key:
    return _Key(
        lambda value: type(value) is int and 1 <= value <= largest,
        f"a whole number from 1 to {largest}",
        is_optional=is_optional,
    )


def _stated(known: tuple[str, ...]) -> _Key:
    return _Key(_one_of("", *known), f"one of {', '.join(known)}, in quotation marks; '' where you do not know it")


KEYS: Mapping[str, _Key] = {
    "labels": _Key(_is_labels, "the negative and the positive label, such as ['FOS', 'TCS']: two different ones of at "
                   "most 40 letters, digits, spaces and . ( ) + - _"),
    "network": _Key(_is_word, "the name of the network in quotation marks, such as 'r2plus1d_34_8_kinetics'"),
    "weights_sha256": _Key(_is_weights, "what tells the network's weights from others, of letters, digits and - _ . : "
                           "alone: 'sha256:...', or a DOI with _ for /, such as 'doi:10.5522_04_14781771'"),
    "preprocessing": _stated(PREPROCESSINGS),
    "deinterlace": _stated(DEINTERLACING),
    "precision": _stated(PRECISIONS),
    "frame_rate_hz": _Key(_is_rate, f"a number above 0 and at most {MAX_RATE_HZ:g}"),
    "frames_per_snippet": _count(MOST_FRAMES),
    "stride_frames": _count(MOST_FRAMES),
    "num_segments": _count(MOST_SEGMENTS),
    "aggregation": _Key(_one_of(*AGGREGATIONS), f"one of {', '.join(AGGREGATIONS)}", is_optional=True),
    "hidden_units": _count(LARGEST_HIDDEN, is_optional=True),
    "feature_dim": _count(LARGEST_DIM, is_optional=True),
    "site": _Key(lambda value: isinstance(value, str) and (not value or is_site(value)),
                 "2 to 16 letters and digits, beginning with a letter, e.g. 'LAB1'", is_optional=True),
    "is_simulated": _Key(lambda value: isinstance(value, bool), "true or false", is_optional=True),
}  # fmt: skip


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file; `recipe_faults` tells whether it is a recipe.

    Raises:
        SettingsError: it is not there, or not TOML.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: {'not a file' if path.exists() else 'no such file'}; expected a recipe in TOML")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SettingsError(f"{path}: more than {MAX_BYTES >> 10} KiB; expected a recipe of some lines")
        found: dict[str, Any] = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8; save it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: not TOML: {error}; write key = 'text', one key a line") from error
    return found


def recipe_faults(recipe: Mapping[str, Any]) -> Iterator[str]:
    """Yield everything that is wrong with a recipe by itself, a line each."""
    for name, value in recipe.items():
        if name not in KEYS:
            near = difflib.get_close_matches(str(name).lower(), KEYS, n=1, cutoff=0.6)
            yield f"{str(name)[:40]}: no such key{f' - did you mean {near[0]}?' if near else ''}"
        elif not KEYS[name].is_good(value):
            yield f"{name} = {str(value)[:60]!r}: expected {KEYS[name].wanted}"
    yield from (
        f"{name} is missing: expected {key.wanted}"
        for name, key in KEYS.items()
        if name not in recipe and not key.is_optional
    )
