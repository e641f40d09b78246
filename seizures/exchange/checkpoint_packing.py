"""The authors' checkpoints and a person's recipe, as the content of a classifier's file.

A checkpoint holds weights and nothing of how the features were made, on whom it was trained or how well it does. The
first is what the recipe states; the rest stays unknown in the file, and no number stands in for it. The authors' head
has two logits, of which they take the softmax (docs/protocols.md). A head with the logit z of the positive label alone
becomes the two columns (0, z), whose softmax is sigmoid(z).

Letters in shapes: D features, H hidden units, C outputs, 1 or 2.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seizures.errors import SettingsError
from seizures.exchange.checkpoint_reading import State, read_checkpoints
from seizures.exchange.classifier_file import FORMAT, FORMAT_VERSION, ClassifierContent, identify, modules_of
from seizures.exchange.classifier_schema import LARGEST_DIM, LARGEST_HIDDEN, MOST_SEEDS
from seizures.exchange.packing_recipe import recipe_faults
from seizures.provenance import release
from seizures.settings import TrainingSettings, canonical

Builder = Callable[[str, int, int], nn.Module]
FEATURE_KEYS = (
    "network",
    "weights_sha256",
    "preprocessing",
    "deinterlace",
    "precision",
    "frame_rate_hz",
    "frames_per_snippet",
    "stride_frames",
)


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the weights say of a classifier.

    Attributes:
        aggregation: `mean`, `lstm` or `blstm`.
        feature_dim: D.
        hidden_units: H a direction; None for `mean`, which has none.
        num_outputs: C.
    """

    aggregation: str
    feature_dim: int
    hidden_units: int | None
    num_outputs: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter, by name."""
        units = self.hidden_units
        if units is None:
            return {"fc.weight": (self.num_outputs, self.feature_dim), "fc.bias": (self.num_outputs,)}
        ends = ("", "_reverse") if self.aggregation == "blstm" else ("",)
        found: dict[str, tuple[int, ...]] = {}
        for end in ends:
            found[f"lstm.weight_ih_l0{end}"] = (4 * units, self.feature_dim)
            found[f"lstm.weight_hh_l0{end}"] = (4 * units, units)
            found[f"lstm.bias_ih_l0{end}"] = found[f"lstm.bias_hh_l0{end}"] = (4 * units,)
        return {**found, "fc.weight": (self.num_outputs, len(ends) * units), "fc.bias": (self.num_outputs,)}

    def __str__(self) -> str:
        units = "" if self.hidden_units is None else f" of {self.hidden_units} units"
        outputs = f"{self.num_outputs} output{'s' if self.num_outputs > 1 else ''}"
        return f"{self.aggregation}{units} on {self.feature_dim} features with {outputs}"


def pack_checkpoints(
    paths: Sequence[str | os.PathLike[str]], recipe: Mapping[str, Any], build: Builder
) -> ClassifierContent:
    """Return the content of a classifier's file; nothing in a checkpoint is executed.

    Args:
        paths: checkpoints of the same classifier, one a seed: `lstm.*` and `fc.*`, or the same behind `model.`, bare or
            under `state_dict`, from torch.save or in safetensors.
        recipe: the content of recipe.toml (docs/howto/pack-the-authors-classifier.md).
        build: makes an untrained network of an aggregation's name, feature_dim and hidden_units.

    Returns:
        `baseline`, from which explanations start, is zeros: nobody knows the mean of the training features. Cohort,
        scores, decision, reference, familiarity and trained_on are None, and calibration is none.

    Raises:
        SettingsError: something is wrong with the recipe or the checkpoints; the message lists everything.
        TransientError: a disk or the memory failed.
    """
    faults = list(recipe_faults(recipe))
    files = [Path(path) for path in paths]
    if not 1 <= len(files) <= MOST_SEEDS:
        faults.append(f"expected 1 to {MOST_SEEDS} checkpoints, found {len(files)}")
        files = []
    states: list[State] = []
    layouts: dict[str, Layout] = {}
    for path, read in zip(files, read_checkpoints(files), strict=True):
        problem, layout = (read, None) if isinstance(read, str) else _layout(read)
        if layout is None or isinstance(read, str):
            faults.append(f"{path}: {problem}")
            continue
        twin = next((other for other, state in zip(layouts, states, strict=True) if _are_same(state, read)), None)
        if twin is not None:
            faults.append(f"{path}: the same weights as {twin}; name each seed once")
            continue
        states.append(read)
        layouts[str(path)] = layout
    faults += _differences(layouts)
    if layouts:
        faults += _against_recipe(next(iter(layouts.values())), recipe)
    if faults:
        raise SettingsError("\n  ".join(["nothing is packed:", *faults]))
    content = identify(_content(next(iter(layouts.values())), states, recipe))
    modules_of(content, build)
    return content


def _layout(state: State) -> tuple[str, Layout | None]:
    """Return what is wrong with the weights of a file, and what they say where nothing is."""
    head, first = state.get("fc.weight"), state.get("lstm.weight_ih_l0")
    expected = "expected one LSTM layer (lstm.*_l0) or none, and one linear layer (fc.weight, fc.bias)"
    if head is None or head.ndim != 2 or head.shape[0] not in (1, 2):
        found = "no fc.weight" if head is None else f"fc.weight {tuple(head.shape)}"
        return f"{expected} with 1 or 2 outputs; found {found} among {_some(list(state))}", None
    num_outputs = head.shape[0]
    if not any(name.startswith("lstm.") for name in state):
        layout = Layout("mean", head.shape[1], None, num_outputs)
    elif first is None or first.ndim != 2 or first.shape[0] % 4:
        found = "none" if first is None else str(tuple(first.shape))
        return f"{expected}; lstm.weight_ih_l0: expected (4 H, D), found {found}", None
    else:
        aggregation = "blstm" if any(name.endswith("_reverse") for name in state) else "lstm"
        layout = Layout(aggregation, first.shape[1], first.shape[0] // 4, num_outputs)
    if layout.feature_dim > LARGEST_DIM or (layout.hidden_units or 0) > LARGEST_HIDDEN:
        return f"{layout}: at most {LARGEST_HIDDEN} units and {LARGEST_DIM} features can be packed", None
    wanted = layout.shapes()
    faults = [
        f"{what}: {_some(names)}"
        for what, names in (
            ("missing", [name for name in wanted if name not in state]),
            ("unexpected", [name for name in state if name not in wanted]),
            ("not finite", [name for name, value in state.items() if not bool(torch.isfinite(value).all())]),
            ("of a wrong shape", [
                f"{name} {tuple(state[name].shape)}, not {shape}"
                for name, shape in wanted.items() if name in state and state[name].shape != shape
            ]),
        )
        if names
    ]  # fmt: skip
    return ("; ".join([*faults, expected]), None) if faults else ("", layout)


def _are_same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _differences(layouts: Mapping[str, Layout]) -> Iterator[str]:
    """Yield which checkpoints are no seeds of the classifier in the first one."""
    named = list(layouts.items())
    for path, layout in named[1:]:
        if layout != named[0][1]:
            yield f"{path}: {layout}, and {named[0][0]}: {named[0][1]}; expected seeds of one classifier"


def _against_recipe(layout: Layout, recipe: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the recipe states otherwise than the weights."""
    for name in ("aggregation", "hidden_units", "feature_dim"):
        found = getattr(layout, name)
        if name in recipe and recipe[name] != found:
            told = "has none" if found is None else f"has {found}"
            yield f"{name} = {str(recipe[name])[:60]}: the checkpoint {told} ({layout})"


