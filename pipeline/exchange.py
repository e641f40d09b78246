"""The door to other laboratories: ExportFeatures, ImportFeatures, ValidateFeatures, CheckDrift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import luigi

from pipeline.front_door import Answer, Question
from pipeline.working import WorkingTask
from seizures.errors import FeatureFileError, SettingsError
from tasks.cohort.preflight import network_mistakes
from tasks.exchange.bundles import (
    check_drift,
    chosen_features,
    export,
    import_bundles,
    review_path,
    save_drift_reference,
)
from tasks.machinery.atomic import write_json
from tasks.settings.command_line import format_mistakes, on_command_line, refuse
from tasks.settings.mistakes import file_mistakes, value_mistakes
from tasks.settings.sections import Features, results_root, section
from tasks.stages.features import FeatureStage

EXIT_FAULTS = 1


class ExportFeatures(WorkingTask):
    """Write features as a bundle for another laboratory: under pseudonyms, without dates or paths, and scan it."""

    to: str = luigi.Parameter(description="the bundle, a folder or a name that ends in .zip; not there yet")
    site: str = luigi.Parameter(description="the name of this laboratory in pseudonyms, e.g. LAB1")
    patients: str = luigi.Parameter(default="", description="patient ids, separated by commas; empty: all")
    labels: str = luigi.Parameter(default="", description="labels, separated by commas; empty: all")
    views: str = luigi.Parameter(default="", description="views, separated by commas; empty: all")
    withhold: str = luigi.Parameter(
        default="", description="of clonic (onsets), source (film format), order (of dealing)"
    )
    key_file: str = luigi.Parameter(default="pseudonyms.key", description="the key; made where there is none; keep it")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._said = ""
        if on_command_line() and Path(self.to).exists():
            refuse(f"{self.to}: already exists; a bundle is never changed, so choose another name")

    def check_input(self) -> None:
        """Check also the choice of seizures, and that the key does not lie in the bundle."""
        super().check_input()
        chosen_features(_listed(self.patients), _listed(self.labels))
        if Path(self.key_file).absolute().is_relative_to(Path(self.to).absolute()):
            raise SettingsError(f"key_file = {self.key_file}: the key must not lie in the bundle")

    def requires(self) -> list[FeatureStage]:
        """Require the features that are exported."""
        return chosen_features(_listed(self.patients), _listed(self.labels))

    def complete(self) -> bool:
        """Tell whether the bundle is there."""
        return Path(self.to).exists()

    def run(self) -> None:
        """Write the bundle, or nothing."""
        exported = export(
            Path(self.to),
            self.requires(),
            site=self.site,
            key_file=Path(self.key_file),
            views=_listed(self.views),
            withhold=_listed(self.withhold),
        )
        self._said = f"{exported.num_seizures} seizures of {exported.num_patients} patients; the scan found nothing"

    def verdict(self) -> str:
        """Return what was written, and what to read before it leaves."""
        if not self.complete():
            return "ExportFeatures: NOT complete; the first error above says why. Nothing was written.\n"
        review = review_path(Path(self.to))
        said = f"ExportFeatures: {self.to} is written. {self._said}".rstrip()
        return f"{said}\n  before it leaves, read {review}, and keep that page and {self.key_file} here\n"


class WithoutCohort(Question):
    """A question that needs the settings alone, and no manifest or video."""

    def check_input(self) -> None:
        """Check the settings."""
        mistakes = [*file_mistakes(), *value_mistakes()]
        if mistakes:
            raise SettingsError(format_mistakes(mistakes))


class ImportFeatures(WithoutCohort):
    """Check bundles from other laboratories and join them in a folder from which RunAll starts."""

    bundle: str = luigi.Parameter(description="bundles, folders or zips, separated by commas")
    to: str = luigi.Parameter(default="imported", description="the folder to make")

    def answer(self) -> Answer:
        """Import, and say what to set."""
        paths = [Path(name) for name in _listed(self.bundle)]
        to = Path(self.to)
        warnings = import_bundles(paths, to)
        lines = [
            *warnings,
            f"ImportFeatures: done, bundles: {len(paths)}, folder: {to}. In luigi.cfg set",
            *what_to_set(to),
            "and run RunAll. Before you add features of your own, run CheckDrift with the drift.*.json in that folder.",
        ]
        return Answer("\n".join(lines) + "\n", 0)


def what_to_set(to: Path) -> list[str]:
    """Return the settings that make RunAll start from an imported folder."""
    return [
        "  [Demo]     enabled = false",
        f"  [Dataset]  manifest = {to / 'manifest.csv'}",
        f"  [Dataset]  features = {to / 'features'}",
    ]


class ValidateFeatures(WithoutCohort):
    """Check feature files: structure, checksums, values, times, labels; exit code 1 where there is a fault."""

    path: str = luigi.Parameter(description="a feature file, a folder of them, or a bundle (folder or zip)")

    def answer(self) -> Answer:
        """Return the table of faults."""
        from seizures.exchange.checking import check_path
        from seizures.features.validation import FAULT, table

        findings, num_files = check_path(Path(self.path))
        num_faults = sum(finding.severity == FAULT for finding in findings)
        said = f"ValidateFeatures: {num_files} files, {num_faults} faults, {len(findings) - num_faults} warnings\n"
        return Answer(table(findings) + said, EXIT_FAULTS if num_faults else 0)


class CheckDrift(WithoutCohort):
    """Compute the features of a shipped clip on this machine, and compare them with those of another one."""

    reference: str = luigi.Parameter(default="", description="a drift.json or a bundle; empty: the demo network's own")
    save: str = luigi.Parameter(default="", description="write the features of this machine to this file instead")

    def check_input(self) -> None:
        """Check the network too."""
        super().check_input()
        mistakes = list(network_mistakes())
        if mistakes:
            raise SettingsError(format_mistakes(mistakes))

    def answer(self) -> Answer:
        """Measure, and write what was measured to the results."""
        if self.save:
            if Path(self.save).exists():
                raise FeatureFileError(f"{self.save}: already exists")
            save_drift_reference(Path(self.save))
            return Answer(f"CheckDrift: the features of this machine are in {self.save}\n", 0)
        content, is_small = check_drift(Path(self.reference) if self.reference else None)
        note = results_root() / "drift" / f"{section(Features).network}.json"
        write_json(note, content)
        found = content["measured"]
        lines = [
            f"cosine at least {found['min_cosine']:.9f}, relative error at most {found['max_relative_error']:.3g} "
            f"in {found['num_snippets']} snippets",
            f"decoder: pixels differ by at most {found['max_pixel_difference']} of 255, "
            f"on average {found['mean_pixel_difference']:.3g}",
            "CheckDrift: the features may be used together"
            if is_small
            else "CheckDrift: NOT the same features: do not mix those of the two machines",
            f"  written to {note}",
        ]
        return Answer("\n".join(lines) + "\n", 0 if is_small else EXIT_FAULTS)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
