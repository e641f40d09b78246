"""Many settings of `[Training]` on the same folds and features: each cell is trained and scored by the usual stages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from tasks.cohort.imported_features import extracts_any
from tasks.cohort.networks import weights_identity
from tasks.cohort.recipes import networks_used, weights_used
from tasks.settings.cells import expand, fold_settings, protocol_of, training_settings, way_of
from tasks.settings.sections import Dataset, Demo, Evaluation, section
from tasks.settings.ways import network_of, stride_of
from tasks.stage.publishing import publish_beside
from tasks.stage.stage import Stage
from tasks.stages.evaluation import PoolPredictions, ScorePredictions
from tasks.stages.feature_costs import feature_cost
from tasks.stages.features import MOVEMENT
from tasks.stages.folds import AssignFolds, all_dealings
from tasks.stages.training import all_classifiers

if TYPE_CHECKING:
    import pandas as pd

    from seizures.evaluation.settings_sweep import CellResult

CHOSEN = "(chosen on inner folds)"


class OfSweep(luigi.Task):
    """The stage is part of one sweep."""

    sweep: str = luigi.Parameter(description="name=value,value; name=value,...")

    @property
    def cells(self) -> list[str]:
        """The cells of the sweep."""
        return expand(self.sweep)


class OfResults(OfSweep):
    """What is made of the predictions and scores of every cell."""

    def requires(self) -> list[Stage]:
        """Require them."""
        return [kind(cell=cell) for cell in self.cells for kind in (PoolPredictions, ScorePredictions)]


class TabulateSweep(OfResults, Stage):
    """Write a row for each cell: its settings, its scores with their intervals, and what the paper has for it."""

    # 4: how the features were computed, and what that cost; 3: the best baseline; 2: the classifier that was chosen on
    # inner folds has no settings of its own
    version = 4
    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "sweep"

    def reads(self) -> dict[str, Any]:
        """Return the settings of every cell."""
        return settings_of(self.cells)

    def produce(self, path: Path) -> None:
        """Tabulate."""
        from seizures.evaluation.settings_sweep import tabulate

        cells = results_of(self.cells)
        all_nested = len(cells) > 1 and {cell.protocol.name for cell in cells} == {"nested"}
        table = tabulate(cells, _chosen(cells) if all_nested else None)
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


class CompareCells(OfResults, Stage):
    """Write a row for each cell but the reference: the difference of the accuracies, paired by patient."""

    # 5: flips enough for the family, and the paper's e (e - 1); 4: intervals of differences that hold; 3: the paper's
    # test beside ours; 2: an order without ids
    version = 5
    extension = "csv"

    @property
    def label(self) -> str:
        """One table for all."""
        return "comparisons"

    @property
    def reference(self) -> str:
        """The present settings where they are a cell, else the first cell."""
        return "" if "" in self.cells else self.cells[0]

    def reads(self) -> dict[str, Any]:
        """Return which cell the others are compared with, their order, and how to resample."""
        order = {"cells": self.cells, "reference": self.reference}
        return {**order, "evaluation": section(Evaluation).settings()}

    def produce(self, path: Path) -> None:
        """Compare."""
        from seizures.evaluation.settings_sweep import compare_cells

        cells = results_of(self.cells)
        reference = cells[self.cells.index(self.reference)]
        table = compare_cells(cells, reference, section(Evaluation).settings())
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


class DrawSweep(OfSweep, Stage):
    """Draw the paper's figure: accuracy against the number of segments."""

    version = 3  # 3: a note where no comparison can be significant; 2: simulated films are marked
    extension = "png"

    @property
    def label(self) -> str:
        """One figure for all."""
        return "figure"

    def requires(self) -> list[Stage]:
        """Require the table and the comparisons."""
        return [TabulateSweep(sweep=self.sweep), CompareCells(sweep=self.sweep)]

    def reads(self) -> dict[str, Any]:
        """Return the level that the comparisons were tested at."""
        return {"confidence_level": section(Evaluation).settings().confidence_level}

    def produce(self, path: Path) -> None:
        """Draw."""
        from seizures.evaluation.families import family_words
        from seizures.report.style import mark_simulated
        from seizures.report.sweep_figure import draw_sweep

        table, compared = tables_of(self.sweep)
        figure = draw_sweep(table, family_words(compared, section(Evaluation).settings().confidence_level))
        if section(Demo).enabled:
            mark_simulated(figure)
        figure.savefig(path, format="png", dpi=150, metadata={"Software": None})


