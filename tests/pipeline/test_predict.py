"""From a finished run to a classifier that is handed over, and to what it says of new seizures, as people do it."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_project import SMALL, Project, make_small_project

import seizures
from seizures.simulation.cohort import simulate_cohort, write_manifest
from seizures.simulation.rendering import render


@pytest.fixture(scope="module")
def house(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the project that exports: its classifier lies beside it."""
    folder = tmp_path_factory.mktemp("house") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    project = Project(folder)
    run = project.luigi("ExportClassifier", "--to", "../classifier.zip", "--site", "LAB1")
    assert run.exit_code == 0, run
    assert "trained on 6 simulated seizures of 4 patients" in run.output
    assert "cross-validated accuracy" in run.output
    again = project.luigi("ExportClassifier", "--to", "../classifier.zip")
    assert again.exit_code == 2
    assert "already exists" in again.output
    assert "is written" not in again.output
    return project


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with films of new simulated patients and their manifest, without labels."""
    folder = tmp_path_factory.mktemp("films")
    cohort = simulate_cohort(2, 3, 99, min_duration_seconds=3, max_duration_seconds=4)
    for item in cohort:
        render(item, folder / item.video)
    write_manifest(cohort, folder / "labelled.csv")
    rows = table_of(folder / "labelled.csv")
    with (folder / "new.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [name for name in rows[0] if name not in ("label", "clonic_onset_seconds")])
        table.writeheader()
        table.writerows({name: row[name] for name in table.fieldnames} for row in rows)
    return folder


@pytest.fixture(scope="module")
def other(house: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project of another laboratory, without a cohort of its own."""
    project = make_small_project(tmp_path_factory.mktemp("other"))
    (project.folder / "data_manifest.csv").unlink()
    shutil.copy(house.folder.parent / "classifier.zip", project.folder)
    return project


@pytest.fixture(scope="module")
def asked(other: Project, films: Path) -> str:
    """Return what Predict says of the new films."""
    run = other.luigi(
        "Predict", "--classifier", "classifier.zip", "--manifest", str(films / "new.csv"), "--video-root", str(films)
    )
    assert run.exit_code == 0, run
    return run.output


def answers(project: Project, name: str = "new") -> list[dict[str, str]]:
    return table_of(project.results / "predictions" / name / "predictions.csv")


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_verdict_is_told_with_what_to_know_of_it(asked: str) -> None:
    ending = asked[asked.rindex("Predict: ") :]
    assert ending.startswith("Predict: 3 seizures: ")
    assert "for research, not for decisions about a patient" in ending
    assert "says nothing of seizures" in ending
    assert ending.count("P(TCS) = ") == 3


def test_the_verdict_is_that_of_all_features_through_the_same_weights(asked: str, other: Project) -> None:
    classifier = seizures.open_classifier(other.folder / "classifier.zip")
    for row in answers(other):
        name = f"{row['patient_id']}+{row['seizure_id']}"
        (features,) = (other.results / "ExtractFeatures" / name).glob("*.h5")
        answer = classifier.predict(features)
        assert float(row["probability_tcs"]) == pytest.approx(answer.probability, abs=1e-6)
        (course,) = (other.results / "FollowSeizure" / name).glob("????????????.json")
        assert json.loads(course.read_text())["probability"][-1] == pytest.approx(answer.probability, abs=1e-6)


