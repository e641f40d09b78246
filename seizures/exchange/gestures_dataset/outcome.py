"""What the import of the authors' public features says: how they were made, and what became of a seizure.

Light: torch, which reads the files, is in the processes that read (`views`) and not in the one that asks them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from seizures.features.validation import Finding

RECIPE: Mapping[str, Any] = {
    "network": "r2plus1d_34_8_kinetics",
    "weights_sha256": "doi:10.5522_04_14781771",  # nobody here can compare the weights behind the published features
    "preprocessing": "letterbox",
    "feature_dim": 512,
    "frames_per_snippet": 8,
    "stride_frames": 1,
    "frame_rate_hz": 15.0,
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one seizure: its views in the feature file (none: there is no file), times, and findings."""

    stamp: str
    views: tuple[str, ...]
    duration_seconds: float
    offset_seconds: float | None
    clonic_onset_seconds: float | None
    findings: tuple[Finding, ...]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Outcome:
        """Return the outcome of which `dataclasses.asdict` gave the content."""
        findings = tuple(Finding(**found) for found in content["findings"])
        return cls(**{**content, "views": tuple(content["views"]), "findings": findings})
