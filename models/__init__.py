"""Networks: snippets to feature vectors (`load_network`), sequences of vectors to FOS / TCS (`build_aggregation`).

`import models` and what planning needs (names, specs, identity and faults of weights) import no torch. The functions
that need torch are imported on first use::

    import models
    network = models.load_network("r2plus1d_34_8_kinetics")                  # public weights, downloaded once
    features = network(torch.rand(1, 3, 8, 112, 112))                        # (B, 3, T, H, W) in [0, 1] -> (B, 512)
    classifier = models.build_aggregation("blstm", network.feature_dim, 64)  # (B, N, D) -> (B, 2): FOS, TCS
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from models.errors import ModelsError, UnknownNameError, WeightsError
from models.own_network import is_own
from models.registry import (
    ENGINES,
    RANDOM_PREFIX,
    aggregation_names,
    describe_network,
    is_network,
    network_names,
    network_spec,
)
from models.spec import NO_WEIGHTS, NetworkSpec, PublicWeights

if TYPE_CHECKING:
    from models.aggregation import build_aggregation
    from models.checkpoints import load_network
    from models.engines import choose_engine, prepare
    from models.fetching import fetch_weights, with_public_weights
    from models.pins import SUMS_NAME
    from models.weights import check_weights, pinned_sha256, weights_identity, weights_path

_DOORS = {
    "SUMS_NAME": "models.pins",
    "build_aggregation": "models.aggregation",
    "check_weights": "models.weights",
    "choose_engine": "models.engines",
    "fetch_weights": "models.fetching",
    "load_network": "models.checkpoints",
    "pinned_sha256": "models.weights",
    "prepare": "models.engines",
    "weights_identity": "models.weights",
    "weights_path": "models.weights",
    "with_public_weights": "models.fetching",
}

__all__ = [
    "ENGINES",
    "NO_WEIGHTS",
    "RANDOM_PREFIX",
    "SUMS_NAME",
    "ModelsError",
    "NetworkSpec",
    "PublicWeights",
    "UnknownNameError",
    "WeightsError",
    "aggregation_names",
    "build_aggregation",
    "check_weights",
    "choose_engine",
    "describe_network",
    "fetch_weights",
    "is_network",
    "is_own",
    "load_network",
    "network_names",
    "network_spec",
    "pinned_sha256",
    "prepare",
    "weights_identity",
    "weights_path",
    "with_public_weights",
]


def __getattr__(name: str) -> Any:
    """Import a door on first use, so that `import models` stays cheap (PEP 562)."""
    if name in _DOORS:
        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the doors that are not imported yet, too."""
    return sorted({*globals(), *__all__})
