"""Plan: what RunAll, or Predict, would do, and why, without doing it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import luigi

from pipeline.asking import ClassifierQuestion
from pipeline.front_door import Answer, Question
from pipeline.verdict import everything_is_complete
from seizures.errors import SettingsError
from tasks.machinery.atomic import only_asking
from tasks.machinery.tables import say_seconds, shorten, table
from tasks.settings.sections import PathParameter
from tasks.stage.publishing import walk
from tasks.stages.answer_pages import PoolAnswers, answers_and_pages
from tasks.upkeep.plan import Plan as Foreseen
from tasks.upkeep.plan import long_ways, make_plan, plan_of, stage_states

ASKED = ("manifest", "video_root", "features", "allow_mixed")
PREDICT_OPTIONS = (*ASKED, "verdict_only")
MAX_LABELS, MAX_CHANGES, MAX_GROUPS = 6, 4, 8


class Plan(Question):
    """List what RunAll would run with the present settings, and which field of which earlier result has changed.

    With --classifier and --manifest, it lists what Predict would run.
    """

    save: str = luigi.Parameter(default="", description="keep the plan under this name; Prune keeps what it names")
    classifier: str = PathParameter(default="", description="plan Predict with this file instead")
    manifest: str = PathParameter(default="", description="of Predict")
    video_root: str = PathParameter(default="", description="of Predict")
    features: str = PathParameter(default="", description="of Predict")
    allow_mixed: bool = luigi.BoolParameter(default=False, description="of Predict")
    verdict_only: bool = luigi.BoolParameter(default=False, description="of Predict")

    def check_input(self) -> None:
        """Check what RunAll, or Predict, would be given."""
        if not self.classifier:
            if any(getattr(self, name) for name in PREDICT_OPTIONS):
                words = ", ".join(f"--{name.replace('_', '-')}" for name in PREDICT_OPTIONS)
                raise SettingsError(f"{words} are of Predict; to plan it, name its --classifier too")
            super().check_input()

    @only_asking()
    def answer(self) -> Answer:
        """Return the plan as text; the exit code is 0."""
        if self.save and not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", self.save):
            raise SettingsError(f"--save {self.save}: expected a name of letters, digits, - _ .")
        if self.classifier:
            told, plan, more = "Predict", self._plan_of_predict(), ""
        else:
            told, plan = "RunAll", make_plan()
            is_all = bool(plan.steps) or everything_is_complete()
            more = "" if is_all else " RunAll would point results/current to these results."
        done = "" if plan.steps else f"\nNothing to compute.{more}"
        parts = [f"Plan: what {told} would run with the present settings. Nothing was run.", ""]
        parts += [_overview(plan), *_reasons(plan), *_notes(plan, done)]
        if self.save:
            parts += ["", f"saved as {plan.save(self.save)}: Prune keeps what it names until you delete that file"]
        return Answer("\n".join(parts) + "\n", 0)

    def _plan_of_predict(self) -> Foreseen:
        ClassifierQuestion(classifier=self.classifier, **{name: getattr(self, name) for name in ASKED})
        foreseen = [
            *answers_and_pages(self.classifier, verdict_only=self.verdict_only),
            PoolAnswers(classifier=self.classifier, has_pages=not self.verdict_only),
        ]
        return plan_of(foreseen, walk(*foreseen), {})


def _overview(plan: Foreseen) -> str:
    rows: list[tuple[object, ...]] = [("stage", "new", "stale", "up to date", "time")]
    total, unknown = 0.0, False
    for family, state in stage_states(plan).items():
        steps = [step for step in plan.steps if step.stage.task_family == family]
        times = [step.seconds for step in steps]
        times += [plan.seconds_each.get(family)] * plan.estimated.get(family, 0)
        known = [seconds for seconds in times if seconds is not None]
        total, unknown = total + sum(known), unknown or len(known) < len(times)
        num_new = sum(step.changes is None for step in steps)
        new = f"about {plan.estimated[family]}" if family in plan.estimated else num_new
        time = "" if not times else say_seconds(sum(known)) if known else "?"
        rows.append((family, new, len(steps) - num_new, state.complete + state.bad, time))
    if plan.steps or plan.estimated:
        rows.append(
            ("", "", "", "", f"{'over' if unknown and total else 'about'} {say_seconds(total)}" if total else "?")
        )
    return table(rows)


def _reasons(plan: Foreseen) -> Iterator[str]:
    """Yield a few lines for each stage, one group for all results that changed in the same way."""
    groups: dict[tuple[str, tuple[str, ...] | None], list[str]] = {}
    families = list(dict.fromkeys(step.stage.task_family for step in plan.steps))
    for step in sorted(plan.steps, key=lambda step: families.index(step.stage.task_family)):
        groups.setdefault((step.stage.task_family, step.changes), []).append(step.stage.label)
    shown: dict[str, int] = {}
    for (family, changes), labels in groups.items():
        shown[family] = shown.get(family, 0) + 1
        if shown[family] > MAX_GROUPS:
            continue
        if changes is not None or len(shown) == shown[family] == 1:
            yield ""
        yield f"{'NEW  ' if changes is None else 'STALE'} {family}: {shorten(list(dict.fromkeys(labels)), MAX_LABELS)}"
        yield from (f"        {change}" for change in (changes or ())[:MAX_CHANGES])
        if changes is not None and len(changes) > MAX_CHANGES:
            yield f"        and {len(changes) - MAX_CHANGES} more changes"
        if changes == ():
            yield "        nothing changed; the result is not there"
    for family, number in shown.items():
        if number > MAX_GROUPS:
            yield f"\n      {family}: and {number - MAX_GROUPS} more kinds of change"


def _notes(plan: Foreseen, done: str) -> Iterator[str]:
    ways = long_ways(plan)
    for names, words in ways[:MAX_LABELS]:
        yield f"\nLONG  DecodeRecording: {names}\n        {words}"
    if len(ways) > MAX_LABELS:
        yield f"\n      DecodeRecording: and {len(ways) - MAX_LABELS} more such windows"
    if plan.estimated:
        yield "\nA duration is unknown until its video is decoded, and so are the folds: what follows is estimated."
    elif done:
        yield done
    if plan.steps:
        yield "\nTimes are of one process after the other, from earlier results; ? where there is none."
