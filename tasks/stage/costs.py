"""What the stages of a run cost when their results were made: seconds, and how much they worked through in a second."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tasks.stage.stage import Stage


class StageCost(NamedTuple):
    """All results of one kind of stage: `seconds` of each, summed, and the amount that was worked through in them."""

    stage: str
    num_results: int
    seconds: float
    amount: int
    unit: str

    @property
    def throughput(self) -> str:
        """How much in a second of one worker, such as `1,250 frames/s`; empty where it is not counted."""
        if not self.unit or self.seconds <= 0:
            return ""
        pace = self.amount / self.seconds
        return f"{pace:,.0f} {self.unit}/s" if pace >= 10 else f"{pace:.2g} {self.unit}/s"


def stage_costs(stages: Iterable[Stage]) -> list[StageCost]:
    """Return what each kind of stage cost, in the order of the stages, from the notes beside their results."""
    found: dict[str, StageCost] = {}
    for stage in stages:
        try:
            note = json.loads(stage.file("why.json").read_text(encoding="utf-8"))
            seconds, amount = float(note["seconds"]), int(note.get("amount", 0))
        except (FileNotFoundError, ValueError, KeyError):
            continue
        name = stage.task_family
        _, count, total, amounts, unit = found.get(name, StageCost(name, 0, 0.0, 0, ""))
        found[name] = StageCost(name, count + 1, total + seconds, amounts + amount, unit or str(note.get("unit", "")))
    return list(found.values())


def cost_table(costs: Iterable[Mapping[str, Any]]) -> str:
    """Return the costs, as a run's summary keeps them, as lines of text with a heading."""
    rows = [StageCost(**cost) for cost in costs]
    lines = [f"{'stage':<20}{'results':>8}{'seconds':>10}   throughput of one worker"]
    lines += [f"{row.stage:<20}{row.num_results:>8}{row.seconds:>10.1f}   {row.throughput}".rstrip() for row in rows]
    total = sum(row.seconds for row in rows)
    return "\n".join([*lines, f"{'all':<20}{sum(row.num_results for row in rows):>8}{total:>10.1f}", ""])
