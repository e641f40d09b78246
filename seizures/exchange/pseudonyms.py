"""Pseudonyms of patients and seizures: a keyed hash under the site's name; the key never leaves the laboratory.

The same key gives the same pseudonyms in every bundle. Without it, a pseudonym cannot be traced back, nor can a list of
guessed ids be tried out. A pseudonym is letters only, so that no id that is a number can occur in one by chance.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from seizures.errors import SettingsError
from seizures.manifest.identity import SeizureId

KEY_BYTES = 32
NUM_LETTERS = 12  # 4 bits each

_SITE = re.compile(r"[A-Za-z][A-Za-z0-9]{1,15}")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class Pseudonyms:
    """The pseudonyms of one site, all from one key; they do not sort as the ids do."""

    def __init__(self, key: bytes, site: str, ids: Iterable[SeizureId]) -> None:
        if not is_site(site):
            raise SettingsError(
                f"site = {site!r}: expected 2 to 16 letters and digits, beginning with a letter, e.g. LAB1"
            )
        self.site = site
        self.key_id = _code(key, "key")
        seizures = set(ids)
        patients = {patient for patient, _ in seizures}
        self._patients = {patient: f"{site}-{_code(key, 'patient', patient)}" for patient in patients}
        self._seizures = {seizure: f"s{_code(key, 'seizure', *seizure)}" for seizure in seizures}
        names = {(self._patients[patient], name) for (patient, _), name in self._seizures.items()}
        if len(set(self._patients.values())) < len(patients) or len(names) < len(seizures):
            raise SettingsError("two ids have the same pseudonym, by a chance of one in many millions; use another key")

    def patient(self, patient_id: str) -> str:
        """Return the pseudonym of a patient."""
        return self._patients[patient_id]

    def seizure(self, patient_id: str, seizure_id: str) -> str:
        """Return the pseudonym of a seizure, unique within its patient."""
        return self._seizures[SeizureId(patient_id, seizure_id)]


def is_site(text: str) -> bool:
    """Tell whether a laboratory may have this name in pseudonyms and files."""
    return _SITE.fullmatch(text) is not None


def read_or_make_key(path: Path) -> bytes:
    """Return the key in a file that its owner alone can read; make it where there is none.

    Raises:
        SettingsError: others can read the file, or it is no key.

    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    except OSError as error:
        raise SettingsError(f"{path}: the key of the pseudonyms cannot be made: {error.strerror}") from error
    key = secrets.token_bytes(KEY_BYTES)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - a descriptor
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _read_key(path: Path) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"{path}: expected a file with the key of the pseudonyms")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise SettingsError(f"{path}: other users can read the key of the pseudonyms; run chmod 600 {path}")
    text = path.read_bytes()
    if not re.fullmatch(rb"[0-9a-f]{%d}\s*" % (2 * KEY_BYTES), text):
        raise SettingsError(
            f"{path}: not a key; expected {2 * KEY_BYTES} hex digits; another key gives other pseudonyms"
        )
    return bytes.fromhex(text.decode().strip())


def _code(key: bytes, *parts: str) -> str:
    text = "\0".join(parts).encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:NUM_LETTERS].translate(_LETTERS)
