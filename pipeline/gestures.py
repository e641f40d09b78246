"""The paper's public features: ImportGestures."""

from __future__ import annotations

from pathlib import Path

import luigi

from pipeline.exchange import WithoutCohort, what_to_set
from pipeline.front_door import Answer
from seizures.errors import SettingsError
from seizures.features.validation import table
from tasks.exchange.public_dataset import import_gestures
from tasks.machinery.progress import progress
from tasks.settings.sections import Dataset, section


class ImportGestures(WithoutCohort):
    """Turn the authors' public features (doi 10.5522/04/14781771) into a folder from which RunAll starts."""

    dataset: str = luigi.Parameter(description="dataset.zip, or the folder that was unpacked from it")
    to: str = luigi.Parameter(default="imported", description="the folder to make")
    num_readers: int = luigi.IntParameter(default=0, description="processes that read files; 0: one a core")

    def check_input(self) -> None:
        """Check the number of readers too."""
        super().check_input()
        if self.num_readers < 0:
            raise SettingsError(f"num_readers = {self.num_readers}: expected 0 or more")

    def answer(self) -> Answer:
        """Import, compare the counts with the paper's, and say what to set."""
        to = Path(self.to)
        minimum = section(Dataset).minimum_duration_seconds
        with progress(self, "ImportGestures", "files") as report_progress:
            imported = import_gestures(
                Path(self.dataset),
                to,
                num_readers=self.num_readers,
                minimum_duration_seconds=minimum,
                report_progress=report_progress,
            )
        counts, kept = imported.counts, imported.num_kept
        differences = imported.differences()
        compared = "as in the paper" if not differences else "NOT as in the paper:"
        lines = [
            table(imported.findings).rstrip(),
            f"{counts['patients']} patients, {counts['FOS']} FOS and {counts['TCS']} TCS of at least {minimum:g} s, "
            f"{compared}",
            *(f"  {difference}" for difference in differences),
            f"the clonic onset is known for {imported.num_clonic_onsets} seizures",
            *([f"{kept} seizures resumed from an interrupted import"] if kept else []),
            f"ImportGestures: done, folder: {to}; all that is named above is in {to / 'import.json'}. In luigi.cfg set",
            *what_to_set(to),
            "and run RunAll.",
        ]
        return Answer("\n".join(filter(None, lines)) + "\n", 0)
