"""The networks and aggregations by name. Imports no torch, so planning can read it.

To add one, follow docs/howto/add-a-network.md or docs/howto/add-an-aggregation.md. The tests run over every name
registered here, so registered means tested.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from models.errors import UnknownNameError
from models.networks import NETWORKS
from models.own_network import is_own, own_spec
from models.spec import NO_WEIGHTS, UNHASHED_PREFIX, NetworkSpec, PublicWeights

NUM_CLASSES = 2  # FOS, TCS
ENGINES = ("auto", "torch", "openvino")  # what runs a network on a CPU (models/engines.py)
RANDOM_PREFIX = "random:"  # what `weights` begins with for random weights; a seed follows

_NETWORKS = {spec.name: spec for spec in NETWORKS}
_AGGREGATIONS = ("mean", "lstm", "blstm", "attention", "tcn", "transformer")


def network_names() -> tuple[str, ...]:
    """Return the names of all networks, the paper's first."""
    return tuple(_NETWORKS)


def is_network(name: str) -> bool:
    """Tell whether a network is registered under that name, or the name is that of a function of a person's own."""
    return name in _NETWORKS or is_own(name)


def aggregation_names() -> tuple[str, ...]:
    """Return the names of all aggregations, the simplest first."""
    return _AGGREGATIONS


def network_spec(name: str) -> NetworkSpec:
    """Return what is known of the network `name`; one of a person's own is built once, in a process of its own.

    Raises:
        UnknownNameError: No network has that name; the message suggests the nearest.
        ModelsError: A network of a person's own is no network as this software takes it.
    """
    if is_own(name):
        return own_spec(name)
    if name not in _NETWORKS:
        raise UnknownNameError(describe_unknown("network", name, _NETWORKS))
    return _NETWORKS[name]


def published_weights() -> tuple[PublicWeights, ...]:
    """Return the public weights of all networks that have any."""
    return tuple(spec.public_weights for spec in NETWORKS if spec.public_weights is not None)


def describe_network(name: str, weights: str) -> str:
    """Return the words of the methods paragraph for a network and its weights, registered or not.

    Args:
        name: Name of the network; features imported from elsewhere may name one that is not registered.
        weights: Identity of the weights as a feature file states it: `sha256:<hex digits>`, `file:<name>`,
            `random:<seed>`, `none`, or other text, such as the DOI of a published dataset.

    Returns:
        For example "R(2+1)D-34 (r2plus1d_34_8_kinetics) pre-trained on IG-65M and fine-tuned on Kinetics-400 (SHA-256
        of the weights: 0aa0550b...)".
    """
    words = _NETWORKS[name].words if name in _NETWORKS else "a network"
    if is_own(name):  # not built to be described: it may be another laboratory's
        digits = weights.removeprefix("sha256:")[:8]
        return f"a network of the laboratory's own ({name}; SHA-256 of its source and weights: {digits}...)"
    if weights == NO_WEIGHTS:
        return f"{words} ({name}), which has no weights"
    if weights.startswith(RANDOM_PREFIX):
        return f"{words} ({name}) with random, untrained weights ({weights})"
    if weights.startswith(UNHASHED_PREFIX):
        trained = {public.identity: public.words for public in published_weights()}
        file_name = weights.removeprefix(UNHASHED_PREFIX)
        return f"{words} ({name}) {trained.get(weights, 'with weights of its own')} (weights: {file_name})"
    if not weights.startswith("sha256:"):
        return f"{words} ({name}) with the weights of {weights}"
    digits = weights.removeprefix("sha256:")[:8]
    prefixes = {public.sha256_prefix: public.words for public in published_weights() if public.sha256_prefix}
    return f"{words} ({name}) {prefixes.get(digits, 'with weights of its own')} (SHA-256 of the weights: {digits}...)"


def check_aggregation(name: str) -> str:
    """Return `name` if there is an aggregation of that name.

    Raises:
        UnknownNameError: No aggregation has that name; the message suggests the nearest.
    """
    if name not in _AGGREGATIONS:
        raise UnknownNameError(describe_unknown("aggregation", name, _AGGREGATIONS))
    return name


def describe_unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return a message that no `kind` has this name, with the nearest name and all known ones."""
    names = tuple(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"No {kind} is called '{name}'.{hint} Known: {', '.join(names)}."