def _content(layout: Layout, states: Sequence[State], recipe: Mapping[str, Any]) -> ClassifierContent:
    settings = {"aggregation": layout.aggregation, "num_segments": recipe["num_segments"]}
    if layout.hidden_units is not None:
        settings["hidden_units"] = layout.hidden_units
    info: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_by": release(),
        "site": recipe.get("site", ""),
        "is_simulated": recipe.get("is_simulated", False),
        "labels": list(recipe["labels"]),
        "features": {
            **{name: recipe[name] for name in FEATURE_KEYS},
            "frame_rate_hz": float(recipe["frame_rate_hz"]),
            "feature_dim": layout.feature_dim,
        },
        "training": canonical(TrainingSettings(**settings)),
        "seeds": list(range(len(states))),
        "cohort": None,
        "scores": None,
        "calibration": {
            "method": "none", "slope": 1.0, "intercept": 0.0, "num_patients": 0, "num_seizures": 0, "ece_before": None,
            "ece_after": None,
        },
        "decision": None,
        "reference": None,
        "familiarity": None,
        "trained_on": None,
    }  # fmt: skip
    tensors = {
        f"seed{number}.{name}": value.contiguous()
        for number, state in enumerate(states)
        for name, value in _with_two_columns(state).items()
    }
    tensors["baseline"] = torch.zeros(layout.feature_dim)
    return ClassifierContent(info, tensors)


def _with_two_columns(state: State) -> State:
    """Return the weights with a head of two logits: (0, z) where it has z alone."""
    if state["fc.bias"].shape[0] == 2:
        return state
    head = {name: torch.cat([torch.zeros_like(state[name]), state[name]]) for name in ("fc.weight", "fc.bias")}
    return {**state, **head}


def _some(texts: Sequence[str]) -> str:
    return ", ".join(text[:80] for text in texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")
