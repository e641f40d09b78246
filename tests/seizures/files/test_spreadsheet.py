"""No cell of a table is a formula, and numbers stay numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from seizures.files.spreadsheet import harmless_cell
from seizures.inspection.verdict import FileFacts, write_table
from seizures.manifest.table import id_problem


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\r=1", "=HYPERLINK(1)"])
def test_a_formula_is_text(text: str) -> None:
    assert harmless_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-1.5", "+3", "-2e-5", "film.mp4", "a=b", "P01", "-5%"])
def test_what_is_no_formula_stays(text: str) -> None:
    assert harmless_cell(text) == text


def test_the_name_of_a_film_cannot_compute(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", [FileFacts("=1+1.mp4", error="@broken"), FileFacts("-x.mp4", error="no film")])
    with (tmp_path / "table.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1.mp4" in cells
    assert "'-x.mp4" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_an_id_cannot_begin_as_a_formula_does() -> None:
    assert "formula" in (id_problem("-A1") or "")
    assert id_problem("A-1") is None
