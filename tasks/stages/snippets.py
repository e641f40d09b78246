"""The snippet experiment: a linear classifier on single snippets, for each of several networks, on the same folds."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import luigi

from seizures.classification.folds import FoldRow
from seizures.errors import TooFewSeizuresError
from seizures.settings import SnippetSettings
from tasks.cohort import manifest as cohort
from tasks.cohort.imported_features import examined, extracts_any, imported_seizures, is_imported
from tasks.cohort.networks import weights_faults, weights_identity
from tasks.machinery.processes import computing
from tasks.machinery.progress import progress
from tasks.settings.sections import Dataset, Demo, Evaluation, Machine, Snippets, section
from tasks.stage.stage import Amount, Stage
from tasks.stages import folds
from tasks.stages.features import FeatureStage, all_features, features_of
from tasks.stages.folds import AssignFolds, fold_rows, order_of, recipe_entry, split
from tasks.stages.sequences import load_sequences
from tasks.stages.shared_features import CompareFeatures

PATIENT_WISE = "dealing=patients"  # the cell whose folds are dealt by patient, whatever the settings say


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
        others = [name for name in section(Snippets).names() if name != self.network]
        found: list[Stage] = list(_features(training + held_out, self.network))
        return found + [stage for name in others for stage in _features(training, name)]

    def requires(self) -> list[Stage]:
        """Require the folds and the features, and that no two patients have the same ones."""
        return [AssignFolds(cell=PATIENT_WISE), CompareFeatures(), *self.upstream()]

    def reads(self) -> dict[str, Any]:
        """Return how to train, on what, in which order, and on what the others are trained."""
        training, held_out = self.rows
        names = section(Snippets).names()
        return {
            "settings": SnippetSettings(),
            "labels": section(Dataset).label_names(),
            "training": {name: {row.name: recipe_entry(row, name) for row in training} for name in sorted(names)},
            "held_out": {row.name: recipe_entry(row, self.network) for row in held_out},
            "order": order_of(training + held_out),
        }

    def produce(self, path: Path) -> Amount:
        """Fit, classify, and write one row a view."""
        from seizures.classification import single_snippets
        from seizures.evaluation.snippet_scores import write_counts

        training, held_out = self.rows
        num_per_class = _num_per_class(self.fold)
        bank = load_sequences(training, ("all",), PATIENT_WISE, self.network)
        with computing(section(Machine).num_threads or 1), progress(self, self.label, "epochs") as report_progress:
            layer = single_snippets.fit(bank, num_per_class, SnippetSettings(), report_progress)
            usable = any(stage.bad_reason() is None for stage in _features(held_out, self.network))
            nobody = bank.select([False] * len(bank))
            scored = load_sequences(held_out, ("all", "evaluate"), PATIENT_WISE, self.network) if usable else nobody
            counts = single_snippets.classify(scored, layer)
        write_counts(path, counts.assign(network=self.network, fold=self.fold, num_trained_per_class=num_per_class))
        return Amount(2 * num_per_class * SnippetSettings().num_epochs, "snippets")


def _features(rows: tuple[FoldRow, ...], network: str) -> list[FeatureStage]:
    return [features_of(row.id, network) for row in rows]


@functools.cache
def _num_per_class(fold: int) -> int:
    """Count how many snippets of each class every network can be trained on."""
    from seizures.classification.single_snippets import count_in_smaller_class

    training, _ = split(PATIENT_WISE, fold)
    found = {}
    for network in section(Snippets).names():
        paths = [stage.result for stage in _features(training, network) if stage.bad_reason() is None]
        found[network] = count_in_smaller_class(paths, section(Dataset).label_names())
    none = [name for name, number in found.items() if not number]
    if none:
        raise TooFewSeizuresError(
            f"fold {fold}: {', '.join(none)}: of the {len(training)} seizures to train on, none has a snippet before, "
            "or none after, the clonic onset; give clonic_onset_seconds for more seizures, use fewer folds, or leave "
            "that network out of [Snippets] networks"
        )
    return min(found.values())


class PoolSnippets(Stage):
    """Put the counts of every network and fold into one table."""

    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "counts"

    def requires(self) -> list[ClassifySnippets]:
        """Require them."""
        numbers = sorted({row.fold for row in fold_rows(PATIENT_WISE)})
        return [ClassifySnippets(network=name, fold=fold) for name in section(Snippets).names() for fold in numbers]

    def reads(self) -> dict[str, Any]:
        """Return the networks in their order."""
        return {"networks": section(Snippets).names()}

    def produce(self, path: Path) -> None:
        """Join the tables."""
        from seizures.evaluation.snippet_scores import pool_counts, read_counts, write_counts

        write_counts(path, pool_counts([read_counts(stage.result) for stage in self.requires()]))


class _OfCounts(luigi.Task):
    """What is made of the pooled counts."""

    def requires(self) -> list[Stage]:
        """Require them."""
        return [PoolSnippets()]

    def counts(self) -> dict[str, Any]:
        """Read them, by network."""
        from seizures.evaluation.snippet_scores import by_network, read_counts

        return by_network(read_counts(PoolSnippets().result))


class TabulateSnippets(_OfCounts, Stage):
    """Write a row for each network: how often single snippets were right, with intervals, and what the paper has."""

    version = 2  # 2: intervals with an effective number of seizures
    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "snippets"

    def reads(self) -> dict[str, Any]:
        """Return how to resample."""
        return {"evaluation": section(Evaluation).settings()}

    def produce(self, path: Path) -> None:
        """Tabulate."""
        from seizures.evaluation.snippet_scores import tabulate

        table = tabulate(self.counts(), section(Evaluation).settings())
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


class DrawSnippets(_OfCounts, Stage):
    """Draw every seizure's accuracy, by network."""

    version = 3  # 3: simulated films are marked; 2: words
    extension = "png"

    @property
    def label(self) -> str:
        """One figure for all."""
        return "figure"

    def produce(self, path: Path) -> None:
        """Draw."""
        from seizures.report.snippet_page import draw_networks
        from seizures.report.style import mark_simulated, to_png

        figure = draw_networks(self.counts())
        if section(Demo).enabled:
            mark_simulated(figure)
        path.write_bytes(to_png(figure))


