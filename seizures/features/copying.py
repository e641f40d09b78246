"""Writing the values of a feature file anew: everything that is no value of the format stays behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seizures.errors import FeatureFileError
from seizures.features.file import FeatureView, open_features
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.writer import FeatureFileWriter

COPY_ROWS = 8192

# What a file of another writer may leave out.
_UNKNOWN: Mapping[str, Any] = {
    "video_name": "",
    "video_sha256": "",
    "source_width": 0,
    "source_height": 0,
    "source_frame_rate_hz": 0.0,
    "codec": "",
    "num_frames_decoded": 0,
    "preprocessing": "",
}


def copy_view(view: FeatureView, target: FeatureFileWriter, facts: ViewFacts) -> None:
    """Write the features of an open view into another file, block by block."""
    writer = target.create_view(view.name, view.num_snippets, view.feature_dim, facts, view.valid.astype(np.bool_))
    for start in range(0, view.num_snippets, COPY_ROWS):
        writer.write(start, view.read(start, start + COPY_ROWS))


def rewrite(
    source: Path, path: Path, *, views: Mapping[str, Mapping[str, Any]], header: FeatureHeader | None = None
) -> None:
    """Write the values of a feature file into a new one.

    Args:
        source: a feature file.
        path: where to write; make it a temporary name.
        views: the views that are wanted, in order, each with the attributes that are to be others than in `source`.
        header: of the new file; that of `source` where it is None.

    Raises:
        FeatureFileError: `source` cannot be read, or has not all of these views.
    """
    names = [field.name for field in dataclasses.fields(ViewFacts)]
    with open_features(source) as file:
        absent = [name for name in views if name not in file.views]
        if absent:
            raise FeatureFileError(f"{source}: it has no view {', '.join(absent)}")
        with FeatureFileWriter(path, header or file.header) as written:
            for name, others in views.items():
                said = {**file.views[name].attributes, **others}
                facts: dict[str, Any] = {key: said.get(key, _UNKNOWN.get(key)) for key in names}
                copy_view(file.views[name], written, ViewFacts(**facts))
