from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seizures.settings import EvaluationSettings
from seizures.snippet_page import draw_networks, write_page
from seizures.snippet_scores import by_seizure, read_counts, tabulate, write_counts

SETTINGS = EvaluationSettings(num_bootstraps=500)


def counts(rows: list[tuple[str, str, str, int, int, int, int]], frames: int = 8) -> pd.DataFrame:
    """Rows of patient, seizure, view, before, before right, after, after right."""
    names = ["patient_id", "seizure_id", "view", "num_before", "num_before_right", "num_after", "num_after_right"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(frames_per_snippet=frames, feature_dim=512, fold=0, num_trained_per_class=40)


# Accuracies 0.5, 0.9 and 0.7; right before 140 of 200, after 70 of 100.
OURS = counts([
    ("P1", "01", "large", 50, 10, 0, 0), ("P1", "01", "small", 50, 40, 0, 0),
    ("P2", "01", "large", 50, 45, 50, 45),
    ("P2", "02", "large", 50, 45, 50, 25),
    ("P3", "01", "large", 0, 0, 0, 0),
])  # fmt: skip


def test_a_case_worked_by_hand() -> None:
    assert by_seizure(OURS)["accuracy"].tolist() == [0.5, 0.9, 0.7]  # and P3, of whom nothing counts, is not there
    (row,) = tabulate({"resnet_34": OURS}, SETTINGS).to_dict(orient="records")
    assert (row["num_patients"], row["num_seizures"], row["num_snippets"]) == (2, 3, 300)
    assert row["median_accuracy"] == pytest.approx(0.7)
    assert row["iqr_accuracy"] == pytest.approx(0.2)  # 0.6 to 0.8
    assert (row["right_before"], row["right_after"]) == pytest.approx((0.7, 0.7))
    assert row["balanced_accuracy"] == pytest.approx(0.7)
    # A resample is P1 twice, P2 twice or both; that of P1 alone has no snippet after, and no balanced accuracy.
    assert (row["median_accuracy_low"], row["median_accuracy_high"]) == pytest.approx((0.5, 0.8))
    assert (row["balanced_accuracy_low"], row["balanced_accuracy_high"]) == pytest.approx((0.7, 0.8))
    assert np.isnan(row["difference"])
    assert (row["published_median_accuracy"], row["published_iqr_accuracy"]) == (0.897, 0.277)
    assert row["num_trained_per_class"] == 40


def test_a_network_is_compared_with_the_first_on_the_seizures_that_both_have() -> None:
    better = OURS.assign(num_before_right=OURS["num_before"], num_after_right=OURS["num_after"])
    without_one = better[better["seizure_id"] == "01"]
    reference, same, other = tabulate({"a": OURS, "b": OURS, "c": without_one}, SETTINGS).to_dict(orient="records")
    assert np.isnan(reference["difference"])
    assert (same["difference"], same["difference_low"], same["difference_high"]) == (0, 0, 0)
    # Of the two seizures that both have, the first's are right in 95 of 150 before and 45 of 50 after.
    assert other["difference"] == pytest.approx(1 - (95 / 150 + 45 / 50) / 2)
    assert other["difference_low"] <= other["difference"] <= other["difference_high"]
    assert np.isnan(same["published_median_accuracy"])


def test_no_id_decides_a_result() -> None:
    renamed = OURS.assign(patient_id=OURS["patient_id"].map({"P1": "Z", "P2": "A", "P3": "M"}))
    pd.testing.assert_frame_equal(tabulate({"a": OURS}, SETTINGS), tabulate({"a": renamed}, SETTINGS))


def test_a_cohort_without_a_clonic_phase_has_no_balanced_accuracy(tmp_path: Path) -> None:
    only_before = counts([("P1", "01", "large", 9, 9, 0, 0), ("P2", "01", "large", 9, 3, 0, 0)])
    (row,) = tabulate({"a": only_before}, SETTINGS).to_dict(orient="records")
    assert np.isnan(row["balanced_accuracy"])
    assert np.isnan(row["right_after"])
    assert row["right_before"] == pytest.approx(12 / 18)
    write_page(tmp_path / "page.html", {"a": only_before}, SETTINGS)
    assert "none" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    odd = OURS.assign(patient_id=["01", "NA", "007", "1e3", "True"])
    write_counts(tmp_path / "a.csv", odd)
    pd.testing.assert_frame_equal(read_counts([tmp_path / "a.csv"]), odd, check_dtype=False)
    assert len(read_counts([tmp_path / "a.csv"] * 2)) == 10


def test_the_page_has_both_tables_side_by_side_and_says_who_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "snippets.html"
    networks = {"r2plus1d_34_8_kinetics": OURS, "mine <b>": OURS}
    write_page(path, networks, SETTINGS, without_onset=["P9+01"], warning="made up")
    page = path.read_text(encoding="utf-8")
    for text in ("70.0\u00a0% (20.0)", "93.9\u00a0% (18.3)", "not in the paper", "P9+01", "made up", "mine &lt;b&gt;"):
        assert text in page
    assert "mine <b>" not in page
    assert "3 seizures of 2 patients" in page
    assert "40 before and as many after" in page
    axes = draw_networks(networks).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["r2plus1d_34_8\n(Kinetics)", "mine <b>"]
