"""Features from elsewhere: seizures without a video take theirs from the files in [Dataset] features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seizures.errors import FeatureFileError
from tasks.cohort.imported_features import source_of
from tasks.cohort.manifest import LeftOut
from tasks.machinery.fingerprint import fingerprint
from tasks.settings.sections import results_root
from tasks.stage.mixins import SeizureMixin
from tasks.stage.stage import Stage


class ImportedFeatures(SeizureMixin, Stage):
    """Take over the feature file of a seizure from elsewhere: checked, and rewritten as the manifest has it.

    Only views of the manifest are taken, with its `use`; a byte that is no value of the format stays behind.
    """

    extension = "h5"

    @property
    def source(self) -> Path:
        """The file from elsewhere."""
        return source_of(self.seizure)

    def reads(self) -> dict[str, Any]:
        """Return the content of the file, and what the manifest decides."""
        return {
            "sha256": fingerprint(self.source, results_root() / "fingerprints"),
            "uses": {item.view: item.use for item in self.seizure.recordings},
        }

    def produce(self, path: Path) -> None:
        """Examine the file in a process of its own, and write its values."""
        from seizures.features.copying import rewrite
        from seizures.features.validation import FAULT, table
        from seizures.processes.examiner import examine_files

        (examined,) = examine_files([self.source])
        faults = [finding for finding in examined.findings if finding.severity == FAULT]
        if faults:
            raise FeatureFileError(f"{self.source}: cannot be imported\n{table(faults)}")
        uses = {item.view: item.use for item in self.seizure.recordings}
        rewrite(self.source, path, views={view: {"use": uses[view]} for view in sorted(uses)})

    def good_views(self) -> list[str]:
        """Return the views that the manifest takes: all of them are in the file."""
        return [item.view for item in self.seizure.recordings]

    def is_skipped(self, view: str) -> bool:  # noqa: ARG002  # asked of every stage that makes features
        """Tell that no view is damaged and skipped."""
        return False

    def left_out(self) -> list[LeftOut]:
        """Return nothing: a file with a fault ends the run, since it is the import that should have refused it."""
        return []
