"""A classifier that was trained elsewhere, from its checkpoints to an answer, as people do it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import feature_examples
import pytest
import torch
from checkpoint_examples import NUM_SEGMENTS, RECIPE, Authors, hostile, write
from small_project import Project, make_small_project

import seizures
from seizures.prediction.asked import asked_of_features

torch.set_num_threads(1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of a laboratory that has no cohort, with two checkpoints and a recipe."""
    project = make_small_project(tmp_path)
    (project.folder / "data_manifest.csv").unlink()
    for name, seed in (("a", 0), ("b", 1)):
        write(project.folder / f"{name}.ckpt", Authors("blstm", seed=seed))
    write_recipe(project)
    return project


def write_recipe(project: Project, **changes: Any) -> None:
    stated = {**RECIPE, **changes}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in stated.items() if value is not None]
    (project.folder / "recipe.toml").write_text("".join(lines))


def pack(project: Project, checkpoints: str = "a.ckpt, b.ckpt", to: str = "classifier.zip") -> tuple[int, str]:
    run = project.luigi("PackClassifier", "--checkpoint", checkpoints, "--recipe", "recipe.toml", "--to", to)
    return run.exit_code, run.output


def leftovers(project: Project) -> list[str]:
    return sorted(path.name for path in project.folder.iterdir() if "zip" in path.name or "tmp" in path.name)


def test_packed_checkpoints_answer_as_the_authors_network_does(project: Project) -> None:
    write_recipe(project, site="LAB1", frame_rate_hz=16.0)
    code, output = pack(project)
    assert code == 0, output
    ending = output[output.rindex("PackClassifier: ") :].splitlines()
    path = project.folder / "classifier.zip"
    classifier = seizures.open_classifier(path)
    assert ending == [
        f"PackClassifier: classifier.zip is written: classifier {classifier.id}, 2 seeds, "
        "blstm of 5 units on 4 snippets of 6 features, FOS or TCS",
        "  the network their_network is not in this software: ask it with features, not with films",
        "  not known: on whom it was trained, how well it does, and which films are unlike those of its training",
        "  so its probabilities are not calibrated, it never abstains, and cannot tell a film that it was trained on",
        "  try it first on seizures whose label you know: TestClassifier",
    ]
    head = feature_examples.header(network="their_network", weights_sha256=RECIPE["weights_sha256"])
    features = feature_examples.write(project.folder / "P01+02.h5", head)
    answer = classifier.predict(features)
    with seizures.open_features(features) as file, torch.inference_mode():
        middles = torch.stack(list(asked_of_features(file, NUM_SEGMENTS).middles.values()))
        wanted = torch.stack([Authors("blstm", seed=seed)(middles) for seed in range(2)])
    assert wanted.std() > 0.01
    assert answer.probability == pytest.approx(float(wanted.mean()), abs=1e-6)
    with zipfile.ZipFile(path) as archive:
        assert {"classifier.json", "classifier.safetensors", "CARD.md", "SHA256SUMS"} == {*archive.namelist()}
        assert not any(b"/home/x" in archive.read(name) for name in archive.namelist())


def test_a_file_that_is_there_is_never_written_over(project: Project) -> None:
    (project.folder / "classifier.zip").write_bytes(b"mine")
    code, output = pack(project)
    assert code == 2
    assert "classifier.zip: already exists; a classifier's file is never changed, so choose another name" in output
    assert (project.folder / "classifier.zip").read_bytes() == b"mine"
    code, output = pack(project, to="classifier.pt")
    assert (code, leftovers(project)) == (2, ["classifier.zip"])
    assert "--to classifier.pt: expected a name that ends in .zip" in output


def test_all_mistakes_are_told_at_once_and_nothing_is_written(project: Project) -> None:
    files = hostile(project.folder, project.folder / "canary")
    write_recipe(
        project, network="r2plus1d_34_8_kinetics", frames_per_snippet=16, labels=["FOS"], preprocesing="letterbox"
    )
    code, output = pack(project, f"a.ckpt,nowhere.ckpt,{files['object'].name}")
    assert code == 2, output
    for line in (
        "nothing is packed:",
        "  nowhere.ckpt: no such file",
        "  object.ckpt: it holds other objects than weights",
        "  labels = \"['FOS']\": expected the negative and the positive label",
        "  preprocesing: no such key - did you mean preprocessing?",
        "  frames_per_snippet = 16: the network r2plus1d_34_8_kinetics takes 8 frames",
    ):
        assert line in output
    assert "Traceback" not in output
    assert not (project.folder / "canary").exists()
    assert leftovers(project) == []


def test_weights_that_the_network_does_not_fit_are_refused(project: Project) -> None:
    write_recipe(project, network="r2plus1d_34_8_kinetics")
    code, output = pack(project)
    assert code == 2
    assert "r2plus1d_34_8_kinetics: it gives 512 features, and the checkpoints take 6" in output
    assert leftovers(project) == []


def test_a_file_that_would_not_be_read_is_not_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from in_process import inside

    import pipeline
    from seizures.errors import SeizuresError
    from seizures.exchange import classifier_file

    def fail(*_: object) -> None:
        raise SeizuresError("not sound")

    monkeypatch.setattr(classifier_file, "read_classifier", fail)
    with inside(project):
        task = pipeline.PackClassifier(checkpoint="a.ckpt", recipe="recipe.toml", to="classifier.zip")
        with pytest.raises(SeizuresError, match="not sound"):
            task.answer()
    assert leftovers(project) == []
