"""PackClassifier: checkpoints in the layout of the public authors, and a recipe, as a classifier's file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import luigi

import models
from pipeline.exchange import WithoutCohort
from pipeline.front_door import Answer
from seizures.errors import SettingsError
from tasks.machinery.atomic import full_disk_told, landing


class PackClassifier(WithoutCohort):
    """Turn the weights of a classifier that was trained elsewhere into a file that Predict and TestClassifier ask."""

    checkpoint: str = luigi.Parameter(description="checkpoints, one a seed, separated by commas: a.ckpt,b.ckpt")
    recipe: str = luigi.Parameter(description="recipe.toml: how its features were made, and its labels")
    to: str = luigi.Parameter(description="the file to write, a name that ends in .zip; not there yet")

    def check_input(self) -> None:
        """Check also that the name is free, and that a zip may have it."""
        super().check_input()
        to = Path(self.to)
        if to.exists():
            raise SettingsError(f"{to}: already exists; a classifier's file is never changed, so choose another name")
        if to.suffix != ".zip":
            raise SettingsError(f"--to {to}: expected a name that ends in .zip")

    def answer(self) -> Answer:
        """Pack, and say what is in the file and what nobody knows of it."""
        from seizures.exchange.checkpoint_packing import pack_checkpoints
        from seizures.exchange.classifier_file import read_classifier, write_classifier
        from seizures.exchange.model_card import model_card
        from seizures.exchange.packing_recipe import read_recipe

        paths = [Path(part.strip()) for part in self.checkpoint.split(",") if part.strip()]
        recipe, to = read_recipe(Path(self.recipe)), Path(self.to)
        mistakes = list(_network_mistakes(recipe))
        try:
            content = pack_checkpoints(paths, recipe, models.build_aggregation)
        except SettingsError as error:
            raise SettingsError("\n  ".join([str(error), *mistakes])) from error
        mistakes += _feature_mistakes(content.info["features"])
        if mistakes:
            raise SettingsError("\n  ".join(["nothing is packed:", *mistakes]))
        with full_disk_told(to.parent), landing(to) as temporary:
            write_classifier(temporary, content, model_card(content.info))
            read_classifier(temporary, models.build_aggregation)
        return Answer("\n".join([*_told(to, content.info), ""]), 0)


def _network_mistakes(recipe: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a recipe states otherwise than a network of this software."""
    if recipe.get("network") in models.network_names():
        spec, frames = models.network_spec(recipe["network"]), recipe.get("frames_per_snippet")
        if isinstance(frames, int) and frames != spec.span_frames:
            yield f"frames_per_snippet = {frames}: the network {spec.name} takes {spec.span_frames} frames"


def _feature_mistakes(features: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the weights expect otherwise than a network of this software gives."""
    if features["network"] in models.network_names():
        spec = models.network_spec(features["network"])
        if features["feature_dim"] != spec.feature_dim:
            yield (
                f"network = {spec.name}: it gives {spec.feature_dim} features, and the checkpoints take "
                f"{features['feature_dim']}; state the network that made theirs"
            )


def _told(to: Path, info: Mapping[str, Any]) -> Iterator[str]:
    training, features = info["training"], info["features"]
    num, dim = len(info["seeds"]), features["feature_dim"]
    units = "" if training["aggregation"] == "mean" else f" of {training['hidden_units']} units"
    yield (
        f"PackClassifier: {to} is written: classifier {info['classifier_id']}, {num} seed{'s' if num > 1 else ''}, "
        f"{training['aggregation']}{units} on {training['num_segments']} snippets of {dim} features, "
        f"{' or '.join(info['labels'])}"
    )
    if features["network"] not in models.network_names():
        near = difflib.get_close_matches(features["network"], models.network_names(), n=1, cutoff=0.6)
        hint = f" (did you mean {near[0]}?)" if near else ""
        yield f"  the network {features['network']} is not in this software{hint}: ask it with features, not with films"
    yield "  not known: on whom it was trained, how well it does, and which films are unlike those of its training"
    yield "  so its probabilities are not calibrated, it never abstains, and cannot tell a film that it was trained on"
    yield "  try it first on seizures whose label you know: TestClassifier"
