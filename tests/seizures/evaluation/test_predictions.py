from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from seizures.errors import SeizuresError, TooFewSeizuresError
from seizures.evaluation import metrics as statistics
from seizures.evaluation import predictions as evaluation
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=300, seed=5)


def _table(patients, labels, probabilities_by_seed, folds=None) -> pd.DataFrame:
    ids = [f"{place:02d}" for place in range(len(patients))]
    tables = []
    for seed, probabilities in enumerate(probabilities_by_seed):
        for fold in sorted(set(folds or [0])):
            chosen = [place for place in range(len(patients)) if (folds or [0] * len(patients))[place] == fold]
            pick = [[values[place] for place in chosen] for values in (patients, ids, labels, probabilities)]
            tables.append(
                evaluation.predictions_for(pick[0], pick[1], ["large"] * len(chosen), pick[2], pick[3], fold, seed)
            )
    return evaluation.pool_predictions(tables)


def _cohort(num_patients=9, num_per_patient=4, num_seeds=3, seed=0):
    rng = np.random.default_rng(seed)
    patients = np.repeat([f"P{place}" for place in range(num_patients)], num_per_patient)
    labels = rng.integers(0, 2, len(patients))
    probabilities = np.clip(0.35 * labels + 0.3 + rng.normal(0, 0.25, (num_seeds, len(labels))), 0, 1).round(1)
    return list(patients), labels, probabilities


# --- predictions table


def test_probability_is_the_mean_of_the_views_and_half_counts_as_positive():
    table = evaluation.predictions_for(
        ["1", "1", "2"], ["a", "a", "a"], ["large", "small", "large"], [1, 1, 0], [0.4, 0.6, 0.7], fold=2, seed=4
    )
    assert list(table["probability_tcs"]) == [0.5, 0.7]
    assert list(table["predicted"]) == ["TCS", "TCS"]
    assert list(table["correct"]) == [True, False]
    assert table.loc[0, ["probability_tcs_large", "probability_tcs_small"]].tolist() == [0.4, 0.6]
    assert np.isnan(table.loc[1, "probability_tcs_small"])
    assert set(table["fold"]) == {2}
    assert set(table["seed"]) == {4}


def test_a_diverged_classifier_is_named():
    with pytest.raises(SeizuresError, match=r"fold 1, seed 0.*P7\+03"):
        evaluation.predictions_for(["P7"], ["03"], ["large"], [1], [float("nan")], 1, 0)


def test_written_predictions_come_back_the_same(tmp_path):
    table = evaluation.pool_predictions(
        [
            evaluation.predictions_for(["001", "NA"], ["01", "1e5"], ["large"] * 2, [0, 1], [1 / 3, 0.1 + 0.2], 0, 0),
            evaluation.predictions_for(["nan"], ["02"], ["small, left"], [1], [0.9], 1, 0),
        ]
    )
    path = tmp_path / "predictions.csv"
    evaluation.write_predictions(path, table)
    back = evaluation.read_predictions(path)
    assert list(back["patient_id"]) == ["001", "NA", "nan"]
    assert list(back["seizure_id"]) == ["01", "1e5", "02"]
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    assert path.read_text(encoding="utf-8").splitlines()[0] == (
        "patient_id,seizure_id,label,fold,seed,probability_tcs,probability_tcs_large,probability_tcs_small, left,"
        "predicted,correct"
    ).replace("probability_tcs_small, left", '"probability_tcs_small, left"')


def test_a_table_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("patient_id,seizure_id\n1,1\n", encoding="utf-8")
    with pytest.raises(SeizuresError, match=r"predictions.csv.*label.*probability_tcs"):
        evaluation.read_predictions(path)


# --- metrics worked by hand


