"""What the manifest says of patients, in the results of a real run: subgroups."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from in_process import inside, setting
from small_project import Project, make_small_project

from seizures.errors import SettingsError
from tasks.cohort.preflight import require_sound_input

SEXES = {"P01": "f", "P02": "m"}  # the others state none


def write_cohort(project: Project, sexes: dict[str, str]) -> None:
    rows = project.rows
    project.write_rows([{**row, "sex": sexes.get(row["patient_id"], ""), "ward": row["patient_id"]} for row in rows])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_small_project(tmp_path_factory.mktemp("cohort"))
    write_cohort(project, SEXES)
    project.set("Evaluation", subgroups="sex, ward")
    project.first_run = project.run_all()
    assert project.first_run.exit_code == 0, project.first_run
    return project


def parts(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.results / "current" / "figures" / "parts.csv", dtype=str, keep_default_na=False)


@pytest.mark.whole_run
def test_each_value_of_a_column_is_scored_by_itself(project: Project) -> None:
    found, rows = parts(project), project.rows
    patients = {row["patient_id"] for row in rows}
    by_sex = found[found["split"] == "sex"].set_index("group")
    assert by_sex["num_patients"].to_dict() == {"f": "1", "m": "1", "not stated": str(len(patients) - 2)}
    own = {row["seizure_id"] for row in rows if row["patient_id"] == "P01" and row["use"] != "skip"}
    assert by_sex.loc["f", "num_seizures"] == str(len(own))
    assert "one patient, so no interval" in by_sex.loc["f", "no_interval"]
    assert set(found.loc[found["split"] == "ward", "group"]) == patients
    page = (project.results / "current" / "report.html").read_text()
    assert "sex: not stated" in page
    assert "one patient, so no interval" in page


@pytest.mark.whole_run
def test_a_corrected_value_computes_only_what_shows_it(project: Project) -> None:
    write_cohort(project, {**SEXES, "P02": "f"})
    run = project.run_all()
    assert run.exit_code == 0, run
    assert [name.partition("(")[0] for name in run.tasks] == [
        "DrawPictures", "RunAll", "TabulateChecklists", "WriteChecklists", "WriteProvenance", "WriteReport",
    ]  # fmt: skip
    by_sex = parts(project).set_index(["split", "group"]).loc["sex"]
    assert by_sex.loc["f", "num_patients"] == "2"


def test_a_column_that_does_not_exist_is_reported_before_anything_runs(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    write_cohort(project, SEXES)
    with inside(project), setting("Evaluation", "subgroups", "sexes, wards"), pytest.raises(SettingsError) as caught:
        require_sound_input()
    said = "is not a column of the manifest that describes patients or seizures; did you mean"
    assert f"[Evaluation] subgroups = sexes, wards: 'sexes' {said} sex?" in str(caught.value)
    assert f"'wards' {said} ward?" in str(caught.value)
