"""The features of all seizures in one file, which every fold, seed and cell of a sweep maps into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seizures.errors import SeizuresError
from seizures.manifest.identity import SeizureId
from tasks.stage.mixins import NetworkMixin
from tasks.stage.stage import Amount, Stage
from tasks.stages.features import FeatureStage, all_features, features_of
from tasks.stages.folds import final_views, fold_items


class PackFeatures(NetworkMixin, Stage):
    """Write the features of every good seizure into one file, once, so that no task reads a file for each seizure.

    It says nothing that the feature files do not say, so it is in no key of what is trained on it. Where all of that
    is complete nobody needs it, and it is made again when somebody does.
    """

    extension = "h5"

    @property
    def label(self) -> str:
        """One file for all."""
        return "features"

    def requires(self) -> list[FeatureStage]:
        """Require all features: only they tell which seizures are good."""
        return list({stage.task_id: stage for stage in (*all_features(), *all_features(self.network))}.values())

    def upstream(self) -> list[FeatureStage]:
        """Return those of the good seizures, in the order of their ids."""
        return [features_of(seizure, self.network) for seizure in self._good()]

    def reads(self) -> dict[str, Any]:
        """Return which views have features: the keys of these, which are older, cannot say it."""
        return {"views": {stage.label: final_views(stage) for stage in self.upstream()}}

    def is_pruned(self) -> bool:
        """Tell whether it is absent: it is then needed only where something that is made of it is missing."""
        return not self.path.exists()

    def produce(self, path: Path) -> Amount:
        """Pack.

        Raises:
            SeizuresError: a seizure that has features by the network of [Features] has none by this one.
        """
        from seizures.classification.packed import pack_features

        bad = [(stage.id.name, stage.bad_reason()) for stage in self.upstream() if stage.bad_reason() is not None]
        if bad:
            said = (
                f"{self.network}: no features of seizures that are in the folds; leave them out of the manifest "
                "(use = skip), or the network out of the sweep:"
            )
            raise SeizuresError("\n  ".join([said, *(f"{name}: {reason}" for name, reason in bad)]))
        return Amount(pack_features(path, [stage.result for stage in self.upstream()]), "snippets")

    def _good(self) -> list[SeizureId]:
        return sorted(item.id for item in fold_items())
