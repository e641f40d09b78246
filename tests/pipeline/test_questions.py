"""Plan, Status and Prune: what they say, what they end with, and that they touch nothing they should not."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from in_process import inside, put, setting
from small_project import Project

from pipeline import Plan, Prune, Status
from seizures.errors import SeizuresError
from seizures.inspection.verdict import FileFacts
from seizures.settings import canonical
from tasks.machinery.run_lock import presence
from tasks.stages.inspection import surveyed
from tasks.upkeep.plan import Plan as Foreseen
from tasks.upkeep.plan import make_plan

DAYS = 86400


def files(project: Project) -> dict[str, int]:
    """Return every file and link of the results, but for the remembered hashes, with its time."""
    return {
        path.relative_to(project.results).as_posix(): path.lstat().st_mtime_ns
        for path in project.results.rglob("*")
        if "fingerprints" not in path.parts and (path.is_symlink() or not path.is_dir())
    }


def age(project: Project, *patterns: str, days: float = 3) -> None:
    """Make files look old."""
    then = time.time() - days * DAYS
    for pattern in patterns:
        for path in project.results.glob(pattern):
            os.utime(path, (then, then), follow_symlinks=False)


@contextmanager
def unchanged(project: Project) -> Iterator[None]:
    before = files(project)
    yield
    assert files(project) == before


def counts(plan: Foreseen) -> dict[str, int]:
    found: dict[str, int] = {}
    for step in plan.steps:
        found[step.stage.task_family] = found.get(step.stage.task_family, 0) + 1
    return found


def test_on_the_command_line_the_answer_is_all_that_is_printed(done: Project) -> None:
    with unchanged(done):
        plan = done.luigi("Plan", "--Training-hidden-units", "9")
        status = done.luigi("Status", "--Training-hidden-units", "9")
        complete = done.luigi("Status")
    assert (plan.exit_code, status.exit_code, complete.exit_code) == (0, 25, 0)
    assert plan.output.startswith("Plan: what RunAll would run")
    assert "STALE TrainFold: fold00+seed0, fold00+seed1" in plan.output
    assert "settings.hidden_units: 8 -> 9" in plan.output
    assert "Luigi" not in plan.output + status.output.replace("luigi", "")
    assert re.search(r"TrainFold +0 +4 +0 +0\n", status.output)
    assert "NOT complete" in status.output
    assert re.search(
        r"RunAll: complete\. Simulated films, no patients: \S+ of 6 seizures in 4 patients", complete.output
    )


def test_before_anything_ran_all_is_new(project: Project) -> None:
    with inside(project):
        plan = make_plan()
        features = {"SimulateRecording": 12, "DecodeRecording": 12, "ExtractFeatures": 12, "AssignFolds": 1}
        features |= {"CompareFeatures": 1, "PackFeatures": 1}
        scores = {"TrainFold": 4, "EvaluateFold": 4, "PoolPredictions": 1, "ScorePredictions": 1}
        scores |= {"PredictBaselines": 1, "CalibrateProbabilities": 1, "DrawPictures": 1, "WriteReport": 1}
        scores |= {"UnfoldFold": 2, "PoolUnfolding": 1, "ScoreUnfolding": 1}
        scores |= {"WriteProvenance": 1, "TabulateChecklists": 1, "WriteChecklists": 1}
        assert counts(plan) == {**features, **scores}
        assert all(step.changes is None and step.seconds is None for step in plan.steps)
        assert not files(project)
        assert Status().answer().exit_code == 25


def test_while_a_duration_is_unknown_the_folds_are_estimated(project: Project) -> None:
    project.write_rows([{**row, "offset_seconds": ""} for row in project.rows])
    with inside(project):
        text, exit_code = Plan().answer()
        assert exit_code == 0
        assert re.search(r"TrainFold +about 4 ", text)
        assert "estimated" in text
        assert Status().answer().exit_code == 25


def test_an_edited_onset_is_told_with_its_old_and_new_value(done: Project) -> None:
    rows = done.rows
    for row in rows[:2]:
        row["onset_seconds"] = "1.75"
    done.write_rows(rows)
    with inside(done), unchanged(done):
        text = Plan().answer().text
        assert "STALE DecodeRecording: P01+01+large, P01+01+small\n        onset_seconds: 1.6 -> 1.75\n" in text
        assert "STALE ExtractFeatures: P01+01\n        DecodeRecording: its own\n" in text
        assert re.search(r"STALE TrainFold: (fold0\d)\+seed0, \1\+seed1\n        ExtractFeatures: P01\+01\n", text)
        plan = make_plan()
        assert counts(plan)["TrainFold"] == 2
        assert counts(plan)["EvaluateFold"] == 4
        assert all(step.seconds is not None and step.seconds > 0 for step in plan.steps)


def test_many_changes_are_told_in_few_lines(done: Project) -> None:
    with inside(done), setting("Frames", "frame_rate_hz", 14):
        text = Plan().answer().text
    assert "frames.frame_rate_hz: 15.0 -> 14.0" in text
    assert len(text.splitlines()) < 110
    assert max(map(len, text.splitlines())) <= 120


def test_a_long_way_to_a_window_is_told_from_the_survey(project: Project) -> None:
    rows = project.rows
    for row in rows[:2]:
        row |= {"onset_seconds": "80", "offset_seconds": "90", "clonic_onset_seconds": "85"}
    project.write_rows(rows)
    facts = FileFacts(rows[0]["video"], duration_seconds=100, keyless_from_seconds=2, keyless_seconds=95)
    with inside(project):
        assert "LONG" not in Plan().answer().text  # nobody knows before InspectVideos
        put(surveyed(rows[0]["video"]), json.dumps(canonical(facts)).encode())
        text = Plan().answer().text
    words = "no key frame from 2 s to 97 s: a window there is decoded from 2 s on, 78 s of film before its onset"
    assert f"LONG  DecodeRecording: P01+01+large, {rows[0]['video']}\n        {words}\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_with_nothing_to_do_the_plan_says_so(finished: Project) -> None:
    with inside(finished), unchanged(finished):
        assert "\nNothing to compute.\n" in Plan().answer().text


def test_prune_keeps_what_a_run_a_plan_or_the_present_settings_name(done: Project) -> None:
    others = [done.results / "TrainFold" / "fold00+seed0" / f"{'ab' * 6}.{end}" for end in ("pt", "why.json")]
    strangers = [
        done.results / name for name in ("TrainFold/fold00+seed0/notes.txt", "SurveyFile/a/0123456789ab.json", "x.h5")
    ]
    for path in (*others, *strangers):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    before = files(done)
    age(done, "**/*")
    with inside(done):
        listed = Prune().answer().text
        assert "TrainFold/fold00+seed0/abababababab" in listed
        assert "Nothing was deleted" in listed
        assert files(done).keys() == before.keys()
        assert "All of it was deleted" in Prune(delete=True).answer().text
        assert before.keys() - files(done).keys() == {path.relative_to(done.results).as_posix() for path in others}
        assert Status().answer().exit_code == 0


def test_prune_lets_old_runs_go_and_what_they_alone_used(done: Project) -> None:
    age(done, "TrainFold/*/*", "runs/*")
    other = done.run_all("--Training-hidden-units", "9", "--Training-num-seeds", "1")
    assert other.exit_code == 0, other
    with inside(done):
        assert "TrainFold" not in Prune().answer().text
        done.set("Training", num_seeds=1)
    with inside(done):  # of the first run, seed 0 is what the present settings name too
        first = {path.resolve() for path in done.results.glob("TrainFold/*+seed1/*")}
        Plan(save="first").answer()
        deleted = Prune(delete=True, keep_runs=1).answer().text
        assert "(old runs)" in deleted
        assert {path.resolve() for path in done.results.glob("TrainFold/*+seed1/*")} == set()
        assert len(first) == 4
        assert len(list(done.results.glob("TrainFold/*+seed0/*.pt"))) == 4
    with inside(done), setting("Training", "hidden_units", 7):  # now only the saved plan names the first run's seed 0
        Prune(delete=True, keep_runs=1).answer()
        assert len(list(done.results.glob("TrainFold/*+seed0/*.pt"))) == 4
        (done.results / "plans" / "first.json").unlink()
        Prune(delete=True, keep_runs=1).answer()
        assert len(list(done.results.glob("TrainFold/*+seed0/*.pt"))) == 2


def test_prune_refuses_where_it_cannot_know_what_is_used(done: Project) -> None:
    age(done, "**/*")
    next(done.results.glob("runs/*/index.csv")).unlink()
    with inside(done), unchanged(done), pytest.raises(SeizuresError, match=r"index\.csv: cannot be read"):
        Prune(delete=True).answer()


def test_prune_knows_what_a_run_of_an_earlier_release_used(done: Project) -> None:
    age(done, "**/*")
    summary = next(done.results.glob("runs/*/summary.json"))
    earlier = {name: value for name, value in json.loads(summary.read_text()).items() if name not in ("seal", "files")}
    summary.write_text(json.dumps(earlier))
    with inside(done):
        assert "\n  none\n" in Prune().answer().text
    summary.write_text(json.dumps(earlier)[:-9])
    with inside(done), pytest.raises(SeizuresError, match=r"index\.csv: cannot be read"):
        Prune().answer()


def test_prune_deletes_nothing_while_a_run_is_at_work(done: Project) -> None:
    age(done, "**/*")
    with inside(done), presence(done.results / ".run" / "other.json", task="RunAll()"), unchanged(done):
        with pytest.raises(SeizuresError, match="another run is at work here"):
            Prune(delete=True).answer()
        assert "Prune" in Prune().answer().text


def test_prune_drops_the_frames_of_complete_features_alone(done: Project) -> None:
    one = next(done.results.glob("ExtractFeatures/P01+01/*.h5"))
    one.unlink()
    with inside(done):
        assert "\n  none\n" in Prune(frames_only=True, delete=True).answer().text  # all too young
        Prune(frames_only=True, delete=True, older_than_days=0).answer()
        left = {path.parent.name for path in done.results.glob("DecodeRecording/*/*.h5")}
        assert left == {"P01+01+large", "P01+01+small"}
    with inside(done):
        assert counts(make_plan()) == {"ExtractFeatures": 1}
        assert re.search(r"DecodeRecording +2 +0 +0 +10\n", Status().answer().text)


def test_prune_removes_what_killed_processes_left_a_day_ago(done: Project) -> None:
    left = [done.results / name for name in ("DecodeRecording/P01+01+large/.0123456789ab.host.1.tmp.h5",)]
    left.append(done.results / "runs" / ".0123456789ab.host.77.tmp" / "index.csv")
    left[1].parent.mkdir()
    for path in left:
        path.write_text("half")
    link = done.results / ".current.host.77.tmp"
    link.symlink_to("runs")
    with inside(done):
        Prune(delete=True, older_than_days=0).answer()
        assert all(path.exists() for path in left)
        age(done, "**/.*")
        Prune(delete=True).answer()
    assert not any(path.exists() for path in left)
    assert not link.is_symlink()
    assert Path(done.results / "current" / "report.html").exists()