def test_metrics_of_a_confusion_matrix_worked_by_hand():
    # 3 TP, 1 FN, 4 TN, 2 FP.  Ranks: see the pairs below.
    labels = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    probabilities = [0.9, 0.8, 0.6, 0.4, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1]
    metrics = evaluation.compute_metrics(labels, probabilities)
    assert [metrics[name] for name in ("TP", "TN", "FP", "FN")] == [3, 4, 2, 1]
    assert metrics["accuracy"] == pytest.approx(7 / 10)
    assert metrics["precision"] == pytest.approx(3 / 5)
    assert metrics["recall"] == pytest.approx(3 / 4)
    assert metrics["specificity"] == pytest.approx(4 / 6)
    assert metrics["f1"] == pytest.approx(6 / 9)
    # Won pairs of 24: 0.9 and 0.8 win 6 each, 0.6 wins 5, 0.4 wins 3 and half of the tie at 0.4.
    assert metrics["roc_auc"] == pytest.approx(20.5 / 24)
    # Precision at each TCS: 1/1, 2/2, 3/4, and 4/7 where the tie at 0.4 ends.
    assert metrics["average_precision"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 7) / 4)


@pytest.mark.parametrize(
    ("labels", "probabilities", "undefined"),
    [
        ([1, 1], [0.9, 0.2], {"specificity", "roc_auc", "average_precision"}),
        ([0, 0], [0.1, 0.2], {"f1", "precision", "recall", "roc_auc", "average_precision"}),
        ([0, 0], [0.9, 0.2], {"f1", "recall", "roc_auc", "average_precision"}),
        ([0, 1], [0.1, 0.2], {"precision"}),
        ([], [], set(statistics.METRIC_NAMES)),
    ],
)
def test_a_metric_that_its_counts_cannot_carry_is_none(labels, probabilities, undefined):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics = evaluation.compute_metrics(labels, probabilities)
    assert {name for name, value in metrics.items() if value is None} == undefined
    if labels == [0, 1]:
        assert metrics["f1"] == 0
        assert metrics["recall"] == 0


def test_resampled_metrics_are_those_of_the_rows_written_out():
    _, labels, probabilities = _cohort()
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 4, (40, len(labels))).astype(float)
    weights[0] = labels  # TCS only
    weights[1] = 1 - labels  # FOS only
    weights[2] = 0
    weights[2, probabilities[0] < 0.5] = 1  # nothing called TCS by the first seed
    scores = statistics.weighted_metrics(labels, probabilities, weights)
    for resample, row in enumerate(weights.astype(int)):
        for seed in range(len(probabilities)):
            expected = evaluation.compute_metrics(np.repeat(labels, row), np.repeat(probabilities[seed], row))
            for name in statistics.METRIC_NAMES:
                value = scores[name][resample, seed]
                assert value == pytest.approx(expected[name]) if expected[name] is not None else np.isnan(value), name
    assert np.isnan(scores["precision"][2, 0])


def test_ranking_scores_agree_with_scikit_learn_under_weights():
    _, labels, probabilities = _cohort(seed=3)
    weights = np.random.default_rng(2).integers(1, 5, (5, len(labels))).astype(float)
    auc = statistics.weighted_roc_auc(labels, probabilities[0], weights)
    precision = statistics.weighted_average_precision(labels, probabilities[0], weights)
    for place, row in enumerate(weights):
        assert auc[place] == pytest.approx(roc_auc_score(labels, probabilities[0], sample_weight=row))
        assert precision[place] == pytest.approx(average_precision_score(labels, probabilities[0], sample_weight=row))


def test_area_under_the_drawn_curve_is_the_auc():
    _, labels, probabilities = _cohort(seed=4)
    grid = np.linspace(0, 1, 20001)
    curve = statistics.roc_curves(labels, probabilities[0], np.ones((1, len(labels))), grid)[0]
    area = float(((curve[1:] + curve[:-1]) / 2 * np.diff(grid)).sum())
    assert area == pytest.approx(roc_auc_score(labels, probabilities[0]), abs=1e-3)


# --- intervals


def test_ids_decide_no_bit_of_the_metrics():
    patients, labels, probabilities = _cohort(num_patients=12)
    probabilities[:, 4:8] = probabilities[:, 8:12]  # two patients are alike in everything
    labels[4:8] = labels[8:12]
    wanted = evaluation.summarise(_table(patients, labels, probabilities), SETTINGS)
    shuffled = np.random.default_rng(1).permutation(len(labels))
    names = {f"P{place}": f"X{(place * 7 + 3) % 12:02d}" for place in range(12)}
    renamed = _table([names[patients[place]] for place in shuffled], labels[shuffled], probabilities[:, shuffled])
    assert json.dumps(evaluation.summarise(renamed, SETTINGS)) == json.dumps(wanted)


