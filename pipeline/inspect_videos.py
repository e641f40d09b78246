"""InspectVideos: a verdict on every file and a contact sheet of every recording, before hours of computing."""

from __future__ import annotations

import atexit
import sys
from collections import Counter
from typing import Any

from pipeline.front_door import FrontDoorTask, on_command_line
from tasks.inspection import TabulateVideos, WriteInspection, all_surveys


class InspectVideos(FrontDoorTask):
    """Look at every video that the manifest names: table and page in `results/`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if on_command_line():
            atexit.register(lambda: sys.stderr.write(self.last_words()))

    def requires(self) -> list[WriteInspection | TabulateVideos]:
        """Require the page and the table."""
        return [WriteInspection(), TabulateVideos()]

    def complete(self) -> bool:
        """Tell whether both are there."""
        return all(stage.complete() for stage in self.requires())

    def last_words(self) -> str:
        """Return a few lines for a person."""
        if not self.complete():
            return "InspectVideos: NOT complete; the first error above says why.\n"
        from seizures.inspection import GOOD, judge

        verdicts = [(stage.video, judge(stage.facts())) for stage in all_surveys()]
        counts = Counter(verdict.word for _, verdict in verdicts)
        lines = [f"InspectVideos: {', '.join(f'{count} {word}' for word, count in counts.items())}"]
        lines += [f"  {name}: {one.word}: {'; '.join(one.reasons)}" for name, one in verdicts if one.word != GOOD]
        page, table = self.requires()
        return "\n".join([*lines, f"  page: {page.path}", f"  table: {table.path}", ""])
