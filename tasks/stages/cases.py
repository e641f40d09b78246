"""Features of the training seizures to what a classifier's file tells of them, and what its house keeps of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seizures.classification.folds import FoldRow
from tasks.cohort.imported_features import is_imported
from tasks.machinery.progress import progress
from tasks.settings.cells import training_settings
from tasks.stage.mixins import SeizureMixin
from tasks.stage.stage import Amount, Stage
from tasks.stages.features import decoded, features_of
from tasks.stages.folds import AssignFolds, fold_rows, order_of, recipe_entry, seizure_of
from tasks.stages.middles import compute_middles, middles_key_parts
from tasks.stages.videos import DecodeRecording

MOST_PROBED = 12  # patients


class CollectCases(Stage):
    """Keep the middle snippets of every seizure that is trained on, with its label; it names patients, so it stays."""

    extension = "h5"

    @property
    def label(self) -> str:
        """One file for all."""
        return "cases"

    def upstream(self) -> list[Stage]:
        """Return the features of everybody."""
        return [features_of(row.id) for row in fold_rows()]

    def requires(self) -> list[Stage]:
        """Require the folds, which say who is good, and the features."""
        return [AssignFolds(), *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return how many snippets, and of whom."""
        return {
            "num_segments": training_settings().num_segments,
            "training": {row.name: recipe_entry(row) for row in fold_rows()},
            "order": order_of(fold_rows()),
        }

    def produce(self, path: Path) -> None:
        """Read the middles of each, and write them."""
        from seizures.features.file import open_features
        from seizures.prediction.asked import asked_of_features, write_asked

        found = []
        for row in _trained_on():
            with open_features(features_of(row.id).result) as file:
                found.append(asked_of_features(file, training_settings().num_segments, uses=("all",)))
        write_asked(path, found)


class ProbeFamiliarity(SeizureMixin, Stage):
    """Make films of other kinds of the frames of one view, and compute what a verdict would take of them."""

    extension = "h5"
    resources = {"network": 1}  # noqa: RUF012  # as ExtractFeatures

    def requires(self) -> list[DecodeRecording]:
        """Require the frames of the first view that is trained on."""
        used = [item for item in self.seizure.recordings if item.use == "all" and item.view in self._good_views()]
        return [decoded(min(used, key=lambda item: item.view).id)]

    def _good_views(self) -> list[str]:
        return features_of(self.id).good_views()

    def reads(self) -> dict[str, Any]:
        """Return the network, its weights, and which snippets."""
        return middles_key_parts(training_settings().num_segments)

    def produce(self, path: Path) -> Amount:
        """Compute the middles of each kind, and write them."""
        from seizures.prediction.asked import write_asked
        from seizures.prediction.other_kinds import KINDS

        (frames,), num_segments, found = self.requires(), training_settings().num_segments, []
        with progress(self, self.label, "films") as report_progress:
            for kind in KINDS:
                found.append(compute_middles(kind, {frames.view: frames.result}, num_segments, kind=kind))
                report_progress(len(found), len(KINDS))
        write_asked(path, found)
        return Amount(len(found) * num_segments, "snippets")


def all_probes() -> list[ProbeFamiliarity]:
    """Return the tasks of the first seizure with a film of each of some patients, of all where they are few."""
    first: dict[str, FoldRow] = {}
    for row in _trained_on():
        if not is_imported(seizure_of(row)):
            first.setdefault(row.patient_id, row)
    return [ProbeFamiliarity(**row.id._asdict()) for row in list(first.values())[:MOST_PROBED]]


def _trained_on() -> list[FoldRow]:
    """Return the rows of the folds of which a view that has features is trained on."""
    return [row for row in fold_rows() if _uses(row)]


def _uses(row: FoldRow) -> bool:
    good = recipe_entry(row)["views"]
    return any(item.use == "all" and item.view in good for item in seizure_of(row).recordings)
