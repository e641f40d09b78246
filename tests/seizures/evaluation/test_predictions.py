from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seizures.errors import SeizuresError
from seizures.evaluation.predictions import (
    find_probability_column,
    pool_predictions,
    predictions_for,
    read_predictions,
    write_predictions,
)


def test_probability_is_the_mean_of_the_views_and_half_counts_as_positive():
    table = predictions_for(
        ["1", "1", "2"], ["a", "a", "a"], ["large", "small", "large"], [1, 1, 0], [0.4, 0.6, 0.7], fold=2, seed=4
    )
    assert list(table["probability"]) == [0.5, 0.7]
    assert list(table["predicted"]) == ["TCS", "TCS"]
    assert list(table["correct"]) == [True, False]
    assert table.loc[0, ["probability_by_large", "probability_by_small"]].tolist() == [0.4, 0.6]
    assert np.isnan(table.loc[1, "probability_by_small"])
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
    with pytest.raises(SeizuresError, match=r"predictions.csv.*label.*probability"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("label", "column"),
    [("TCS", "probability_tcs"), ("FALL", "probability_fall"), ("Big fall (2)", "probability_big_fall_2"),
     ("Épilepsie", "probability_épilepsie"), ("1+", "probability_1")],
)  # fmt: skip
def test_the_file_names_its_columns_after_the_positive_label(tmp_path: Path, label: str, column: str) -> None:
    table = predictions_for(["A", "A"], ["1", "1"], ["large", "small"], [1, 1], [0.4, 0.6], 0, 0, ("ADL", label))
    path = tmp_path / "predictions.csv"
    write_predictions(path, table, label)
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header[6:9] == [column, f"{column}_large", f"{column}_small"]
    pd.testing.assert_frame_equal(read_predictions(path, label), table)
    pd.testing.assert_frame_equal(read_predictions(path), table)  # its structure tells, too


def test_files_of_earlier_releases_are_read_whatever_the_labels(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(
        "patient_id,seizure_id,label,fold,seed,probability_tcs,probability_tcs_large,predicted,correct\n"
        "01,1,FALL,0,0,0.75,0.75,FALL,True\n"
    )
    found = read_predictions(path, "FALL")
    assert found.loc[0, ["probability", "probability_by_large", "repeat"]].tolist() == [0.75, 0.75, 0]


@pytest.mark.parametrize(
    ("columns", "found"),
    [(["probability_fall", "probability_tcs"], "probability_fall"), (["probability"], "probability"),
     (["probability_x", "probability_x_left"], "probability_x")],
)  # fmt: skip
def test_the_column_of_the_probability_is_found(columns: list[str], found: str) -> None:
    assert find_probability_column(columns, "FALL") == found


@pytest.mark.parametrize("columns", [["seed"], ["probability_x", "probability_y"]])
def test_where_it_is_not_clear_it_is_told(columns: list[str]) -> None:
    with pytest.raises(SeizuresError, match="expected a column probability_fall with the probability of FALL; found"):
        find_probability_column(columns, "FALL")
