"""study.toml: what only the authors of a study know. It is quoted as it stands, and nothing is added to it."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

from seizures.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = (
    "title",
    "abstract",
    "aim",
    "background",
    "intended_use",
    "agreement",
    "alternatives",
    "blinding",
    "cameras",
    "characteristics",
    "code_availability",
    "data_availability",
    "data_source",
    "dates",
    "deidentification",
    "design",
    "eligibility",
    "error_analysis",
    "ethics",
    "explanations",
    "external_data",
    "fairness",
    "funding",
    "harms",
    "imbalance",
    "indeterminate",
    "inequalities",
    "interests",
    "interpretation",
    "limitations",
    "mix",
    "model_availability",
    "next_steps",
    "outcome",
    "outcome_cutoffs",
    "outcome_reason",
    "poor_input",
    "preparation",
    "protocol",
    "public_involvement",
    "raters",
    "recruitment",
    "registration",
    "robustness",
    "sample_size",
    "sampling",
    "setting",
    "severity",
    "threshold",
    "time_between",
    "treatments",
    "tried_before",
    "updating",
    "user_skill",
    "variability_planned",
    "window_set_by",
)


def read_study(path: Path) -> dict[str, str]:
    """Return what the authors wrote, by key in the order of `KEYS`; blank and absent keys are left out.

    A file that is not there says nothing.

    Raises:
        SettingsError: it cannot be read, or a key or the type of a value is wrong; the message lists all faults.

    """
    try:
        content = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(content)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}; write key = 'text', one key a line") from error
    faults = [fault for key, value in found.items() if (fault := _fault(key, value))]
    if faults:
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        raise SettingsError("\n    ".join([f"{path}: {count}", *faults]))
    return {key: text for key in KEYS if (text := found.get(key, "").strip())}


def _fault(key: str, value: Any) -> str:
    if key not in KEYS:
        near = difflib.get_close_matches(key.lower(), KEYS, n=1, cutoff=0.6)
        return f"{key}: no such key{f' - did you mean {near[0]}?' if near else ''}"
    return "" if isinstance(value, str) else f"{key}: expected text in quotation marks, found {type(value).__name__}"