def test_interval_is_that_of_a_plain_loop_over_resampled_patients():
    settings = EvaluationSettings(num_bootstraps=100, seed=5)
    table = _table(*_cohort())
    summary = evaluation.summarise(table, settings)
    patients, labels, _, probabilities = evaluation.by_seed(table)
    names = sorted(set(patients))
    drawn = np.random.default_rng(settings.seed).integers(0, len(names), (settings.num_bootstraps, len(names)))
    scores = {name: [] for name in statistics.METRIC_NAMES}
    for row in drawn:
        rows = [place for who in row for place in range(len(patients)) if patients[place] == names[who]]
        per_seed = [evaluation.compute_metrics(labels[rows], seed[rows]) for seed in probabilities]
        for name in scores:
            values = [metrics[name] for metrics in per_seed]
            scores[name].append(np.nan if None in values else np.mean(values))
    for name, values in scores.items():
        defined = np.array(values)[~np.isnan(values)]
        metric = summary["metrics"][name]
        assert [metric["low"], metric["high"]] == pytest.approx(list(np.quantile(defined, [0.025, 0.975])))
        assert metric["num_resamples_undefined"] == np.isnan(values).sum()


def test_patients_whose_seizures_agree_make_a_wider_interval():
    # 8 patients with 8 seizures each: all right for six of them, all wrong for two.
    patients = np.repeat([f"P{place}" for place in range(8)], 8)
    labels = np.tile([0, 1], 32)
    right = np.repeat([1, 1, 1, 1, 1, 1, 0, 0], 8)
    probabilities = np.where(right == labels, 0.9, 0.1)[None]
    clustered = evaluation.summarise(_table(list(patients), labels, probabilities), SETTINGS)["metrics"]["accuracy"]
    alone = [f"Q{place:02d}" for place in range(64)]
    single = evaluation.summarise(_table(alone, labels, probabilities), SETTINGS)["metrics"]["accuracy"]
    assert clustered["mean"] == single["mean"] == 0.75
    assert clustered["high"] - clustered["low"] > 2 * (single["high"] - single["low"])


def test_summary_does_not_depend_on_the_order_of_the_rows():
    table = _table(*_cohort())
    shuffled = table.sample(frac=1, random_state=1)
    assert evaluation.summarise(shuffled, SETTINGS) == evaluation.summarise(table, SETTINGS)


def test_mean_over_seeds_and_counts():
    patients, labels = ["A", "A", "B", "B"], [0, 1, 0, 1]
    summary = evaluation.summarise(_table(patients, labels, [[0.1, 0.9, 0.2, 0.8], [0.6, 0.9, 0.2, 0.3]]), SETTINGS)
    assert summary["metrics"]["accuracy"]["per_seed"] == [1.0, 0.5]
    assert summary["metrics"]["accuracy"]["mean"] == 0.75
    assert summary["counts"]["mean"] == {"TP": 1.5, "TN": 1.5, "FP": 0.5, "FN": 0.5}
    assert summary["counts"]["per_seed"][1] == {"seed": 1, "TP": 1, "TN": 1, "FP": 1, "FN": 1}
    assert (summary["num_patients"], summary["num_seizures"], summary["seeds"]) == (2, 4, [0, 1])
    assert summary["num_seizures_right_in_every_seed"] == 2
    assert "patient" in summary["protocol"].lower()


def test_metrics_json_is_json_with_null_for_what_is_undefined(tmp_path):
    summary = evaluation.summarise(_table(["A", "B"], [0, 0], [[0.1, 0.2]]), SETTINGS)
    path = tmp_path / "metrics.json"
    evaluation.write_summary(path, summary)

    def refuse(constant):
        raise AssertionError(constant)

    parsed = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert parsed["metrics"]["recall"]["mean"] is None
    assert parsed["metrics"]["recall"]["low"] is None
    assert evaluation.read_summary(path) == summary


