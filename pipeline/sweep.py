"""RunSweep: settings of [Training], and networks, weights and strides, on the same folds, to a table and figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.working import WorkingTask
from seizures.errors import SettingsError
from tasks.cohort.imported_features import imported_seizures
from tasks.cohort.networks import weights_faults
from tasks.machinery.processes import import_before_forks
from tasks.settings.cells import expand
from tasks.settings.sections import Sweep, results_root, section
from tasks.settings.ways import network_of
from tasks.stage.publishing import published_key
from tasks.stages.features import FeatureStage, all_features, features_of_run
from tasks.stages.folds import unusable
from tasks.stages.sweep import all_folds, found_in, publish_sweep, stages_of, tables_of, ways_of


class RunSweep(WorkingTask):
    """Train and score every combination of settings; `results/sweep` holds sweep.csv, comparisons.csv and sweep.png."""

    settings: str = luigi.Parameter(default="", description="name=value,value; name=...; empty: [Sweep] grid")

    def check_input(self) -> None:
        """Check also the cells, and the networks and weights that they name."""
        super().check_input()
        expand(self.sweep)
        others = [way for way in ways_of(self.sweep) if way]
        faults = [f"{network_of(way)}: {fault}" for way in others for fault in weights_faults(way)]
        if others and imported_seizures():
            faults.append(f"{len(imported_seizures())} seizures have no video, so no other network can see them")
        if faults:
            raise SettingsError("\n  ".join(["sweep:", *dict.fromkeys(faults)]))

    @property
    def sweep(self) -> str:
        """What is swept."""
        return self.settings or section(Sweep).grid

    def requires(self) -> list[Any]:
        """Require all features; what follows depends on which seizures are good."""
        import_before_forks()
        return self.features()

    def features(self) -> list[FeatureStage]:
        """Return all features of the cells, each once, and those of the baselines."""
        others = [stage for way in ways_of(self.sweep) if way for stage in all_features(way)]
        return list({stage.task_id: stage for stage in (*features_of_run(), *others)}.values())

    def verdict(self) -> str:
        """Return whether it is done, and where to look."""
        bad = [f"  left out: {item.name}: {item.reason}\n" for item in unusable()] if self._extracted() else []
        if not self.complete():
            ending = "NOT complete. Run the same command again to go on from here"
            return f"RunSweep: {ending}.\n{''.join(bad)}"
        where = results_root() / "sweep"
        found = found_in(self.sweep, *tables_of(self.sweep))
        names = ", ".join(name for name in stages_of(self.sweep) if not name.endswith(".csv"))
        return (
            f"RunSweep: complete, {len(expand(self.sweep))} cells: {where / 'sweep.csv'}, {names}\n  {found}\n"
            f"{''.join(bad)}"
        )

    def _extracted(self) -> bool:
        return all(stage.complete() for stage in self.features())

    def complete(self) -> bool:
        """Tell whether the table and figure of this sweep exist, and `results/sweep` shows them."""
        if not self._extracted() or not all(stage.complete() for stage in all_folds(self.sweep)):
            return False
        named = stages_of(self.sweep)
        return all(stage.complete() for stage in named.values()) and published_key("sweep") == named["sweep.png"].key

    def run(self) -> Iterator[Any]:
        """Ask for the folds, then for all that follows, and publish."""
        yield all_folds(self.sweep)
        yield list(stages_of(self.sweep).values())
        publish_sweep(self.sweep)
