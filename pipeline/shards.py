"""The work in parts, for several machines or GPUs without a server: ExtractShard for all, FoldShard for all, RunAll.

Each part is a process of its own, `--shard k --shards N` with k from 0; the parts meet in the results folder alone.
Which part does what follows from the settings and N. A part that failed, or was killed, is simply started again, and
RunAll does whatever the parts left undone. PredictShard does the same for Predict. Scripts and words are in cluster/
and docs/cluster.md.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Sequence
from typing import Any

import luigi

from pipeline.asking import AskingTask
from pipeline.front_door import FrontDoorTask
from pipeline.working import WorkingTask
from seizures.errors import SettingsError, TooFewSeizuresError
from seizures.manifest.recordings import Seizure
from tasks.cohort import manifest as cohort
from tasks.machinery.processes import import_before_forks
from tasks.stage.stage import Stage
from tasks.stages.answer_pages import WriteSeizurePage, answers_and_pages
from tasks.stages.answers import AnswerSeizure
from tasks.stages.evaluation import EvaluateFold, all_evaluations
from tasks.stages.features import FeatureStage, all_features, features_of
from tasks.stages.folds import all_dealings
from tasks.stages.packed import PackFeatures
from tasks.stages.shared_features import CompareFeatures

PATIENCE_SECONDS = 120.0


def deal(durations: Sequence[float | None], num_shards: int) -> list[int]:
    """Return a shard for each duration, so that the shards last about equally long.

    The longest comes first, each to the shard that has least so far; an unknown duration counts as the mean of the
    known ones. The same durations give the same shards.
    """
    known = [duration for duration in durations if duration is not None]
    mean = sum(known) / len(known) if known else 1.0
    weights = [mean if duration is None else duration for duration in durations]
    shard_of = [0] * len(weights)
    loads = [(0.0, shard) for shard in range(num_shards)]
    for index in sorted(range(len(weights)), key=lambda index: (-weights[index], index)):
        load, shard = heapq.heappop(loads)
        shard_of[index] = shard
        heapq.heappush(loads, (load + weights[index], shard))
    return shard_of


class _Part(FrontDoorTask):
    """One part of N of the work."""

    shard: int = luigi.IntParameter(description="which part, from 0")
    shards: int = luigi.IntParameter(description="how many parts")

    def check_input(self) -> None:
        """Check the number of this part, and then the rest."""
        if not 0 <= self.shard < self.shards:
            wanted = "expected shards of at least 1, and shard from 0 to shards - 1"
            raise SettingsError(f"--shard {self.shard} --shards {self.shards}: {wanted}")
        super().check_input()

    def seizures(self) -> list[Seizure]:
        """Return the seizures of this part, balanced by their durations."""
        items = list(cohort.seizures().values())
        shard_of = deal([item.duration_seconds for item in items], self.shards)
        return [item for item, shard in zip(items, shard_of, strict=True) if shard == self.shard]


class _Shard(_Part, WorkingTask):
    """One part of N of a run."""

    def verdict(self) -> str:
        """Return whether this part is done."""
        return _verdict(self)


class ExtractShard(_Shard):
    """The features of one part of the seizures; the parts are balanced by the seizures' durations."""

    def stages(self) -> list[FeatureStage]:
        """Return the tasks of this part."""
        return [features_of(item.id) for item in self.seizures()]

    def requires(self) -> list[FeatureStage]:
        """Require the features of this part."""
        import_before_forks()
        return self.stages()

    def complete(self) -> bool:
        """Tell whether the features of this part exist, or are known to be impossible."""
        return all(stage.complete() for stage in self.stages())


class FoldShard(_Shard):
    """The classifiers of one part of the folds and seeds, and their predictions; wants all features to be there."""

    def check_input(self) -> None:
        """Check the input, and that the features are there."""
        super().check_input()
        missing = [stage.label for stage in all_features() if not stage.complete()]
        if missing:
            some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            remedy = "run the parts of ExtractShard first, or RunAll, which does everything"
            raise TooFewSeizuresError(f"{len(missing)} seizures have no features yet ({some}); {remedy}")

    def stages(self) -> list[EvaluateFold]:
        """Return the tasks of this part; known once the folds are."""
        return all_evaluations()[self.shard :: self.shards]

    def complete(self) -> bool:
        """Tell whether the folds and the predictions of this part exist."""
        return all(stage.complete() for stage in all_dealings()) and all(stage.complete() for stage in self.stages())

    def run(self) -> Iterator[Any]:
        """Have what all parts need made once, by the first part, and then train and predict."""
        import_before_forks()
        shared, end = [*all_dealings(), CompareFeatures(), PackFeatures()], time.monotonic() + PATIENCE_SECONDS
        while self.shard and not all(stage.complete() for stage in shared) and time.monotonic() < end:
            time.sleep(0.5)
        yield shared
        yield self.stages()


class PredictShard(_Part, AskingTask):
    """The answers about one part of the seizures of Predict, their courses and pages; Predict puts them together."""

    folder = "predictions"
    verdict_only: bool = luigi.BoolParameter(default=False, description="only the verdicts: no courses, no pages")

    def stages(self) -> list[Stage]:
        """Return the tasks of this part."""
        part = {item.id.name for item in self.seizures()}
        return answers_and_pages(self.classifier, verdict_only=self.verdict_only, part=part)

    def requires(self) -> list[Stage]:
        """Require the answers of this part."""
        import_before_forks()
        return [stage for stage in self.stages() if isinstance(stage, AnswerSeizure)]

    def run(self) -> Iterator[Any]:
        """Ask for the courses and pages of those that could be asked about."""
        yield [stage for stage in self.stages() if not isinstance(stage, WriteSeizurePage)]
        yield self.stages()

    def complete(self) -> bool:
        """Tell whether all of this part exists."""
        return all(stage.complete() for stage in self.stages())

    def verdict(self) -> str:
        """Return whether this part is done."""
        return _verdict(self)


def _verdict(task: luigi.Task) -> str:
    ending = "complete" if task.complete() else "NOT complete. Run the same command again to go on from here"
    return f"{task}: {ending}.\n"
