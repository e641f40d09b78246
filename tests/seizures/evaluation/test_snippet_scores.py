from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, PHONE_WIDTH, show_whole
from sklearn.metrics import f1_score

from seizures.evaluation.snippet_scores import (
    by_network,
    by_seizure,
    pool_counts,
    read_counts,
    tabulate,
    uncounted,
    write_counts,
)
from seizures.report.snippet_page import draw_networks, write_snippet_page
from seizures.settings import EvaluationSettings

SETTINGS = EvaluationSettings(num_bootstraps=500)


def counts(rows: list[tuple[str, str, str, int, int, int, int]], network: str = "a") -> pd.DataFrame:
    """Rows of patient, seizure, view, before, before right, after, after right."""
    names = ["patient_id", "seizure_id", "view", "num_before", "num_before_right", "num_after", "num_after_right"]
    table = pd.DataFrame(rows, columns=names)
    table.insert(3, "label", "TCS")
    table["average_precision"] = [0.25 if row[3] and row[5] else np.nan for row in rows]
    return table.assign(
        frames_per_snippet=8, feature_dim=512, network=network, fold=0, num_trained_before=40, num_trained_after=30
    )


# Accuracies 0.5, 0.9 and 0.7; right before in 0.5, 0.9 and 0.9 of the snippets, after in none, 0.9 and 0.5.
OURS = counts([
    ("P1", "01", "large", 50, 10, 0, 0), ("P1", "01", "small", 50, 40, 0, 0),
    ("P2", "01", "large", 50, 45, 50, 45),
    ("P2", "02", "large", 50, 45, 50, 25),
    ("P3", "01", "large", 0, 0, 0, 0),
])  # fmt: skip


def test_a_case_worked_by_hand() -> None:
    assert by_seizure(OURS)["accuracy"].tolist() == [0.5, 0.9, 0.7]
    assert uncounted({"a": OURS}) == ["P3+01"]
    (row,) = tabulate({"resnet_34": OURS}, SETTINGS).to_dict(orient="records")
    assert (row["num_patients"], row["num_seizures"], row["num_snippets"]) == (2, 3, 300)
    assert (row["median_accuracy"], row["mean_accuracy"]) == pytest.approx((0.7, 0.7))
    assert row["iqr_accuracy"] == pytest.approx(0.2)  # 0.6 to 0.8
    assert (row["right_before"], row["right_after"]) == pytest.approx((2.3 / 3, 0.7))
    assert row["balanced_accuracy"] == pytest.approx((2.3 / 3 + 0.7) / 2)
    # A resample is P1 twice, P2 twice or both.
    assert (row["median_accuracy_low"], row["median_accuracy_high"]) == pytest.approx((0.5, 0.8))
    assert 0 < row["balanced_accuracy_low"] < row["balanced_accuracy"] < row["balanced_accuracy_high"] < 1
    assert np.isnan(row["difference"])
    assert (row["published_median_accuracy"], row["published_iqr_accuracy"]) == (0.897, 0.277)
    assert (row["num_trained_before"], row["num_trained_after"]) == (40, 30)


def test_f1_and_average_precision_are_of_the_seizures_that_have_them() -> None:
    rows = [
        *[("P1", "01", "large", 9, 5, 0, 0), ("P2", "01", "large", 6, 5, 2, 2), ("P2", "01", "small", 6, 4, 2, 1)],
        *[("P3", "01", "large", 5, 5, 5, 0), ("P4", "01", "large", 0, 0, 4, 3)],
    ]
    table = counts(rows)
    table["average_precision"] = [np.nan, 0.8, 0.8, 0.4, np.nan]
    seizures = by_seizure(table)

    def by_scikit_learn(before: int, before_right: int, after: int, after_right: int) -> float:
        truth = [0] * before + [1] * after
        called = [0] * before_right + [1] * (before - before_right) + [1] * after_right + [0] * (after - after_right)
        return float(f1_score(truth, called))

    wanted = [by_scikit_learn(12, 9, 4, 3), by_scikit_learn(5, 5, 5, 0), by_scikit_learn(0, 0, 4, 3)]
    assert np.isnan(seizures["f1"].iloc[0])
    assert seizures["f1"].tolist()[1:] == pytest.approx(wanted)
    (row,) = tabulate({"r2plus1d_34_8_kinetics": table}, SETTINGS).to_dict(orient="records")
    assert row["median_f1"] == pytest.approx(np.median(wanted))
    assert row["iqr_f1"] == pytest.approx(np.subtract(*np.quantile(wanted, [0.75, 0.25])))
    assert row["median_f1_low"] <= row["median_f1"] <= row["median_f1_high"]
    assert (row["median_average_precision"], row["iqr_average_precision"]) == pytest.approx((0.6, 0.2))
    names = [f"num_seizures_{score}" for score in ("accuracy", "f1", "average_precision")]
    assert [row[name] for name in names] == [4, 3, 2]
    published = [
        row[f"published_{name}_{score}"] for score in ("f1", "average_precision") for name in ("median", "iqr")
    ]
    assert published == [0.816, 0.169, 0.937, 0.134]


def test_no_id_decides_a_median_where_only_the_average_precision_differs() -> None:
    rows = [(f"P{number}", "01", "large", 5, 3, 5, 4) for number in range(6)]
    table = counts(rows)
    table["average_precision"] = np.linspace(0.3, 0.9, 6)
    renamed = table.assign(patient_id=[f"Q{9 - number}" for number in range(6)])
    pd.testing.assert_frame_equal(tabulate({"a": table}, SETTINGS), tabulate({"a": renamed}, SETTINGS))


