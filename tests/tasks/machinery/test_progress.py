"""A log is told now and then how far a long task is, luigid at most once a second, and a terminal by a bar."""

from __future__ import annotations

import io
import logging
import sys

import luigi
import pytest

from tasks.machinery import progress as module
from tasks.machinery.progress import in_words, progress


class Long(luigi.Task):
    """A task that Luigi has given the means to show a percentage."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[int] = []
        self.set_progress_percentage = self.shown.append


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_half_minute_and_the_page_a_figure_every_second(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    task = Long()
    with caplog.at_level(logging.INFO, "tasks"), progress(task, "P01+01+large", "frames") as tell:
        for done in range(1, 301):
            clock[0] += 0.25
            tell(done, 600)
    assert [record.getMessage() for record in caplog.records] == [
        "P01+01+large: 120 of 600 frames, 20 %, 2:00 min left",
        "P01+01+large: 240 of 600 frames, 40 %, 1:30 min left",
    ]
    assert len(task.shown) == 75
    assert task.shown[-1] == 50


def test_a_terminal_gets_a_bar_and_no_lines(
    clock: list[float], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with caplog.at_level(logging.INFO, "tasks"), progress(luigi.Task(), "fold00+seed0", "epochs") as tell:
        for done in (1, 50):
            clock[0] += 40
            tell(done, 100)
    assert "fold00+seed0" in terminal.getvalue()
    assert caplog.records == []


def test_an_unknown_end_has_no_percentage() -> None:
    assert in_words(64, 0, "frames", 3.0) == "64 frames"
    assert in_words(0, 10, "epochs", 3.0) == "0 of 10 epochs, 0 %"
