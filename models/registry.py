"""The networks and aggregations that a person may name. Light: planning reads it, so it imports no torch.

To add a network: a line in `_NETWORKS`, its layers in `models/stcnn.py` or `models/frame_cnn.py`, its public file, if
it has one, in `models/weights.py`. To add an aggregation: a name in `_AGGREGATIONS`, a page of its own with its paper,
and a line in `models/aggregation.py`. The tests run over every name given here, so that registered means tested.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from models.errors import UnknownNameError


@dataclass(frozen=True)
class NetworkSpec:
    """What a stage must know of a network before it is built.

    Attributes:
        name: What a person writes in `luigi.cfg`.
        architecture: Which layers (`models/stcnn.py`, `models/frame_cnn.py`); networks of one architecture differ in
            their weights.
        frames_per_snippet: T, the number of consecutive frames that it was trained on; 1 for a network of frames.
        feature_dim: D, the length of a feature vector.
        frame_size: Height and width of a frame, in pixels, that it was trained on.
    """

    name: str
    architecture: str
    frames_per_snippet: int
    feature_dim: int
    frame_size: int


_NETWORKS = {
    spec.name: spec
    for spec in (
        NetworkSpec("r2plus1d_34_8_kinetics", "r2plus1d_34", frames_per_snippet=8, feature_dim=512, frame_size=112),
        NetworkSpec("r2plus1d_34_32_kinetics", "r2plus1d_34", frames_per_snippet=32, feature_dim=512, frame_size=112),
        NetworkSpec("r2plus1d_34_8_ig65m", "r2plus1d_34", frames_per_snippet=8, feature_dim=512, frame_size=112),
        NetworkSpec("r2plus1d_34_32_ig65m", "r2plus1d_34", frames_per_snippet=32, feature_dim=512, frame_size=112),
        NetworkSpec("resnet_34", "resnet_34", frames_per_snippet=1, feature_dim=512, frame_size=224),
        NetworkSpec("wide_resnet_50_2", "wide_resnet_50_2", frames_per_snippet=1, feature_dim=2048, frame_size=224),
        NetworkSpec("r2plus1d_small", "r2plus1d_small", frames_per_snippet=8, feature_dim=96, frame_size=64),
    )
}
_AGGREGATIONS = ("mean", "lstm", "blstm", "attention", "tcn", "transformer")
NUM_CLASSES = 2  # FOS, TCS
ENGINES = ("auto", "torch", "openvino")  # what runs a network on a CPU (models/engines.py)


def network_names() -> tuple[str, ...]:
    """Return the names of all networks, the paper's first."""
    return tuple(_NETWORKS)


def aggregation_names() -> tuple[str, ...]:
    """Return the names of all aggregations, the simplest first."""
    return _AGGREGATIONS


def network_spec(name: str) -> NetworkSpec:
    """Return what is known of the network `name` without building it.

    Raises:
        UnknownNameError: No network has that name; the message names the nearest.
    """
    if name not in _NETWORKS:
        raise UnknownNameError(describe_unknown("network", name, _NETWORKS))
    return _NETWORKS[name]


def check_aggregation(name: str) -> str:
    """Return `name` if an aggregation is called so.

    Raises:
        UnknownNameError: No aggregation has that name; the message names the nearest.
    """
    if name not in _AGGREGATIONS:
        raise UnknownNameError(describe_unknown("aggregation", name, _AGGREGATIONS))
    return name


def describe_unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that no `kind` is called `name`, which is the nearest, and which there are."""
    names = tuple(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"No {kind} is called '{name}'.{hint} Known: {', '.join(names)}."
