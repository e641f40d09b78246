"""Prune: what the results folder holds that nothing uses any more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import luigi

from pipeline.front_door import Answer, Question
from pipeline.working import deleting
from seizures.errors import SettingsError
from tasks.machinery.atomic import only_asking
from tasks.machinery.tables import say_bytes, say_seconds, table
from tasks.upkeep.prune import DAY_SECONDS, Unused, delete, delete_frames, spent_frames, unused

MAX_SHOWN = 12


class Prune(Question):
    """List, and with --delete delete, the results that no recent run, no saved plan and no present setting names."""

    delete: bool = luigi.BoolParameter(description="delete what is listed; without it, nothing is deleted")
    keep_runs: int = luigi.IntParameter(default=10, description="this many runs, the newest, keep all that they used")
    older_than_days: float = luigi.FloatParameter(
        default=1.0, description="younger results are left alone: a run that is under way may need them"
    )
    frames_only: bool = luigi.BoolParameter(description="the decoded frames of complete features, and nothing else")

    @only_asking()
    def answer(self) -> Answer:
        """Return what may go, or has gone, as text; the exit code is 0."""
        if self.keep_runs < 1 or not self.older_than_days >= 0:
            raise SettingsError("expected --keep-runs of at least 1 and --older-than-days of at least 0")
        age = self.older_than_days * DAY_SECONDS
        with deleting(str(self)) if self.delete else contextlib.nullcontext():
            found = (
                spent_frames(older_than_seconds=age)
                if self.frames_only
                else unused(keep_runs=self.keep_runs, older_than_seconds=age)
            )
            if self.delete:
                (delete_frames if self.frames_only else delete)(found)
        return Answer("\n".join(self._lines(found)) + "\n", 0)

    def _lines(self, found: Sequence[Unused]) -> Iterator[str]:
        what = "frames of complete features" if self.frames_only else "results that nothing uses"
        yield f"Prune: {what}, older than {say_seconds(self.older_than_days * DAY_SECONDS)}:"
        yield ""
        if not found:
            yield "  none"
            return
        rows: list[tuple[object, ...]] = [("kind", "number", "size", "youngest", "oldest")]
        for kind in dict.fromkeys(item.kind for item in found):
            rows.append((kind, *_sums([item for item in found if item.kind == kind])))
        yield table([*rows, ("all", *_sums(found))])
        yield ""
        largest = sorted(found, key=lambda item: item.num_bytes, reverse=True)
        yield table(
            [
                (f"{item.kind}/{item.name}", say_bytes(item.num_bytes), say_seconds(item.age_seconds))
                for item in largest[:MAX_SHOWN]
            ]
        )
        if len(largest) > MAX_SHOWN:
            yield f"  and {len(largest) - MAX_SHOWN} more, smaller ones"
        yield ""
        yield "All of it was deleted." if self.delete else "Nothing was deleted: --delete does."


def _sums(items: Sequence[Unused]) -> tuple[object, ...]:
    ages = [item.age_seconds for item in items]
    size = say_bytes(sum(item.num_bytes for item in items))
    return len(items), size, say_seconds(min(ages)), say_seconds(max(ages))
