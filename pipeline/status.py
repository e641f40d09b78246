"""Status: is RunAll complete for the present settings?"""

from __future__ import annotations

import luigi.retcodes

from pipeline.front_door import Answer, Question
from pipeline.verdict import everything_is_complete, published, verdict
from tasks.machinery.tables import table
from tasks.stages.folds import unusable
from tasks.upkeep.plan import make_plan, stage_states


class Status(Question):
    """Count what is there, stage by stage, and end with 0 if, and only if, RunAll is complete.

    The other exit codes are those of `[retcode]`: `not_run` (25) where something is still to be run, and `task_failed`
    (30) where all is written, with recordings excluded, as RunAll itself ends then.
    """

    def answer(self) -> Answer:
        """Return a table, the verdict, and the exit code."""
        plan = make_plan()
        rows: list[tuple[object, ...]] = [("stage", "complete", "missing", "bad", "not needed")]
        for family, state in stage_states(plan).items():
            missing = f"about {state.missing}" if family in plan.estimated else state.missing
            rows.append((family, state.complete, missing, state.bad, state.not_needed))
        return Answer(f"{table(rows)}\n\n{self._verdict()}", self._exit_code())

    def _verdict(self) -> str:
        if everything_is_complete() or published():
            return verdict(everything_is_complete())
        return "RunAll: NOT complete. `luigi --module pipeline Plan` tells what it would do, and why.\n"

    def _exit_code(self) -> int:
        codes = luigi.retcodes.retcode()
        if everything_is_complete():
            return 0
        return int(codes.task_failed if published() and unusable() else codes.not_run)