def test_verdicts_alone_take_few_snippets_and_no_course(house: Project, films: Path, tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    (project.folder / "data_manifest.csv").unlink()
    words = [
        "Predict",
        "--classifier",
        str(house.folder.parent / "classifier.zip"),
        "--manifest",
        str(films / "new.csv"),
    ]
    run = project.luigi(*words, "--video-root", str(films), "--verdict-only")
    assert run.exit_code == 0, run
    assert not (project.results / "ExtractFeatures").exists()
    notes = [json.loads(path.read_text()) for path in project.results.glob("ExtractMiddles/*/*.why.json")]
    views = len(table_of(films / "new.csv"))
    assert sum(note["amount"] for note in notes) == int(SMALL["Training"]["num_segments"]) * views
    again = project.luigi(*words, "--video-root", str(films), "--verdict-only")
    assert (again.exit_code, again.tasks) == (0, [])


def test_a_film_by_its_name_and_asked_again_it_costs_nothing(other: Project, asked: str, films: Path) -> None:
    film = next(films.glob("*large*.mp4"))
    words = ["Predict", "--classifier", "classifier.zip", "--video", f"large={film}", "--onset", "0.1", "--name", "one"]
    run = other.luigi(*words)
    assert run.exit_code == 0, run
    assert len(answers(other, "one")) == 1
    assert (other.results / "predictions" / "one" / "index.html").exists()
    assert other.luigi(*words).tasks == []


def test_the_house_is_told_what_it_was_trained_on_and_which_cases_are_alike(house: Project) -> None:
    film = next(house.results.glob("SimulateRecording/*/*.mp4"))
    run = house.luigi("Predict", "--classifier", "../classifier.zip", "--video", str(film), "--name", "old")
    assert run.exit_code == 0, run
    assert "it was trained on this film" in run.output
    assert "1 trained on" in run.output
    (said,) = (house.results / "AnswerSeizure" / "new+old").glob("????????????.json")
    assert len(json.loads(said.read_text())["similar"]) == 5


def test_another_house_learns_of_no_case(asked: str, other: Project) -> None:
    for path in other.results.glob("AnswerSeizure/*/????????????.json"):
        assert json.loads(path.read_text())["similar"] == []


def test_answers_and_pages_are_their_owners_alone(asked: str, other: Project) -> None:
    folder = (other.results / "predictions" / "new").resolve()
    pages = [path for path in folder.rglob("*.html") if path.name == "index.html"]
    assert len(pages) == 4
    for path in pages:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in folder.iterdir():
        assert not path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o700


def test_what_runall_computed_is_not_computed_again(house: Project, finished: Project, tmp_path: Path) -> None:
    """The same seizures under the same names: their features are there, and only the classifier is asked."""
    rows = [dict(row) for row in house.rows if row["patient_id"] == house.rows[0]["patient_id"]]
    for row in rows:
        (film,) = finished.results.glob(f"SimulateRecording/{Path(row['video']).stem}/*.mp4")
        shutil.copy(film, tmp_path / row["video"])
        del row["label"]
    with (tmp_path / "again.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    words = ["Predict", "--classifier", "../classifier.zip", "--manifest", str(tmp_path / "again.csv")]
    first = house.luigi(*words, "--video-root", str(tmp_path))
    assert first.exit_code == 0, first
    assert "trained on this film" in first.output  # the demo's films, by their content
    labelled = [{**row, "label": "FOS"} for row in rows]
    with (tmp_path / "again.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(labelled[0]))
        table.writeheader()
        table.writerows(
            {name: value for name, value in row.items() if name != "clonic_onset_seconds"} for row in labelled
        )
    second = house.luigi(*words, "--video-root", str(tmp_path))
    assert second.exit_code == 0, second
    assert not [task for task in second.tasks if task.startswith(("DecodeRecording", "ExtractMiddles"))]


def test_what_predict_would_do_is_planned_and_parts_share_it(house: Project, films: Path, tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    (project.folder / "data_manifest.csv").unlink()
    classifier = str(house.folder.parent / "classifier.zip")
    words = ["--classifier", classifier, "--manifest", str(films / "new.csv"), "--video-root", str(films)]
    plan = project.luigi("Plan", *words)
    assert plan.exit_code == 0, plan
    assert "what Predict would run" in plan.output
    assert "NOT complete" not in plan.output
    assert not project.results.exists() or not list(project.results.glob("[A-Z]*"))
    rows = [line.split() for line in plan.output.splitlines() if line.startswith("  ")]
    foreseen = {row[0]: int(row[1]) for row in rows if len(row) > 2 and row[1].isdigit()}
    parts = [project.luigi("PredictShard", "--shard", str(part), "--shards", "2", *words) for part in range(2)]
    assert [part.exit_code for part in parts] == [0, 0], parts
    done = [task for part in parts for task in part.tasks]
    assert len([task for task in done if task.startswith("AnswerSeizure")]) == 3
    whole = project.luigi("Predict", *words)
    assert whole.exit_code == 0, whole
    assert [task.split("(")[0] for task in whole.tasks] == ["PoolAnswers", "Predict"]
    done += whole.tasks
    assert foreseen
    for family, number in foreseen.items():
        assert len([task for task in done if task.startswith(f"{family}(")]) == number, family
    assert "Nothing to compute." in project.luigi("Plan", *words).output
    assert "--shard 2 --shards 2" in project.luigi("PredictShard", "--shard", "2", "--shards", "2", *words).output
    alone = project.luigi("Plan", "--verdict-only")
    assert (alone.exit_code, "name its --classifier too" in alone.output) == (2, True)


def test_what_a_folder_of_answers_shows_is_not_pruned(house: Project, films: Path) -> None:
    words = ["--classifier", "../classifier.zip", "--manifest", str(films / "new.csv"), "--video-root", str(films)]
    assert house.luigi("Predict", *words, "--name", "kept").exit_code == 0
    assert house.run_all("--Training-num-epochs", "2").exit_code == 0  # the newest run is another
    pruned = house.luigi("Prune", "--delete", "--older-than-days", "0", "--keep-runs", "1")
    assert pruned.exit_code == 0, pruned
    assert len(answers(house, "kept")) == 3
    for link in (house.results / "predictions" / "kept").rglob("*"):
        assert link.exists(), link
    shutil.rmtree(house.results / "predictions")
    assert "AnswerSeizure" in house.luigi("Prune", "--older-than-days", "0", "--keep-runs", "1").output


def test_the_external_test_scores_without_ids_and_refuses_what_was_trained_on(
    other: Project, asked: str, films: Path, house: Project
) -> None:
    words = ["TestClassifier", "--classifier", "classifier.zip", "--video-root", str(films), "--manifest"]
    run = other.luigi(*words, str(films / "labelled.csv"))
    assert run.exit_code == 0, run
    assert "Accuracy" in run.output
    assert "its own cross-validation" in run.output
    folder = other.results / "tests" / "labelled"
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["num_seizures"] == 3
    for row in answers(other):
        assert row["patient_id"] not in (folder / "scores.json").read_text()
    right = [
        row["call"] == label["label"]
        for row, label in zip(answers(other), unique_seizures(films / "labelled.csv"), strict=True)
        if row["call"]
    ]
    assert scores["called"]["accuracy"]["mean"] == (pytest.approx(np.mean(right)) if right else None)
    unlabelled = other.luigi(*words, str(films / "new.csv"))
    assert unlabelled.exit_code == 2
    assert "no label for" in unlabelled.output


def unique_seizures(path: Path) -> list[dict[str, str]]:
    found = {(row["patient_id"], row["seizure_id"]): row for row in table_of(path)}
    return list(found.values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"Features": {"stride_frames": "2"}},
            ["[Features] stride_frames: the classifier was trained with 4", "--Features-stride-frames 4"],
        ),
        (
            {"Features": {"weights": "random:5"}},
            ["trained with random:0, and here it is random:5", "--Features-weights random:0"],
        ),
        (
            {"Frames": {"preprocessing": "center_crop"}},
            ["[Frames] preprocessing: the classifier was trained with letterbox"],
        ),
        ({"Frames": {"frame_rate_hz": "10"}}, ["[Frames] frame_rate_hz: the classifier was trained with 15"]),
        ({"Features": {"network": "x3d_none"}}, ["x3d_none"]),
    ],
)
def test_what_does_not_fit_is_named_before_anything_runs(
    house: Project, films: Path, tmp_path: Path, changes: dict[str, dict[str, str]], said: list[str]
) -> None:
    project = make_small_project(tmp_path)
    for section, values in changes.items():
        project.set(section, **values)
    run = project.luigi(
        *("Predict", "--classifier", str(house.folder.parent / "classifier.zip")),
        *("--manifest", str(films / "new.csv"), "--video-root", str(films)),
    )
    assert run.exit_code == 2, run
    assert "Traceback" not in run.output
    for text in said:
        assert text in run.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--video", "none.mp4"], "does not exist"),
        ([], "expected either --video film.mpg or --manifest new.csv"),
        (["--video", "a.mp4", "--manifest", "b.csv"], "expected either"),
        (["--manifest", "none.csv"], "none.csv"),
        (["--video", "a.mp4,b.mp4"], "expected a name for each of several views"),
        (["--manifest", "b.csv", "--onset", "3"], "--onset and --offset are of --video"),
    ],
)
def test_a_mistake_gets_one_message(other: Project, words: list[str], said: str) -> None:
    run = other.luigi("Predict", "--classifier", "classifier.zip", *words)
    assert run.exit_code == 2, run
    assert said in run.output
    assert "Traceback" not in run.output


