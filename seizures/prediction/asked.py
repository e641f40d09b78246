"""A seizure that is asked about: its middle snippets by view, where they stand, and what is known of its films.

They come from a file of all features, or from the frames alone, of which then only these snippets go through the
network. `cases.h5` holds those of training seizures with their labels; it names patients, and stays in the house.

Letters in shapes: N segments, D features.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import torch

from seizures.errors import FeatureFileError
from seizures.features.extraction import SnippetNetwork, extract_chosen, snippet_length
from seizures.features.file import FeatureFile
from seizures.features.schema import plain_value
from seizures.features.snippets import count_snippets, usable_snippets
from seizures.files.hdf5 import created
from seizures.prediction.middles import USES, Middles, middle_rows, segment_seconds
from seizures.prediction.other_kinds import OtherKind
from seizures.video.frame_cache import open_frames

FORMAT, FORMAT_VERSION = "seizure-middles", 1
FACTS = ("video_sha256", "source_width", "source_height", "source_frame_rate_hz")


@dataclasses.dataclass(frozen=True, eq=False)
class AskedView:
    """One view.

    Attributes:
        middles: float32 (N, D).
        starts: int64 (N,) the first frame of each snippet.
        num_frames: that its snippets span.
        facts: of its film: `FACTS`, as far as they are known.
    """

    middles: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]
    num_frames: int
    facts: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """One seizure.

    Attributes:
        name: patient and seizure.
        label: empty where it is not known.
        views: those that are long enough, by name.
        frames_per_snippet, frame_rate_hz: of the snippets.
    """

    name: str
    label: str
    views: Mapping[str, AskedView]
    frames_per_snippet: int
    frame_rate_hz: float

    @property
    def middles(self) -> Middles:
        """The middle snippets by view, float32 (N, D)."""
        return {name: torch.from_numpy(view.middles) for name, view in self.views.items()}

    @property
    def duration_seconds(self) -> float:
        """Of the longest view."""
        return max(view.num_frames for view in self.views.values()) / self.frame_rate_hz

    @property
    def films(self) -> list[str]:
        """The SHA-256 of every film, each once."""
        found = (piece for view in self.views.values() for piece in str(view.facts.get("video_sha256", "")).split(";"))
        return sorted({piece for piece in found if piece})

    def digests(self) -> list[str]:
        """Return what tells the features of each view from others: their SHA-256."""
        return sorted(
            hashlib.sha256(np.ascontiguousarray(view.middles).tobytes()).hexdigest() for view in self.views.values()
        )

    def segments(self, view: str) -> list[dict[str, Any]]:
        """Return when each segment of a view begins and ends, and its snippet, in seconds since the onset."""
        one = self.views[view]
        spans = segment_seconds(one.num_frames, len(one.starts), self.frame_rate_hz)
        return [
            {
                "start": round(start, 4),
                "end": round(end, 4),
                "snippet": [
                    round(float(first) / self.frame_rate_hz, 4),
                    round(float(first + self.frames_per_snippet) / self.frame_rate_hz, 4),
                ],
            }
            for (start, end), first in zip(spans, one.starts, strict=True)
        ]


def asked_of_features(file: FeatureFile, num_segments: int, uses: Iterable[str] = USES) -> Asked:
    """Return the middles of an open feature file.

    Raises:
        TooShortError: no view is long enough.
    """
    wanted = tuple(uses)
    views = {name: view for name, view in file.views.items() if view.attributes.get("use", "all") in wanted}
    rows = middle_rows(
        {name: view.valid for name, view in views.items()},
        frames_per_snippet=file.frames_per_snippet,
        stride_frames=file.stride_frames,
        frame_rate_hz=file.frame_rate_hz,
        num_segments=num_segments,
    )
    return Asked(
        f"{file.patient_id}+{file.seizure_id}",
        file.label,
        {
            name: AskedView(
                views[name].read()[chosen],
                chosen * file.stride_frames,
                views[name].num_frames,
                {fact: views[name].attributes[fact] for fact in FACTS if fact in views[name].attributes},
            )
            for name, chosen in rows.items()
        },
        file.frames_per_snippet,
        file.frame_rate_hz,
    )


def extract_asked(
    name: str,
    frame_files: Mapping[str, Path],
    network: SnippetNetwork,
    *,
    num_segments: int,
    stride_frames: int,
    batch_size: int,
    device: str,
    precision: str = "float32",
    kind: str = "",
) -> Asked:
    """Compute the middles of a seizure from the frames of its views; no other snippet goes through the network.

    With `kind`, one of `other_kinds.KINDS`, the frames are made into such a film first.

    Raises:
        VideoError: a view has no usable snippet; TooShortError: no view is long enough.
    """
    length = snippet_length(network)
    valid, rates = {}, set()
    for view, path in frame_files.items():
        with open_frames(path) as frames:
            valid[view] = usable_snippets(f"{name}+{view}", frames.valid, length, stride_frames)
            rates.add(frames.frame_rate_hz)
    (frame_rate_hz,) = rates
    rows = middle_rows(
        valid,
        frames_per_snippet=length,
        stride_frames=stride_frames,
        frame_rate_hz=frame_rate_hz,
        num_segments=num_segments,
    )
    views = {}
    for view, chosen in rows.items():
        with open_frames(frame_files[view]) as frames:
            values = extract_chosen(
                OtherKind(frames, kind) if kind else frames,
                network,
                chosen,
                stride_frames=stride_frames,
                batch_size=batch_size,
                device=device,
                precision=precision,
            )
            span = (count_snippets(frames.num_frames, length, stride_frames) - 1) * stride_frames + length
            facts = {fact: frames.facts[fact] for fact in FACTS if fact in frames.facts}
        views[view] = AskedView(values, chosen * stride_frames, span, facts)
    return Asked(name, "", views, length, frame_rate_hz)


def write_asked(path: Path, seizures: Iterable[Asked]) -> None:
    """Write seizures to an HDF5 file, readable by its owner alone."""
    with created(path) as (file, output):
        for one in seizures:
            group = file.create_group(one.name)
            group.attrs["label"] = one.label
            group.attrs["frames_per_snippet"] = one.frames_per_snippet
            group.attrs["frame_rate_hz"] = one.frame_rate_hz
            for name, view in one.views.items():
                place = group.create_group(name)
                place.create_dataset("middles", data=view.middles)
                place.create_dataset("starts", data=view.starts)
                place.attrs["num_frames"] = view.num_frames
                for fact, value in view.facts.items():
                    place.attrs[fact] = value
            output.check()
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
    path.chmod(0o600)


def read_asked(path: Path) -> list[Asked]:
    """Read what `write_asked` wrote, by name.

    Raises:
        FeatureFileError: it is no such file.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            found = (file.attrs.get("format"), file.attrs.get("format_version"))
            if found != (FORMAT, FORMAT_VERSION):
                raise FeatureFileError(f"{path}: expected {FORMAT} {FORMAT_VERSION}, found {found[0]} {found[1]}")
            return list(_seizures(file))
    except OSError as error:
        raise FeatureFileError(f"{path}: cannot be read: {error}; delete it, and it is made again") from error


def _seizures(file: h5py.File) -> Iterator[Asked]:
    for name, group in file.items():
        views = {
            view: AskedView(
                place["middles"][:],
                place["starts"][:],
                int(place.attrs["num_frames"]),
                {fact: plain_value(value) for fact, value in place.attrs.items() if fact in FACTS},
            )
            for view, place in group.items()
        }
        said = {fact: plain_value(value) for fact, value in group.attrs.items()}
        yield Asked(name, str(said["label"]), views, int(said["frames_per_snippet"]), float(said["frame_rate_hz"]))
