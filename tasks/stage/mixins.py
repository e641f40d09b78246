"""Parameters that several stages share: of which seizure, of which view, by which network, with which settings."""

from __future__ import annotations

import functools

import luigi

from seizures.manifest.identity import RecordingId, SeizureId
from seizures.manifest.recordings import Recording, Seizure
from tasks.cohort import manifest as cohort


class SeizureMixin(luigi.Task):
    """The stage is about one seizure."""

    patient_id: str = luigi.Parameter()
    seizure_id: str = luigi.Parameter()

    @property
    def id(self) -> SeizureId:
        """Patient and seizure."""
        return SeizureId(self.patient_id, self.seizure_id)

    @functools.cached_property
    def seizure(self) -> Seizure:
        """The seizure, as the manifest has it."""
        return cohort.seizure(self.id)

    @property
    def label(self) -> str:
        """Patient and seizure."""
        return self.id.name


class RecordingMixin(luigi.Task):
    """The stage is about one view of one seizure."""

    patient_id: str = luigi.Parameter()
    seizure_id: str = luigi.Parameter()
    view: str = luigi.Parameter()

    @property
    def id(self) -> RecordingId:
        """Patient, seizure and view."""
        return RecordingId(self.patient_id, self.seizure_id, self.view)

    @functools.cached_property
    def recording(self) -> Recording:
        """The row of the manifest."""
        return cohort.recording(self.id)

    @property
    def label(self) -> str:
        """Patient, seizure and view."""
        return self.id.name


class NetworkMixin(luigi.Task):
    """The stage uses one network; the key tells networks apart where they matter, so Luigi's id need not."""

    network: str = luigi.Parameter(default="", significant=False, description="empty: that of [Features]")

    def with_network(self, label: str) -> str:
        """Return a label for a person, with the network where it is not that of [Features]."""
        return f"{label}+{self.network}" if self.network else label

    def __repr__(self) -> str:
        """Name the network in the log, where it is not that of [Features]."""
        shown = str(super().__repr__())  # type: ignore[no-untyped-call]
        return f"{shown[:-1]}, network={self.network})" if self.network else shown


class RepeatMixin(luigi.Task):
    """The stage is of one dealing into folds; the key tells dealings apart where they differ."""

    repeat: int = luigi.IntParameter(default=0, significant=False, description="which dealing into folds, from 0")

    def with_repeat(self, label: str) -> str:
        """Return a label for a person, with the dealing where it is not the first."""
        return f"{label}+repeat{self.repeat}" if self.repeat else label

    def __repr__(self) -> str:
        """Name the dealing in the log, where it is not the first."""
        shown = str(super().__repr__())  # type: ignore[no-untyped-call]
        if not self.repeat:
            return shown
        return f"{shown[:-1]}{'' if shown.endswith('()') else ', '}repeat={self.repeat})"


class CellMixin(luigi.Task):
    """The stage uses the settings of one cell of a sweep; the key tells cells apart, so Luigi's id need not."""

    cell: str = luigi.Parameter(default="", significant=False, description="settings that replace those of [Training]")
