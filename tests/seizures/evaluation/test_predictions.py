from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seizures.errors import SeizuresError
from seizures.evaluation.predictions import pool_predictions, predictions_for, read_predictions, write_predictions


def test_probability_is_the_mean_of_the_views_and_half_counts_as_positive():
    table = predictions_for(
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
        predictions_for(["P7"], ["03"], ["large"], [1], [float("nan")], 1, 0)


def test_written_predictions_come_back_the_same(tmp_path):
    table = pool_predictions(
        [
            predictions_for(["001", "NA"], ["01", "1e5"], ["large"] * 2, [0, 1], [1 / 3, 0.1 + 0.2], 0, 0),
            predictions_for(["nan"], ["02"], ["small, left"], [1], [0.9], 1, 0),
        ]
    )
    path = tmp_path / "predictions.csv"
    write_predictions(path, table)
    back = read_predictions(path)
    assert list(back["patient_id"]) == ["001", "NA", "nan"]
    assert list(back["seizure_id"]) == ["01", "1e5", "02"]
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    assert path.read_text(encoding="utf-8").splitlines()[0] == (
        "patient_id,seizure_id,label,fold,seed,repeat,probability_tcs,probability_tcs_large,"
        "probability_tcs_small, left,predicted,correct"
    ).replace("probability_tcs_small, left", '"probability_tcs_small, left"')


def test_a_table_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("patient_id,seizure_id\n1,1\n", encoding="utf-8")
    with pytest.raises(SeizuresError, match=r"predictions.csv.*label.*probability_tcs"):
        read_predictions(path)
