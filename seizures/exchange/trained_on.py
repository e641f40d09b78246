"""Was a film trained on? Salted hashes in a classifier's file answer that, and nothing else.

The hash of a film that somebody holds can be looked up; which films there are, and whose, cannot be found from the
hashes. The salt is the classifier's own, so that the hashes in two files cannot be compared.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any


def hash_texts(salt: bytes, texts: Iterable[str]) -> list[str]:
    """Return the HMAC-SHA256 of each text under the salt, as hex digits, each once and sorted."""
    return sorted({hmac.new(salt, text.encode(), hashlib.sha256).hexdigest() for text in texts})


def is_trained_on(info: Mapping[str, Any], film_sha256s: Iterable[str], feature_digests: Iterable[str]) -> bool:
    """Tell whether a classifier was trained on any of these films, or on features with any of these digests.

    Args:
        info: what the classifier's file says; it may not say on what it was trained.
        film_sha256s: SHA-256 of films.
        feature_digests: SHA-256 of the middle snippets of views (`Asked.digests`), for features without a film.
    """
    said = info["trained_on"]
    if said is None:
        return False
    salt = bytes.fromhex(said["salt"])
    known = {"films": film_sha256s, "features": feature_digests}
    return any(not set(said[name]).isdisjoint(hash_texts(salt, texts)) for name, texts in known.items())
