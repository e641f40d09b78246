"""A classifier's answers to what people open: predictions.csv, and one page a seizure."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from seizures.files import archives
from seizures.files.scratch import scratch_folder
from tasks.cohort.classifiers import content_of, info_of
from tasks.cohort.imported_features import is_imported
from tasks.settings.sections import Report, section
from tasks.stage.mixins import SeizureMixin
from tasks.stage.stage import Stage
from tasks.stages.answers import AnswerSeizure, ClassifierMixin, FollowSeizure, all_answers
from tasks.stages.features import decoded
from tasks.stages.videos import window_of

if TYPE_CHECKING:
    from seizures.report.seizure_page.data import SeizurePage

INDEX_NAME = "index.html"


class WriteSeizurePage(SeizureMixin, ClassifierMixin, Stage):
    """Write the page of one seizure, with its clips where pictures are allowed: a folder, as one zip."""

    extension = "zip"

    @property
    def answer(self) -> AnswerSeizure:
        """The verdict."""
        return AnswerSeizure(**self.id._asdict(), classifier=self.classifier)

    @property
    def course(self) -> FollowSeizure:
        """The answer as the seizure unfolds."""
        return FollowSeizure(**self.id._asdict(), classifier=self.classifier)

    @property
    def has_pictures(self) -> bool:
        """Whether pictures of patients are allowed, and there is a film."""
        return section(Report).pictures_of_patients and not is_imported(self.seizure)

    def requires(self) -> list[Stage]:
        """Require the answer and its course; the films are there already."""
        return [self.answer, self.course]

    def reads(self) -> dict[str, Any]:
        """Return what the record says of the seizure, and whether films are shown."""
        return {
            "classifier": content_of(self.classifier),
            "label": self.seizure.label,
            "clonic_onset_seconds": self.seizure.clonic_onset_seconds,
            "has_pictures": self.has_pictures,
        }

    def produce(self, path: Path) -> None:
        """Write the page into a folder, and pack it."""
        from seizures.report.seizure_page.films import add_films
        from seizures.report.seizure_page.writer import write_seizure_page

        with scratch_folder() as scratch:
            page = self.page()
            if self.has_pictures:
                page = add_films(scratch, page, [window_of(decoded(self.id.view(view.name))) for view in page.views])
            write_seizure_page(scratch, page)
            archives.pack(scratch, path)
        path.chmod(0o600)

    def page(self) -> SeizurePage:
        """Return the content of the page, without films."""
        from seizures.report.seizure_page.data import Marker
        from seizures.report.seizure_page.from_answer import page_of

        clonic = self.seizure.clonic_onset_seconds
        return page_of(
            self.id.name,
            self.answer.said() or {},
            self.course.said() or {},
            info_of(self.classifier),
            made_on=time.strftime("%Y-%m-%d"),
            known_label=self.seizure.label,
            marker=None if clonic is None else Marker("clonic onset", clonic - (self.seizure.onset_seconds or 0.0)),
            index=f"../{INDEX_NAME}",
        )


class PoolAnswers(ClassifierMixin, Stage):
    """Put the answers of all seizures into one table; where there are pages, it stands for them in a run."""

    extension = "csv"
    has_pages: bool = luigi.BoolParameter(default=True, significant=False)

    @property
    def label(self) -> str:
        """One table for all, and whether there are pages."""
        return "answers+pages" if self.has_pages else "answers"

    def requires(self) -> list[Stage]:
        """Require the answers, and the pages."""
        return [*all_answers(self.classifier), *(all_pages(self.classifier) if self.has_pages else [])]

    def produce(self, path: Path) -> None:
        """Write the table."""
        from seizures.report.answer_table import write_answers

        stages = [(stage, stage.said()) for stage in all_answers(self.classifier)]
        write_answers(path, [(*stage.id, stage.seizure.label, said) for stage, said in stages if said is not None])
        path.chmod(0o600)


def all_pages(classifier: str) -> list[WriteSeizurePage]:
    """Return the task of the page of every seizure that could be asked about."""
    good = (stage for stage in all_answers(classifier) if stage.complete() and stage.bad_reason() is None)
    return [WriteSeizurePage(**stage.id._asdict(), classifier=classifier) for stage in good]


def answers_and_pages(classifier: str, *, verdict_only: bool, part: Collection[str] | None = None) -> list[Stage]:
    """Return all that may be asked for of every seizure that is not known to be unusable.

    Args:
        classifier: its file.
        verdict_only: no courses and no pages.
        part: the names of the seizures that are asked about; None: all.
    """
    answers = [stage for stage in all_answers(classifier) if part is None or stage.id.name in part]
    if verdict_only:
        return list(answers)
    open_ones = [stage for stage in answers if not stage.complete() or stage.bad_reason() is None]
    pages = [WriteSeizurePage(**stage.id._asdict(), classifier=classifier) for stage in open_ones]
    return [*answers, *(page.course for page in pages), *pages]


def unpack_pages(pages: Sequence[WriteSeizurePage], folder: Path) -> None:
    """Put the pages into a folder of answers, each in a folder of its own, and write the page of all of them."""
    from seizures.report.seizure_page.writer import write_index_page

    for stage in pages:
        target = folder / stage.id.name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(mode=0o700)
        archives.unpack(stage.result, target, archives.PAGE)
        for item in target.rglob("*"):
            item.chmod(0o700 if item.is_dir() else 0o600)
    write_index_page(folder, {stage.id.name: stage.page() for stage in pages})
