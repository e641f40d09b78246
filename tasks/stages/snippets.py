"""The snippet experiment: a linear classifier on single snippets, for each of several networks, on the same folds."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

import models
from seizures.classification.folds import FoldRow
from seizures.errors import TooFewSeizuresError
from seizures.settings import SEGMENT_FRAMES
from tasks.cohort import manifest as cohort
from tasks.cohort.imported_features import examined, extracts_any, imported_seizures, is_imported
from tasks.cohort.networks import weights_faults, weights_identity
from tasks.machinery.processes import computing
from tasks.machinery.progress import progress
from tasks.settings.sections import Dataset, Demo, Evaluation, Features, Machine, Snippets, section
from tasks.stage.stage import Amount, Stage
from tasks.stages import folds
from tasks.stages.features import FeatureStage, all_features, features_of
from tasks.stages.folds import AssignFolds, fold_rows, order_of, recipe_entry, split
from tasks.stages.sequences import load_sequences_of
from tasks.stages.shared_features import CompareFeatures

if TYPE_CHECKING:
    from seizures.classification.middle_snippets import Instants

PATIENT_WISE = "dealing=patients"  # the cell whose folds are used: dealt by patient, whatever the settings say


class ClassifySnippets(Stage):
    """Fit a linear classifier to snippets of all folds but one, and classify every snippet of that one.

    All networks are trained on as many snippets: as the one that has the fewest of a class, or, of segments, on those
    at the instants that all of them have.
    """

    version = 2  # 2: average precision, and how many of each class were trained on
    extension = "csv"
    network: str = luigi.Parameter()
    fold: int = luigi.IntParameter()

    @property
    def label(self) -> str:
        """Network and fold."""
        return f"{self.network.replace(':', '.')}+fold{self.fold:02d}"

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
            "settings": section(Snippets).settings(),
            "labels": section(Dataset).label_names(),
            "training": {name: {row.name: recipe_entry(row, name) for row in training} for name in sorted(names)},
            "held_out": {row.name: recipe_entry(row, self.network) for row in held_out},
            "order": order_of(training + held_out),
        }

    def produce(self, path: Path) -> Amount:
        """Fit, classify, and write one row a view."""
        from seizures.classification import middle_snippets, single_snippets
        from seizures.evaluation.snippet_scores import write_counts

        training, held_out = self.rows
        settings = section(Snippets).settings()
        instants, (num_before, num_after) = _trained_on(self.fold)
        bank = load_sequences_of(self.network, training, ("all",), PATIENT_WISE)
        with computing(section(Machine).num_threads or 1), progress(self, self.label, "epochs") as report_progress:
            if settings.sampling == "middles":
                layer = middle_snippets.fit_on_middles(bank, instants, settings, report_progress)
            else:
                layer = single_snippets.fit(bank, num_before, settings, report_progress)
            usable = any(stage.bad_reason() is None for stage in _features(held_out, self.network))
            nobody = bank.select([False] * len(bank))
            uses = ("all", "evaluate")
            scored = load_sequences_of(self.network, held_out, uses, PATIENT_WISE) if usable else nobody
            counts = single_snippets.classify(scored, layer)
        trained = {"num_trained_before": num_before, "num_trained_after": num_after}
        write_counts(path, counts.assign(network=self.network, fold=self.fold, **trained))
        return Amount((num_before + num_after) * settings.num_epochs, "snippets")


def _features(rows: tuple[FoldRow, ...], network: str) -> list[FeatureStage]:
    return [features_of(row.id, network) for row in rows]


@functools.cache
def _trained_on(fold: int) -> tuple[Instants, tuple[int, int]]:
    """Return on which instants every network is trained, if on those, and on how many snippets before and after."""
    from seizures.classification.middle_snippets import common_instants
    from seizures.classification.single_snippets import count_in_smaller_class

    training, _ = split(PATIENT_WISE, fold)
    labels = section(Dataset).label_names()
    paths = {
        network: [stage.result for stage in _features(training, network) if stage.bad_reason() is None]
        for network in section(Snippets).names()
    }
    if section(Snippets).sampling == "middles":
        instants, numbers = common_instants(list(paths.values()), labels)
        none = [] if min(numbers) else [f"no segment of {SEGMENT_FRAMES} frames that all networks have"]
    else:
        instants, found = {}, {network: count_in_smaller_class(own, labels) for network, own in paths.items()}
        none = [name for name, number in found.items() if not number]
        numbers = (min(found.values()), min(found.values()))
    if none:
        raise TooFewSeizuresError(
            f"fold {fold}: {', '.join(none)}: of the {len(training)} seizures to train on, none has a snippet before, "
            "or none after, the clonic onset; give clonic_onset_seconds for more seizures, use fewer folds, or leave "
            "that network out of [Snippets] networks"
        )
    return instants, numbers


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

    version = 3  # 3: F1, average precision, flips enough for the family; 2: intervals with an effective number
    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "snippets"

    def reads(self) -> dict[str, Any]:
        """Return how to resample, and what was trained on."""
        return {"evaluation": section(Evaluation).settings(), "sampling": section(Snippets).sampling}

    def produce(self, path: Path) -> None:
        """Tabulate."""
        from seizures.evaluation.snippet_scores import tabulate

        table = tabulate(self.counts(), section(Evaluation).settings())
        table.insert(1, "sampling", section(Snippets).sampling)
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

    version = 4  # 4: F1, average precision, the sampling, what cannot be significant; 2, 3: words
    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "page"

    def reads(self) -> dict[str, Any]:
        """Return how to resample, what was left out, and whether the weights say anything."""
        weights = [_weights_behind(name) for name in section(Snippets).names()]
        evaluation, sampling = section(Evaluation).settings(), section(Snippets).sampling
        return {"evaluation": evaluation, "sampling": sampling, "left_out": left_out(), "weights": weights}

    def produce(self, path: Path) -> None:
        """Write."""
        from seizures.report.page import warning_for
        from seizures.report.snippet_page import write_snippet_page

        warnings = (warning_for(weights, is_simulated=section(Demo).enabled) for weights in self.reads()["weights"])
        warning = next(filter(None, warnings), "")
        write_snippet_page(
            path,
            self.counts(),
            section(Evaluation).settings(),
            sampling=section(Snippets).sampling,
            left_out=left_out(),
            warning=warning,
        )


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
    if section(Snippets).sampling == "middles":
        yield from _middles_mistakes()
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
    elif not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(:[A-Za-z0-9_]+)?", name):
        yield f"[Snippets] networks: {name}: expected a name of letters, digits, - _ ."
    elif extracts_any():
        faults = weights_faults(name)
        yield from (f"[Snippets] networks: {name}: {fault}" for fault in faults)


def _middles_mistakes() -> Iterator[str]:
    """Yield why segments have no middle snippets: longer than a segment, or further apart than half of one."""
    made = _made_elsewhere()
    strides = {int(item["stride_frames"]) for item in made}
    lengths = {f"imported {item['network']}": int(item["frames_per_snippet"]) for item in made}
    if extracts_any():
        strides.add(section(Features).stride_frames)
        known = filter(models.is_network, section(Snippets).names())
        lengths |= {name: models.network_spec(name).span_frames for name in known}
    yield from (
        f"[Snippets] sampling = middles: {name} takes {length} frames, and a segment has {SEGMENT_FRAMES}"
        for name, length in lengths.items()
        if length > SEGMENT_FRAMES
    )
    yield from (
        f"[Snippets] sampling = middles: with [Features] stride_frames = {stride} a segment of {SEGMENT_FRAMES} frames "
        f"may have no snippet near its middle; expected at most {SEGMENT_FRAMES // 2}, and 1 for the authors' instants"
        for stride in sorted(strides)
        if stride > SEGMENT_FRAMES // 2
    )


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
