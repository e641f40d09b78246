"""What a feature file must hold: its attributes, its datasets, and whether an open file has them (docs/format.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import h5py
import numpy as np

FORMAT = "seizure-features"
FORMAT_VERSION = 1
CHUNK_BYTES = 2**17
NOT_KNOWN = ""  # the label of a seizure that nobody has labelled yet

DESCRIPTIONS = {
    "features": ("1", "one row per snippet; row s is the snippet that starts at frame s * stride_frames"),
    "start_seconds": ("s", "start of each snippet, seconds since the clinical onset"),
    "valid": ("1", "false where a snippet touches frames that could not be decoded"),
}


@dataclass(frozen=True)
class FeatureHeader:
    """What a feature file says about its seizure and about how its features were made.

    `label` is empty where it is not known. `recipe` is the JSON-ready mapping that `recipe_key` digests. Random weights
    have `random:<seed>` for a checksum, and public ones without a published hash `file:<name>`; `weights_file_sha256`
    is then the hash of what was downloaded. The network took every `frame_step`-th of the `frames_per_snippet` frames.
    Attributes that have a default may be missing in a file, and are not written where they have it.
    """

    patient_id: str
    seizure_id: str
    label: str
    recipe: Mapping[str, Any]
    recipe_key: str
    network: str
    weights_sha256: str
    frames_per_snippet: int
    stride_frames: int
    frame_rate_hz: float
    frame_step: int = 1
    weights_file_sha256: str = ""


OPTIONAL = {field.name: field.default for field in fields(FeatureHeader) if field.default is not MISSING}


@dataclass(frozen=True)
class ViewFacts:
    """What a feature file says about one camera view; times are on the video's clock, None where not known."""

    video_name: str
    video_sha256: str
    onset_seconds: float | None
    offset_seconds: float | None
    clonic_onset_seconds: float | None
    use: str
    source_width: int
    source_height: int
    source_frame_rate_hz: float
    codec: str
    num_frames_decoded: int
    preprocessing: str


def check_header(file: Any) -> tuple[FeatureHeader | None, list[str]]:
    """Return the header of an open file, and what is wrong with it."""
    attributes = file.attrs
    if plain_value(attributes.get("format")) != FORMAT:
        return None, [f"its format is {attributes.get('format')!r}, expected {FORMAT!r}"]
    if plain_value(attributes.get("format_version")) != FORMAT_VERSION:
        version = attributes.get("format_version")
        return None, [f"its format_version is {version}, this software reads {FORMAT_VERSION}; update the software"]
    if plain_value(attributes.get("complete")) != 1:
        return None, ["it is incomplete: writing it was interrupted; delete it and run again"]
    missing = [field.name for field in fields(FeatureHeader) if field.name not in {*attributes, *OPTIONAL}]
    if missing:
        return None, [f"attribute {name} is missing" for name in missing]
    values = {
        field.name: plain_value(attributes[field.name]) for field in fields(FeatureHeader) if field.name in attributes
    }
    try:
        values["recipe"] = json.loads(values["recipe"])
        header = FeatureHeader(**values)
        numbers = (header.frames_per_snippet, header.stride_frames, header.frame_rate_hz, header.frame_step)
        faults = [] if min(numbers) > 0 else [f"snippet length, stride, rate and step are {numbers}, expected above 0"]
    except (TypeError, ValueError) as error:
        return None, [f"an attribute has the wrong type: {error}"]
    return header, faults


def check_views(file: Any) -> list[str]:
    """Return what is wrong with the views of an open file."""
    views = file.get("views")
    if not isinstance(views, h5py.Group) or not len(views):
        return ["it has no /views"]
    faults = []
    dims = set()
    for view, group in views.items():
        datasets: dict[str, Any] = {
            name: group.get(name) if isinstance(group, h5py.Group) else None for name in DESCRIPTIONS
        }
        missing = [name for name, dataset in datasets.items() if not isinstance(dataset, h5py.Dataset)]
        if missing:
            faults.append(f"/views/{view} lacks {', '.join(missing)}")
            continue
        shapes = {name: dataset.shape for name, dataset in datasets.items()}
        types = tuple(dataset.dtype for dataset in datasets.values())
        rows = shapes["features"][:1]
        if len(shapes["features"]) != 2 or not rows[0] or {shapes["start_seconds"], shapes["valid"]} != {rows}:
            faults.append(f"/views/{view}: shapes disagree: {shapes}; expected (S, D), (S,), (S,)")
        elif types != (np.float32, np.float64, np.bool_):
            faults.append(f"/views/{view}: types are {', '.join(map(str, types))}; expected float32, float64, bool")
        dims.add(shapes["features"][1:])
    return faults + ([f"the views differ in their number of features: {sorted(dims)}"] if len(dims) > 1 else [])


def plain_value(value: Any, *, empty: bool = False) -> Any:
    """Turn an attribute into a plain Python value; with `empty`, NaN means None."""
    value = value.item() if isinstance(value, np.generic) else value
    value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return None if empty and isinstance(value, float) and math.isnan(value) else value
