"""The last words of a run: done or not, how well, what was left out, where to look."""

from __future__ import annotations

from typing import Any

from tasks.settings.sections import Demo, results_root, section
from tasks.stage.costs import cost_table
from tasks.stage.publishing import lost, published_key, read_summary
from tasks.stages.features import all_features, features_of_run
from tasks.stages.folds import all_dealings, unusable
from tasks.stages.report import WriteReport


def verdict(complete: bool) -> str:
    """Return a few lines for a person; `complete` is RunAll's own word, false also where recordings were left out."""
    missing = [stage.label for stage in all_features() if not stage.complete()]
    bad = [] if missing else unusable()
    lines = [f"  left out: {item.name}: {item.reason}" for item in bad]
    if not complete and (missing or not has_all_results()):
        ending = (
            "the first error above says why, or it was told to stop. Run the same command again to go on from here."
        )
        return "\n".join([f"RunAll: NOT complete; {ending}", *lines, ""])
    if bad:
        lines.append("  to end with exit code 0, repair the file or set use = skip in its row of the manifest")
    word = f"complete, with {len(bad)} recording{'s' if len(bad) > 1 else ''} excluded" if bad else "complete"
    table = cost_table(_summary().get("costs", []))
    return "\n".join(
        [
            f"{table}\nRunAll: {word}. {_summary().get('verdict', 'No results are published.')}",
            *lines,
            f"  report{' (of simulated films)' if section(Demo).enabled else ''}: "
            f"{results_root() / 'current' / 'report.html'}",
            "",
        ]
    )


def published() -> bool:
    """Tell whether the report of the present settings exists, and `current` shows it."""
    # The folds are asked for only then: a duration may be unknown until the features are there.
    if not all(stage.complete() for stage in features_of_run()) or not all(
        stage.complete() for stage in all_dealings()
    ):
        return False
    report = WriteReport()
    return report.complete() and published_key() == report.key


def has_all_results() -> bool:
    """Tell whether the report is published, and every result that it rests on is there."""
    return published() and not lost([WriteReport()])


def everything_is_complete() -> bool:
    """Tell whether RunAll is complete: all results are there, the report is published, and no recording is unusable."""
    return has_all_results() and not unusable()


def _summary() -> dict[str, Any]:
    """Return what the run said of itself when it was published; what the stages cost is when they were made."""
    return read_summary(results_root() / "current") or {}