def test_undefined_resamples_are_counted_and_said():
    # One of three patients has the only TCS: (2/3)**3 of the resamples miss it.
    table = _table(["A", "B", "C"], [1, 0, 0], [[0.9, 0.1, 0.6]])
    summary = evaluation.summarise(table, EvaluationSettings(num_bootstraps=3000))
    recall = summary["metrics"]["recall"]
    assert recall["num_resamples_undefined"] / 3000 == pytest.approx(8 / 27, abs=0.03)
    assert any("Sensitivity: undefined in" in note for note in summary["notes"])


def test_one_patient_has_no_interval():
    summary = evaluation.summarise(_table(["A", "A"], [0, 1], [[0.1, 0.9]]), SETTINGS)
    assert summary["metrics"]["accuracy"]["mean"] == 1
    assert summary["metrics"]["accuracy"]["low"] is None
    assert summary["chance"]["accuracy_interval_excludes_chance"] is None
    assert any("one patient" in note for note in summary["notes"])
    assert "cannot be told from chance" in evaluation.verdict(summary)


def test_a_perfect_score_is_not_sold_as_certainty():
    patients, labels, _ = _cohort()
    summary = evaluation.summarise(_table(patients, labels, [np.where(labels, 0.9, 0.1)]), SETTINGS)
    bound = 100 * (1 - 0.05 ** (1 / 9))
    assert any(f"{bound:.0f} %" in note and "not certainty" in note for note in summary["notes"])


def test_chance_is_the_majority_label_and_the_interval_must_lie_above_it():
    patients, labels, _ = _cohort(num_patients=12)
    good = evaluation.summarise(_table(patients, labels, [np.where(labels, 0.9, 0.1)]), SETTINGS)
    assert good["chance"]["level"] == pytest.approx(max(labels.mean(), 1 - labels.mean()))
    assert good["chance"]["accuracy_interval_excludes_chance"] is True
    assert "better than that" in evaluation.verdict(good)
    bad = evaluation.summarise(_table(patients, labels, [np.where(labels, 0.1, 0.9)]), SETTINGS)
    assert bad["chance"]["accuracy_interval_excludes_chance"] is False
    assert "worse than that" in evaluation.verdict(bad)
    guess = evaluation.summarise(_table(patients, labels, [np.random.default_rng(0).random(len(labels))]), SETTINGS)
    assert guess["chance"]["accuracy_interval_excludes_chance"] is False
    assert "not shown to be better" in evaluation.verdict(guess)


def test_verdict_says_the_counts_in_plain_words():
    patients, labels, _ = _cohort()
    probabilities = np.where(labels, 0.9, 0.1)
    probabilities[:3] = 1 - probabilities[:3]
    text = evaluation.verdict(evaluation.summarise(_table(patients, labels, [probabilities]), SETTINGS))
    assert text.startswith("Of 36 seizures of 9 patients, 33 were classified correctly: 92 %, 95 % interval ")


def test_a_fold_without_a_label_or_with_one_patient_is_said():
    table = _table(["A", "B", "C", "C"], [0, 0, 0, 1], [[0.1, 0.2, 0.3, 0.9]], folds=[0, 0, 1, 1])
    notes = evaluation.summarise(table, SETTINGS)["notes"]
    assert any("Fold 0 holds out no TCS" in note for note in notes)
    assert any("Fold 1 holds out one patient only" in note for note in notes)


def test_tables_that_cannot_be_pooled_are_refused():
    table = _table(["A", "B"], [0, 1], [[0.1, 0.9], [0.2, 0.8]])
    with pytest.raises(SeizuresError, match=r"not every seed predicted B\+01"):
        evaluation.summarise(table.iloc[:-1], SETTINGS)
    with pytest.raises(SeizuresError, match="twice"):
        evaluation.summarise(pd.concat([table, table.iloc[:1]]), SETTINGS)
    with pytest.raises(TooFewSeizuresError, match="no seizure"):
        evaluation.summarise(table.iloc[:0], SETTINGS)
    with pytest.raises(SeizuresError, match="found other"):
        evaluation.summarise(table.assign(label="other"), SETTINGS)
