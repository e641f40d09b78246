"""What a person puts into `results/current`, or changes there, is kept, and the run says where."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest
from in_process import inside
from small_project import Project

from tasks.machinery import disks
from tasks.stage import publishing
from tasks.stages.evaluation import PoolPredictions
from tasks.stages.report import WriteReport
from tasks.upkeep.prune import RUNS, Unused, delete


def publish() -> Path:
    return publishing.publish(WriteReport(), {"predictions.csv": PoolPredictions()}, {})


def make_real_folder(current: Path) -> None:
    """Do what `cp -rL` and a zip do."""
    copy = current.with_name("copy")
    shutil.copytree(current, copy)
    current.unlink()
    copy.rename(current)


@pytest.mark.parametrize("name", ["predictions.csv", "index.csv", "summary.json", "new.txt", "figures/new.txt"])
@pytest.mark.parametrize("has_links", [True, False])
def test_what_a_person_wrote_into_a_real_folder_is_kept(
    done: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, has_links: bool, name: str
) -> None:
    monkeypatch.setattr(publishing, "has_links", lambda _: has_links)
    with inside(done), caplog.at_level(logging.WARNING, publishing.__name__):
        current = publish().absolute()
        if has_links:
            make_real_folder(current)
        publish()
        if has_links:
            make_real_folder(current)
        assert caplog.messages == []  # untouched, it is replaced without a word
        (current / name).parent.mkdir(exist_ok=True)
        with (current / name).open("a") as file:
            file.write("of the ward round")
        publish()
    kept = current.with_name("current.kept-1") / name
    assert kept.read_text().endswith("of the ward round")
    assert not (current / name).exists() or not (current / name).read_text().endswith("of the ward round")
    (said,) = caplog.messages
    assert "kept as current.kept-1" in said


@pytest.mark.parametrize("is_damaged", [False, True])
def test_what_a_person_put_behind_the_link_is_kept_too(
    done: Project, caplog: pytest.LogCaptureFixture, is_damaged: bool
) -> None:
    with inside(done), caplog.at_level(logging.WARNING, publishing.__name__):
        current = publish().absolute()
        run = current.resolve()
        (current / "my notes.txt").write_text("of the ward round")
        if is_damaged:
            (run / "summary.json").write_bytes(b"")
        publish()
        publish()
    assert (run.with_name(f"{run.name}.kept-1") / "my notes.txt").read_text() == "of the ward round"
    (said,) = caplog.messages
    assert "my notes.txt" in said


@pytest.mark.parametrize("is_link", [False, True])
def test_something_else_in_the_place_of_a_run_is_kept(done: Project, is_link: bool) -> None:
    with inside(done):
        run = publish().resolve()
        shutil.rmtree(run)
        run.symlink_to("nowhere") if is_link else run.write_text("of the ward round")
        publish()
        assert publishing.published_key() == WriteReport().key
        assert os.path.lexists(run.with_name(f"{run.name}.kept-1"))
        (run / "my notes.txt").write_text("of the ward round")
        publish()
    assert (run.with_name(f"{run.name}.kept-2") / "my notes.txt").is_file()  # also where the first leads nowhere


def test_a_copy_of_current_that_was_changed_is_not_what_was_published(done: Project) -> None:
    with inside(done):
        current = publish().absolute()
        make_real_folder(current)
        assert publishing.published_key() == WriteReport().key
        (current / "predictions.csv").write_text("edited")
        assert publishing.published_key() is None


def test_a_file_in_the_place_of_a_folder_of_a_run_is_made_again(done: Project) -> None:
    assert done.run_all().exit_code == 0
    figures = (done.results / "current").resolve() / "figures"
    shutil.rmtree(figures)
    figures.write_text("of the ward round")
    assert done.luigi("Status").exit_code == 25
    run = done.run_all()
    assert run.exit_code == 0, run
    assert figures.is_dir()
    kept = figures.parent.with_name(f"{figures.parent.name}.kept-1")
    assert (kept / "figures").read_text() == "of the ward round"


def test_a_run_that_is_pruned_leaves_what_a_person_put_there(done: Project) -> None:
    with inside(done):
        run = publish().resolve()
        (run / "my notes.txt").write_text("of the ward round")
        delete([Unused(RUNS, run.name, (run,), 0, 0)])
    assert not run.exists()
    assert (run.with_name(f"{run.name}.kept-1") / "my notes.txt").read_text() == "of the ward round"


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "Desktop.ini", ".~lock.index.csv#", "~$index.xlsx"])
def test_what_a_system_leaves_in_a_folder_goes(done: Project, caplog: pytest.LogCaptureFixture, name: str) -> None:
    with inside(done), caplog.at_level(logging.WARNING, publishing.__name__):
        current = publish().absolute()
        (current / name).write_bytes(b"1")
        publish()
        assert not (current / name).exists()
        make_real_folder(current)
        (current / name).write_bytes(b"1")
        publish()
    assert current.is_symlink()
    assert caplog.messages == []


def test_a_sealed_note_in_the_place_of_the_summary_is_none(done: Project) -> None:
    with inside(done):
        current = publish()
        note = next(done.results.glob("AssignFolds/*/*.why.json"))
        assert publishing.published_key() == WriteReport().key
        shutil.copyfile(note, current / "summary.json")
        assert publishing.published_key() is None
        assert "damaged" in publishing.fault_of_listed(current, "index.csv")
        publish()
        assert publishing.published_key() == WriteReport().key


def test_nothing_is_published_beneath_a_disk_that_went_away(done: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with inside(done):
        report, predictions = WriteReport(), PoolPredictions()
        monkeypatch.setattr(disks, "_roots", {})
        disks.make_root(done.results, is_group_writable=False)
        done.results.rename(done.folder / "elsewhere")
        with pytest.raises(disks.DiskGoneError):
            publishing.publish(report, {}, {})
        with pytest.raises(disks.DiskGoneError):
            publishing.publish_beside("sweep", report, {"predictions.csv": predictions}, {})
    assert not done.results.exists()
