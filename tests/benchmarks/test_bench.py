"""The table of `make bench`, without measuring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import bench
from benchmarks.measure import Row, Run, in_turns, median, once

REPOSITORY = Path(__file__).parents[2]


def test_ways_take_turns_and_medians_are_kept() -> None:
    order: list[str] = []
    found = in_turns({name: (order.append, (name,)) for name in "ab"}, 3, once)
    assert order == list("ababab")
    assert set(found) == {"a", "b"}
    assert median([Run(3, 1, 5, "x"), Run(1, 1, 9, "y"), Run(2, 1, 1, "z")]) == Run(2, 1, 5, "z")


def test_results_are_kept_above_the_earlier_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "RESULTS.md")
    bench.RESULTS.write_text("# Results\n\nHow.\n")
    for ours in ("1.00 s", "2.00 s"):
        bench.keep([bench.HEADING, bench.line(Row("decode", ours, "4.00 s", times_the_peer=4))])
    text = bench.RESULTS.read_text()
    assert text.startswith("# Results\n\nHow.\n\n## 2")
    assert text.index("2.00 s") < text.index("1.00 s")
    assert "| decode | 2.00 s | 4.00 s |  | 4.00 |  |  |" in text
    assert text.count("\n## ") == 2


def test_the_command_starts() -> None:
    command = [sys.executable, "-m", "benchmarks.bench", "--help"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "make bench" in ended.stdout
