"""What classifier.json may say: every field, its kind and its bounds (docs/classifier-file.md).

Bounds are checked before anything is built: a file from elsewhere must not decide how much memory is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seizures.errors import SeizuresError
from seizures.manifest.table import label_problem
from seizures.prediction.calibrator import Calibration
from seizures.settings import PRECISIONS, PREPROCESSINGS, TrainingSettings

FORMAT, FORMAT_VERSION = "seizure-classifier-file", 1
INFO_NAME, TENSORS_NAME, CARD_NAME, SUMS_NAME = "classifier.json", "classifier.safetensors", "CARD.md", "SHA256SUMS"
MEMBERS = (CARD_NAME, SUMS_NAME, INFO_NAME, TENSORS_NAME)
FAMILIARITY = ("mean", "components", "variances", "residual_variance")
LARGEST_NUMBER = 1e9
LARGEST_DIM, LARGEST_HIDDEN, MOST_SEEDS, MOST_SEGMENTS, MOST_HASHES = 8192, 2048, 100, 1024, 200_000

_ID = re.compile(r"[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z0-9_.:/() +-]{1,120}")
_SITE = re.compile(r"|[A-Za-z][A-Za-z0-9]{1,15}")

Check = Callable[[Any], bool]


def info_faults(info: Any) -> list[str]:
    """Return what is wrong with classifier.json; what depends on a wrong part is not looked at."""
    if not isinstance(info, dict):
        return [f"classifier.json holds {_kind(info)}, expected an object"]
    if info.get("format") != FORMAT:
        return [f"its format is {_shown(info.get('format'))}, expected {FORMAT!r}"]
    if info.get("format_version") != FORMAT_VERSION:
        found = _shown(info.get("format_version"))
        return [f"its format_version is {found}, and this software reads {FORMAT_VERSION}; update the software"]
    faults = list(_faults_of(info, _TOP, ""))
    if faults:
        return faults
    return list(_contents(info)) or list(_disagreements(info))


def _contents(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong within the parts, whose kinds are right."""
    yield from _faults_of(info["features"], _FEATURES, "features.")
    yield from _faults_of(info["calibration"], _CALIBRATION, "calibration.")
    for name, parts in (("cohort", _COHORT), ("scores", _SCORES), ("decision", _DECISION),
                        ("familiarity", _FAMILIARITY), ("trained_on", _TRAINED_ON)):  # fmt: skip
        if info[name] is not None:
            yield from _faults_of(info[name], parts, f"{name}.")
    try:
        settings = TrainingSettings.of_fields(info["training"])
        if not _is_bounded(settings):
            yield (
                f"training: {settings.hidden_units} hidden units and {settings.num_segments} segments; at most "
                f"{LARGEST_HIDDEN} and {MOST_SEGMENTS} are read"
            )
    except SeizuresError as error:
        yield f"training: {error}"
    if not all(_is_count(seed) for seed in info["seeds"]) or len(set(info["seeds"])) < len(info["seeds"]):
        yield "seeds: expected whole numbers, each once"
    labels = info["labels"]
    bad = [label for label in labels if not isinstance(label, str) or label_problem(label)]
    if bad or len(set(map(str, labels))) != 2:
        yield f"labels: expected two different labels, found {_shown(labels)}"
    said = info["calibration"]
    try:
        Calibration(said.get("method"), said.get("slope"), said.get("intercept"))
    except (SeizuresError, TypeError, ValueError, OverflowError) as error:
        yield f"calibration: {str(error)[:200]}"
    if info["decision"] is not None:
        zone = info["decision"].get("no_call")
        if not (_is_pair(zone) and 0 < zone[0] <= 0.5 <= zone[1] < 1):
            yield f"decision.no_call: expected two numbers around 0.5, found {_shown(zone)}"
    if info["reference"] is not None:
        yield from _reference_faults(info["reference"])


