"""TestClassifier: how well does a classifier do on labelled seizures of another hospital?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

from pipeline.asking import AskingTask
from seizures.errors import LeakError, SettingsError
from seizures.files.scratch import scratch_folder
from tasks.cohort import manifest as cohort
from tasks.cohort.classifiers import info_of
from tasks.exchange.bundles import secrets
from tasks.exchange.classifiers import films_trained_on
from tasks.settings.command_line import format_mistakes
from tasks.settings.sections import Dataset, results_root, section
from tasks.stage.publishing import publish_beside, published_key
from tasks.stage.stage import Stage
from tasks.stages.answer_pages import PoolAnswers
from tasks.stages.answers import all_answers
from tasks.stages.external import ScoreExternally, WriteExternalPage, seen_message

SCORES_NAME, PAGE_NAME = "scores.json", "external.html"
FEW = 5  # patients, below whom numbers are about persons


class TestClassifier(AskingTask):
    """Score a frozen classifier on seizures with labels, from films or imported features; only numbers may leave."""

    folder = "tests"
    __test__ = False  # pytest takes a class of this name for its own

    def check_input(self) -> None:
        """Check also that every seizure has a label, and that no film was trained on."""
        super().check_input()
        unlabelled = [item.name for item in cohort.recordings() if item.use != "skip" and not item.label]
        if unlabelled:
            named = ", ".join(unlabelled[:10]) + (f" and {len(unlabelled) - 10} more" if len(unlabelled) > 10 else "")
            wanted = " or ".join(info_of(self.classifier)["labels"])
            raise SettingsError(
                format_mistakes([f"{section(Dataset).manifest}: no label for {named}; expected {wanted} in each row"])
            )
        seen = films_trained_on(info_of(self.classifier))
        if seen:
            raise LeakError(seen_message(seen))

    @property
    def page(self) -> WriteExternalPage:
        """The stage of the page."""
        return WriteExternalPage(classifier=self.classifier)

    def complete(self) -> bool:
        """Tell whether it is published, and every seizure could be asked about."""
        return self.is_published() and not self.unusable()

    def is_published(self) -> bool:
        """Tell whether the scores and the page are there, and the folder of this question shows them."""
        if not all(stage.complete() for stage in all_answers(self.classifier)):
            return False
        return self.page.complete() and published_key(self.link) == self.page.key

    def run(self) -> Iterator[Any]:
        """Score, look for what must not leave, and publish."""
        from seizures.exchange.leak_scan import require_clean

        scores = ScoreExternally(classifier=self.classifier)
        table = PoolAnswers(classifier=self.classifier, has_pages=False)
        yield [scores, table, self.page]
        with scratch_folder() as folder:
            shutil.copyfile(scores.result, folder / SCORES_NAME)
            require_clean(folder, secrets())
        named: dict[str, Stage] = {SCORES_NAME: scores, PAGE_NAME: self.page, "predictions.csv": table}
        self.require_own_name()  # another run may have taken it meanwhile
        summary = {"num_asked": len(all_answers(self.classifier)), "source": self.source()}
        publish_beside(self.link, self.page, named, summary)
        self.tell_unusable()

    def verdict(self) -> str:
        """Return how well it does here, what was left out, and what may leave."""
        if not self.is_published():
            ending = "NOT complete; the first error above says why. Run the same command again to go on from here."
            return "\n".join([f"TestClassifier: {ending}", *self.left_out_lines(), ""])
        from seizures.report.external_page import finding

        folder = results_root() / self.link
        scores = json.loads((folder / SCORES_NAME).read_text(encoding="utf-8"))
        number = scores["num_patients"]
        few = f"; but of {number} patient{'s' if number > 1 else ''}: that may tell of a person" if number < FEW else ""
        lines = [f"TestClassifier: {finding(scores)}", *self.left_out_lines(), *self.classifier_lines()]
        return "\n".join(
            [
                *lines,
                f"  page: {folder / PAGE_NAME} (it may name who was left out: keep it here)",
                f"  may leave, as it holds numbers alone: {folder / SCORES_NAME}{few}",
                "",
            ]
        )
