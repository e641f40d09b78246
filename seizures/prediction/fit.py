"""Do features fit a classifier? What must be the same, and what differs. Imports nothing heavy: planning asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MUST_FIT = (
    "network",
    "weights_sha256",
    "preprocessing",
    "deinterlace",
    "precision",
    "frames_per_snippet",
    "stride_frames",
    "frame_rate_hz",
    "feature_dim",
)
MAY_DIFFER = ("network", "weights_sha256", "stride_frames")  # where a person has asked for it, as in an import


def differences(
    wanted: Mapping[str, Any], made: Mapping[str, Any], *, allow_mixed: bool = False
) -> dict[str, tuple[Any, Any]]:
    """Return what differs, by name: what was found and what the classifier needs.

    What is not stated on either side (an empty text, or not there) is not compared.
    """
    found = {}
    for name in MUST_FIT:
        one, other = made.get(name, ""), wanted.get(name, "")
        if "" not in (one, other) and one != other and not (allow_mixed and name in MAY_DIFFER):
            found[name] = (one, other)
    return found