def _disagreements(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield what cannot be true together, of parts that are right one by one."""
    cohort, familiar = info["cohort"], info["familiarity"]
    if cohort is not None:
        patients, seizures = cohort["num_patients"], cohort["num_seizures"]
        if not 1 <= patients <= seizures <= cohort["num_views"]:
            yield f"cohort: {seizures} seizures in {cohort['num_views']} views, of {patients} patients"
        if not set(cohort["num_seizures_by_label"]) | set(cohort["num_patients_by_label"]) <= set(info["labels"]):
            yield f"cohort: counts of other labels than {' and '.join(info['labels'])}"
        if sum(cohort["num_seizures_by_label"].values()) != seizures:
            yield f"cohort: the counts of the labels do not add up to {seizures} seizures"
        if max(cohort["num_patients_by_label"].values(), default=0) > patients:
            yield f"cohort: more patients with a label than the {patients} that there are"
    if familiar is not None and familiar["num_held_out_flagged"] > familiar["num_held_out_seizures"]:
        yield "familiarity: more held-out seizures are flagged than there are"
    for name, one in (info["reference"] or {}).items():
        if not one["low"] <= one["median"] <= one["high"]:
            yield f"reference.{name}: expected low <= median <= high"


def _reference_faults(reference: Mapping[str, Any]) -> Iterator[str]:
    for name, one in reference.items():
        if not _WORD.fullmatch(str(name)) or not isinstance(one, dict):
            yield f"reference: {_shown(name)} is no range"
        else:
            yield from _faults_of(one, _RANGE, f"reference.{name}.")


def _is_bounded(settings: TrainingSettings) -> bool:
    numbers = (settings.hidden_units, settings.num_segments, settings.batch_size, settings.num_epochs)
    return (
        all(_is_count(number) for number in numbers)
        and settings.hidden_units <= LARGEST_HIDDEN
        and settings.num_segments <= MOST_SEGMENTS
    )


def _faults_of(part: Any, fields: Mapping[str, tuple[Check, str]], where: str) -> Iterator[str]:
    if not isinstance(part, dict):
        yield f"{where.rstrip('.')}: expected an object, found {_kind(part)}"
        return
    for name, (is_right, wanted) in fields.items():
        if name not in part:
            yield f"{where}{name} is missing"
        elif not is_right(part[name]):
            yield f"{where}{name}: expected {wanted}, found {_shown(part[name])}"
    strange = sorted(str(name) for name in part if name not in fields)
    if strange:
        yield f"{where or 'classifier.json: '}{_shown(strange[0])} is no field of this format"


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_text(value: Any) -> bool:
    """Tell whether this can be printed: a terminal obeys control characters."""
    return isinstance(value, str) and len(value) <= 4000 and all(one.isprintable() or one == "\n" for one in value)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _is_interval(value: Any) -> bool:
    """Tell whether this is a score from -1 to 1 with its ends, each of which may be unknown."""
    if not (isinstance(value, dict) and set(value) in ({"mean", "low", "high"}, {"value", "low", "high"})):
        return False
    known = [one for one in value.values() if one is not None]
    is_score = all(_is_number(one) and -1 <= one <= 1 for one in known)
    return is_score and (len(known) < 3 or value["low"] <= value["high"])


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 2 and all(map(_is_count, value.values()))


def _is_hashes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_HASHES
        and all(isinstance(one, str) and _HEX.fullmatch(one) for one in value)
    )


def _is_curve(value: Any) -> bool:
    fields = {"threshold", "share_called", "accuracy"}
    return isinstance(value, list) and len(value) <= 1000 and all(
        isinstance(one, dict) and set(one) == fields and all(part is None or _is_share(part) for part in one.values())
        for one in value
    )  # fmt: skip


def _is_kinds(value: Any) -> bool:
    fields = {"num", "num_flagged"}
    return isinstance(value, dict) and len(value) <= 100 and all(
        _is_word(name) and isinstance(one, dict) and set(one) == fields and all(map(_is_count, one.values()))
        and one["num_flagged"] <= one["num"]
        for name, one in value.items()
    )  # fmt: skip


_OBJECT: tuple[Check, str] = (lambda value: isinstance(value, dict), "an object")
_OBJECT_OR_NONE: tuple[Check, str] = (_or_none(lambda value: isinstance(value, dict)), "an object or null")
_COUNT: tuple[Check, str] = (_is_count, "a whole number from 0 on")
_NUMBER: tuple[Check, str] = (_is_number, "a finite number of usual size")
_WORDS: tuple[Check, str] = (_is_word, "a short text of letters, digits and . : / ( ) + - _")
_SHARE: tuple[Check, str] = (_is_share, "a number from 0 to 1")
_INTERVAL: tuple[Check, str] = (_is_interval, "a score from -1 to 1 and its two ends")
_INTERVAL_OR_NONE: tuple[Check, str] = (_or_none(_is_interval), "a score from -1 to 1 and its two ends, or null")
_COUNTS: tuple[Check, str] = (_is_counts, "a count for each label")

_TOP: dict[str, tuple[Check, str]] = {
    "format": (_is_text, "a text"),
    "format_version": _COUNT,
    "classifier_id": (lambda value: isinstance(value, str) and _ID.fullmatch(value) is not None, "12 hex digits"),
    "created_by": (lambda value: _is_text(value) and len(value) <= 100, "a short printable text"),
    "site": (lambda value: isinstance(value, str) and _SITE.fullmatch(value) is not None, "2 to 16 letters and digits"),
    "is_simulated": (lambda value: isinstance(value, bool), "true or false"),
    "labels": (lambda value: isinstance(value, list) and len(value) == 2, "two labels"),
    "features": _OBJECT,
    "training": _OBJECT,
    "seeds": (lambda value: isinstance(value, list) and 1 <= len(value) <= MOST_SEEDS, f"1 to {MOST_SEEDS} seeds"),
    "cohort": _OBJECT_OR_NONE,
    "scores": _OBJECT_OR_NONE,
    "calibration": _OBJECT,
    "decision": _OBJECT_OR_NONE,
    "reference": _OBJECT_OR_NONE,
    "familiarity": _OBJECT_OR_NONE,
    "trained_on": _OBJECT_OR_NONE,
}
_FEATURES: dict[str, tuple[Check, str]] = {
    "network": _WORDS,
    "weights_sha256": _WORDS,
    "preprocessing": (lambda value: value in ("", *PREPROCESSINGS), f"one of {', '.join(PREPROCESSINGS)}, or nothing"),
    "deinterlace": (lambda value: value == "" or _is_word(value), "a short text or nothing"),
    "precision": (lambda value: value in ("", *PRECISIONS), f"one of {', '.join(PRECISIONS)}, or nothing"),
    "frame_rate_hz": (lambda value: _is_number(value) and 0 < value <= 240, "a rate above 0 and at most 240"),
    "frames_per_snippet": (lambda value: _is_count(value) and 1 <= value <= 4096, "1 to 4096"),
    "stride_frames": (lambda value: _is_count(value) and 1 <= value <= 2**20, "at least 1"),
    "feature_dim": (lambda value: _is_count(value) and 1 <= value <= LARGEST_DIM, f"1 to {LARGEST_DIM}"),
}
_CALIBRATION: dict[str, tuple[Check, str]] = {
    "method": _WORDS,
    "slope": (lambda value: _is_number(value) and value >= 0, "a number from 0 on"),
    "intercept": _NUMBER,
    "num_patients": _COUNT,
    "num_seizures": _COUNT,
    "ece_before": _INTERVAL_OR_NONE,
    "ece_after": _INTERVAL_OR_NONE,
}
_COHORT: dict[str, tuple[Check, str]] = {
    "num_patients": _COUNT,
    "num_seizures": _COUNT,
    "num_views": _COUNT,
    "num_seizures_by_label": _COUNTS,
    "num_patients_by_label": _COUNTS,
}
_SCORES: dict[str, tuple[Check, str]] = {
    "protocol": (_is_text, "a printable text"),
    "confidence_level": _SHARE,
    "metrics": (
        lambda value: (
            isinstance(value, dict)
            and len(value) <= 100
            and all(_is_word(name) and _is_interval(one) for name, one in value.items())
        ),
        "scores with their ends",
    ),
}
_DECISION: dict[str, tuple[Check, str]] = {
    "no_call": (_is_pair, "two numbers"),
    "target_accuracy": _SHARE,
    "reached": (lambda value: isinstance(value, bool), "true or false"),
    "share_called": _SHARE,
    "accuracy_called": _INTERVAL,
    "curve": (_is_curve, "a list of threshold, share_called and accuracy"),
}
_FAMILIARITY: dict[str, tuple[Check, str]] = {
    "threshold": (lambda value: _is_number(value) and value >= 1e-6, "a number of at least 0.000001"),
    "num_held_out_patients": _COUNT,
    "num_held_out_seizures": _COUNT,
    "num_held_out_flagged": _COUNT,
    "kinds": (_is_kinds, "num and num_flagged of each kind"),
}
_TRAINED_ON: dict[str, tuple[Check, str]] = {
    "salt": (lambda value: isinstance(value, str) and _HEX.fullmatch(value) is not None, "64 hex digits"),
    "films": (_is_hashes, "hashes of 64 hex digits"),
    "features": (_is_hashes, "hashes of 64 hex digits"),
}
_RANGE: dict[str, tuple[Check, str]] = {
    "unit": (lambda value: _is_text(value) and len(value) <= 40, "a short printable text"),
    "low": _NUMBER,
    "median": _NUMBER,
    "high": _NUMBER,
}

FIELDS = tuple(
    dict.fromkeys(
        name
        for part in (_TOP, _FEATURES, _CALIBRATION, _COHORT, _SCORES, _DECISION, _FAMILIARITY, _TRAINED_ON, _RANGE)
        for name in part
    )
)