class WriteSnippets(_OfCounts, Stage):
    """Write a page with the networks side by side, and the paper's table beside them."""

    version = 3  # 2, 3: words
    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "page"

    def reads(self) -> dict[str, Any]:
        """Return how to resample, what was left out, and whether the weights say anything."""
        weights = [_weights_behind(name) for name in section(Snippets).names()]
        return {"evaluation": section(Evaluation).settings(), "left_out": left_out(), "weights": weights}

    def produce(self, path: Path) -> None:
        """Write."""
        from seizures.report.page import warning_for
        from seizures.report.snippet_page import write_snippet_page

        warnings = (warning_for(weights, is_simulated=section(Demo).enabled) for weights in self.reads()["weights"])
        warning = next(filter(None, warnings), "")
        write_snippet_page(path, self.counts(), section(Evaluation).settings(), left_out=left_out(), warning=warning)


def left_out() -> list[str]:
    """Return a line for each seizure, or view of one, that is in no fold, or that a network has no features of."""
    for_all = list(dict.fromkeys(f"{item.name}: {item.reason}" for item in folds.left_out()))
    networks: dict[str, list[str]] = {}
    for network in section(Snippets).names():
        for item in (item for stage in all_features(network) for item in stage.left_out()):
            networks.setdefault(f"{item.name}: {item.reason}", []).append(network)
    return for_all + [f"{line} ({', '.join(names)})" for line, names in networks.items() if line not in for_all]


def _weights_behind(network: str) -> str:
    """Return what tells the weights behind a network's features from others."""
    found = {str(made["weights_sha256"]) for made in _made_elsewhere()}
    return ", ".join(sorted({*found, *([weights_identity(network)] if extracts_any() else [])}))


def snippet_mistakes() -> Iterator[str]:
    """Yield what is wrong with the networks that are to be compared, or with what they are to be compared on."""
    names = section(Snippets).names()
    if not names:
        yield "[Snippets] networks: there is none to compare; expected names with commas between them"
    if section(Dataset).allow_mixed_features:
        yield "[Dataset] allow_mixed_features = true: snippets are compared on features of one making; set it to false"
    for name in names:
        yield from _network_mistakes(name)
    here = [item for item in cohort.seizures().values() if not is_imported(item)]
    if here and not imported_seizures() and all(item.clonic_onset_seconds is None for item in here):
        yield (
            f"{section(Dataset).manifest}: no seizure has clonic_onset_seconds, so that no snippet is known to be "
            f"after the clonic onset; write it down for each {section(Dataset).label_names()[1]}"
        )


def _network_mistakes(name: str) -> Iterator[str]:
    others = {str(made["network"]) for made in _made_elsewhere()}
    if others and others != {name}:
        yield (
            f"[Snippets] networks: {name}: {len(imported_seizures())} seizures have no video, and imported features of "
            f"{', '.join(sorted(others))} alone; name that network and no other"
        )
    elif not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name):
        yield f"[Snippets] networks: {name}: expected a name of letters, digits, - _ ."
    elif extracts_any():
        faults = weights_faults(name)
        yield from (f"[Snippets] networks: {name}: {fault}" for fault in faults)


def _made_elsewhere() -> list[Mapping[str, Any]]:
    return [item.summary.made for item in examined().values() if item.summary is not None]


def stages_of() -> dict[str, Stage]:
    """Return the results of the experiment by the names that a person finds them under."""
    return {
        "snippets.csv": TabulateSnippets(),
        "counts.csv": PoolSnippets(),
        "snippets.png": DrawSnippets(),
        "snippets.html": WriteSnippets(),
    }


def sound_networks() -> list[str]:
    """Return the networks that are to be compared and can be."""
    return [name for name in section(Snippets).names() if not list(_network_mistakes(name))]


def features_of_networks(names: Iterable[str]) -> list[FeatureStage]:
    """Return the features of all seizures by [Features]' network, for its folds, and by others."""
    found = {stage.task_id: stage for name in ("", *names) for stage in all_features(name)}
    return list(found.values())
