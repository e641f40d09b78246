from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from seizures.evaluation.predictions import pool_predictions, predictions_for
from seizures.evaluation.summary import summarise
from seizures.report import figures, style
from seizures.report.numbers import confusion_numbers, mean_over_seeds, natural_key, roc_numbers, score_numbers
from seizures.report.probability_strip import probability_strip
from seizures.settings import EvaluationSettings


@pytest.fixture
def predictions() -> pd.DataFrame:
    patients, ids = ["P10", "P2", "P2", "P10"], ["01", "01", "02", "$x$"]
    tables = [
        predictions_for(patients, ids, ["large"] * 4, [0, 0, 1, 1], probabilities, 0, seed)
        for seed, probabilities in enumerate(([0.1, 0.8, 0.9, 0.6], [0.3, 0.7, 0.8, 0.3]))
    ]
    return pool_predictions(tables)


@pytest.fixture
def summary(predictions):
    return summarise(predictions, EvaluationSettings(num_bootstraps=200))


@pytest.fixture
def histories() -> pd.DataFrame:
    epochs = np.arange(1, 6)
    return pd.concat(
        [
            pd.DataFrame(
                {"repeat": 0, "fold": fold, "seed": 0, "epoch": epochs, "loss": 1.0 / (epochs + fold), "accuracy": 0.7}
            )
            for fold in range(3)
        ]
    )


def _texts(figure: Figure) -> list[str]:
    axes = figure.axes[0]
    ticks = [label.get_text() for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]]
    return [text.get_text() for text in axes.texts] + ticks


def test_patients_sort_as_people_count():
    assert sorted(["P10", "P2", "P1b", "P1"], key=natural_key) == ["P1", "P1b", "P2", "P10"]
    assert sorted(["x", "7", "²"], key=natural_key)[0] == "7"


def test_means_over_seeds(predictions):
    table = mean_over_seeds(predictions)
    assert list(table["patient_id"] + "+" + table["seizure_id"]) == ["P2+01", "P2+02", "P10+01", "P10+$x$"]
    row = table.iloc[3]
    assert (row["probability"], row["low"], row["high"]) == pytest.approx((0.45, 0.3, 0.6))
    assert (row["num_wrong"], row["num_seeds"]) == (1, 2)


def test_strip_puts_every_seizure_at_its_probability_and_crosses_the_wrong_ones(predictions):
    axes = probability_strip(predictions).axes[0]
    by_marker = {line.get_marker(): line for line in axes.lines if line.get_marker() in ("o", "D", "x")}
    assert sorted(by_marker["o"].get_xdata()) == pytest.approx([0.2, 0.75])
    assert sorted(by_marker["D"].get_xdata()) == pytest.approx([0.45, 0.85])
    assert sorted(by_marker["x"].get_xdata()) == pytest.approx([0.45, 0.75])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["P2", "P10"]
    rows = dict(zip(by_marker["o"].get_xdata(), by_marker["o"].get_ydata(), strict=True))
    assert {round(float(x), 2): round(float(y)) for x, y in rows.items()} == {0.2: 1, 0.75: 0}
    assert {"01", "$x$"} <= {text.get_text() for text in axes.texts}


def test_confusion_matrix_shows_mean_counts(summary):
    texts = _texts(figures.confusion_matrix(summary))
    # TN 1, FP 1, FN mean of 0 and 1, TP mean of 2 and 1.
    assert [text for text in texts if text.replace(".", "").isdigit()] == ["1", "1", "0.5", "1.5"]
    assert "25 % of TCS" in texts
    assert "called TCS" in texts


def test_scores_show_what_cannot_be_computed():
    table = predictions_for(["A", "B"], ["1", "1"], ["v"] * 2, [0, 0], [0.1, 0.2], 0, 0)
    summary = summarise(table, EvaluationSettings(num_bootstraps=200))
    figure = figures.score_intervals(summary)
    assert _texts(figure).count("undefined") == 7
    assert roc_numbers(table, summary) is None


def test_a_score_below_0_is_within_the_figure():
    table = predictions_for(list("ABCD"), ["1"] * 4, ["v"] * 4, [0, 1, 0, 1], [0.9, 0.1, 0.8, 0.2], 0, 0)
    summary = summarise(table, EvaluationSettings(num_bootstraps=200))
    assert summary["metrics"]["mcc"]["mean"] == -1
    axes = figures.score_intervals(summary).axes[0]
    assert axes.get_xlim()[0] < -1
    assert axes.get_xticks().tolist()[0] == -1


def test_roc_ends_at_its_corners_and_names_the_area(predictions, summary):
    curves = roc_numbers(predictions, summary)
    figure = figures.roc(curves, summary)
    assert list(curves.columns) == ["false_positive_rate", "sensitivity", "low", "high", "seed_0", "seed_1"]
    assert bool((curves["low"] <= curves["high"]).all())
    axes = figure.axes[0]
    thick = next(line for line in axes.lines if line.get_linewidth() == 2.5)
    assert thick.get_ydata()[-1] == 1
    assert any(f"AUC {summary['metrics']['roc_auc']['mean']:.2f}" in text.get_text() for text in axes.texts)
    expected = np.mean([1 - recall for recall in summary["metrics"]["specificity"]["per_seed"]])
    point = next(line for line in axes.lines if line.get_marker() == "o")
    assert point.get_xdata()[0] == pytest.approx(expected)


def test_learning_curves_draw_each_run_and_the_median(histories):
    figure = figures.learning_curves(histories)
    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "Accuracy"]
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() < 1]
    thick = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    assert (len(thin), len(thick)) == (3, 1)
    assert thick[0].get_ydata() == pytest.approx(1 / np.arange(2, 7))
    assert len(figures.learning_curves(histories.assign(inner_loss=0.5)).axes[0].get_legend().get_texts()) == 2
    assert not figures.has_learning_curves(histories.iloc[:0])


def test_pictures_are_images_the_same_each_time_and_leave_no_global_state(predictions, summary, histories):
    before = dict(mpl.rcParams)
    for make in (
        lambda: probability_strip(predictions),
        lambda: figures.confusion_matrix(summary),
        lambda: figures.score_intervals(summary),
        lambda: figures.roc(roc_numbers(predictions, summary), summary),
        lambda: figures.learning_curves(histories),
    ):
        assert style.to_svg(make()) == style.to_svg(make())
    assert dict(mpl.rcParams) == before
    with Image.open(io.BytesIO(style.to_png(figures.confusion_matrix(summary)))) as image:
        assert image.size[0] == pytest.approx(style.WIDTH_INCHES * 300, abs=1)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_the_numbers_behind_the_figures_are_those_of_the_metrics(predictions, summary):
    cells = confusion_numbers(summary).set_index(["label", "called"])["count"].to_dict()
    expected = {("FOS", "FOS"): 1, ("FOS", "TCS"): 1, ("TCS", "FOS"): 0.5, ("TCS", "TCS"): 1.5}
    assert cells == expected
    scores = score_numbers(summary).set_index("metric")
    assert scores.loc["recall", ["mean", "seed_0", "seed_1"]].tolist() == [0.75, 1, 0.5]
    single = predictions_for(["A", "A"], ["1", "2"], ["v"] * 2, [0, 1], [0.1, 0.9], 0, 0)
    alone = roc_numbers(single, summarise(single, EvaluationSettings(num_bootstraps=100)))
    assert alone["low"].isna().all()  # one patient carries no band
