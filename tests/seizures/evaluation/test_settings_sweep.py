from __future__ import annotations

import io
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from seizures.errors import SeizuresError
from seizures.evaluation.predictions import predictions_for
from seizures.evaluation.protocols import Protocol
from seizures.evaluation.published import published_correct
from seizures.evaluation.settings_sweep import CellResult, choose_on_inner_folds, compare_cells, tabulate
from seizures.evaluation.summary import summarise
from seizures.report.style import to_svg
from seizures.report.sweep_figure import draw_sweep
from seizures.settings import EvaluationSettings, TrainingSettings

SETTINGS = EvaluationSettings(num_bootstraps=200)
PATIENTS = [f"P{number // 2:02d}" for number in range(40)]
LABELS = np.arange(40) % 2


def cell(num_wrong: int, **settings: object) -> CellResult:
    """Return a cell that is wrong about the only TCS of the first patients; patients are in folds 0 and 1 in turn."""
    wanted = TrainingSettings(**settings)  # type: ignore[arg-type]
    probabilities = np.where(LABELS == 1, 0.9, 0.1)
    probabilities[1 : 2 * num_wrong : 2] = 0.2
    tables = []
    for fold in range(2):
        rows = np.flatnonzero(np.arange(40) // 2 % 2 == fold)
        ids = [f"{row:02d}" for row in rows]
        patients = [PATIENTS[row] for row in rows]
        tables.append(predictions_for(patients, ids, ["large"] * len(ids), LABELS[rows], probabilities[rows], fold, 0))
    predictions = pd.concat(tables, ignore_index=True)
    name = "; ".join(f"{key}={value}" for key, value in settings.items())
    summary = summarise(predictions, SETTINGS, protocol=Protocol(selection=wanted.selection))
    return CellResult(name, wanted, predictions, summary)


def test_the_published_grid_is_given_where_all_settings_match() -> None:
    assert published_correct(TrainingSettings(aggregation="blstm", num_segments=16, gamma=4)) == 181
    assert published_correct(TrainingSettings(aggregation="mean", num_segments=2, gamma=math.inf)) == 151
    assert published_correct(TrainingSettings(aggregation="lstm", num_segments=4, gamma=1.25)) == 177
    for other in ({"aggregation": "tcn"}, {"num_segments": 3}, {"gamma": 3}, {"num_epochs": 399}):
        assert published_correct(TrainingSettings(**other)) is None  # type: ignore[arg-type]


def test_the_table_has_settings_scores_counts_and_the_papers_number() -> None:
    table = tabulate([cell(3), cell(5, aggregation="mean", num_epochs=7)])
    first, second = table.iloc[0], table.iloc[1]
    assert (first["accuracy"], first["FN"], first["published_correct"]) == (37 / 40, 3, 181)
    assert (first["protocol"], first["num_seeds"], first["num_patients"]) == ("patient", 1, 20)
    assert first["published_accuracy"] == 181 / 183
    assert first["accuracy_low"] < first["accuracy"] < first["accuracy_high"]
    assert first["brier"] == pytest.approx((37 * 0.01 + 3 * 0.64) / 40)
    assert pd.isna(second["published_accuracy"])


def test_cells_are_compared_with_the_reference_in_pairs_as_one_family() -> None:
    best = cell(0)
    found = compare_cells([best, cell(1, gamma=2), cell(8, aggregation="mean")], best, SETTINGS).set_index("cell")
    assert list(found.index) == ["gamma=2", "aggregation=mean"]
    mean = found.loc["aggregation=mean"]
    assert mean["accuracy_difference"] == pytest.approx(-0.2)
    assert mean["num_patients_that_differ"] == 8
    assert mean["high"] < 0
    assert mean["p_value"] == 2 / 2**8
    assert mean["p_value_holm"] == 4 / 2**8
    assert (found.loc["gamma=2", "p_value"], found.loc["gamma=2", "p_value_holm"]) == (1, 1)
    assert found["num_comparisons"].tolist() == [2, 2]
    assert found["can_be_significant"].tolist() == [False, True]  # one patient alone differs under gamma = 2
    assert found.loc["gamma=2", "p_value_mann_whitney_bonferroni"] == 1  # it is no better than the reference
    worse = cell(8, aggregation="mean")
    turned = compare_cells([best, worse], worse, SETTINGS).iloc[0]
    truth = [(np.where(table["label"] == "TCS", p, 1 - p)) for table in (best.predictions, worse.predictions)
             for p in [table["probability"]]]  # fmt: skip
    theirs = stats.mannwhitneyu(*truth, alternative="greater").pvalue
    assert turned["p_value_mann_whitney_bonferroni"] == pytest.approx(2 * 1 * theirs)
    assert compare_cells([best], best, SETTINGS).empty


def test_settings_are_chosen_fold_by_fold_on_inner_losses() -> None:
    cells = [cell(0, selection="inner"), cell(8, selection="inner", gamma=2.0)]
    losses = {cells[0].name: {(0, 0, 0): 0.1, (0, 1, 0): 0.9}, cells[1].name: {(0, 0, 0): 0.2, (0, 1, 0): 0.3}}
    chosen = choose_on_inner_folds(cells, losses)
    assert len(chosen) == 40
    assert chosen.groupby("fold")["correct"].apply(lambda right: int((~right).sum())).tolist() == [0, 4]
    of_chosen = CellResult("(chosen)", cells[0].settings, chosen, cells[0].summary)
    table = tabulate(cells, of_chosen)
    assert table["cell"].tolist() == [cells[0].name, cells[1].name, "(chosen)"]
    assert table["gamma"].isna().tolist() == [False, False, True]  # each fold has its own
    assert table["num_segments"].tolist() == [16, 16, 16]
    with pytest.raises(SeizuresError, match="only with protocol = nested"):
        choose_on_inner_folds([cell(0)], {})


def test_the_figure_has_a_panel_per_gamma_a_line_per_aggregation_and_the_papers_lines() -> None:
    cells = [
        cell(wrong, aggregation=name, num_segments=number, gamma=gamma)
        for name, wrong in (("mean", 8), ("blstm", 2))
        for number in (2, 16)
        for gamma in (1.0, math.inf)
    ]
    table = tabulate(cells)
    figure = draw_sweep(table)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["gamma = 1", "gamma = inf"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(legend) == ["blstm", "blstm, paper", "mean", "mean, paper"]
    (dashed,) = [line for line in figure.axes[0].lines if line.get_label() == "blstm, paper"]
    assert dashed.get_ydata() == pytest.approx([100 * 167 / 183, 100 * 179 / 183])
    assert to_svg(figure).startswith("<?xml")
    figure.savefig(io.BytesIO(), format="png")


def test_the_figure_of_one_cell_and_of_several_protocols_is_drawn() -> None:
    assert len(draw_sweep(tabulate([cell(0)])).axes) == 1
    cells = [cell(3), cell(0, selection="held_out")]
    assert [axes.get_title(loc="left") for axes in draw_sweep(tabulate(cells)).axes] == [
        "protocol = paper, gamma = 4",
        "protocol = patient, gamma = 4",
    ]
