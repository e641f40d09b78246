"""How features come to be: computed here by one network, or taken from files that were made elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

import models
from seizures.manifest.recordings import Seizure
from tasks.cohort import manifest as cohort
from tasks.settings.sections import Dataset, Features, Frames, section

if TYPE_CHECKING:
    from seizures.features.validation import Examined


def imported_seizures() -> list[Seizure]:
    """Return the seizures of which no view has a video."""
    return [item for item in cohort.seizures().values() if is_imported(item)]


def is_imported(seizure: Seizure) -> bool:
    """Tell whether the features of a seizure come from elsewhere."""
    return not any(recording.video for recording in seizure.recordings)


def source_of(seizure: Seizure) -> Path:
    """Return the file that has the features of a seizure from elsewhere."""
    return Path(section(Dataset).features) / f"{seizure.name}.h5"


@functools.cache
def examined() -> Mapping[str, Examined]:
    """Return the structure and header of each imported file, looked at in a process of its own."""
    from seizures.processes.examiner import examine_files

    seizures = imported_seizures()
    outcomes = examine_files([source_of(item) for item in seizures], thorough=False)
    return {item.name: outcome for item, outcome in zip(seizures, outcomes, strict=True)}


def extracts_any() -> bool:
    """Tell whether some features are computed here, and not all imported."""
    return not all(is_imported(item) for item in cohort.seizures().values())


@functools.cache
def made() -> Mapping[str, Mapping[str, Any]]:
    """Return how features are made, by seizure for the imported ones, and as `here` for those computed here."""
    found = {name: item.summary.made for name, item in examined().items() if item.summary is not None}
    if extracts_any():
        features, spec = section(Features), models.network_spec(section(Features).network)
        found["here"] = {
            "network": spec.name,
            "weights_sha256": own_weights_identity(),
            **stated_here(),
            "feature_dim": spec.feature_dim,
            "frames_per_snippet": spec.frames_per_snippet,
            "stride_frames": features.stride_frames,
            "frame_rate_hz": section(Frames).frame_rate_hz,
        }
    return found


def stated_here() -> dict[str, str]:
    """Return what the recipe of features that are computed here states in words (`validation.STATED`).

    The other settings of a recipe decide no valid row: `damaged` only which rows there are, and which of them count.
    """
    frames = section(Frames)
    return {
        "preprocessing": frames.preprocessing,
        "deinterlace": frames.deinterlace,
        "precision": section(Features).precision,
    }


def networks_used() -> str:
    """Return the names of the networks that made the features."""
    return ", ".join(sorted({str(item["network"]) for item in made().values()}))


class OfNetwork(luigi.Task):
    """What a stage is told of its network; the key tells networks apart where they matter, so Luigi's id need not."""

    network: str = luigi.Parameter(default="", significant=False, description="empty: that of [Features]")

    def with_network(self, label: str) -> str:
        """Return a label for a person, with the network where it is not that of [Features]."""
        return f"{label}+{self.network}" if self.network else label

    def __repr__(self) -> str:
        """Name the network in the log, where it is not that of [Features]."""
        shown = str(super().__repr__())  # type: ignore[no-untyped-call]
        return f"{shown[:-1]}, network={self.network})" if self.network else shown


def network_of(name: str) -> str:
    """Return the name of a network; empty is that of [Features]."""
    return name or str(section(Features).network)


def weights_of(name: str) -> str:
    """Return the weights of a network: those of [Features], which another network shares only where they are random."""
    features = section(Features)
    is_random = features.weights.startswith(models.RANDOM_PREFIX)
    return str(features.weights) if is_random or network_of(name) == features.network else ""


def own_weights_identity(name: str = "") -> str:
    """Return what tells the weights of a network that computes here from others: a hash, or `random:<seed>`."""
    return models.weights_identity(network_of(name), weights_of(name) or None, section(Features).weights_dir or None)


def weights_identity() -> str:
    """Return what tells the weights from others: a hash, or `random:<seed>`; several where features are mixed."""
    return ", ".join(sorted({str(item["weights_sha256"]) for item in made().values()}))


def import_mistakes() -> Iterator[str]:
    """Yield what is wrong with the files of the imported seizures, or between them and the manifest."""
    from seizures.exchange.importing import disagreements

    if not imported_seizures():
        return
    folder = section(Dataset).features
    if not folder or not Path(folder).is_dir():
        wanted = "wanted the folder with the features of the seizures without a video; ImportFeatures makes one"
        yield f"[Dataset] features = {folder}: {wanted}"
        return
    outcomes = examined()
    for seizure in imported_seizures():
        outcome = outcomes[seizure.name]
        if outcome.summary is None:
            yield from (f"{finding.file}: {finding.problem}" for finding in outcome.findings)
        else:
            yield from (f"{seizure.name}: {what}" for what in disagreements(seizure.recordings, outcome))
