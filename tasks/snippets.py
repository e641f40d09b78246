"""The snippet experiment: a linear classifier on single snippets, for each of several networks, on the same folds."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import luigi

import models
from seizures.folds import FoldRow
from seizures.settings import SnippetSettings
from tasks.base import Amount, Stage
from tasks.config import Dataset, Evaluation, Features, Machine, Snippets, section
from tasks.features import FeatureStage, all_features, features_of
from tasks.folds import AssignFolds, fold_rows, order_of, seizure_of, split, what_is_read
from tasks.processes import computing
from tasks.progress import progress
from tasks.sequences import bank_of
from tasks.ways import examined, extracts_any, imported_seizures, own_weights_identity, weights_of

PATIENT_WISE = "protocol=patient"  # the cell whose folds are dealt by patient, whatever [Training] says


class ClassifySnippets(Stage):
    """Fit a linear classifier to snippets of all folds but one, and classify every snippet of that one.

    All networks are trained on as many snippets: as the one that has the fewest of a class.
    """

    extension = "csv"
    network: str = luigi.Parameter()
    fold: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """Network and fold."""
        return f"{self.network}+fold{self.fold:02d}"

    @functools.cached_property
    def rows(self) -> tuple[tuple[FoldRow, ...], tuple[FoldRow, ...]]:
        """The rows to train on, and those held out."""
        return split(PATIENT_WISE, self.fold)

    def upstream(self) -> list[Stage]:
        """Return this network's features of all seizures, and the others' of those to train on, which are counted."""
        training, held_out = self.rows
        own: list[Stage] = list(_features(training + held_out, self.network))
        return own + [stage for name in section(Snippets).names() if name != self.network
                      for stage in _features(training, name)]  # fmt: skip

    def requires(self) -> list[Stage]:
        """Require the folds and the features."""
        return [AssignFolds(cell=PATIENT_WISE), *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return how to train, on what, and in which order."""
        training, held_out = self.rows
        return {
            "settings": SnippetSettings(),
            "labels": section(Dataset).label_names(),
            "training": {_name(row): what_is_read(row, self.network) for row in training},
            "held_out": {_name(row): what_is_read(row, self.network) for row in held_out},
            "order": order_of(training + held_out),
        }

    def produce(self, path: Path) -> Amount:
        """Fit, classify, and write one row a view."""
        from seizures import snippet_experiment
        from seizures.snippet_scores import write_counts

        training, held_out = self.rows
        num_per_class = min(_num_in_smaller_class(training, name) for name in section(Snippets).names())
        bank = bank_of(training, ("all",), PATIENT_WISE, self.network)
        with computing(section(Machine).num_threads or 1), progress(self, self.label, "epochs") as tell:
            layer = snippet_experiment.fit(bank, num_per_class, SnippetSettings(), tell)
            scored = bank_of(held_out, ("all", "evaluate"), PATIENT_WISE, self.network)
            counts = snippet_experiment.classify(scored, layer)
        write_counts(path, counts.assign(fold=self.fold, num_trained_per_class=num_per_class))
        return Amount(2 * num_per_class * SnippetSettings().num_epochs, "snippets")


def _name(row: FoldRow) -> str:
    return f"{row.patient_id}+{row.seizure_id}"


def _features(rows: tuple[FoldRow, ...], network: str) -> list[FeatureStage]:
    return [features_of(row.patient_id, row.seizure_id, network) for row in rows]


@functools.cache
def _num_in_smaller_class(rows: tuple[FoldRow, ...], network: str) -> int:
    """Count how many snippets of each class a network can be trained on."""
    from seizures.snippet_experiment import count_in_smaller_class

    paths = [stage.path for stage in _features(rows, network) if stage.bad_reason() is None]
    return count_in_smaller_class(paths, section(Dataset).label_names())


class _OfSnippets(luigi.Task):
    """What is made of the counts of every network and fold."""

    def requires(self) -> list[Stage]:
        """Require them."""
        folds = sorted({row.fold for row in fold_rows(PATIENT_WISE)})
        return [ClassifySnippets(network=name, fold=fold) for name in section(Snippets).names() for fold in folds]

    def reads(self) -> dict[str, Any]:
        """Return the networks in their order, and their weights."""
        weights = [weights_of_features(name) for name in section(Snippets).names()]
        return {"networks": section(Snippets).names(), "weights": weights}

    def counts(self) -> dict[str, Any]:
        """Read the counts of each network, all folds."""
        from seizures.snippet_scores import read_counts

        found: dict[str, list[Path]] = {}
        for stage in self.requires():
            found.setdefault(stage.network, []).append(stage.path)  # type: ignore[attr-defined]
        return {name: read_counts(paths) for name, paths in found.items()}


