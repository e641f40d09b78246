"""RunSweep: any settings of [Training] by any others, on the same folds and features, to a table and a figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.working import WorkingTask
from tasks.machinery.processes import import_before_forks
from tasks.settings.cells import expand
from tasks.settings.sections import Sweep, results_root, section
from tasks.stage.publishing import published_key
from tasks.stages.features import features_of_run
from tasks.stages.folds import unusable
from tasks.stages.sweep import all_folds, publish_sweep, stages_of


class RunSweep(WorkingTask):
    """Train and score every combination of settings; `results/sweep` holds sweep.csv, comparisons.csv and sweep.png."""

    settings: str = luigi.Parameter(default="", description="name=value,value; name=...; empty: [Sweep] grid")

    def check_input(self) -> None:
        """Check also the cells."""
        super().check_input()
        expand(self.sweep)

    @property
    def sweep(self) -> str:
        """What is swept."""
        return self.settings or section(Sweep).grid

    def requires(self) -> list[Any]:
        """Require all features; what follows depends on which seizures are good."""
        import_before_forks()
        return list(features_of_run())

    def verdict(self) -> str:
        """Return whether it is done, and where to look."""
        bad = [f"  left out: {item.name}: {item.reason}\n" for item in unusable()] if self._extracted() else []
        if not self.complete():
            ending = "NOT complete. Run the same command again to go on from here"
            return f"RunSweep: {ending}.\n{''.join(bad)}"
        where = results_root() / "sweep"
        return f"RunSweep: complete, {len(expand(self.sweep))} cells: {where / 'sweep.csv'}, sweep.png\n{''.join(bad)}"

    def _extracted(self) -> bool:
        return all(stage.complete() for stage in features_of_run())

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