def test_the_page_says_what_was_trained_on_and_what_cannot_be_significant(tmp_path: Path) -> None:
    pages = {}
    for sampling in ("balanced", "middles"):
        write_snippet_page(tmp_path / "page.html", {"a": OURS, "resnet_34": OURS}, SETTINGS, sampling=sampling)
        pages[sampling] = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert "The comparison cannot be significant at 5\u00a0% after Holm's" in html.unescape(pages[sampling])
        assert "73.9\u00a0% (23.6)" in pages[sampling]
        assert "84.3\u00a0% (28.7)" in pages[sampling]
    assert "40 before and as many after" in pages["balanced"]
    assert "the middle of every segment of 32 frames: 40 before and 30 after" in pages["middles"]


def test_a_long_seizure_weighs_no_more_than_a_short_one() -> None:
    long, once = (
        counts([("P1", "01", "large", n, n, 10, 10), ("P2", "01", "large", 10, 2, 10, 5)]) for n in (9000, 10)
    )
    scores = ["median_accuracy", "balanced_accuracy", "right_before", "balanced_accuracy_low"]
    ours, theirs = (tabulate({"a": table}, SETTINGS)[scores].iloc[0].tolist() for table in (long, once))
    assert ours == pytest.approx(theirs)


def test_a_network_is_compared_with_the_first_on_the_seizures_that_both_have() -> None:
    better = OURS.assign(num_before_right=OURS["num_before"], num_after_right=OURS["num_after"])
    without_one = better[better["seizure_id"] == "01"]
    alone = counts([("P9", "01", "large", 5, 5, 5, 5)])
    networks = {"a": OURS, "b": OURS, "c": without_one, "d": alone}
    reference, same, other, apart = tabulate(networks, SETTINGS).to_dict(orient="records")
    assert np.isnan(reference["difference"])
    assert np.isnan(apart["difference"])
    assert [same[f"difference{end}"] for end in ("", "_p_value", "_p_value_holm")] == [0, 1, 1]
    assert same["difference_low"] == -same["difference_high"] < 0
    assert other["difference"] == pytest.approx((0.5 + 0.1) / 2)
    assert -1 <= other["difference_low"] < 0.3 < other["difference_high"] <= 1
    assert other["difference_p_value"] == 2 / 4  # of four ways to flip two patients' signs, two are as far
    assert other["difference_p_value_holm"] == 1


def test_no_id_decides_a_result() -> None:
    renamed = OURS.assign(patient_id=OURS["patient_id"].map({"P1": "Z", "P2": "A", "P3": "M"}))
    pd.testing.assert_frame_equal(tabulate({"a": OURS}, SETTINGS), tabulate({"a": renamed}, SETTINGS))


def test_a_cohort_without_a_clonic_phase_has_no_balanced_accuracy(tmp_path: Path) -> None:
    only_before = counts([("P1", "01", "large", 9, 9, 0, 0), ("P2", "01", "large", 9, 3, 0, 0)])
    (row,) = tabulate({"a": only_before}, SETTINGS).to_dict(orient="records")
    assert np.isnan(row["balanced_accuracy"])
    assert np.isnan(row["right_after"])
    assert row["right_before"] == pytest.approx(12 / 18)
    write_snippet_page(tmp_path / "page.html", {"a": only_before}, SETTINGS)
    assert "none" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_counts_are_read_as_they_were_written_and_pooled_in_order(tmp_path: Path) -> None:
    odd = OURS.assign(patient_id=["01", "NA", "007", "1e3", "True"], network="z")
    write_counts(tmp_path / "a.csv", odd)
    pd.testing.assert_frame_equal(read_counts(tmp_path / "a.csv"), odd, check_dtype=False)
    write_counts(tmp_path / "none.csv", odd[:0])
    pooled = pool_counts([read_counts(tmp_path / "none.csv"), read_counts(tmp_path / "a.csv"), OURS])
    assert list(by_network(pooled)) == ["z", "a"]
    assert len(pooled) == 10
    assert pooled["num_before"].dtype == np.int64


def test_the_page_has_both_tables_side_by_side_and_says_who_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "snippets.html"
    worse = OURS.assign(num_before_right=0)[:4]
    networks = {"r2plus1d_34_8_kinetics": OURS, "mine <b>": worse, "apart": counts([("P9", "01", "large", 5, 5, 5, 5)])}
    write_snippet_page(path, networks, SETTINGS, left_out=["P7+01: lost (apart)"], warning="made up")
    page = path.read_text(encoding="utf-8")
    for text in (
        *("70.0\u00a0% (20.0)", "93.9\u00a0% (18.3)", "not in the paper", "P3+01", "made up", "mine &lt;b&gt;"),
        *(
            "3 seizures, 2 patients",
            "40 before and as many after",
            "reference",
            "no seizure in common",
            "<li>P7+01: lost (apart)</li>",
        ),
    ):
        assert text in page
    assert "mine <b>" not in page
    assert page.count(">reference<") == 1
    axes = draw_networks(networks).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["r2plus1d_34_8\n(Kinetics)", "mine <b>", "apart"]


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
@pytest.mark.parametrize("width", [PHONE_WIDTH, 900, 1200])
def test_a_browser_shows_the_page_whole(tmp_path: Path, width: int) -> None:
    better = OURS.assign(num_before_right=OURS["num_before"])
    networks = {"r2plus1d_34_32_kinetics": OURS, "wide_resnet_50_2": better}
    write_snippet_page(
        tmp_path / "snippets.html", networks, SETTINGS, left_out=["P7+01+large: lost (wide_resnet_50_2)"]
    )
    show_whole(tmp_path, tmp_path / "snippets.html", width=width, num_pictures=1)