class TabulateSnippets(_OfSnippets, Stage):
    """Write a row for each network: how often single snippets were right, with intervals, and what the paper has."""

    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "snippets"

    def reads(self) -> dict[str, Any]:
        """Return the networks, and how to resample."""
        return {**super().reads(), "evaluation": section(Evaluation).settings()}

    def produce(self, path: Path) -> None:
        """Tabulate."""
        from seizures.snippet_scores import tabulate

        table = tabulate(self.counts(), section(Evaluation).settings())
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


class DrawSnippets(_OfSnippets, Stage):
    """Draw every seizure's accuracy, network under network."""

    extension = "png"

    @property
    def label(self) -> str:
        """One figure for all."""
        return "figure"

    def produce(self, path: Path) -> None:
        """Draw."""
        from seizures.figures import to_png
        from seizures.snippet_page import draw_networks

        path.write_bytes(to_png(draw_networks(self.counts())))


class WriteSnippets(_OfSnippets, Stage):
    """Write a page with the networks side by side, and the paper's table beside them."""

    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "page"

    def reads(self) -> dict[str, Any]:
        """Return the networks, how to resample, and the seizures whose clonic onset is not known."""
        evaluation = section(Evaluation).settings()
        return {**super().reads(), "evaluation": evaluation, "without_onset": without_clonic_onset()}

    def produce(self, path: Path) -> None:
        """Write."""
        from seizures.report import RANDOM_WEIGHTS_WARNING, has_random_weights
        from seizures.snippet_page import write_page

        is_random = any(has_random_weights(weights) for weights in self.reads()["weights"])
        write_page(
            path,
            self.counts(),
            section(Evaluation).settings(),
            without_onset=without_clonic_onset(),
            warning=RANDOM_WEIGHTS_WARNING if is_random else "",
        )


def without_clonic_onset() -> list[str]:
    """Return the seizures of the folds that the second label has and whose clonic onset is not known."""
    positive = section(Dataset).label_names()[1]
    seizures = [seizure_of(row) for row in fold_rows(PATIENT_WISE)]
    return [item.name for item in seizures if item.label == positive and item.clonic_onset_seconds is None]


def weights_of_features(network: str) -> str:
    """Return what tells the weights behind a network's features from others."""
    found = {str(made["weights_sha256"]) for made in _made_elsewhere()}
    return ", ".join(sorted({*found, *([own_weights_identity(network)] if extracts_any() else [])}))


def snippet_mistakes() -> Iterator[str]:
    """Yield what is wrong with the networks that are to be compared."""
    names, weights_dir = section(Snippets).names(), section(Features).weights_dir or None
    others = {str(made["network"]) for made in _made_elsewhere()}
    if not names:
        yield "[Snippets] networks: there is none to compare; wanted names with commas between them"
    for name in names:
        if others and others != {name}:
            yield (
                f"[Snippets] networks: {name}: {len(imported_seizures())} seizures have no video, and imported "
                f"features of {', '.join(sorted(others))} alone; name that network and no other"
            )
        elif extracts_any():
            faults = models.check_weights(name, weights_of(name) or None, weights_dir)
            yield from (f"[Snippets] networks: {name}: {fault}" for fault in faults)


def _made_elsewhere() -> list[Mapping[str, Any]]:
    return [item.summary.made for item in examined().values() if item.summary is not None]


def stages_of() -> dict[str, Stage]:
    """Return the results of the experiment by the names that a person finds them under."""
    return {"snippets.csv": TabulateSnippets(), "snippets.png": DrawSnippets(), "snippets.html": WriteSnippets()}


def features_of_networks() -> list[FeatureStage]:
    """Return the features of all seizures by [Features]' network, for its folds, and by those compared."""
    found = {stage.task_id: stage for name in ("", *section(Snippets).names()) for stage in all_features(name)}
    return list(found.values())
