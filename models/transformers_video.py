"""Video transformers of the library `transformers`, an optional dependency: V-JEPA 2 and VideoMAE.

References: the citations in `models/hub_networks.py`. The layers are the library's own, with the configuration of the
published weights written out here, so that nothing but the weights is downloaded.

Differences from the library: no classifier and no predictor, colours normalised inside (`models/frozen.py`), and frames
come as (B, 3, T, H, W). A feature vector of VideoMAE is what goes into its classifier; V-JEPA 2 has none, and its
vector is the mean of the tokens that its encoder gives.

Axes: B batch, T frames, H rows, W columns, D features.
"""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import torch
from torch import nn

from models.errors import ModelsError

LIBRARY = "transformers"


def _library() -> Any:
    """Return the library, which takes seconds to import.

    Raises:
        ModelsError: It is not installed.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise ModelsError(f"These layers are those of the library {LIBRARY}: pip install '.[{LIBRARY}]'")
    return importlib.import_module(LIBRARY)


class VJepa2(nn.Module):
    """The encoder of V-JEPA 2, and the mean of its tokens."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        library = _library()
        config = library.VJEPA2Config(hidden_size=feature_dim)  # its defaults are those of ViT-L at 256 pixels
        self.encoder: nn.Module = library.VJEPA2Model(config).encoder

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map (B, 3, T, H, W) to (B, D)."""
        tokens: torch.Tensor = self.encoder(snippets.transpose(1, 2)).last_hidden_state  # (B, N, D)
        return tokens.mean(dim=1)


class VideoMae(nn.Module):
    """VideoMAE, fine-tuned, up to its classifier: the mean of its tokens, normalised."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        library = _library()
        whole = library.VideoMAEForVideoClassification(
            library.VideoMAEConfig(hidden_size=feature_dim, use_mean_pooling=True)
        )
        self.videomae: nn.Module = whole.videomae
        self.fc_norm: nn.Module = whole.fc_norm

    def forward(self, snippets: torch.Tensor) -> torch.Tensor:
        """Map (B, 3, T, H, W) to (B, D)."""
        tokens = self.videomae(snippets.transpose(1, 2)).last_hidden_state  # (B, N, D)
        features: torch.Tensor = self.fc_norm(tokens.mean(dim=1))
        return features


BUILDERS = {"vjepa2_vitl": VJepa2, "videomae_b": VideoMae}

CLASSIFIER = ("classifier.", "predictor.")


def convert_name(key: str) -> str | None:
    """Return the name here of the published one; None for a name that is ours already.

    Published are the names of `transformers` 4, in which VideoMAE's biases of queries and values stand alone.
    """
    if key.startswith("net."):
        return None
    return re.sub(r"\.attention\.attention\.(q|v)_bias$", _with_its_layer, key)


def _with_its_layer(match: re.Match[str]) -> str:
    return f".attention.attention.{ {'q': 'query', 'v': 'value'}[match[1]] }.bias"