class DrawNetworks(OfSweep, Stage):
    """Draw accuracy against the seconds that computing the features of a minute of film takes, with the baselines."""

    extension = "png"

    @property
    def label(self) -> str:
        """One figure for all."""
        return "networks"

    def requires(self) -> list[Stage]:
        """Require the table and the comparisons, and scores, which hold the baselines."""
        return [
            TabulateSweep(sweep=self.sweep),
            CompareCells(sweep=self.sweep),
            ScorePredictions(cell=CompareCells(sweep=self.sweep).reference),
        ]

    def reads(self) -> dict[str, Any]:
        """Return the level of the intervals, and what the baselines' features cost."""
        return {"confidence_level": section(Evaluation).settings().confidence_level, "movement": MOVEMENT}

    def produce(self, path: Path) -> None:
        """Draw."""
        from seizures.evaluation.summary import read_summary
        from seizures.report.networks_figure import draw_networks
        from seizures.report.style import mark_simulated

        table, compared = tables_of(self.sweep)
        scores = read_summary(self.requires()[-1].result)
        movement = feature_cost(MOVEMENT).seconds_per_minute
        figure = draw_networks(table, scores["baselines"], movement, found_in(self.sweep, table, compared))
        if section(Demo).enabled:
            mark_simulated(figure)
        figure.savefig(path, format="png", dpi=150, metadata={"Software": None})


