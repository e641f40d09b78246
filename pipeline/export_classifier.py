"""ExportClassifier: what RunAll cross-validates, trained on everybody, as one file to hand over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from pipeline.working import WorkingTask
from seizures.errors import SettingsError
from tasks.cohort.classifiers import CASES_NAME, HOUSE_FOLDER, info_of
from tasks.cohort.recipes import feature_recipes
from tasks.exchange.bundles import secrets
from tasks.machinery.atomic import landing
from tasks.machinery.processes import import_before_forks
from tasks.settings.cells import protocol_of
from tasks.settings.command_line import format_mistakes, on_command_line
from tasks.settings.sections import Demo, PathParameter, section
from tasks.stage.publishing import lost, publish_beside
from tasks.stage.stage import Stage
from tasks.stages.cases import CollectCases
from tasks.stages.classifier import WriteClassifier
from tasks.stages.features import features_of_run
from tasks.stages.folds import all_dealings


class ExportClassifier(WorkingTask):
    """Train on everybody, and write the classifier with its card: Predict and other laboratories can ask it."""

    to: str = PathParameter(description="the file to write, a name that ends in .zip; not there yet")
    site: str = luigi.Parameter(default="", description="the name of this laboratory in the file, e.g. LAB1")

    def check_input(self) -> None:
        """Check also that there is one way of making features, and that the scores are of new patients."""
        super().check_input()
        mistakes = list(self._mistakes())
        if mistakes:
            raise SettingsError(format_mistakes(mistakes))

    def _mistakes(self) -> Iterator[str]:
        from seizures.exchange.pseudonyms import is_site

        folder = next(one for one in Path(self.to).absolute().parents if one.exists())
        if on_command_line() and Path(self.to).exists():
            yield f"--to {self.to}: already exists; a classifier's file is never changed, so choose another name"
        elif not os.access(folder, os.W_OK):
            yield f"--to {self.to}: {folder} is not writable; choose another folder"
        if Path(self.to).suffix != ".zip":
            yield f"--to {self.to}: expected a name that ends in .zip"
        if self.site and not is_site(self.site):
            yield f"--site {self.site}: expected 2 to 16 letters and digits, beginning with a letter, e.g. LAB1"
        if protocol_of().is_reproduction:
            yield (
                f"the protocol is {protocol_of().name}, whose scores are no estimate for new patients; set [Training] "
                "protocol = patient or nested, and [Folds] dealing = auto"
            )
        if len(feature_recipes()) > 1:
            yield "the features were made in different ways; a classifier that is handed over needs one way"

    def requires(self) -> list[Stage]:
        """Require all features; what follows depends on which seizures are good."""
        import_before_forks()
        return [*features_of_run(), *lost(features_of_run())]

    def complete(self) -> bool:
        """Tell whether the file is there."""
        return Path(self.to).exists()

    def run(self) -> Iterator[Any]:
        """Train, write, search for what must not leave, and put the file where it was asked for."""
        from seizures.exchange.leak_scan import require_clean

        yield all_dealings()
        written = WriteClassifier(site=self.site)
        yield [*lost([written]), written]
        require_clean(written.result, secrets())
        cases = CollectCases()
        publish_beside(
            f"{HOUSE_FOLDER}/{info_of(str(written.path))['classifier_id']}",
            written,
            {"classifier.zip": written, CASES_NAME: cases},
            {},
        )
        with landing(Path(self.to)) as temporary:
            shutil.copyfile(written.path, temporary)

    def verdict(self) -> str:
        """Return what was written, how well it does, and what to read before it leaves."""
        if not self.complete():
            return "ExportClassifier: NOT complete; the first error above says why. Nothing was written.\n"
        from seizures.report.answer_text import classifier_lines

        films = " (of simulated films)" if section(Demo).enabled else ""
        lines = [f"ExportClassifier: {self.to} is written{films}; the scan for names of patients found nothing"]
        lines += [f"  {line}" for line in classifier_lines(info_of(self.to))]
        lines.append(f"  before it leaves, read the card in it: unzip -p {self.to} CARD.md")
        return "\n".join([*lines, ""])
