"""Columns that describe patients and seizures: known ones are checked, all are reachable by seizure."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seizures.errors import ManifestError
from seizures.manifest.descriptions import column_values, description_columns
from seizures.manifest.identity import SeizureId
from seizures.manifest.recordings import read_manifest

HEADER = "patient_id,seizure_id,view,video,label"


def write(folder: Path, columns: str, *cells: str) -> Path:
    """Write a manifest of P01 (two seizures, the first with two views) and P02, with `cells` behind each row."""
    rows = ("P01,01,large,a.mp4,FOS", "P01,01,small,b.mp4,FOS", "P01,02,large,c.mp4,TCS", "P02,01,large,d.mp4,TCS")
    path = folder / "data_manifest.csv"
    lines = [f"{HEADER},{columns}", *(f"{row},{cell}" for row, cell in zip(rows, cells, strict=True)), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def fault_of(path: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    return str(caught.value).removeprefix(f"{path}: 1 fault\n  ")


def test_values_by_seizure_of_known_and_other_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "sex,state,camera kind", "F,asleep,old", ",,old", "F,awake,new", "M,,")
    recordings = read_manifest(path)
    first, second, third = SeizureId("P01", "01"), SeizureId("P01", "02"), SeizureId("P02", "01")
    assert description_columns(recordings) == ("sex", "state", "camera kind")
    assert column_values(recordings, "sex") == {first: "F", second: "F", third: "M"}
    assert column_values(recordings, "state") == {first: "asleep", second: "awake", third: ""}
    assert column_values(recordings, "camera kind") == {first: "old", second: "new", third: ""}


def test_a_patients_value_need_stand_in_one_row_only(tmp_path: Path) -> None:
    recordings = read_manifest(write(tmp_path, "site,state", "Bern,", ",", ",awake", "Lyon  Sud,"))
    assert [*column_values(recordings, "site").values()] == ["Bern", "Bern", "Lyon Sud"]
    assert [*column_values(recordings, "state").values()] == ["", "awake", ""]  # a seizure's state is its own


@pytest.mark.parametrize("name", ["site", "age_band", "sex"])
def test_a_patient_with_two_values_is_one_fault_with_all_rows(tmp_path: Path, name: str) -> None:
    message = fault_of(write(tmp_path, name, "A", "A", "B", "A"))
    assert message == f"row 2, {name}: patient P01 has 'A' (rows 2, 3) and 'B' (row 4); expected one value per patient"


def test_state_may_differ_between_seizures_and_not_between_views(tmp_path: Path) -> None:
    read_manifest(write(tmp_path, "state", "awake", "awake", "asleep", "asleep"))
    message = fault_of(write(tmp_path, "state", "awake", "asleep", "asleep", "asleep"))
    expected = "seizure P01+01 has 'awake' (row 2) and 'asleep' (row 3); expected one value per seizure"
    assert message == f"row 2, state: {expected}"


def test_two_spellings_of_a_value_are_a_fault(tmp_path: Path) -> None:
    message = fault_of(write(tmp_path, "sex", "F", "F", "F", "f"))
    assert message == "row 5, sex: 'f' and 'F' (row 2) differ in case; use one spelling"
    read_manifest(write(tmp_path, "age_band", "<18", "<18", "<18", ">18"))  # marks mean something here


@pytest.mark.parametrize(
    ("cell", "problem"), [("Oct-19", "spreadsheet"), ("x" * 81, "too long"), ("a\x07b", "control")]
)
def test_a_value_that_cannot_be_meant(tmp_path: Path, cell: str, problem: str) -> None:
    message = fault_of(write(tmp_path, "age_band", cell, "", "", ""))
    assert message.startswith("row 2, age_band: ")
    assert problem in message


@pytest.mark.parametrize(
    ("found", "meant"), [("Site", "site"), ("SEX", "sex"), ("age band", "age_band"), ("ageband", "age_band")]
)
def test_a_known_name_in_another_spelling_is_an_error(tmp_path: Path, found: str, meant: str) -> None:
    assert f"'{found}' is not a column; did you mean {meant}?" in fault_of(write(tmp_path, found, *"AAAA"))


@pytest.mark.parametrize("name", ["side", "stage", "size", "age", "status"])
def test_a_column_that_a_laboratory_may_have_is_kept(tmp_path: Path, name: str) -> None:
    assert set(column_values(read_manifest(write(tmp_path, name, *"AAAA")), name).values()) == {"A"}


def test_another_column_may_differ_between_views_but_is_then_no_value_of_the_seizure(tmp_path: Path) -> None:
    recordings = read_manifest(write(tmp_path, "lens", "wide", "tele", "wide", "wide"))
    with pytest.raises(ManifestError, match=r"seizure P01\+01 has 'wide' \(row 2\) and 'tele' \(row 3\)"):
        column_values(recordings, "lens")


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    recordings = read_manifest(write(tmp_path, "sex,note,note", *["F,a,b"] * 4))
    for name in ("site", "note"):
        with pytest.raises(
            ManifestError,
            match=f"'{name}' is not a column of the manifest that describes patients or seizures; it has sex$",
        ):
            column_values(recordings, name)


@given(st.lists(st.sampled_from(["", "A", "B"]), min_size=4, max_size=4))
def test_no_contradiction_passes(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    path = write(tmp_path_factory.mktemp("any"), "site", *cells)
    if {"A", "B"} <= set(cells[:3]):
        assert "patient P01 has" in fault_of(path)
    else:
        first = next(filter(None, cells[:3]), "")
        assert [*column_values(read_manifest(path), "site").values()] == [first, first, cells[3]]
