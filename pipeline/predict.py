"""Predict: what does a classifier say of new seizures, one film or a manifest of them?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from pipeline.asking import AskingTask
from seizures.errors import SettingsError
from tasks.cohort.asked import name_of, parse_views, write_manifest
from tasks.settings.sections import results_root
from tasks.stage.publishing import publish_beside, published_key
from tasks.stages.answer_pages import PoolAnswers, WriteSeizurePage, all_pages, unpack_pages
from tasks.stages.answers import all_answers, all_courses

MANIFESTS_FOLDER = "asked"  # in the results folder: the manifests of films that were named on the command line


class Predict(AskingTask):
    """Ask a classifier about seizures that have no label: the verdict first, then the answer as each unfolds."""

    folder = "predictions"

    video: str = luigi.Parameter(default="", description="one seizure: film.mpg, or large=wide.mpg,small=close.mpg")
    onset: str = luigi.Parameter(default="", description="of that seizure, in seconds or hh:mm:ss; empty: the start")
    offset: str = luigi.Parameter(default="", description="of that seizure; empty: the end of the film")
    verdict_only: bool = luigi.BoolParameter(
        default=False, description="only the verdicts, from the few snippets that they need: no course, no pages"
    )

    @property
    def question(self) -> str:
        """The name of the folder of answers."""
        return name_of(self.name or default_name(self.video, self.manifest))

    def manifest_path(self) -> Path:
        """Return the table of the seizures that are asked about; that of a single film is written first.

        Raises:
            SettingsError: neither a film nor a table is named, or both.
        """
        if bool(self.video) == bool(self.manifest):
            raise SettingsError("expected either --video film.mpg or --manifest new.csv")
        if self.video:
            views = parse_views(self.video)
            return write_manifest(results_root() / MANIFESTS_FOLDER, self.question, views, self.onset, self.offset)
        if self.onset or self.offset:
            raise SettingsError("--onset and --offset are of --video; with --manifest they are in the table")
        return Path(self.manifest)

    def source(self) -> str:
        """Return what is asked about: the films, or the table."""
        if self.manifest:
            return super().source()
        return "; ".join(str(Path(film).absolute()) for films in parse_views(self.video).values() for film in films)

    @property
    def table(self) -> PoolAnswers:
        """The stage of predictions.csv."""
        return PoolAnswers(classifier=self.classifier, has_pages=not self.verdict_only)

    def is_published(self) -> bool:
        """Tell whether all answers are there, and the folder of this question shows them."""
        if not all(stage.complete() for stage in all_answers(self.classifier)):
            return False
        return self.table.complete() and published_key(self.link) == self.table.key

    def complete(self) -> bool:
        """Tell whether it is published, and every seizure could be asked about."""
        return self.is_published() and not self.unusable()

    def run(self) -> Iterator[Any]:
        """Ask for the courses and the pages, and publish."""
        pages: list[WriteSeizurePage] = []
        if not self.verdict_only:
            yield all_courses(self.classifier)
            pages = all_pages(self.classifier)
            yield pages
        yield self.table
        self.require_own_name()  # another run may have taken it meanwhile
        publish_beside(
            self.link,
            self.table,
            {"predictions.csv": self.table},
            {"num_asked": len(all_answers(self.classifier)), "source": self.source()},
            fill=(lambda folder: unpack_pages(pages, folder)) if pages else None,
        )
        self.tell_unusable()

    def verdict(self) -> str:
        """Return the verdicts, on whom the classifier was trained, and where to look."""
        lines = [*self.answer_lines(), *self.left_out_lines()]
        if not self.is_published():
            ending = "NOT complete; the first error above says why. Run the same command again to go on from here."
            return "\n".join([f"Predict: {ending}", *lines, ""])
        folder = results_root() / self.link
        shown = folder / ("index.html" if (folder / "index.html").exists() else "predictions.csv")
        return "\n".join([f"Predict: {self.summary()}", *lines, *self.classifier_lines(), f"  answers: {shown}", ""])


def default_name(video: str, manifest: str) -> str:
    """Return the name of a question that has none: that of its first film, or of its manifest."""
    return Path(manifest or next(iter(parse_views(video).values()))[0]).stem
