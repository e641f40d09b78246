"""Each setting changes exactly the keys of the stages that read it, and of those below them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import inside, setting
from small_project import Project, make_small_project

from tasks.settings.sections import SECTIONS
from tasks.stage.stage import Stage
from tasks.stages.folds import fold_rows
from tasks.upkeep.plan import foresee

REPORT = ("WriteReport",)
TOLD = ("WriteProvenance", "TabulateChecklists", "WriteChecklists", *REPORT)  # which name all settings
BELIEF = ("CalibrateProbabilities", "DrawPictures", *TOLD)
SCORES = ("ScorePredictions", "DrawPictures", *TOLD)
POOL = ("PoolPredictions", "CalibrateProbabilities", *SCORES)
EVALUATION = ("EvaluateFold", *POOL)
UNFOLDED = ("UnfoldFold", "PoolUnfolding", "ScoreUnfolding")
TRAINING = ("TrainFold", *UNFOLDED, *EVALUATION)
MOVED = ("ExtractFeatures of movement", "PredictBaselines")
FOLDS = ("AssignFolds", "PredictBaselines", *TRAINING)
WEIGHTS = (
    "ExtractFeatures",
    "CompareFeatures",
    "PackFeatures",
    *TRAINING,
)  # of the features, the folds read only that they are good
FEATURES = (*WEIGHTS, *MOVED)
FRAMES = ("DecodeRecording", *FEATURES)
OTHER_FILMS = ("AssignFolds", *FRAMES)  # the films decide in which order the patients are dealt
FILMS = ("SimulateRecording", *OTHER_FILMS)
NONE: tuple[str, ...] = ()

# Every setting: another value, and the stages whose keys are others then. The report shows all settings but Machine's.
CHANGES = {
    "Dataset.manifest": ("same.csv", TOLD),
    "Dataset.video_root": ("films", TOLD),
    "Dataset.site_profile": ("views.cfg", FRAMES),
    "Dataset.allow_outside_video_root": ("true", TOLD),
    "Dataset.features": ("imported", TOLD),
    "Dataset.allow_mixed_features": ("true", TOLD),
    "Dataset.allow_shared_films": ("two beds in one room", ("CompareFeatures", *TOLD)),
    "Dataset.study": ("other.toml", TOLD),
    "Dataset.time_zone": ("Europe/London", TOLD),  # the small cohort has no clock times
    "Dataset.labels": ("TCS, FOS", ("PredictBaselines", *TRAINING)),
    "Dataset.minimum_duration_seconds": ("2.6", TOLD),
    "Demo.enabled": ("false", OTHER_FILMS),
    "Demo.num_patients": ("5", FILMS),
    "Demo.num_seizures": ("8", FILMS),
    "Demo.seed": ("5", FILMS),
    "Demo.min_duration_seconds": ("2.9", FILMS),
    "Demo.max_duration_seconds": ("4.5", FILMS),
    "Results.root": ("elsewhere", NONE),
    "Results.group_writable": ("true", NONE),
    "Frames.frame_rate_hz": ("14", FRAMES),
    "Frames.preprocessing": ("center_crop", FRAMES),
    "Frames.deinterlace": ("never", FRAMES),
    "Frames.damaged": ("mask", FRAMES),
    "Frames.raw_rate_hz": ("25", TOLD),  # the films of the demo are in a container
    "Features.network": ("r2plus1d_34_8_kinetics", FRAMES),  # its frames are larger
    "Features.weights": ("random:1", WEIGHTS),
    "Features.weights_dir": ("elsewhere", TOLD),
    "Features.stride_frames": ("2", FEATURES),
    "Features.precision": ("bfloat16", FEATURES),
    "Folds.num_folds": ("3", FOLDS),
    "Folds.seed": ("3", FOLDS),  # with this one, other patients are together
    "Folds.num_repeats": ("2", POOL),  # the classifiers of the first dealing stay
    "Folds.dealing": ("seizures", TRAINING),  # its folds are another file
    "Folds.group": ("site", FOLDS),
    "Training.aggregation": ("mean", TRAINING),
    "Training.hidden_units": ("9", TRAINING),
    "Training.num_segments": ("3", TRAINING),
    "Training.gamma": ("inf", TRAINING),
    "Training.learning_rate": ("0.02", TRAINING),
    "Training.weight_decay": ("0.02", TRAINING),
    "Training.batch_size": ("32", TRAINING),
    "Training.num_epochs": ("4", TRAINING),
    "Training.protocol": ("nested", TRAINING),
    "Training.num_inner_folds": ("4", TRAINING),
    "Training.loss": ("paper", TRAINING),
    "Training.beginnings": ("random", TRAINING),
    "Training.num_seeds": ("3", (*UNFOLDED, *POOL)),  # the classifiers of the first two seeds stay
    "Sweep.grid": ("gamma=1", NONE),
    "Snippets.networks": ("resnet_34", NONE),
    "Snippets.sampling": ("middles", NONE),
    "Evaluation.num_bootstraps": ("200", SCORES),
    "Evaluation.confidence_level": ("0.9", ("CalibrateProbabilities", "ScoreUnfolding", *SCORES)),
    "Evaluation.seed": ("1", SCORES),
    "Evaluation.prevalences": ("0.1, 0.5", SCORES),
    "Evaluation.subgroups": ("site", ("DrawPictures", *TOLD)),
    "Evaluation.target_accuracy": ("0.9", BELIEF),
    "Report.pictures_of_patients": ("true", NONE),  # of Predict
    "Machine.device": ("cpu", NONE),
    "Machine.engine": ("torch", NONE),
    "Machine.snippets_per_batch": ("3", NONE),
    "Machine.num_threads": ("2", NONE),
}

Keys = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project in which every setting may take its other value; nothing is run in it."""
    project = make_small_project(tmp_path_factory.mktemp("keys"))
    project.set("Demo", num_seizures=7)  # of which the manifest lists six, as it does of five patients'
    project.set("Dataset", minimum_duration_seconds=2.5)
    sites = {"P01": "north", "P02": "north", "P03": "north"}
    rows = [
        {
            **row,
            "clonic_onset_seconds": "",
            "site": sites.get(row["patient_id"], "south"),
        }  # so labels may change places
        for row in project.rows
    ]
    project.write_rows(rows)
    shutil.copy(project.folder / "data_manifest.csv", project.folder / "same.csv")
    (project.folder / "views.cfg").write_text("[large]\nmask = 0,0,8,8\n\n[small]\ncrop = 0,0,64,64\n")
    (project.folder / "videos").mkdir()
    for row in rows:
        (project.folder / "videos" / row["video"]).write_text(row["video"])
    return project