def tables_of(sweep: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return sweep.csv, without the row of what was chosen on inner folds, and comparisons.csv."""
    import pandas as pd

    table, compared = (
        pd.read_csv(kind(sweep=sweep).result, keep_default_na=False, na_values=[""])
        for kind in (TabulateSweep, CompareCells)
    )
    return table[table["cell"] != CHOSEN], compared


def found_in(sweep: str, table: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Say in a sentence or two what a sweep found, and what its numbers are worth."""
    from seizures.evaluation.families import family_words
    from seizures.evaluation.sweep_words import sweep_words

    level = section(Evaluation).settings().confidence_level
    reference = name_of(CompareCells(sweep=sweep).reference)
    return " ".join(filter(None, [sweep_words(table, compared, reference, level), family_words(compared, level)]))


class WriteProtocols(OfResults, Stage):
    """Write a page with the protocols side by side on the same seizures, and the optimism of the paper's."""

    version = 5  # 5: flips enough for the family, and which differences cannot be significant; 2 to 4: words
    extension = "html"

    @property
    def label(self) -> str:
        """One page for all."""
        return "protocols"

    def reads(self) -> dict[str, Any]:
        """Return the settings of every cell, how to resample, and whether the weights say anything."""
        evaluation = section(Evaluation).settings()
        return {**settings_of(self.cells), "evaluation": evaluation, "weights": weights_used()}

    def produce(self, path: Path) -> None:
        """Write."""
        from seizures.report.page import warning_for
        from seizures.report.protocol_page import write_protocol_page

        warning = warning_for(weights_used(), is_simulated=section(Demo).enabled)
        write_protocol_page(path, results_of(self.cells), section(Evaluation).settings(), warning=warning)


def results_of(cells: list[str]) -> list[CellResult]:
    """Read the predictions and scores of every cell."""
    from seizures.evaluation.predictions import read_predictions
    from seizures.evaluation.settings_sweep import CellResult
    from seizures.evaluation.summary import read_summary

    return [
        CellResult(
            name_of(cell),
            training_settings(cell),
            read_predictions(PoolPredictions(cell=cell).result, section(Dataset).label_names()[1]),
            read_summary(ScorePredictions(cell=cell).result),
            fold_settings(cell).dealing,
            fold_settings(cell).group,
            _features_of(way_of(cell)),
        )
        for cell in cells
    ]


def _features_of(way: str) -> dict[str, Any]:
    """Return how the features of a way were computed, and what that cost."""
    if not extracts_any():
        return {"network": networks_used(), "weights": weights_used()}
    made = {
        "network": network_of(way),
        "weights": weights_identity(way),
        "stride_frames": stride_of(way),
    }
    return made | feature_cost(way)._asdict()


def settings_of(cells: list[str]) -> dict[str, Any]:
    """Return the settings of every cell, and the order of the cells."""
    return {
        "cells": {cell: training_settings(cell).for_key() for cell in cells},
        "dealings": {cell: fold_settings(cell).dealing for cell in cells},
        "ways": {cell: way_of(cell) for cell in cells if way_of(cell)},
        "order": cells,
    }


def ways_of(sweep: str) -> list[str]:
    """Return the ways in which features are computed for the cells of a sweep, each once."""
    return list(dict.fromkeys(way_of(cell) for cell in expand(sweep)))


def name_of(cell: str) -> str:
    """Return what a table calls a cell."""
    return cell or "(present settings)"


def _chosen(cells: list[CellResult]) -> CellResult:
    """Return the classifier whose settings were chosen, fold by fold, on inner folds; it carries the first's."""
    from seizures.classification.checkpoints import load_checkpoint
    from seizures.evaluation.settings_sweep import CellResult, choose_on_inner_folds
    from seizures.evaluation.summary import summarise

    losses: dict[str, dict[tuple[int, int, int], float]] = {}
    for cell in cells:
        text = "" if cell.name == name_of("") else cell.name
        histories = {
            (stage.repeat, stage.fold, stage.seed): load_checkpoint(stage.result)[0].history
            for stage in all_classifiers(text)
        }
        losses[cell.name] = {
            place: min(row.inner_loss for row in rows if row.inner_loss is not None)
            for place, rows in histories.items()
        }
    predictions = choose_on_inner_folds(cells, losses)
    negative, positive = section(Dataset).label_names()
    summary = summarise(
        predictions,
        section(Evaluation).settings(),
        positive_label=positive,
        negative_label=negative,
        protocol=cells[0].protocol,
    )
    first = cells[0]
    return CellResult(CHOSEN, first.settings, predictions, summary, first.dealing, first.group, first.features)


def stages_of(sweep: str) -> dict[str, Stage]:
    """Return the results of a sweep by the names that a person finds them under."""
    several_ways = len(ways_of(sweep)) > 1
    several_protocols = len({protocol_of(cell) for cell in expand(sweep)}) > 1
    return {
        "sweep.csv": TabulateSweep(sweep=sweep),
        "comparisons.csv": CompareCells(sweep=sweep),
        "sweep.png": DrawSweep(sweep=sweep),
        **({"networks.png": DrawNetworks(sweep=sweep)} if several_ways else {}),
        **({"protocols.html": WriteProtocols(sweep=sweep)} if several_protocols else {}),
    }


def all_folds(sweep: str) -> list[AssignFolds]:
    """Return the folds that the cells need: of patients, of seizures as the paper's, or both."""
    by_dealing = {fold_settings(cell).dealing: cell for cell in reversed(expand(sweep))}
    return [stage for cell in by_dealing.values() for stage in all_dealings(cell)]


def publish_sweep(sweep: str) -> Path:
    """Point `results/sweep` to the results of a sweep."""
    named = stages_of(sweep)
    return publish_beside("sweep", named["sweep.png"], named, {"sweep": sweep, "cells": expand(sweep)})
