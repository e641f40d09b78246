"""Status: is RunAll complete for the present settings?"""

from __future__ import annotations

import luigi.retcodes

from pipeline.front_door import Answer, Question
from pipeline.verdict import everything_is_complete, published, verdict
from tasks.machinery.atomic import only_asking
from tasks.machinery.tables import table
from tasks.stages.folds import unusable
from tasks.upkeep.plan import damage, make_plan, stage_states


class Status(Question):
    """Count what is there, stage by stage, and end with 0 if, and only if, RunAll is complete and nothing is damaged.

    The other exit codes are those of `[retcode]`: `not_run` (25) where something is still to be run, and `task_failed`
    (30) where all is written, with recordings excluded, as RunAll itself ends then.
    """

    thorough: bool = luigi.BoolParameter(description="read every result, and compare it with its hash")

    @only_asking()
    def answer(self) -> Answer:
        """Return a table, the verdict, and the exit code."""
        plan = make_plan()
        damaged = [f"  damaged: {path}: {fault}\n" for path, fault in damage(plan.stages, thorough=self.thorough)]
        rows: list[tuple[object, ...]] = [("stage", "complete", "missing", "bad", "not needed")]
        for family, state in stage_states(plan).items():
            missing = f"about {state.missing}" if family in plan.estimated else state.missing
            rows.append((family, state.complete, missing, state.bad, state.not_needed))
        words, code = self._verdict(), self._exit_code()
        if damaged:
            words = "".join([words, *damaged, "RunAll sets damaged results aside and makes them again.\n"])
            code = code or int(luigi.retcodes.retcode().not_run)
        return Answer(f"{table(rows)}\n\n{words}", code)

    def _verdict(self) -> str:
        if everything_is_complete() or published():
            return verdict(everything_is_complete())
        return "RunAll: NOT complete. `luigi --module pipeline Plan` tells what it would do, and why.\n"

    def _exit_code(self) -> int:
        codes = luigi.retcodes.retcode()
        if everything_is_complete():
            return 0
        return int(codes.task_failed if published() and unusable() else codes.not_run)