@pytest.fixture
def here(project: Project) -> Iterator[Project]:
    """Be in the project's folder."""
    with inside(project):
        yield project


def present_keys() -> Keys:
    stages, foreseen = foresee()
    assert foreseen
    return {(_name(stage), stage.label): stage.key for stage in stages}


def _name(stage: Stage) -> str:
    """Tell the two networks' features of a seizure apart, which have one label."""
    return f"{stage.task_family}{' of movement' if getattr(stage, 'network', '') == 'movement' else ''}"


def test_every_setting_is_in_the_table() -> None:
    known = {f"{kind.get_task_family()}.{name}" for kind in SECTIONS for name, _ in kind.get_params()}
    assert set(CHANGES) == known


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_changes_the_keys_of_the_stages_that_read_it(here: Project, name: str) -> None:
    value, expected = CHANGES[name]
    before = present_keys()
    with setting(*name.split("."), value):
        after = present_keys()
    both = before.keys() & after.keys()
    assert {stage for stage, _ in both if before[stage, _] != after[stage, _]} == set(expected)
    same = {stage for stage, label in both if before[stage, label] == after[stage, label]}
    assert same.isdisjoint(expected)
    assert present_keys() == before


def test_another_seed_adds_its_own_classifiers_only(here: Project) -> None:
    before = present_keys()
    with setting("Training", "num_seeds", 3):
        new = present_keys().keys() - before.keys()
    assert new == {(stage, f"fold{fold:02d}+seed2") for stage in ("TrainFold", "EvaluateFold") for fold in range(2)}


# A column of the manifest: a change to it in every view of one seizure, and the stages whose keys are others then. Of
# what is made of each seizure, only that of this one; of the classifiers, those that were trained on it.
COMPARED = ("ExtractFeatures", "CompareFeatures", "PackFeatures", *MOVED)
COLUMNS = {
    "onset_seconds": (lambda text: f"{float(text) + 0.1:.2f}", ("DecodeRecording", *COMPARED, *FOLDS)),
    "offset_seconds": (lambda text: f"{float(text) - 0.1:.2f}", ("DecodeRecording", *COMPARED, *FOLDS)),
    "clonic_onset_seconds": (lambda text: "", (*COMPARED, *TRAINING)),
    "use": (lambda text: "evaluate", (*COMPARED, *TRAINING)),
    "reason": (lambda text: "seen", ()),
    "crop": (lambda text: "0,0,64,64", ("DecodeRecording", *COMPARED, *TRAINING)),
    "mask": (lambda text: "0,0,8,8", ("DecodeRecording", *COMPARED, *TRAINING)),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_changes_the_keys_of_its_seizure(tmp_path: Path, column: str) -> None:
    change, expected = COLUMNS[column]
    project = make_small_project(tmp_path)
    rows = [{"crop": "", "mask": "", **row} for row in project.rows]
    project.write_rows(rows)
    with inside(project):
        before, folds = present_keys(), fold_rows()
    for row in rows:
        if (row["patient_id"], row["seizure_id"]) == ("P01", "01"):
            row[column] = change(row[column])
    project.write_rows(rows)
    with inside(project):
        after = present_keys()
        assert fold_rows() == folds
    held_out = next(row.fold for row in folds if (row.patient_id, row.seizure_id) == ("P01", "01"))
    own = {(stage, f"P01+01{view}") for stage in before_folds(before) for view in ("", "+large", "+small")}
    trained = {key for key in before if key[0] == "TrainFold" and not key[1].startswith(f"fold{held_out:02d}")}
    later = {
        key
        for key in before
        if key[0] in {"AssignFolds", "CompareFeatures", "PackFeatures", "PredictBaselines", *UNFOLDED, *EVALUATION}
    }
    wanted = {key for key in (own & before.keys()) | trained | later if key[0] in expected}
    assert {key for key in before if before[key] != after[key]} == wanted


def before_folds(keys: Keys) -> set[str]:
    return {stage for stage, _ in keys} - {"CompareFeatures", "PackFeatures", *FOLDS}


def test_a_note_in_another_column_changes_nothing(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    with inside(project):
        before = present_keys()
    project.write_rows([{**row, "comment": "checked by a second reader"} for row in project.rows])
    with inside(project):
        assert present_keys() == before
    with (project.folder / "data_manifest.csv").open() as file:
        assert "comment" in next(csv.reader(file))
