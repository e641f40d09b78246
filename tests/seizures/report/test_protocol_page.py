from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, PHONE_WIDTH, show_whole

from seizures.evaluation.predictions import predictions_for
from seizures.evaluation.protocols import Protocol
from seizures.evaluation.settings_sweep import CellResult
from seizures.evaluation.summary import summarise
from seizures.report.protocol_page import (
    difference_words,
    differences,
    groups_of,
    num_seizures_shared,
    write_protocol_page,
)
from seizures.settings import PROTOCOLS, EvaluationSettings, TrainingSettings

SETTINGS = EvaluationSettings(num_bootstraps=200)


def cell(
    protocol: str, num_wrong: int, num_patients: int = 10, parts: dict[str, str] | None = None, **changes: object
) -> CellResult:
    """Two seizures to each patient; the first of `num_wrong` patients is called wrong."""
    patients = [f"P{place:02d}" for place in range(num_patients) for _ in range(2)]
    ids, labels = ["1", "2"] * num_patients, np.array([0, 1] * num_patients)
    chances = np.where(labels == 1, 0.9, 0.1)
    chances[0 : 2 * num_wrong : 2] = 0.8
    table = predictions_for(patients, ids, ["large"] * len(ids), labels, chances, 0, 0)
    table["fold"] = [0, 1] * num_patients if protocol == "paper" else [place // 10 for place in range(2 * num_patients)]
    is_papers = protocol == "paper"
    of = Protocol("seizures" if is_papers else "patients", PROTOCOLS[protocol], "paper" if is_papers else "weighted")
    of = dataclasses.replace(of, **(parts or {}))
    settings = dataclasses.replace(TrainingSettings(), selection=of.selection, loss=of.loss, **changes)
    name = f"protocol={protocol}; {changes}"
    return CellResult(name, settings, table, summarise(table, SETTINGS, protocol=of), of.dealing)


def test_the_parts_of_the_papers_protocol_are_told_apart() -> None:
    parts = {"dealing": "seizures"}, {"selection": "held_out"}, {"loss": "paper"}
    singly = [cell("patient", number, parts=part) for number, part in zip((1, 3, 5), parts, strict=True)]
    (group,) = groups_of([*reversed(singly), cell("paper", 0), cell("patient", 6)])
    names = ["patient", "patient + dealing", "patient + epoch", "patient + loss", "paper"]
    assert list(group.cells) == names
    assert [one.protocol.is_reproduction for one in group.cells.values()] == [False, True, True, False, True]
    table = differences([group], SETTINGS)
    found = {(row["first"], row["second"]): row["difference"] for _, row in table.iterrows()}
    assert found == pytest.approx({(name, "patient"): difference for name, difference in
                                   zip(names[1:], (5 / 20, 3 / 20, 1 / 20, 6 / 20), strict=True)})  # fmt: skip
    words = [difference_words(row, 0.95) for _, row in table.iterrows()]
    assert words[0].startswith("Optimism of the paper's protocol: accuracy under paper minus")
    assert sorted(text.split(":")[0] for text in words[1:]) == [
        "Effect of the paper's loss, alone",
        "Optimism of dealing seizures into folds, alone",
        "Optimism of letting the scored fold choose the epoch, alone",
    ]


def test_the_optimism_is_the_paired_difference_with_its_interval() -> None:
    table = differences(groups_of([cell("patient", 6), cell("nested", 5), cell("paper", 0)]), SETTINGS)
    assert [tuple(pair) for pair in table[["first", "second"]].to_numpy()] == [
        ("paper", "patient"), ("paper", "nested"), ("nested", "patient"),
    ]  # fmt: skip
    optimism = table.iloc[0]
    assert optimism["difference"] == pytest.approx(6 / 20)
    assert 0 < optimism["low"] < optimism["difference"] < optimism["high"]
    assert optimism["p_value"] == 2 / 2**6
    assert optimism["p_value_holm"] == 6 / 2**6
    words = difference_words(optimism, 0.95)
    assert words.startswith(
        "Optimism of the paper's protocol: accuracy under paper minus that under patient: +30.0 points"
    )
    # Of six patients that differ, Holm's p of three comparisons is 3 x 2 / 64 at least, and so above 0.05.
    assert words.endswith("the interval excludes 0; the test cannot confirm it, because too few patients differ.")
    undecided = optimism.copy()
    undecided["p_value_holm"] = 0.2
    assert difference_words(undecided, 0.9).endswith("the interval excludes 0, but the test does not confirm it.")
    assert difference_words(optimism, 0.9).endswith("the interval excludes 0.")  # Holm's p is 0.094
    small = difference_words(table.iloc[2], 0.95)
    assert small.startswith("Accuracy under nested minus that under patient: +5.0 points (95 % interval")
    assert small.endswith("the interval includes 0.")


def test_cells_are_put_together_that_differ_in_the_protocol_alone() -> None:
    cells = [cell("patient", 1), cell("paper", 0), cell("patient", 1, gamma=1.0), cell("paper", 0, aggregation="mean")]
    assert [group.title for group in groups_of(cells)] == ["blstm, 16 segments, gamma 4"]
    more = [
        *cells,
        cell("paper", 0, gamma=1.0, num_epochs=400),
        cell("patient", 2, num_epochs=7),
        cell("paper", 0, num_epochs=7),
    ]
    titles = [group.title for group in groups_of(more)]
    assert titles[1] == "blstm, 16 segments, gamma 1, num_epochs = 400"
    assert titles[2].endswith("num_epochs = 7")


def test_who_was_trained_on_too_is_counted() -> None:
    assert num_seizures_shared(cell("patient", 0).predictions) == 0
    assert num_seizures_shared(cell("paper", 0).predictions) == 20


def test_one_patient_carries_no_interval() -> None:
    table = differences(groups_of([cell("patient", 1, 1), cell("paper", 0, 1)]), SETTINGS)
    assert pd.isna(table.iloc[0]["low"])
    assert "without an interval" in difference_words(table.iloc[0], 0.95)


def test_the_page_shows_all_three_and_names_the_reproduction(tmp_path: Path) -> None:
    write_protocol_page(
        tmp_path / "page.html", [cell("paper", 0), cell("patient", 6), cell("nested", 5)], SETTINGS, warning="Odd."
    )
    page = html.unescape((tmp_path / "page.html").read_text(encoding="utf-8")).replace("\u00a0", " ")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Odd." in text
    assert "None of the 3 comparisons can be significant at 5 % after Holm's correction" in text
    assert "too few patients differ between the two (7 are enough)" in text  # 3 x 2 / 2^7 = 0.047
    assert "The protocol “paper” is for reproduction only" in text
    assert re.search(r"patient 70 % \(\d+ to \d+ %\)", text)
    assert re.search(r"paper \(reproduction only\) 100 % .* 20 of 20", text)
    assert "paper (reproduction only) 100 % (" in text
    assert text.index("patient 70 %") < text.index("nested 75 %") < text.index("paper (reproduction only) 100 %")
    assert not re.search(r"https?://|<script", page)


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
@pytest.mark.parametrize("width", [PHONE_WIDTH, 900, 1200])
def test_a_browser_shows_the_page_whole(tmp_path: Path, width: int) -> None:
    write_protocol_page(
        tmp_path / "protocols.html", [cell("patient", 6), cell("nested", 5), cell("paper", 0)], SETTINGS
    )
    show_whole(tmp_path, tmp_path / "protocols.html", width=width, num_pictures=1)
