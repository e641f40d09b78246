"""InspectVideos: a verdict on every file and a contact sheet of every recording, before hours of computing."""

from __future__ import annotations

from collections import Counter

from pipeline.working import WorkingTask
from tasks.stages.inspection import TabulateVideos, WriteInspection, all_sheets, all_surveys, recording_verdict

_MOST_RECORDINGS = 10  # reported one by one


class InspectVideos(WorkingTask):
    """Look at every video that the manifest names: table and page in `results/`."""

    def requires(self) -> list[WriteInspection | TabulateVideos]:
        """Require the page and the table."""
        return [WriteInspection(), TabulateVideos()]

    def complete(self) -> bool:
        """Tell whether both are there."""
        return all(stage.complete() for stage in self.requires())

    def verdict(self) -> str:
        """Return a few lines for a person."""
        if not self.complete():
            return "InspectVideos: NOT complete; the first error above says why.\n"
        from seizures.inspection.verdict import FROM_BEST, GOOD, judge

        verdicts = {stage.video: judge(stage.facts()) for stage in all_surveys()}
        counts = Counter(verdict.word for verdict in verdicts.values())
        lines = [f"InspectVideos: {', '.join(f'{counts[word]} {word}' for word in FROM_BEST if counts[word])}"]
        lines += [
            f"  {name}: {one.word}: {'; '.join(one.reasons)}" for name, one in verdicts.items() if one.word != GOOD
        ]
        worse = []
        for sheet in all_sheets():
            found = recording_verdict(sheet)
            # What its files say was said: a recording is named where it is worse than they are.
            if all(
                FROM_BEST.index(found.word) > FROM_BEST.index(verdicts[file.video].word) for file in sheet.surveys()
            ):
                worse.append(f"  {sheet.label}: {found.word}: {'; '.join(found.reasons)}")
        lines += worse[:_MOST_RECORDINGS]
        if len(worse) > _MOST_RECORDINGS:
            lines.append(f"  and {len(worse) - _MOST_RECORDINGS} more recordings, which the page names")
        page, table = self.requires()
        return "\n".join([*lines, f"  page: {page.path}", f"  table: {table.path}", ""])