def test_films_that_are_too_short_or_unreadable_or_of_another_label_set(
    other: Project, films: Path, tmp_path: Path
) -> None:
    film = next(films.glob("*large*.mp4"))
    short = other.luigi("Predict", "--classifier", "classifier.zip", "--video", str(film), "--offset", "0.5")
    assert short.exit_code == 2
    assert "lasts 0.5 s, and the classifier needs at least 1.2 s" in short.output
    (tmp_path / "broken.mp4").write_bytes(b"no film" * 100)
    broken = other.luigi("Predict", "--classifier", "classifier.zip", "--video", str(tmp_path / "broken.mp4"))
    assert "Traceback" not in broken.output
    assert broken.exit_code == 30
    assert broken.output.count("Predict: 0 seizures: none could be asked about") == 1
    assert "not asked: new+broken" in broken.output
    assert "NOT complete" not in broken.output
    (tmp_path / "labels.csv").write_text(f"patient_id,seizure_id,view,video,label\nX,1,a,{film},FALL\n")
    labels = other.luigi("Predict", "--classifier", "classifier.zip", "--manifest", str(tmp_path / "labels.csv"))
    assert labels.exit_code == 2
    assert "is not a label; expected FOS or TCS" in labels.output


def test_a_view_that_cannot_be_read_is_named_and_the_others_answer(other: Project, films: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no film" * 100)
    views = f"large={next(films.glob('*large*.mp4'))},small={tmp_path / 'bad.mp4'}"
    run = other.luigi("Predict", "--classifier", "classifier.zip", "--video", views, "--name", "half", "--verdict-only")
    assert run.exit_code == 0, run
    assert "answered without new+half+small: " in run.output
    assert len(answers(other, "half")) == 1


def test_answers_about_another_film_are_not_put_in_the_place_of_earlier_ones(
    other: Project, films: Path, tmp_path: Path
) -> None:
    """Every ward calls its films seizure.mp4."""
    words = ["Predict", "--classifier", "classifier.zip", "--verdict-only", "--video"]
    paths = [tmp_path / ward / "seizure.mp4" for ward in ("one", "two")]
    for path, film in zip(paths, sorted(films.glob("*.mp4")), strict=False):
        path.parent.mkdir()
        shutil.copy(film, path)
    assert other.luigi(*words, str(paths[0])).exit_code == 0
    assert other.luigi(*words, str(paths[0]), "--onset", "0.2").exit_code == 0  # the same film, asked in another way
    run = other.luigi(*words, str(paths[1]))
    assert run.exit_code == 2, run
    assert f"answers about {paths[0]}" in run.output
    assert "--name" in run.output
    assert other.luigi(*words, str(paths[1]), "--name", "two").exit_code == 0


def test_a_films_name_may_hold_what_separates_views(other: Project, films: Path, tmp_path: Path) -> None:
    odd = tmp_path / "Über, größe=2.mp4"
    shutil.copy(next(films.glob("*large*.mp4")), odd)
    run = other.luigi("Predict", "--classifier", "classifier.zip", "--video", str(odd), "--verdict-only")
    assert run.exit_code == 0, run
    assert len(answers(other, "Uber_groe_2")) == 1


def test_the_file_holds_the_card_and_no_id(house: Project) -> None:
    with zipfile.ZipFile(house.folder.parent / "classifier.zip") as archive:
        assert sorted(archive.namelist()) == ["CARD.md", "SHA256SUMS", "classifier.json", "classifier.safetensors"]
        card, info = archive.read("CARD.md").decode(), json.loads(archive.read("classifier.json"))
    assert "simulated" in card
    assert info["site"] == "LAB1"
    assert info["cohort"]["num_patients"] == 4
    for row in house.rows:
        assert f'"{row["patient_id"]}"' not in json.dumps(info)
