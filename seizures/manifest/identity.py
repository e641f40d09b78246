"""What names a seizure and a recording, and the one place that writes those names: `P01+01` and `P01+01+large`.

An id cannot hold a `+`, so that no two names are equal.
"""

from __future__ import annotations

from typing import NamedTuple


class SeizureId(NamedTuple):
    """One seizure of one patient."""

    patient_id: str
    seizure_id: str

    @property
    def name(self) -> str:
        """The name in labels, files and messages, e.g. `P01+01`."""
        return "+".join(self)

    def view(self, view: str) -> RecordingId:
        """Return one camera view of this seizure."""
        return RecordingId(*self, view)


class RecordingId(NamedTuple):
    """One camera view of one seizure."""

    patient_id: str
    seizure_id: str
    view: str

    @property
    def name(self) -> str:
        """The name in labels, files and messages, e.g. `P01+01+large`."""
        return "+".join(self)

    @property
    def seizure(self) -> SeizureId:
        """The seizure that the view shows."""
        return SeizureId(self.patient_id, self.seizure_id)
